"""Random walks through a model: drawn once with a fixed seed, taken several times, every delta checked by SAT.

A decision is timed with the clock of the thread's CPU time, less what reading the clock takes. Each walk is taken some
times, all walks in turn, so that no cache is warm from the same walk; of one decision's times the median counts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.engine_peers import SatPeer
from configurator.engine import kernels
from configurator.engine.backend import Backend, Domains
from configurator.engine.circuit_backend import CircuitBackend, Workspace
from configurator.engine.reduction import ALWAYS
from configurator.engine.simplified import bits

DECISIONS: Final = 15
PASSES: Final = 5
CLOCK_READS: Final = 2_001
Walk = tuple[int, ...]


class WrongAnswer(Exception):
    """The engine and SAT disagree; a speed of wrong answers is worth nothing."""


@dataclass(frozen=True)
class Times:
    """CPU times of one kind of question, in microseconds, unsorted."""

    micros: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Return the value that this share of the times does not exceed."""
        ordered = sorted(self.micros)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def p50(self) -> float:
        """Return the median."""
        return self.quantile(0.5)

    @property
    def p99(self) -> float:
        """Return the 99th percentile."""
        return self.quantile(0.99)


def clock_micros() -> float:
    """Return what one reading of the clock takes."""
    reads = []
    for _ in range(CLOCK_READS):
        before = time.thread_time_ns()
        reads.append(time.thread_time_ns() - before)
    return median(reads) / 1000


def draw_walks(backend: Backend, start: Sequence[int], *, number: int, seed: int) -> list[Walk]:
    """Draw walks of 15 decisions: each decides, for or against, one of the features that are open then."""
    chance = random.Random(seed)
    walks = []
    for _ in range(number):
        session = backend.open(start)
        assert session is not None, "the model has a car"
        walk: list[int] = []
        for _ in range(DECISIONS):
            domains = session.domains()
            features = bits(domains.can & domains.cannot)
            if not features:
                break
            literal = chance.choice(features) * chance.choice((1, -1))
            delta = session.decide(literal)
            assert delta is not None, "the literal was open"
            walk.append(literal)
        walks.append(tuple(walk))
    return walks


def time_kernel(backend: CircuitBackend, start: Sequence[int], walks: Sequence[Walk]) -> Times:
    """Time the kernel of a decision as it is called: the delta stands in its buffer afterwards."""
    rests = clock_micros()

    def walked(walk: Walk) -> list[float]:
        with backend.standing_at(tuple(start)) as workspace:
            assert workspace is not None
            workspace.decided = None
            return [_kernel_micros(backend, workspace, literal) - rests for literal in walk]

    return _medians(walked, walks)


def _kernel_micros(backend: CircuitBackend, workspace: Workspace, literal: int) -> float:
    code = backend.code_of(literal)
    assert code != ALWAYS, "an open literal is not always so"
    block, work, out = backend.block, workspace.work, workspace.out
    before = time.thread_time_ns()
    length = kernels.decide(block, work, code, out)
    micros = (time.thread_time_ns() - before) / 1000
    assert length >= 0
    return micros


def time_sessions(backend: Backend, start: Sequence[int], walks: Sequence[Walk], *, passes: int = PASSES) -> Times:
    """Time decisions through the interface, the whole delta as numbers of Python included."""
    rests = clock_micros()

    def walked(walk: Walk) -> list[float]:
        session = backend.open(start)
        assert session is not None
        micros = []
        for literal in walk:
            before = time.thread_time_ns()
            delta = session.decide(literal)
            closed = delta.closed if delta is not None else ()
            micros.append((time.thread_time_ns() - before) / 1000 - rests)
            assert closed
        return micros

    return _medians(walked, walks, passes=passes)


def _medians(walked: Callable[[Walk], list[float]], walks: Sequence[Walk], *, passes: int = PASSES) -> Times:
    taken = [[micros for walk in walks for micros in walked(walk)] for _ in range(passes)]
    return Times(tuple(max(0.0, median(times)) for times in zip(*taken, strict=True)))


def check_walks(backend: Backend, start: Sequence[int], walks: Sequence[Walk], peer: SatPeer) -> tuple[Times, int]:
    """Check every delta of every walk, and a withdrawal, against SAT; return SAT's times and the number checked."""
    micros = []
    checked = 0
    peer.begin(start)
    first = peer.domains
    for walk in walks:
        session = backend.open(start)
        assert session is not None
        peer.begin(start, within=first)
        told = session.domains()
        _compare(told, peer.domains, walk[:0])
        for place, literal in enumerate(walk, start=1):
            delta = session.decide(literal)
            before = time.thread_time_ns()
            peer.decide(literal)
            micros.append((time.thread_time_ns() - before) / 1000)
            told = _closed(told, delta.closed if delta is not None else ())
            _compare(told, peer.domains, walk[:place])
            checked += 1
        if walk:
            opened = session.withdraw(walk[0]).opened
            peer.begin((*start, *walk[1:]), within=first)
            _compare(_opened(told, opened), peer.domains, walk[1:])
            checked += 1
    return Times(tuple(micros)), checked


def _closed(domains: Domains, literals: Sequence[int]) -> Domains:
    gone_can = sum(1 << literal for literal in literals if literal > 0)
    gone_cannot = sum(1 << -literal for literal in literals if literal < 0)
    return Domains(domains.can & ~gone_can, domains.cannot & ~gone_cannot)


def _opened(domains: Domains, literals: Sequence[int]) -> Domains:
    can = sum(1 << literal for literal in literals if literal > 0)
    cannot = sum(1 << -literal for literal in literals if literal < 0)
    return Domains(domains.can | can, domains.cannot | cannot)


def _compare(told: Domains, found: Domains, walk: Walk) -> None:
    if told != found:
        differing = bits(told.can ^ found.can) or [-one for one in bits(told.cannot ^ found.cannot)]
        raise WrongAnswer(f"after {walk} the engine and SAT disagree about {differing[:5]}")


def check_forced(backend: Backend, literals: Sequence[int], found: Collection[int]) -> None:
    """Compare what every car has with what another tool says of the features."""
    domains = backend.domains(literals)
    assert domains is not None
    told = {*bits(domains.can & ~domains.cannot), *(-feature for feature in bits(domains.cannot & ~domains.can))}
    features = (domains.can | domains.cannot).bit_length()
    if told != {literal for literal in found if abs(literal) < features}:
        raise WrongAnswer(f"after {literals} the engine and ddnnife disagree")
