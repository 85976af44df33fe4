"""Which engine answers the catalogue commands: a circuit where one fits the seconds that are given, else SAT."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from configurator.engine.backend import Backend
    from configurator.engine.choosing import EngineChoice
    from configurator.engine.formula import Formula
    from configurator.engine.nnf import Budget, Nnf

COMPILE_SECONDS: Final = 30
RULE_SECONDS: Final = 60
COMPILE_MEGABYTES: Final = 1_024
PATIENCE: Final = 4
"""By how much longer than the processor's time one waits for a child on a busy machine."""
SMALL: Final = 5_000
"""Formulas up to so many variables are compiled here: starting a child would take longer, and memory is no concern."""


@dataclass(frozen=True, slots=True)
class EngineMaker:
    """Makes backends; each compiler may take so many seconds, and with none of them everything is left to SAT."""

    seconds: int = COMPILE_SECONDS

    def __call__(self, formula: Formula) -> Backend:
        """Return a circuit, or SAT where no compiler is done in time: then cars are not counted."""
        return self.chosen(formula)[0]

    def chosen(self, formula: Formula) -> tuple[Backend, EngineChoice]:
        """Return a backend with what was tried for it."""
        from configurator.engine.choosing import Allowance, Why, choose, has_kernels, known_compilers, served_by_sat
        from configurator.engine.sat_backend import SatBackend

        allowance = Allowance(self.seconds, COMPILE_MEGABYTES)
        if self.seconds <= 0:
            return SatBackend(formula), served_by_sat(Why.SWITCHED_OFF, allowance)
        if not has_kernels():
            return SatBackend(formula), served_by_sat(Why.NO_KERNELS, allowance)
        if formula.variable_count <= SMALL:
            _, *others = known_compilers()
            nnf, choice = choose(
                [_CompilesHere()], formula, allowance, clock=time.process_time, meter=time.process_time
            )
            if nnf is None and others:
                nnf, choice = choose(others, formula, allowance, clock=_patiently, meter=_seconds_computed)
        else:
            nnf, choice = choose(known_compilers(), formula, allowance, clock=_patiently, meter=_seconds_computed)
        if nnf is None:
            return SatBackend(formula), choice
        from configurator.engine.circuit import compile_circuit
        from configurator.engine.circuit_backend import CircuitBackend

        return CircuitBackend(compile_circuit(nnf, formula)), choice


class _CompilesHere:
    """Our own compiler within this process."""

    name = "decomposition"

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        """Compile; None where the budget does not suffice."""
        from configurator.engine.decomposition import compile_here

        return compile_here(formula, budget)


def over_after(seconds: float) -> Callable[[], bool]:
    """Return what says, from now on, whether so many seconds of the processor have passed."""
    end = time.process_time() + seconds
    return lambda: time.process_time() >= end


def _patiently() -> float:
    return time.monotonic() / PATIENCE


def _seconds_computed() -> float:
    """Return the processor's seconds of this process and its children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
