"""A circuit has exactly the formula's models and keeps its form; a budget that is too small leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Final

import psutil
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.public_data import public_data
from configurator.catalogue_files import read_catalogue
from configurator.engine import d4, decomposition
from configurator.engine.child import compile_in_child
from configurator.engine.formula import Clause, Formula
from configurator.engine.nnf import Budget, CompilationFailed, Compiler, Nnf, NodeKind, OutOfMemory, lone
from configurator.rules import compile_catalogue, compile_feature_model
from configurator.uvl import read_uvl_file
from tests.configurator.engine.circuits import count_of, faults_of, truth_of_circuit, truth_of_clauses
from tests.support.left_out import leave_out

CATALOGUE: Final = Path(__file__).resolve().parents[3] / "muster" / "demo" / "qilan" / "catalogue"
HERE: Final = {"d4": d4.compile_here, "decomposition": decomposition.compile_here}
COMPILERS: Final[dict[str, Compiler]] = {"d4": d4.D4Compiler(), "decomposition": decomposition.DecompositionCompiler()}
if not d4.is_installed():
    del COMPILERS["d4"], HERE["d4"]
    leave_out("the compiler D4", "d4solver is not installed; `python3 dev.py extras` adds it where there is one.")


def budget(seconds: float = 60, megabytes: int = 2_000) -> Budget:
    started = time.monotonic()
    return Budget(seconds, megabytes, lambda: time.monotonic() - started)


def formula(variable_count: int, *clauses: Clause) -> Formula:
    return Formula(variable_count, variable_count, clauses, ())


def after_three(clauses: Sequence[Clause]) -> list[Clause]:
    """Return the clauses over other variables: 4 in place of 1, and so on."""
    return [tuple(literal + (3 if literal > 0 else -3) for literal in clause) for clause in clauses]


def hard_formula() -> Formula:
    """Return clauses that no compiler masters: random ones of three literals, far from being contradictory."""
    random = Random(1)
    clauses = [tuple(random.choice((1, -1)) * v for v in random.sample(range(1, 401), 3)) for _ in range(1_100)]
    return formula(400, *clauses)


def formulas(variables_max: int = 9) -> st.SearchStrategy[Formula]:
    def over(count: int) -> st.SearchStrategy[Formula]:
        literal = st.integers(1, count).flatmap(lambda variable: st.sampled_from((variable, -variable)))
        clause = st.lists(literal, min_size=1, max_size=4).map(tuple)
        return st.lists(clause, max_size=3 * count).map(lambda clauses: formula(count, *clauses))

    return st.integers(1, variables_max).flatmap(over)


@pytest.mark.parametrize("name", HERE)
@example(problem=formula(1, (1, 1), (-1, -1)))
@example(problem=formula(1, (1, 1), (-1, -1, -1)))
@example(problem=formula(3, (1, -2), (-1, 2), (2, -3), (-2, 3), (1, 2, 3), (-1, -2, -3)))
@example(problem=formula(2, (1, 2), (1, -2), (-1, 2), (-1, -2)))
@example(problem=formula(3, (-3, -1), (3, 1, 1), (-1, 2), (-2, -1), (-3, 1)))
@given(problem=formulas())
def test_a_circuit_has_the_formulas_models_and_keeps_its_form(name: str, problem: Formula) -> None:
    circuit = HERE[name](problem, budget())

    assert circuit is not None
    assert faults_of(circuit) == []
    truth = truth_of_clauses(problem.clauses, problem.variable_count)
    assert truth_of_circuit(circuit) == truth
    assert count_of(circuit) == truth.bit_count()


CONTRADICTION: Final = tuple(product((1, -1), (2, -2), (3, -3)))
"""Clauses of which nothing follows at once: only a search sees that they contradict each other."""
CONTRADICTIONS: Final = [
    formula(0, ()),
    formula(2, (1,), (-1,)),
    formula(2, (1, 2), ()),
    formula(3, *CONTRADICTION),
    formula(6, *CONTRADICTION, (4, 5, 6)),
    formula(6, *CONTRADICTION, *after_three(CONTRADICTION)),
]


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("problem", CONTRADICTIONS)
def test_a_contradiction_is_a_lone_false(name: str, problem: Formula) -> None:
    circuit = COMPILERS[name].compile(problem, budget())

    assert circuit is not None
    assert circuit.kinds.tolist() == [NodeKind.FALSE]
    assert circuit.source.tolist() == []


def test_beside_a_contradiction_nothing_else_is_searched() -> None:
    problem = formula(403, *CONTRADICTION, *after_three(hard_formula().clauses))

    circuit = decomposition.compile_here(problem, budget(20))

    assert circuit is not None
    assert circuit.kinds.tolist() == [NodeKind.FALSE]


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("problem", [formula(0), formula(3), formula(3, (1, -1))])
def test_without_rules_everything_is_free(name: str, problem: Formula) -> None:
    circuit = COMPILERS[name].compile(problem, budget())

    assert circuit is not None
    assert count_of(circuit) == 2**problem.variable_count


@pytest.mark.parametrize("name", COMPILERS)
def test_the_demo_brands_catalogue_fits_and_its_cars_are_counted(name: str) -> None:
    circuit = COMPILERS[name].compile(compile_catalogue(read_catalogue(CATALOGUE)).formula, budget(20))

    assert circuit is not None
    assert faults_of(circuit) == []
    assert count_of(circuit) > 0


PUBLIC: Final = public_data()
DAIMLER: Final = sorted((PUBLIC / "configurator" / "daimler").glob("*.cnf")) if PUBLIC else []
UVL: Final = sorted((PUBLIC / "configurator" / "uvl").glob("*.uvl")) if PUBLIC else []
TOO_HARD: Final = "C202_FW"
LARGE: Final = ("C140_FC", "C163_FW", "C211_FW", "C638_FKA")
if PUBLIC is None:
    leave_out("circuits of public models", "MUSTER_DATA names no folder, and there is no shared/data beside this one.")


def read_dimacs(path: Path) -> Formula:
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    count = next(int(words[2]) for words in lines if words[:1] == ["p"])
    flat = [int(word) for words in lines if words and words[0] not in ("c", "p", "%") for word in words]
    ends = [place for place, literal in enumerate(flat) if literal == 0]
    return formula(count, *(tuple(flat[a:b]) for a, b in zip([0, *(end + 1 for end in ends)], ends, strict=False)))


def of_uvl(path: Path) -> Formula:
    model = read_uvl_file(path).model
    assert model is not None
    return compile_feature_model(model).formula


PUBLIC_FORMULAS: Final = [
    *(
        pytest.param(read_dimacs, path, id=path.stem, marks=[pytest.mark.prove] if path.stem in LARGE else [])
        for path in DAIMLER
        if path.stem != TOO_HARD
    ),
    *(pytest.param(of_uvl, path, id=path.stem) for path in UVL),
]


@pytest.mark.parametrize(("read", "path"), PUBLIC_FORMULAS)
def test_both_compilers_count_the_same_cars_on_public_models(read: Callable[[Path], Formula], path: Path) -> None:
    problem = read(path)

    circuits = [compiler.compile(problem, budget(120)) for compiler in COMPILERS.values()]

    assert None not in circuits
    assert len({count_of(circuit) for circuit in circuits if circuit is not None}) == 1
    assert [fault for circuit in circuits if circuit is not None for fault in faults_of(circuit)] == []


@pytest.mark.parametrize("name", COMPILERS)
def test_beyond_the_time_there_is_no_circuit_and_nothing_is_left_behind(name: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    started = time.monotonic()

    circuit = COMPILERS[name].compile(hard_formula(), budget(1.5))

    assert circuit is None
    assert time.monotonic() - started < 10
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before


@pytest.mark.parametrize("name", COMPILERS)
def test_beyond_the_memory_there_is_no_circuit(name: str) -> None:
    with pytest.raises(OutOfMemory):
        COMPILERS[name].compile(hard_formula(), budget(60, megabytes=150))


def breaks(problem: Formula, within: Budget) -> Nnf | None:
    raise ValueError("this compiler is broken")


def never_ends(problem: Formula, within: Budget) -> Nnf | None:
    time.sleep(600)
    return None


def speaks(problem: Formula, within: Budget) -> Nnf | None:
    os.write(1, b"a compiler's own words")
    return lone(NodeKind.TRUE, problem.variable_count)


def eats(problem: Formula, within: Budget) -> Nnf | None:
    eaten = []
    while True:
        eaten.append(b"x" * (10 << 20))


def test_a_compiler_that_breaks_down_says_why() -> None:
    with pytest.raises(CompilationFailed, match="this compiler is broken"):
        compile_in_child(breaks, formula(1), budget())


def test_what_a_compiler_prints_does_not_spoil_its_circuit() -> None:
    circuit = compile_in_child(speaks, formula(7), budget())

    assert circuit is not None
    assert count_of(circuit) == 2**7


def test_a_child_beyond_its_budget_is_ended() -> None:
    assert compile_in_child(never_ends, formula(1), budget(2, megabytes=300)) is None
    with pytest.raises(OutOfMemory):
        compile_in_child(eats, formula(1), budget(60, megabytes=300))


def test_a_child_ends_with_its_parent_even_if_that_is_killed() -> None:
    program = (
        "import time\n"
        "from configurator.engine.child import compile_in_child\n"
        "from tests.configurator.engine.test_compilers import budget, formula, never_ends\n"
        "compile_in_child(never_ends, formula(1), budget())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=CATALOGUE.parents[3]) as parent:
        child = _first_child(parent.pid)

        os.kill(parent.pid, signal.SIGKILL)

    child.wait(10)


def _first_child(pid: int) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := psutil.Process(pid).children():
            time.sleep(1)  # until its imports are done and it has asked to end with its parent
            return found[0]
        time.sleep(0.05)
    raise AssertionError("no child came")
