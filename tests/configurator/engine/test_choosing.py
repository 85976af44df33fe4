"""Which backend answers is decided by what the compilers could do, and said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest

from configurator.engine import choosing
from configurator.engine.backend import BackendKind
from configurator.engine.choosing import Allowance, Attempt, EngineChoice, Outcome, Why, as_json, choose, from_json
from configurator.engine.formula import Formula
from configurator.engine.nnf import Budget, CompilationFailed, Nnf, NodeKind, OutOfMemory, lone

FORMULA = Formula(1, 1, ((1,),), ())
ALLOWED = Allowance(seconds=10, megabytes=100)
NNF = lone(NodeKind.TRUE, 1)


@dataclass
class Stub:
    """A compiler that ends as it is told to, and sees what it was allowed."""

    name: str
    ends: Nnf | CompilationFailed | OutOfMemory | None
    seen: Budget | None = None

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        self.seen = budget
        if isinstance(self.ends, CompilationFailed | OutOfMemory):
            raise self.ends
        return self.ends


def ticking() -> Iterator[float]:
    return (float(second) for second in count())


def chosen(*compilers: Stub, computed: float = 1.0) -> tuple[Nnf | None, EngineChoice]:
    clock, meter = ticking(), ticking()
    return choose(compilers, FORMULA, ALLOWED, clock=lambda: next(clock), meter=lambda: computed * next(meter))


def test_the_first_compiler_that_manages_is_taken_and_the_others_are_not_asked() -> None:
    other = Stub("other", NNF)

    nnf, choice = chosen(Stub("own", NNF), other)

    assert nnf is NNF
    attempts = (Attempt("own", Outcome.COMPILED, 1.0),)
    assert choice == EngineChoice(BackendKind.CIRCUIT, Why.CIRCUIT_FITS, attempts, ALLOWED)
    assert other.seen is None


def test_the_next_compiler_is_tried_with_a_budget_of_its_own_where_one_gives_up() -> None:
    other = Stub("other", NNF)

    nnf, choice = chosen(Stub("own", None), other)

    assert nnf is NNF
    assert [one.outcome for one in choice.attempts] == [Outcome.OUT_OF_TIME, Outcome.COMPILED]
    assert other.seen is not None
    assert (other.seen.seconds, other.seen.megabytes, other.seen.seconds_used()) == (10, 100, 1.0)


def test_sat_serves_where_every_compiler_fails_and_each_failure_is_named() -> None:
    nnf, choice = chosen(Stub("own", None), Stub("large", OutOfMemory()), Stub("other", CompilationFailed("broken")))

    assert nnf is None
    assert (choice.backend, choice.why) == (BackendKind.SAT, Why.NO_CIRCUIT_FITS)
    assert [one.outcome for one in choice.attempts] == [Outcome.OUT_OF_TIME, Outcome.OUT_OF_MEMORY, Outcome.BROKE_DOWN]


def test_a_circuit_with_too_many_edges_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "EDGES_MAX", 1)
    edges = np.zeros(2, np.int32)
    large = Nnf(1, np.zeros(1, np.int8), edges, edges, np.zeros(3, np.int32), np.zeros(0, np.int32))

    nnf, choice = chosen(Stub("own", large))

    assert nnf is None
    assert [one.outcome for one in choice.attempts] == [Outcome.TOO_LARGE]


def test_a_failure_is_settled_until_more_is_allowed_or_another_compiler_is_there() -> None:
    _, choice = chosen(Stub("own", None), computed=9.0)

    assert choice.settles(ALLOWED, ["own"])
    assert choice.settles(Allowance(5, 50), ["own"])
    assert not choice.settles(Allowance(11, 100), ["own"])
    assert not choice.settles(Allowance(10, 101), ["own"])
    assert not choice.settles(ALLOWED, ["own", "other"])


def test_who_had_little_of_the_processor_is_tried_again() -> None:
    _, choice = chosen(Stub("own", None), computed=1.0)

    assert not choice.settles(ALLOWED, ["own"])


def test_what_broke_down_is_tried_again() -> None:
    _, choice = chosen(Stub("own", CompilationFailed("broken")))

    assert not choice.settles(ALLOWED, ["own"])


def test_a_circuit_is_settled_whatever_is_allowed() -> None:
    _, choice = chosen(Stub("own", NNF))

    assert choice.settles(Allowance(1_000, 10_000), ["own", "other"])


def test_a_choice_is_read_back_from_json() -> None:
    _, choice = chosen(Stub("own", None), Stub("other", NNF))

    assert from_json(as_json(choice)) == choice


def test_the_names_of_the_compilers_are_theirs() -> None:
    assert choosing.compiler_names() == tuple(compiler.name for compiler in choosing.known_compilers())
