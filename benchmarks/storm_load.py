"""The callers of a launch: wrk, compiled, where it is installed, else the generator in Python, which says so.

Every answer is written down; the CPU time of the callers is apart from what they measure.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import uvloop

from benchmarks.load import LOOPBACK, drive, post
from benchmarks.operations import PATH, PLACE, place_input
from graph.identifiers import read_id
from muster.demo.crowd import Buyer

SCRIPT: Final = Path(__file__).with_name("place.lua")
STUCK_SECONDS: Final = 60
GOOD: Final = b'{"data":{"placePreOrder":{"id":"'


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody and the pool that they want a place in."""

    buyer: Buyer
    pool_id: str

    def body(self) -> bytes:
        """Return the JSON of the request."""
        return orjson.dumps({"query": PLACE, "variables": {"input": place_input(self.buyer, self.pool_id)}})


@dataclass(frozen=True, slots=True)
class Crowded:
    """What the callers saw: ids of acknowledged pre-orders, other answers, waiting times, and what they cost."""

    generator: str
    acknowledged: tuple[str, ...]
    others: tuple[str, ...]
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    generator_cpu: float

    @property
    def per_second(self) -> float:
        """Return acknowledged pre-orders a second."""
        return len(self.acknowledged) / self.seconds


def crowd(port: int, wishes: Iterable[Wish], *, callers: int, seconds: float, folder: Path) -> Crowded:
    """Let so many callers send wishes, each the next when it has its answer, until they or the seconds are over."""
    if shutil.which("wrk") is None:
        return asyncio_crowd(port, list(wishes), callers=callers, seconds=seconds)
    return wrk_crowd(port, wishes, callers=callers, seconds=seconds, folder=folder)


def wrk_crowd(port: int, wishes: Iterable[Wish], *, callers: int, seconds: float, folder: Path) -> Crowded:
    """Drive with wrk on one thread."""
    asked, answered = folder / "wishes.tsv", folder / "answers.txt"
    with asked.open("wb") as lines:
        lines.writelines(b"%s\t%s\n" % (one.buyer.token.encode(), one.body()) for one in wishes)
    words = ["wrk", "-t1", f"-c{callers}", f"-d{max(round(seconds), 1)}s", f"--timeout={STUCK_SECONDS}s"]
    command = [*words, "-s", str(SCRIPT), f"http://{LOOPBACK}:{port}", "--", str(asked), str(answered)]
    before = _children_cpu()
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 2 * STUCK_SECONDS)
    measured = orjson.loads(done.stdout.partition("MEASURED ")[2])
    answers = answered.read_text(encoding="utf-8").splitlines()
    asked.unlink()
    others = [line for line in answers if line.startswith("!")]
    if measured["broken"]:
        others.append(f"! {measured['broken']} connections broke or timed out")
    return Crowded(
        generator="wrk",
        acknowledged=_raw(line for line in answers if not line.startswith("!")),
        others=tuple(others),
        seconds=measured["seconds"],
        p50_ms=measured["p50_ms"],
        p99_ms=measured["p99_ms"],
        max_ms=measured["max_ms"],
        generator_cpu=_children_cpu() - before,
    )


def asyncio_crowd(port: int, wishes: Sequence[Wish], *, callers: int, seconds: float) -> Crowded:
    """Drive with the generator in Python, which takes more of the cores under test."""
    head = {"Accept-Language": "zh-CN", "X-Muster-Brand": "qilan"}
    requests = [post(PATH, one.body(), head | {"Authorization": f"Bearer {one.buyer.token}"}) for one in wishes]
    before = time.process_time()
    load = uvloop.run(
        asyncio.wait_for(drive(port, requests, callers=callers, seconds_max=seconds), seconds + STUCK_SECONDS)
    )
    spent = time.process_time() - before
    good = [one.body for one in load.answers if one.status == 200 and one.body.startswith(GOOD)]
    return Crowded(
        generator="Python",
        acknowledged=_raw(body.removeprefix(GOOD).partition(b'"')[0].decode() for body in good),
        others=tuple(f"! {one.status} {one.body[:300]!r}" for one in load.answers if not one.body.startswith(GOOD)),
        seconds=load.seconds,
        p50_ms=load.quantile_ms(0.5),
        p99_ms=load.quantile_ms(0.99),
        max_ms=load.quantile_ms(1.0),
        generator_cpu=spent,
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _raw(global_ids: Iterable[str]) -> tuple[str, ...]:
    found = [read_id(one) for one in global_ids]
    return tuple(one[1] for one in found if one is not None)
