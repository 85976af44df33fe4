"""Which backend answers for a formula, and why: our own compiler first, D4 where that one gives up, else SAT.

The choice is a plain value. It stands in the artefact and in the publish report, so nobody has to guess.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from configurator.engine.backend import BackendKind
from configurator.engine.formula import Formula
from configurator.engine.nnf import Budget, CompilationFailed, Compiler, Nnf, OutOfMemory

EDGES_MAX: Final = 2_000_000
"""A circuit with more edges answers more slowly than SAT does, and laying it out would take gigabytes."""


class Outcome(StrEnum):
    """How one compiler fared."""

    COMPILED = "compiled"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_LARGE = "too_large"
    BROKE_DOWN = "broke_down"


class Why(StrEnum):
    """Why the backend serves that does."""

    CIRCUIT_FITS = "circuit_fits"
    NO_CIRCUIT_FITS = "no_circuit_fits"
    BROKE_DOWN = "broke_down"
    NOT_READY = "not_ready"
    NO_KERNELS = "no_kernels"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each compiler may use: seconds of the processor, and memory. No seconds at all switch compiling off."""

    seconds: float
    megabytes: int


HAD_SHARE: Final = 0.5
"""A compiler looks at its time now and then, and a process takes some to begin."""
DEFAULT_ALLOWANCE: Final = Allowance(seconds=60, megabytes=1_024)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One compiler, how it fared, and the seconds of the processor that it took."""

    compiler: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which kind of backend serves, why, what was tried, and what each compiler was allowed to use."""

    backend: BackendKind
    why: Why
    attempts: tuple[Attempt, ...] = ()
    allowance: Allowance = DEFAULT_ALLOWANCE

    def settles(self, allowance: Allowance, compilers: Sequence[str]) -> bool:
        """Say whether trying again could not end otherwise: nothing more is allowed, and no other compiler is there.

        A compiler that the clock ended on a busy machine, before it had its seconds of the processor, may try again.
        """
        if self.why is Why.CIRCUIT_FITS:
            return True
        had_their_time = all(
            attempt.outcome is not Outcome.OUT_OF_TIME or attempt.seconds >= HAD_SHARE * self.allowance.seconds
            for attempt in self.attempts
        )
        tried = {attempt.compiler for attempt in self.attempts}
        return (
            self.why is Why.NO_CIRCUIT_FITS
            and had_their_time
            and all(attempt.outcome is not Outcome.BROKE_DOWN for attempt in self.attempts)
            and allowance.seconds <= self.allowance.seconds
            and allowance.megabytes <= self.allowance.megabytes
            and tried.issuperset(compilers)
        )


def served_by_sat(why: Why, allowance: Allowance = DEFAULT_ALLOWANCE) -> EngineChoice:
    """Return the choice of SAT where nothing was tried."""
    return EngineChoice(BackendKind.SAT, why, (), allowance)


def has_kernels() -> bool:
    """Say whether numba is there, without which a circuit would be walked by the interpreter; imports nothing."""
    return importlib.util.find_spec("numba") is not None


def known_compilers() -> tuple[Compiler, ...]:
    """Return the compilers that are installed, in the order in which they are tried."""
    from configurator.engine.d4 import D4Compiler, is_installed
    from configurator.engine.decomposition import DecompositionCompiler

    return (DecompositionCompiler(), D4Compiler()) if is_installed() else (DecompositionCompiler(),)


def compiler_names() -> tuple[str, ...]:
    """Return the names of `known_compilers` without importing what they need."""
    return ("decomposition", "d4") if importlib.util.find_spec("py_d4") is not None else ("decomposition",)


def choose(
    compilers: Sequence[Compiler],
    formula: Formula,
    allowance: Allowance,
    *,
    clock: Callable[[], float],
    meter: Callable[[], float],
) -> tuple[Nnf | None, EngineChoice]:
    """Try one compiler after another, each within the allowance.

    `clock` tells the seconds by which a compiler is ended, `meter` those of the processor, both from any beginning.
    """
    attempts: list[Attempt] = []
    for compiler in compilers:
        spent = _since(meter)
        nnf, outcome = _tried(compiler, formula, Budget(allowance.seconds, allowance.megabytes, _since(clock)))
        attempts.append(Attempt(compiler.name, outcome, round(spent(), 3)))
        if nnf is not None:
            return nnf, EngineChoice(BackendKind.CIRCUIT, Why.CIRCUIT_FITS, tuple(attempts), allowance)
    return None, EngineChoice(BackendKind.SAT, Why.NO_CIRCUIT_FITS, tuple(attempts), allowance)


def _since(clock: Callable[[], float]) -> Callable[[], float]:
    began = clock()
    return lambda: clock() - began


def _tried(compiler: Compiler, formula: Formula, budget: Budget) -> tuple[Nnf | None, Outcome]:
    try:
        nnf = compiler.compile(formula, budget)
    except CompilationFailed:
        return None, Outcome.BROKE_DOWN
    except OutOfMemory:
        return None, Outcome.OUT_OF_MEMORY
    if nnf is None:
        return None, Outcome.OUT_OF_TIME
    if len(nnf.source) > EDGES_MAX:
        return None, Outcome.TOO_LARGE
    return nnf, Outcome.COMPILED


def as_json(choice: EngineChoice) -> dict[str, Any]:
    """Return a choice in JSON terms."""
    return {
        "backend": choice.backend.value,
        "why": choice.why.value,
        "attempts": [[one.compiler, one.outcome.value, one.seconds] for one in choice.attempts],
        "seconds": choice.allowance.seconds,
        "megabytes": choice.allowance.megabytes,
    }


def from_json(said: Any) -> EngineChoice:
    """Read a choice back; raises KeyError, TypeError or ValueError where it is none."""
    attempts = tuple(Attempt(str(one[0]), Outcome(one[1]), float(one[2])) for one in said["attempts"])
    allowance = Allowance(float(said["seconds"]), int(said["megabytes"]))
    return EngineChoice(BackendKind(said["backend"]), Why(said["why"]), attempts, allowance)
