"""The backend over SAT against brute force on random formulas: every answer is exact, whatever was asked before."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.engine.backend import Delta, Domains, Weights
from configurator.engine.formula import Formula, NamedClauses
from configurator.engine.sat_backend import SatBackend
from configurator.errors import AnswerTooHard
from tests.configurator.engine.formulas import Case, cases, choices, domains_of


def assert_domains(found: Domains | None, case: Case, cars: Sequence[int]) -> None:
    assert (found is None) == (not cars)
    if found is not None:
        assert (found.can, found.cannot) == domains_of(case, cars)


@given(st.data())
def test_domains_are_those_of_all_cars(data: st.DataObject) -> None:
    case = data.draw(cases())
    backend = SatBackend(case.formula, cars_max=data.draw(st.sampled_from((1, 3, 2_048))))

    for _ in range(3):
        literals = data.draw(choices(case))
        cars = case.cars(literals)

        assert_domains(backend.domains([*case.guards, *literals]), case, cars)
        assert backend.has_car([*case.guards, *literals]) == bool(cars)


@given(st.data())
def test_a_session_tells_exactly_what_each_decision_and_each_withdrawal_changes(data: st.DataObject) -> None:
    case = data.draw(cases())
    backend = SatBackend(case.formula, cars_max=data.draw(st.sampled_from((1, 2_048))))
    session = backend.open(case.guards)
    if session is None:
        assert not case.cars()
        return
    decided: list[int] = []
    for _ in range(data.draw(st.integers(1, 7))):
        if data.draw(st.booleans()):
            session = session.fork()
        before = session.domains()
        withdraws: bool = data.draw(st.booleans())
        if decided and withdraws:
            literal = data.draw(st.sampled_from(decided))
            decided.remove(literal)
            delta: Delta | None = session.withdraw(literal)
        else:
            literal = data.draw(st.sampled_from([one for one in _literals(case) if one not in decided]))
            delta = session.decide(literal)
            if delta is None:
                assert not case.cars([*decided, literal])
                assert session.domains() == before
                continue
            decided.append(literal)

        after = session.domains()
        assert_domains(after, case, case.cars(decided))
        assert session.decisions == (*case.guards, *decided)
        assert delta is not None
        assert set(delta.closed) == _possible(before) - _possible(after)
        assert set(delta.opened) == _possible(after) - _possible(before)


def _literals(case: Case) -> list[int]:
    return [sign * feature for feature in range(1, case.formula.feature_count + 1) for sign in (1, -1)]


def _possible(domains: Domains) -> set[int]:
    return {v for v in range(domains.can.bit_length()) if domains.can >> v & 1} | {
        -v for v in range(domains.cannot.bit_length()) if domains.cannot >> v & 1
    }


@given(st.data())
def test_the_lightest_car_is_the_lightest_of_all_and_ties_decide_between_equals(data: st.DataObject) -> None:
    case = data.draw(cases())
    literals = data.draw(choices(case))
    features = range(1, case.formula.feature_count + 1)
    weights = {v: data.draw(st.integers(-4, 4)) for v in features}
    ties = {v: 1 << v for v in features} if data.draw(st.booleans()) else {}
    backend = SatBackend(case.formula)
    backend.search_at_most(branches=data.draw(st.sampled_from((1, 3, 150))))

    car = backend.lightest([*case.guards, *literals], Weights(weights, ties))

    def weight(one: int) -> int:
        return sum(weights[v] for v in features if one >> v & 1)

    cars = case.cars(literals)
    assert (car is None) == (not cars)
    if car is not None:
        assert car.features in cars
        assert car.weight == weight(car.features) == min(map(weight, cars))
        if ties:
            assert car.features == min(cars, key=lambda one: (weight(one), one))


@given(st.data())
def test_bounds_are_the_least_weights_with_and_without_each_open_feature(data: st.DataObject) -> None:
    case = data.draw(cases())
    literals = data.draw(choices(case))
    features = range(1, case.formula.feature_count + 1)
    weights = {v: data.draw(st.integers(-4, 9)) for v in features}

    bounds = SatBackend(case.formula).bounds([*case.guards, *literals], Weights(weights))

    cars = case.cars(literals)
    weighed = [(sum(weights[v] for v in features if car >> v & 1), car) for car in cars]
    assert (bounds is None) == (not cars)
    if bounds is not None:
        can, cannot = domains_of(case, cars)
        open_features = [v for v in features if can & cannot & 1 << v]
        assert bounds.least == min(weighed)[0]
        assert bounds.present == {v: min(one for one, car in weighed if car >> v & 1) for v in open_features}
        assert bounds.absent == {v: min(one for one, car in weighed if not car >> v & 1) for v in open_features}


@given(st.data())
def test_the_weeks_are_those_in_which_some_car_can_be_built(data: st.DataObject) -> None:
    case = data.draw(cases())
    literals = data.draw(choices(case))
    weeks = data.draw(
        st.dictionaries(st.integers(1, case.formula.feature_count), st.integers(0, 2**64 - 1), max_size=5)
    )

    found = SatBackend(case.formula).soonest([*case.guards, *literals], weeks)

    expected = 0
    for car in case.cars(literals):
        possible = 2**64 - 1
        for feature, shared in weeks.items():
            possible &= shared if car >> feature & 1 else possible
        expected |= possible
    assert found == expected


def test_nothing_is_counted_or_drawn_without_a_circuit() -> None:
    backend = SatBackend(Formula(2, 2, ((1, 2),), ()))

    assert backend.count([]) is None
    assert backend.sample([], number=3, seed=1) is None


def test_a_contradictory_formula_answers_that_there_is_no_car() -> None:
    backend = SatBackend(Formula(2, 2, ((1,),), (NamedClauses("R", ((-1,),)),)))

    assert backend.open([]) is None
    assert backend.domains([]) is None
    assert not backend.has_car([])
    assert backend.lightest([], Weights({1: 1})) is None
    assert backend.bounds([], Weights({1: 1})) is None
    assert backend.soonest([], {}) == 0


def test_literals_that_contradict_each_other_have_no_car() -> None:
    backend = SatBackend(Formula(2, 2, ((1, 2),), ()))

    assert backend.domains([1, -1]) is None
    assert backend.domains([-1, -2]) is None
    assert backend.domains([1, -2]) == Domains(can=0b010, cannot=0b100)


def test_threads_share_a_backend_and_get_the_answers_that_one_alone_gets() -> None:
    clauses = tuple((-v, -(v + 1)) for v in range(1, 60)) + tuple((v, v + 1, v + 2) for v in range(1, 59))
    backend = SatBackend(Formula(60, 60, clauses, ()))
    wanted = [[v, -w] for v in range(1, 60, 7) for w in range(2, 60, 11) if v != w]
    alone = [SatBackend(Formula(60, 60, clauses, ())).domains(one) for one in wanted]
    answers: dict[int, list[Domains | None]] = {}

    def ask(number: int) -> None:
        answers[number] = [backend.domains(one) for one in wanted]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answers[number] for number in range(4)] == [alone] * 4


def test_a_proof_that_takes_too_long_is_refused() -> None:
    """Colours of a map in which every field touches every other: each price is another, and there is one too few."""
    holes = 16
    number = {(p, h): 1 + p * holes + h for p in range(holes) for h in range(holes)}
    clauses = [tuple(number[p, h] for h in range(holes)) for p in range(holes)]
    clauses += [(-number[p, h], -number[q, h]) for h in range(holes) for p in range(holes) for q in range(p + 1, holes)]
    backend = SatBackend(Formula(len(number), len(number), tuple(clauses), ()))
    backend.search_at_most(branches=1, seconds=0.01)
    weights = {v: (v * 7919) % 1_009 + 1 for v in number.values()}

    with pytest.raises(AnswerTooHard):
        backend.lightest([], Weights(weights, {v: v * v for v in weights}))
