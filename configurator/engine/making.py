"""Makes one artefact in a process of its own, at low priority: compiles, lays out, puts it on the shelf.

Whoever starts it looks on the shelf afterwards; nothing else is handed back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from configurator.engine.artefact import Artefact, Blueprint
from configurator.engine.backend import BackendKind
from configurator.engine.choosing import (
    Allowance,
    Attempt,
    EngineChoice,
    Outcome,
    Why,
    choose,
    compiler_names,
    known_compilers,
)
from configurator.engine.formula import Clause, Formula
from configurator.engine.nnf import Budget, Compiler, OutOfMemory
from configurator.engine.shelf import Shelf

NICENESS: Final = 10
LAYING_OUT_SHARE: Final = 2
"""The process that lays out may use this many times the memory of a compiler, and once more its time."""
PATIENCE: Final = 4
"""By how much longer than the processor's time one waits: of low priority, a child gets little of a busy machine."""


def make_in_child(blueprint: Blueprint, shelf: Shelf, allowance: Allowance) -> None:
    """Make an artefact in a child process and wait for it; what goes beyond every bound gets a file that says so."""
    from configurator.engine.child import ROOT, awaited

    names = compiler_names()
    began, computed = _clock(), _seconds_computed()
    budget = Budget(
        allowance.seconds * (len(names) + 1),
        allowance.megabytes * LAYING_OUT_SHARE,
        lambda: _clock() - began,
    )
    words = (str(shelf.folder), blueprint.key.hex(), str(allowance.seconds), str(allowance.megabytes))
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with TemporaryFile() as question:
        question.write(_asked(blueprint))
        question.seek(0)
        command = [sys.executable, "-m", "configurator.engine.making", *words]
        with subprocess.Popen(
            command, stdin=question, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}
        ) as child:
            try:
                outcome = Outcome.OUT_OF_TIME if awaited(child, budget) is None else None
            except OutOfMemory:
                outcome = Outcome.OUT_OF_MEMORY
            finally:
                child.kill()
    if outcome is not None:
        seconds = round((_seconds_computed() - computed) / len(names), 3)
        attempts = tuple(Attempt(name, outcome, seconds) for name in names)
        choice = EngineChoice(BackendKind.SAT, Why.NO_CIRCUIT_FITS, attempts, allowance)
        shelf.put(Artefact(blueprint.key, choice, None))


def make(
    formula: Formula, named: Sequence[int], key: bytes, allowance: Allowance, compilers: Sequence[Compiler]
) -> Artefact:
    """Compile and lay out within this process."""
    from configurator.engine.circuit import compile_circuit

    nnf, choice = choose(compilers, formula, allowance, clock=_clock, meter=_seconds_computed)
    circuit = None if nnf is None else compile_circuit(nnf, formula, named=named)
    return Artefact(key, choice, circuit)


def _clock() -> float:
    return time.monotonic() / PATIENCE


def _seconds_computed() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _asked(blueprint: Blueprint) -> bytes:
    """Write what the child needs as integers: sizes, the variables that stay, the clauses, each ended by 0."""
    formula = blueprint.formula
    named = sorted(blueprint.named | set(formula.guards))
    flat = (literal for clause in formula.clauses for literal in (*clause, 0))
    return array("i", [formula.feature_count, formula.variable_count, len(named), *named, *flat]).tobytes()


def _read(asked: bytes) -> tuple[Formula, tuple[int, ...]]:
    numbers = array("i", asked).tolist()
    start = 3 + numbers[2]
    clauses: list[Clause] = []
    for place in range(start, len(numbers)):
        if numbers[place] == 0:
            clauses.append(tuple(numbers[start:place]))
            start = place + 1
    return Formula(numbers[0], numbers[1], tuple(clauses), ()), tuple(numbers[3 : 3 + numbers[2]])


def _main(folder: str, key: str, seconds: str, megabytes: str) -> int:
    from configurator.engine.child import end_with_parent
    from configurator.engine.warming import bind

    os.nice(NICENESS)
    end_with_parent()
    formula, named = _read(sys.stdin.buffer.read())
    allowance = Allowance(float(seconds), int(megabytes))
    shelf = Shelf(Path(folder))
    bind(shelf)
    shelf.put(make(formula, named, bytes.fromhex(key), allowance, known_compilers()))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
