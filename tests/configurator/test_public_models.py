"""Industrial models, where they are at hand: every file is read, quickly, and two forms of one model mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysat.solvers import Solver

from benchmarks.public_data import public_data
from configurator.dimacs import read_dimacs_file
from configurator.engine.formula import Clause
from configurator.rules import RuleBook, compile_feature_model
from configurator.uvl import read_uvl_file


@pytest.fixture
def folder() -> Path:
    """Return the folder of models; without it the test passes over and says so above the last line."""
    data = public_data()
    if data is None:
        pytest.skip("NOT RUN: no public models; MUSTER_DATA names the folder")
    return data / "configurator"


def read(path: Path) -> RuleBook:
    reading = read_uvl_file(path)
    assert reading.faults == ()
    assert reading.model is not None
    return compile_feature_model(reading.model)


def test_every_model_reads_without_a_fault_and_has_a_car(folder: Path) -> None:
    for path in [*folder.glob("*.uvl"), *(folder / "uvl").glob("*.uvl")]:
        with Solver(name="g4", bootstrap_with=read(path).formula.clauses) as solver:
            assert solver.solve(), path
    for path in [*folder.glob("*.dimacs"), *(folder / "daimler").glob("*.cnf")]:
        book, faults = read_dimacs_file(path)
        assert faults == ()
        assert book is not None
        with Solver(name="g4", bootstrap_with=book.formula.clauses) as solver:
            assert solver.solve(), path


def test_a_model_means_the_same_in_uvl_and_in_dimacs(folder: Path) -> None:
    ours = read(folder / "automotive01.uvl")
    other, _ = read_dimacs_file(folder / "automotive01.dimacs")
    assert other is not None
    assert set(ours.features) == set(other.features)
    number = {other.variables[name]: ours.variables[name] for name in ours.features}
    theirs = [tuple(number[abs(literal)] * (1 if literal > 0 else -1) for literal in c) for c in other.formula.clauses]
    count = len(ours.features)
    helpers = [c for c in ours.structure if any(abs(literal) > count for literal in c)]
    others = [c for c in ours.formula.clauses if c not in set(helpers)]

    assert not_implied(theirs, by=list(ours.formula.clauses)) == []
    assert not_implied(others, by=[*theirs, *helpers]) == []


def not_implied(clauses: list[Clause], *, by: list[Clause]) -> list[Clause]:
    """Return the clauses that some model of the others breaks."""
    with Solver(name="g4", bootstrap_with=by) as solver:
        return [clause for clause in clauses if solver.solve(assumptions=[-literal for literal in clause])]
