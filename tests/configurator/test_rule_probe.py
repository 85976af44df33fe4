"""The fewest rules that forbid something, against brute force on random rules, and what becomes of the question where
they are too hard to find."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurator import hitting_sets
from configurator.catalogue import ALWAYS
from configurator.engine import bounded
from configurator.errors import AnswerTooHard
from configurator.rule_probe import RuleProbe
from configurator.rules import CompiledRule, RuleBook
from tests.configurator.engine.formulas import Case, cases, pigeons

WANTED = st.sampled_from([sign * v for v in range(1, 7) for sign in (1, -1)])


def book_of(case: Case) -> RuleBook:
    """Return the case's rules in force without guards."""
    formula = case.formula
    names = tuple(f"F{v}" for v in range(1, formula.feature_count + 1))
    rules = tuple(CompiledRule(rule.code, rule.clauses, ALWAYS) for rule in formula.rules)
    variables = {name: v for v, name in enumerate(names, start=1)}
    return RuleBook(names, variables, formula.structure, rules, (), {}, formula.variable_count)


def active(case: Case) -> list[int]:
    guards = (None, *case.guards)
    return [position for position, rule in enumerate(case.formula.rules) if rule.guard in guards]


def forbids(case: Case, wanted: int, rules: tuple[int, ...]) -> bool:
    codes = frozenset(case.formula.rules[position].code for position in rules)
    return not case.cars([wanted], rules=codes)


@given(st.data())
def test_the_fewest_rules_are_the_fewest(data: st.DataObject) -> None:
    case, wanted = data.draw(cases()), data.draw(WANTED)
    everything = active(case)

    found = RuleProbe(book_of(case)).smallest_conflict(everything, [wanted])

    if not forbids(case, wanted, tuple(everything)):
        assert found == ()
        return
    assert set(found) <= set(everything)
    assert forbids(case, wanted, found)
    assert not any(forbids(case, wanted, fewer) for fewer in combinations(everything, max(len(found) - 1, 0)) if found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_where_the_fewest_are_too_hard_to_find_none_of_those_named_is_too_many(
    data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hitting_sets, "BRANCHES_MAX", 0)
    case, wanted = data.draw(cases()), data.draw(WANTED)
    everything = active(case)

    found = RuleProbe(book_of(case)).smallest_conflict(everything, [wanted])

    if forbids(case, wanted, tuple(everything)):
        assert forbids(case, wanted, found)
        assert not any(forbids(case, wanted, fewer) for fewer in combinations(found, max(len(found) - 1, 0)) if found)


def test_rules_that_no_search_finds_within_its_bounds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small, hard = (book_of(Case(pigeons(holes), ())) for holes in (3, 6))
    monkeypatch.setattr(bounded, "CONFLICTS_MAX", 100)

    found = RuleProbe(small).smallest_conflict(range(len(small.rules)), [])

    assert found == tuple(range(len(small.rules)))  # each of them is needed
    with pytest.raises(AnswerTooHard):
        RuleProbe(hard).smallest_conflict(range(len(hard.rules)), [])
