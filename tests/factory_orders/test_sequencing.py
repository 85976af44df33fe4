"""The line order: the paint run is held wherever it can be, ratios are counted, nothing is lost."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.planning.sequencing import LineCar, LineRules, score_line, search_line, sequence_line

RULES = LineRules(paint_run_max=2, ratios={"ROOF": (1, 2), "HOOK": (1, 3)})
cars = st.lists(
    st.tuples(st.sampled_from(("RED", "BLUE", "GOLD")), st.frozensets(st.sampled_from(("ROOF", "HOOK")))), max_size=6
).map(lambda all_: [LineCar(f"c{number}", paint, options) for number, (paint, options) in enumerate(all_)])


def car(number: int, paint: str, *options: str) -> LineCar:
    return LineCar(f"c{number:03}", paint, frozenset(options))


@given(cars)
def test_every_car_is_on_the_line_once(given_cars: list[LineCar]) -> None:
    ordered = sequence_line(given_cars, RULES)

    assert sorted(one.id for one in ordered.cars) == sorted(one.id for one in given_cars)
    assert ordered.score == score_line(ordered.cars, RULES)


@settings(max_examples=25)
@given(cars, cars)
def test_the_paint_run_is_held_wherever_some_order_holds_it(given_cars: list[LineCar], before: list[LineCar]) -> None:
    ordered = sequence_line(given_cars, RULES, before=before)

    paints = set(permutations([one.paint for one in given_cars]))
    best = min(
        score_line([LineCar("x", paint, frozenset()) for paint in line], RULES, before=before).run_violations
        for line in paints
    )
    if best == 0:
        assert ordered.score.run_violations == 0


@given(st.lists(st.sampled_from(("RED", "BLUE")), max_size=120), st.integers(1, 10))
def test_the_paint_run_is_held_for_two_paints_exactly_where_it_can_be(paints: list[str], run_max: int) -> None:
    line = [car(number, paint) for number, paint in enumerate(paints)]

    ordered = sequence_line(line, LineRules(run_max, {}))

    counts = Counter(paints)
    possible = all(counts[one] <= run_max * (counts[other] + 1) for one, other in (("RED", "BLUE"), ("BLUE", "RED")))
    assert (ordered.score.run_violations == 0) == possible


def test_a_ratio_that_can_be_held_is_held() -> None:
    line = [car(number, "RED", *(["ROOF"] if number < 5 else [])) for number in range(10)]

    ordered = sequence_line(line, LineRules(20, {"ROOF": (1, 2)}))

    assert ordered.score.ratio_violations == 0


def test_what_cannot_be_held_is_counted() -> None:
    line = [car(number, "RED", "ROOF") for number in range(4)]

    ordered = sequence_line(line, RULES)

    assert (ordered.score.run_violations, ordered.score.ratio_violations) == (2, 3)


def test_the_tail_of_the_day_before_counts() -> None:
    before = [car(900, "RED"), car(901, "RED")]

    ordered = sequence_line([car(1, "RED"), car(2, "BLUE")], RULES, before=before)

    assert [one.id for one in ordered.cars] == ["c002", "c001"]


@settings(max_examples=20, deadline=None)
@given(cars, cars)
def test_a_searched_line_loses_no_car_and_breaks_no_run_that_the_greedy_one_keeps(
    given_cars: list[LineCar], before: list[LineCar]
) -> None:
    greedy = sequence_line(given_cars, RULES, before=before)

    searched = search_line(given_cars, RULES, before=before)

    assert sorted(one.id for one in searched.cars) == sorted(one.id for one in given_cars)
    assert searched.score == score_line(searched.cars, RULES, before=before)
    assert searched.score.run_violations == greedy.score.run_violations
    assert searched == search_line(given_cars, RULES, before=before)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([("RED",), ("BLUE",), ("RED", "ROOF"), ("BLUE", "ROOF")]), min_size=1, max_size=5))
def test_no_order_of_a_day_goes_below_its_bounds(kinds: list[tuple[str, ...]]) -> None:
    rules = LineRules(4, {"ROOF": (1, 2)})
    day = [car(number, *kind) for number, kind in enumerate(kinds)]

    searched = search_line(day, rules)

    judged = searched.judgement
    if judged is not None:
        every = [score_line(order, rules) for order in permutations(day)]
        assert judged.excess_bound <= judged.excess
        assert judged.paint_changes_bound <= min(one.paint_changes for one in every)
        assert judged.excess >= searched.score.ratio_violations


def test_a_search_finds_the_order_that_keeps_ratios_across_the_day_before() -> None:
    rules = LineRules(10, {"ROOF": (1, 3), "HOOK": (1, 2)})
    before = [car(90, "RED", "ROOF"), car(91, "RED")]
    line = [
        car(number, "RED", *("ROOF" for _ in range(number % 3 == 0)), *("HOOK" for _ in range(number % 2)))
        for number in range(12)
    ]

    searched = search_line(line, rules, before=before)

    assert searched.score.ratio_violations == 0
