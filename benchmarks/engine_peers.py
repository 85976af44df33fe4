"""What the engine is compared with, and checked by: python-sat with reuse of what it found, RC2, and ddnnife.

Nothing here uses the engine. The SAT peer is the usual way to configure over SAT: one incremental solver, every car it
found is kept, only literals that no kept car shows are asked for, and the solver is told to prefer those.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pysat.examples.rc2 import RC2
from pysat.formula import WCNF
from pysat.solvers import Solver

from configurator.engine.backend import Domains
from configurator.engine.formula import Clause, Formula
from configurator.engine.nnf import Nnf

KEPT_MAX: Final = 4_096
MARKS: Final = ("o", "a", "t", "f")
"""How a d-DNNF file names the kinds of nodes, by `NodeKind`."""
_ONES: Final = bytes(ord("0") if byte > 127 else ord("1") for byte in range(256))


class SatPeer:
    """Tells by SAT which features some car has, and has not, after one decision after another."""

    def __init__(self, formula: Formula, *, solver: str = "m22") -> None:
        self._count = formula.feature_count
        self._solver = Solver(name=solver, bootstrap_with=formula.clauses)
        self._cars: list[int] = []
        self._decided: list[int] = []
        self._everything = (1 << (self._count + 1)) - 2
        self.domains = Domains(0, 0)

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def begin(self, literals: Sequence[int], *, within: Domains | None = None) -> None:
        """Stand at these decisions; `within` is what fewer of them leave."""
        self._decided = list(literals)
        bounds = within or Domains(self._everything, self._everything)
        self.domains = self._found(bounds.can, bounds.cannot)

    def decide(self, literal: int) -> None:
        """Go on by one decision; what was closed stays closed."""
        self._decided.append(literal)
        self.domains = self._found(self.domains.can, self.domains.cannot)

    def has_car(self, literals: Sequence[int]) -> bool:
        """Ask the solver once."""
        return bool(self._solver.solve(assumptions=literals))

    def _found(self, can: int, cannot: int) -> Domains:
        """Ask until every literal within the bounds is shown by a car or proven to have none."""
        present, absent = 0, 0
        for car in self._kept():
            present |= car
            absent |= ~car
        present &= self._everything
        absent &= self._everything
        asked = [*_places(can & ~present), *(-one for one in _places(cannot & ~absent))]
        _, implied = self._solver.propagate(assumptions=self._decided)
        impossible = {-literal for literal in implied}
        asked = [literal for literal in asked if literal not in impossible]
        while asked:
            self._solver.set_phases(asked)
            if not self._solver.solve(assumptions=[*self._decided, asked[0]]):
                del asked[0]
                continue
            model = self._solver.get_model()
            car = _packed(model)
            self._keep(car)
            present |= car & self._everything
            absent |= self._everything & ~car
            asked = [one for one in asked if (model[abs(one) - 1] > 0) != (one > 0)]
        return Domains(present, absent)

    def _keep(self, car: int) -> None:
        self._cars.append(car)
        if len(self._cars) > KEPT_MAX:
            del self._cars[0]

    def _kept(self) -> list[int]:
        wanted = sum(1 << literal for literal in set(self._decided) if literal > 0)
        mentioned = sum(1 << abs(literal) for literal in set(self._decided))
        return [car for car in self._cars if car & mentioned == wanted]


def _packed(model: Sequence[int]) -> int:
    """Return the true variables of a model as a bit set, by the signs of its numbers."""
    size = struct.calcsize("i")
    signs = struct.pack(f"{len(model)}i", *model)[size - 1 if sys.byteorder == "little" else 0 :: size]
    return int(signs[::-1].translate(_ONES), 2) << 1


def _places(number: int) -> list[int]:
    return [place for place, digit in enumerate(reversed(f"{number:b}")) if digit == "1"]


def cheapest_by_maxsat(
    clauses: Iterable[Clause], literals: Sequence[int], weights: Mapping[int, int], *, seconds_max: float
) -> tuple[int | None, float]:
    """Return the least weight of a model that has the literals, by RC2, and its CPU seconds; None where time ran out.

    No weight is negative.
    """
    before = time.process_time()
    formula = WCNF()
    formula.extend([list(clause) for clause in clauses])
    formula.extend([[literal] for literal in literals])
    for variable, weight in weights.items():
        if weight:
            formula.append([-variable], weight=weight)
    with RC2(formula, solver="g3", adapt=True, exhaust=True, minz=True) as search:
        alarm = threading.Timer(seconds_max, search.interrupt)
        alarm.start()
        try:
            model = search.compute(expect_interrupt=True)
        finally:
            alarm.cancel()
    seconds = time.process_time() - before
    if model is None:
        return None, seconds
    true = {literal for literal in model if literal > 0}
    return sum(weight for variable, weight in weights.items() if variable in true), seconds


def has_ddnnife() -> bool:
    """Say whether the optional package is there."""
    return importlib.util.find_spec("ddnnife") is not None


def ddnnife_steps(nnf: Nnf, walk: Sequence[int], *, skip: int) -> list[tuple[float, frozenset[int]]]:
    """Let ddnnife decide one literal after another beyond the first `skip`.

    By decision: the CPU seconds, and the literals that every car then has (`core`, and `dead` as it is meant: of what
    was decided against it names the literal, of all else the feature).
    """
    import ddnnife

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.nnf"
        path.write_text(_text(nnf), encoding="ascii")
        circuit = ddnnife.Ddnnf.from_file(str(path), nnf.variable_count).as_mut()
    steps: list[tuple[float, frozenset[int]]] = []
    for place in range(skip + 1, len(walk) + 1):
        decided = list(walk[:place])
        before = time.process_time()
        core, dead = circuit.core(decided), circuit.dead(decided)
        seconds = time.process_time() - before
        steps.append((seconds, frozenset([*core, *(-abs(literal) for literal in dead)])))
    return steps


def _text(nnf: Nnf) -> str:
    """Write the lines of a d-DNNF file: `o 3 0` is node 3, `3 7 -5 6 0` leads from 3 to 7 and asserts -5 and 6."""
    lines = [f"{MARKS[kind]} {node} 0" for node, kind in enumerate(nnf.kinds.tolist(), start=1)]
    literals, first = nnf.literals.tolist(), nnf.first_literal.tolist()
    for edge, (source, target) in enumerate(zip(nnf.source.tolist(), nnf.target.tolist(), strict=True)):
        words = (source + 1, target + 1, *literals[first[edge] : first[edge + 1]], 0)
        lines.append(" ".join(map(str, words)))
    return "\n".join(lines) + "\n"
