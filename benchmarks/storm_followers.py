"""Thousands who follow one pool by server-sent events: what each costs the server, and when each sees a change."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast

import uvloop

from benchmarks.load import LOOPBACK, drive, post
from benchmarks.operations import PATH
from benchmarks.processes import Running, pss_mb
from benchmarks.storm_load import GOOD, Wish
from graph.identifiers import write_id

STUCK_SECONDS: Final = 60
CONNECTING_AT_ONCE: Final = 100
PAUSE_SECONDS: Final = 0.7
MEMBERS: Final = re.compile(rb'"state":"[a-z]+","members":(\d+)')


@dataclass(frozen=True, slots=True)
class Followed:
    """The kibibytes of one follower, and the milliseconds from an acknowledged join to the sight of it."""

    followers: int
    kib_each: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    missed: int


@dataclass(slots=True, eq=False)
class _Reader(asyncio.Protocol):
    """One stream: when it first saw the pool with so many members."""

    request: bytes
    seen: dict[int, float] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        for found in MEMBERS.finditer(data):
            self.seen.setdefault(int(found.group(1)), now)
            self.begun.set()


def follow_many(running: Running, wishes: Sequence[Wish], *, followers: int, joins: int) -> Followed:
    """Open so many streams of one pool, place some pre-orders one by one, and return what was seen of them."""
    return uvloop.run(_follow_many(running, wishes, followers, joins))


async def _follow_many(running: Running, wishes: Sequence[Wish], followers: int, joins: int) -> Followed:
    readers = [_Reader(_get(one)) for one in wishes[:followers]]
    await _place(running.port, wishes[followers])
    (process,) = running.answering()
    before = pss_mb(process)
    loop = asyncio.get_running_loop()
    for start in range(0, followers, CONNECTING_AT_ONCE):
        group = readers[start : start + CONNECTING_AT_ONCE]
        await asyncio.gather(*(loop.create_connection(partial(_itself, one), LOOPBACK, running.port) for one in group))
        await asyncio.wait_for(asyncio.gather(*(one.begun.wait() for one in group)), STUCK_SECONDS)
    told: list[tuple[int, float]] = []
    for wish in wishes[followers + 1 : followers + 1 + joins]:
        await _place(running.port, wish)
        told.append((len(told) + 2, time.perf_counter()))
        await asyncio.sleep(PAUSE_SECONDS)
    await asyncio.sleep(1)
    after = pss_mb(process)
    for one in readers:
        assert one.transport is not None
        one.transport.close()
    times = sorted(1000 * max(_saw(one, members) - at, 0.0) for members, at in told for one in readers)
    missed = sum(one == float("inf") for one in times)
    return Followed(
        followers,
        1024 * (after - before) / followers,
        times[len(times) // 2],
        times[int(0.99 * len(times))],
        times[-1],
        missed,
    )


def _itself(reader: _Reader) -> _Reader:
    return reader


def _saw(reader: _Reader, members: int) -> float:
    """Return when a reader saw the pool with so many members or more."""
    return min((at for seen, at in reader.seen.items() if seen >= members), default=float("inf"))


async def _place(port: int, wish: Wish) -> None:
    headers = {"Accept-Language": "zh-CN", "X-Muster-Brand": "qilan", "Authorization": f"Bearer {wish.buyer.token}"}
    load = await drive(port, [post(PATH, wish.body(), headers)], callers=1)
    assert load.answers[0].body.startswith(GOOD), load.answers[0].body


def _get(wish: Wish) -> bytes:
    lines = [
        f"GET /pools/{write_id('Pool', wish.pool_id)}/events HTTP/1.1",
        f"Host: {LOOPBACK}",
        "Accept: text/event-stream",
        "X-Muster-Brand: qilan",
        f"Authorization: Bearer {wish.buyer.token}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
