"""A backend that answers by SAT at once and from the circuit as soon as there is one; the answers are the same.

A question goes on with the backend with which it began, and so does a session.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from configurator.engine.backend import Backend, BackendKind, Bounds, Car, Domains, Session, Weights
from configurator.engine.choosing import EngineChoice
from configurator.engine.formula import Formula
from configurator.engine.sat_backend import SatBackend

if TYPE_CHECKING:
    from configurator.engine.circuit_backend import CircuitBackend


class SwappingBackend:
    """Whichever backend serves now. Nothing is built for SAT before the first question that it has to answer."""

    def __init__(self, formula: Formula, choice: EngineChoice, circuit: CircuitBackend | None = None) -> None:
        self._formula = formula
        self._choice = choice
        self._serving: Backend | None = circuit
        self._settled = threading.Event()
        self._lock = threading.Lock()
        if circuit is not None:
            self._settled.set()

    @property
    def choice(self) -> EngineChoice:
        """Return what was chosen for the formula, and why; another process may be the one that walks the circuit."""
        return self._choice

    @property
    def kind(self) -> BackendKind:
        """Return which kind of backend serves here and now."""
        return BackendKind.SAT if self._serving is None else self._serving.kind

    def settle(self, choice: EngineChoice, circuit: CircuitBackend | None = None) -> None:
        """Serve from the circuit from now on; without one, stay with SAT."""
        with self._lock:
            self._choice = choice
            self._serving = circuit or self._serving
        self._settled.set()

    def wait(self, seconds: float | None = None) -> EngineChoice:
        """Return the choice once it is settled, or as it is after so many seconds."""
        self._settled.wait(seconds)
        return self.choice

    @property
    def _backend(self) -> Backend:
        backend = self._serving
        if backend is None:
            with self._lock:
                backend = self._serving = self._serving or SatBackend(self._formula)
        return backend

    def open(self, literals: Sequence[int]) -> Session | None:
        return self._backend.open(literals)

    def domains(self, literals: Sequence[int]) -> Domains | None:
        return self._backend.domains(literals)

    def has_car(self, literals: Sequence[int]) -> bool:
        return self._backend.has_car(literals)

    def minimal_choices(
        self, literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        return self._backend.minimal_choices(literals, wanted, context=context)

    def lightest(self, literals: Sequence[int], weights: Weights) -> Car | None:
        return self._backend.lightest(literals, weights)

    def bounds(self, literals: Sequence[int], weights: Weights) -> Bounds | None:
        return self._backend.bounds(literals, weights)

    def soonest(self, literals: Sequence[int], weeks: Mapping[int, int]) -> int:
        return self._backend.soonest(literals, weeks)

    def count(self, literals: Sequence[int]) -> int | None:
        return self._backend.count(literals)

    def sample(self, literals: Sequence[int], *, number: int, seed: int) -> tuple[int, ...] | None:
        return self._backend.sample(literals, number=number, seed=seed)
