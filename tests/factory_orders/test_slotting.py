"""Weeks and days: nothing beyond what is free, nobody of the same needs overtaken."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from factory_orders.planning.model import SLOT, SlotRequest, WeekRoom
from factory_orders.planning.slotting import (
    earliest_window,
    level_cars,
    level_days,
    slot_orders,
    spread,
    spread_resources,
)

MONDAY = date(2026, 11, 30)
OPTIONS = ("GOLD", "ROOF")


def week(number: int, *, free: int = 0, held: int = 0, **options: int) -> WeekRoom:
    return WeekRoom(MONDAY + timedelta(days=7 * number), {SLOT: free} | options, {SLOT: held})


def request(order_id: str, *options: str, ready: int = 0) -> SlotRequest:
    return SlotRequest(order_id, frozenset(options), MONDAY + timedelta(days=7 * ready))


rooms = st.lists(
    st.tuples(*(st.integers(0, 4) for _ in range(6))).map(
        lambda n: (
            {SLOT: n[0], "GOLD": n[1], "ROOF": n[2]},
            {SLOT: n[3], "GOLD": n[4], "ROOF": n[5]},
        )
    ),
    max_size=6,
).map(lambda weeks: [WeekRoom(MONDAY + timedelta(days=7 * i), free, held) for i, (free, held) in enumerate(weeks)])
requests = st.lists(st.tuples(st.frozensets(st.sampled_from(OPTIONS)), st.integers(0, 5)), max_size=30).map(
    lambda all_: [
        SlotRequest(f"o{number:02}", options, MONDAY + timedelta(days=7 * ready))
        for number, (options, ready) in enumerate(all_)
    ]
)


@given(requests, rooms)
def test_no_week_takes_more_than_is_free_and_held(wanted: list[SlotRequest], weeks: list[WeekRoom]) -> None:
    placed, unplaced = slot_orders(wanted, weeks)

    used: Counter[tuple[date, str]] = Counter()
    from_held: Counter[tuple[date, str]] = Counter()
    for one in placed:
        for resource in one.resources:
            used[one.week, resource] += 1
            from_held[one.week, resource] += resource in one.from_held
    by_week = {one.week: one for one in weeks}
    assert all(
        number - from_held[key] <= by_week[key[0]].free.get(key[1], 0)
        and from_held[key] <= by_week[key[0]].held.get(key[1], 0)
        for key, number in used.items()
    )
    assert sorted([one.order_id for one in placed] + unplaced) == [one.order_id for one in wanted]


@given(requests, rooms)
def test_orders_of_the_same_needs_keep_their_order(wanted: list[SlotRequest], weeks: list[WeekRoom]) -> None:
    placed, _ = slot_orders(wanted, weeks)

    week_of = {one.order_id: one.week for one in placed}
    last: dict[tuple[frozenset[str], date], date] = {}
    for one in wanted:
        key = (one.options, one.ready_week)
        got = week_of.get(one.order_id, date.max)
        assert last.get(key, date.min) <= got
        last[key] = got


@given(requests, rooms)
def test_nobody_waits_for_a_week_that_had_room(wanted: list[SlotRequest], weeks: list[WeekRoom]) -> None:
    placed, unplaced = slot_orders(wanted, weeks)

    left = {one.week: Counter({r: one.room(r) for r in (SLOT, *OPTIONS)}) for one in weeks}
    for one in placed:
        left[one.week].subtract(one.resources)
    by_id = {one.order_id: one for one in wanted}
    for order_id in unplaced:
        needs = by_id[order_id]
        assert not any(
            start >= needs.ready_week and all(left[start][resource] > 0 for resource in needs.resources)
            for start in left
        )


def test_what_the_pool_holds_goes_first() -> None:
    placed, _ = slot_orders([request("a"), request("b")], [week(0, free=1, held=1)])

    assert [(one.order_id, one.from_held) for one in placed] == [("a", frozenset({SLOT})), ("b", frozenset())]


def test_a_full_option_week_sends_a_car_to_the_next_one() -> None:
    weeks = [week(0, free=5, GOLD=1), week(1, free=5, GOLD=1)]

    placed, unplaced = slot_orders([request("a", "GOLD"), request("b", "GOLD"), request("c")], weeks)

    assert [(one.order_id, one.week) for one in placed] == [("a", MONDAY), ("b", weeks[1].week), ("c", MONDAY)]
    assert unplaced == []


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 300))
def test_a_spread_adds_up_within_what_is_free_or_is_refused(free: list[int], need: int) -> None:
    taken = spread(free, need)

    if need > sum(free):
        assert taken is None
    else:
        assert taken is not None
        assert sum(taken) == need
        assert all(0 <= one <= room for one, room in zip(taken, free, strict=True))


def test_a_pool_is_spread_evenly_and_the_rest_goes_early() -> None:
    assert spread([100, 100, 100], 120) == (40, 40, 40)
    assert spread([100, 10, 100], 120) == (70, 10, 40)


def test_the_scarcest_resource_is_named_with_what_is_missing() -> None:
    weeks = [week(0, free=5, GOLD=1), week(1, free=5, GOLD=1)]

    assert spread_resources(weeks, {SLOT: 11, "GOLD": 6}) == ("GOLD", 4)


def test_the_earliest_window_that_fits_is_found() -> None:
    weeks = [week(0, free=1), week(1, free=1), week(2, free=5), week(3, free=5)]

    assert earliest_window(weeks, {SLOT: 6}, length=2) == weeks[1].week
    assert earliest_window(weeks, {SLOT: 11}, length=2) is None


@given(st.integers(0, 60), st.lists(st.integers(0, 20), min_size=5, max_size=5))
def test_days_end_up_level(count: int, loads: list[int]) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(5)]
    before = dict(zip(days, loads, strict=True))

    chosen = level_days(count, days, before)

    assert chosen == sorted(chosen)
    assert len(chosen) == count
    more = Counter(chosen)
    taken = [before[day] + more[day] for day in days if more[day]]
    untouched = [before[day] for day in days if not more[day]]
    assert not taken or max(taken) - min(taken) <= 1
    assert not taken or not untouched or min(untouched) >= max(taken) - 1


@given(
    st.lists(st.frozensets(st.sampled_from(["ROOF", "HOOK"])), max_size=30),
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
)
def test_cars_fill_the_days_evenly_and_those_alike_keep_their_order(
    kinds: list[frozenset[str]], loads: list[int]
) -> None:
    days = [date(2026, 12, 7) + timedelta(days=number) for number in range(len(loads))]
    before = dict(zip(days, loads, strict=True))

    chosen = level_cars(kinds, days, before, {})

    assert sorted(chosen) == level_days(len(kinds), days, before)
    for kind in set(kinds):
        own = [day for day, options in zip(chosen, kinds, strict=True) if options == kind]
        assert own == sorted(own)


def test_an_option_is_spread_over_the_days_behind_what_they_have() -> None:
    days = [date(2026, 12, 7) + timedelta(days=number) for number in range(3)]
    roof, plain = frozenset({"ROOF"}), frozenset[str]()

    chosen = level_cars([roof, roof, plain, plain, plain, plain], days, {}, {days[0]: Counter({"ROOF": 1})})

    assert [day for day, kind in zip(chosen, [roof, roof], strict=False)] == days[1:]
    assert Counter(chosen) == dict.fromkeys(days, 2)
