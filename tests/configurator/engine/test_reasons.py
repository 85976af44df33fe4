"""Reasons against brute force on random formulas: each is sufficient, and nothing in it can be left out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.engine import bounded
from configurator.engine.propagation import Propagation
from configurator.engine.reasons import Reasons, minimal
from configurator.engine.sat_backend import SatBackend
from configurator.errors import AnswerTooHard
from tests.configurator.engine.formulas import Case, cases, choices, pigeons


def in_force(case: Case) -> frozenset[str]:
    return frozenset(rule.code for rule in case.formula.rules if rule.guard is None or rule.guard in case.guards)


@given(st.data())
def test_a_cause_is_sufficient_and_every_part_of_it_is_needed(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=5))
    at = data.draw(st.integers(0, len(decided)))
    own, fixed = decided[:at], decided[at:]
    wanted = data.draw(st.sampled_from([sign * v for v in range(1, 7) for sign in (1, -1)]))
    reasons = Reasons(case.formula)

    minimal_choices = SatBackend(case.formula).minimal_choices
    cause = reasons.cause([wanted], own, [(one,) for one in fixed], case.guards, minimal_choices)

    if cause is None:
        assert case.cars([*decided, wanted])
        return
    codes = frozenset(case.formula.rules[rule].code for rule in cause.rules)
    literals = {*cause.choices, *(fixed[place] for place in cause.fixed)}
    assert set(cause.choices) <= set(own)

    def possible(kept: set[int], rules: frozenset[str]) -> bool:
        return bool(case.cars([wanted, *kept], rules=rules))

    assert codes <= in_force(case)
    assert not possible(literals, codes)
    assert all(possible(literals - {one}, codes) for one in literals)
    assert all(possible(literals, codes - {code}) for code in codes)


def test_a_reason_that_no_search_finds_within_its_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_needed(literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()) -> tuple[int, ...]:
        return ()

    monkeypatch.setattr(bounded, "CONFLICTS_MAX", 100)

    found = Reasons(pigeons(3)).cause([1], [], [], [], none_needed)

    assert found is not None
    assert found.rules
    with pytest.raises(AnswerTooHard):
        Reasons(pigeons(6)).cause([1], [], [], [], none_needed)


@given(st.data())
def test_what_propagation_contradicts_has_no_car_with_the_clauses_it_names(data: st.DataObject) -> None:
    case = data.draw(cases())
    assumed = [*case.guards, *data.draw(choices(case, most=6))]
    clauses = case.formula.clauses

    found = Propagation(clauses, case.formula.variable_count).contradiction(assumed)

    if found is not None:
        assert found.assumed <= set(assumed)
        named = [clauses[position] for position in found.clauses]
        assert not _satisfiable([*named, *((literal,) for literal in found.assumed)], case.formula.variable_count)


def _satisfiable(clauses: list[tuple[int, ...]], count: int) -> bool:
    return any(
        all(any((signs >> abs(one) & 1) == (one > 0) for one in clause) for clause in clauses)
        for signs in range(0, 2 << count, 2)
    )


def test_assumptions_that_contradict_each_other_need_no_clause() -> None:
    found = Propagation([(1, 2)], 2).contradiction([1, -1])

    assert found is not None
    assert found.assumed == {1, -1}
    assert not found.clauses


@given(st.sets(st.integers(0, 20)), st.lists(st.sets(st.integers(0, 20), max_size=4), max_size=4))
def test_a_minimal_subset_is_enough_and_nothing_in_it_can_be_left_out(extra: set[int], enough: list[set[int]]) -> None:
    candidates = sorted(extra.union(*enough))

    def is_enough(some: Sequence[int]) -> bool:
        return any(one <= set(some) for one in enough)

    if not is_enough(candidates):
        return

    found = minimal(candidates, is_enough)

    assert is_enough(found)
    assert not any(is_enough([other for other in found if other != one]) for one in found)
