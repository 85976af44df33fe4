"""One measurement of one operation against one server, and the median of several: rates, waiting times, CPU time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from statistics import median
from typing import Final

import uvloop

from benchmarks.load import Load, drive
from benchmarks.operations import Operation

STUCK_SECONDS: Final = 60
WARM_UP: Final = 48
WARM_UP_CALLERS: Final = 12
"""Enough connections that every process of a server has answered."""


class AnswersFailed(Exception):
    """Some answers were not what was asked for; a speed of wrong answers is worth nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run showed; CPU times are of one operation, in milliseconds, `generator` is what the asking took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    database_ms: float
    generator_ms: float

    @property
    def cpu_ms(self) -> float:
        """Return the CPU time of server and database together."""
        return self.server_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Meters:
    """Readings of CPU time in seconds: of the server's processes, of the database's, of our own."""

    server: Callable[[], float]
    database: Callable[[], float]
    generator: Callable[[], float]

    def read(self) -> tuple[float, float, float]:
        """Return all three at this moment."""
        return self.server(), self.database(), self.generator()


def warm_up(port: int, operation: Operation) -> None:
    """Ask a few times beforehand, so that documents are known and the engine has started."""
    if not operation.is_scarce:
        _load(port, operation, requests_max=WARM_UP, callers=WARM_UP_CALLERS, seconds=STUCK_SECONDS)


def measure(
    port: int, operation: Operation, meters: Meters, *, callers: int, seconds: float, requests_max: int | None
) -> tuple[Measured, int]:
    """Drive an operation for some seconds or requests; returns what was measured and how many were answered."""
    before = meters.read()
    load = _load(port, operation, requests_max=requests_max, callers=callers, seconds=seconds)
    spent = [1000 * (now - then) / len(load.answers) for now, then in zip(meters.read(), before, strict=True)]
    measured = Measured(load.per_second, load.quantile_ms(0.5), load.quantile_ms(0.99), *spent)
    return measured, len(load.answers)


def _load(port: int, operation: Operation, *, requests_max: int | None, callers: int, seconds: float) -> Load:
    requests = islice(operation.requests, requests_max)

    async def run() -> Load:
        driving = drive(port, requests, callers=callers, seconds_max=seconds, forget=operation.is_good)
        return await asyncio.wait_for(driving, seconds + STUCK_SECONDS)

    load = uvloop.run(run())
    failed = [one for one in load.answers if one.status != 200 or one.body]
    if failed or not load.answers:
        example = failed[0].body[:300].decode(errors="replace") if failed else "no answer at all"
        raise AnswersFailed(f"{operation.name}: {len(failed)} of {len(load.answers)} failed: {example}")
    return load


def median_of(runs: Sequence[Measured]) -> Measured:
    """Return the median of every figure on its own."""
    return Measured(*(median(getattr(run, field.name) for run in runs) for field in fields(Measured)))
