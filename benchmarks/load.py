"""A small closed-loop load generator for one server on loopback: N callers, each sending when it has its answer.

It speaks plain HTTP/1.1 over asyncio streams, because its own CPU time is taken from the cores under test.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
ANSWER_BYTES_MAX = 1 << 22


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


def _keep_all(_body: bytes) -> bool:
    return False


async def _caller(
    port: int, requests: Callable[[], bytes | None], answers: list[Answer], forget: Callable[[bytes], bool]
) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=ANSWER_BYTES_MAX)
    try:
        while (request := requests()) is not None:
            started = time.perf_counter()
            writer.write(request)
            status, body = await _read_answer(reader)
            seconds = time.perf_counter() - started
            answers.append(Answer(status, b"" if forget(body) else body, seconds))
    finally:
        writer.close()


async def drive(
    port: int,
    requests: Iterable[bytes],
    *,
    callers: int,
    seconds_max: float = math.inf,
    forget: Callable[[bytes], bool] = _keep_all,
) -> Load:
    """Send requests over `callers` connections, each waiting for its answer, until they or the seconds are over.

    The server is on loopback. The bodies that `forget` says yes to are counted and not kept: they may be many.
    """
    left = iter(requests)
    answers: list[Answer] = []
    started = time.perf_counter()

    def take() -> bytes | None:
        return next(left, None) if time.perf_counter() - started < seconds_max else None

    await asyncio.gather(*(_caller(port, take, answers, forget) for _ in range(callers)))
    return Load(answers, time.perf_counter() - started)
