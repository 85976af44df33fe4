"""A small closed-loop load generator for one server on loopback: N callers, each sending when it has its answer.

It speaks plain HTTP/1.1 over asyncio streams, because its own CPU time is taken from the cores under test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the body and how long it took, in seconds."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What a run showed: answers in order of arrival, and the wall time of the whole, in seconds."""

    answers: Sequence[Answer]
    seconds: float

    @property
    def per_second(self) -> float:
        """Return answers a second."""
        return len(self.answers) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return the latency that `share` of the answers did not exceed, in milliseconds."""
        times = sorted(answer.seconds for answer in self.answers)
        return times[min(len(times) - 1, int(share * len(times)))] * 1000


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, await reader.readexactly(length) if length else b""


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Build the bytes of a POST request with a JSON body."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {LOOPBACK}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _caller(port: int, requests: Callable[[], bytes | None], answers: list[Answer]) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=1 << 22)
    try:
        while (request := requests()) is not None:
            started = time.perf_counter()
            writer.write(request)
            status, body = await _read_answer(reader)
            answers.append(Answer(status, body, time.perf_counter() - started))
    finally:
        writer.close()


async def drive(port: int, requests: Sequence[bytes], *, callers: int) -> Load:
    """Send all requests over `callers` connections, each waiting for its answer; the server is on loopback."""
    left = iter(requests)
    answers: list[Answer] = []

    def take() -> bytes | None:
        return next(left, None)

    started = time.perf_counter()
    await asyncio.gather(*(_caller(port, take, answers) for _ in range(callers)))
    return Load(answers, time.perf_counter() - started)
