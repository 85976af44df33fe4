"""Exploring by cars: few are asked for, and how many literals are asked for together changes no answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurator.engine import known_cars
from configurator.engine.clashes import Clashes, Company
from configurator.engine.known_cars import KnownCars
from tests.configurator.engine.formulas import Case, cases, choices


def explored(case: Case, literals: list[int]) -> tuple[int, int] | None:
    formula = case.formula
    known = KnownCars(formula.clauses, shown=formula.variable_count)
    return known.cover([*case.guards, *literals], can=known.all, cannot=known.all)


def undecided(*_: object) -> None:
    """Give up a question about several literals at once."""


def contradicted(*_: object) -> bool:
    """Say of any several literals that they cannot be together."""
    return False


@pytest.mark.parametrize("answer", [undecided, contradicted])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_becomes_of_many_at_once_each_literal_is_decided(
    answer: Callable[..., bool | None], data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = data.draw(cases())
    literals = data.draw(choices(case))
    expected = explored(case, literals)

    with monkeypatch.context() as patch:
        patch.setattr(known_cars, "is_found", answer)
        patch.setattr(KnownCars, "core", lambda _: frozenset(range(-99, 99)))
        found = explored(case, literals)

    assert found == expected


def test_literals_that_do_not_clash_are_shown_by_one_car() -> None:
    known = KnownCars([(-1, -2), (-2, -3), (-1, -3), (4, 5)], shown=40)

    found = known.cover([6], can=known.all, cannot=known.all)

    assert found == (known.all, known.all & ~(1 << 6))
    assert len(known.meeting([])) <= 6  # three exclude each other; for everything else two cars would do


def test_what_is_chosen_together_does_not_clash() -> None:
    implied = {1: [1, 2], 4: [4, 3], 5: [5, -6]}
    clashes = Clashes(lambda literals: implied.get(literals[0], list(literals)))
    company = Company(clashes)

    assert company.chosen(1 << 1 | 1 << 4 | 1 << 5 | 1 << 6, 1 << 2 | 1 << 3) == [1, 4, 5]
    company.learn({1, 4}, [1, 4])
    company.learn({1, 5, 9}, [1, 5])

    assert company.chosen(1 << 1 | 1 << 4 | 1 << 5, 0) == [1]
    assert Company(clashes).chosen(1 << 1 | 1 << 4 | 1 << 5, 0) == [1, 5]
