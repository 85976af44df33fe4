"""Batches: limits and order hold, one class is exact, several agree with brute force or say how far they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.planning.batching import search
from factory_orders.planning.batching.bound import lower_bound
from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.lines import largest_fill
from factory_orders.planning.batching.model import (
    BatchPrices,
    Line,
    PlannedBatch,
    WaitingOrder,
    order_of_waiting,
    orders_of,
    plan_batches,
)
from factory_orders.planning.batching.sequence import improve
from factory_orders.planning.partition import partition_orders, queue_up
from tests.factory_orders.brute_batches import cheapest_of_all

PRICES = BatchPrices()
FAST_LINE = Line(tuple(range(100, 130)), (180,) * 30)


def waiting(
    number: int, *, kind: str = "L5/BEV", paint: str = "RED", since: int = 80, ready: int = 0, due: int = 999
) -> WaitingOrder:
    model, powertrain, *_ = kind.split("/")
    return WaitingOrder(f"o{number:04}", kind, model, powertrain, paint, since, ready, due)


orders = st.lists(
    st.builds(
        waiting,
        st.just(0),
        kind=st.sampled_from(["L5/BEV", "L5/BEV/T2", "L5/PHEV", "M7/PHEV"]),
        paint=st.sampled_from(["RED", "BLUE"]),
        since=st.integers(40, 99),
        ready=st.sampled_from([0, 0, 0, 101, 103]),
        due=st.integers(99, 110),
    ),
    max_size=8,
).map(lambda many: [WaitingOrder(f"o{number}", *_rest(one)) for number, one in enumerate(many)])
lines = st.lists(st.integers(0, 3), min_size=1, max_size=5).map(
    lambda slots: Line(tuple(range(100, 101 + len(slots))), (*slots, 2))
)
limits = st.tuples(st.integers(1, 3), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
# Setups that cost little beside a day's waiting make small batches worth while, dear ones large ones.
prices = st.sampled_from(
    [
        PRICES,
        BatchPrices(setup=20_000),
        BatchPrices(setup=100_000, changeover_model=50_000, changeover_powertrain=9_000),
    ]
)


def _rest(order: WaitingOrder) -> tuple[str, str, str, str, int, int, int]:
    return order.class_key, order.model, order.powertrain, order.paint, order.since, order.ready, order.due


def check_against_all(many: Sequence[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices) -> None:
    """Compare a partition with every one that section 6.5 allows of the same orders."""
    found = partition_orders(many, line, smallest=limit[0], largest=limit[1], prices=costs)

    batched = [order for batch in found.batches for order in batch.orders]
    best = cheapest_of_all(batched, line, costs, limit)
    assert (found.cost_minor, found.bound_minor, found.exact) == (best, best, True)
    if batched:
        assert lower_bound(Costs(queue_up(batched), line, costs, *limit)) <= best


@settings(deadline=None)
@given(orders.map(lambda many: many[:6]), lines, limits, prices)
def test_up_to_six_orders_of_any_classes_cost_what_brute_force_finds(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    check_against_all(many, line, limit, costs)


@settings(deadline=None, max_examples=25)
@given(orders.filter(lambda many: len(many) > 6), lines, limits, prices)
def test_up_to_eight_orders_of_any_classes_cost_what_brute_force_finds(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    check_against_all(many, line, limit, costs)


@pytest.mark.prove
@settings(deadline=None, max_examples=1_000)
@given(orders, lines, limits, prices)
def test_a_thousand_plants_of_up_to_eight_orders_cost_what_brute_force_finds(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    check_against_all(many, line, limit, costs)


@settings(deadline=None)
@given(orders, lines, limits, prices)
def test_the_search_by_steps_never_goes_below_the_bound_and_never_breaks_a_limit(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    many = order_of_waiting(many, line)[: largest_fill(len(many), smallest=limit[0], largest=limit[1])]
    queues = queue_up(many)
    own = Costs(queues, line, costs, *limit)
    if not many:
        return

    cuts = improve(own, search.cuts_of_lines(own, many)[0], evaluations_max=2_000).cuts

    batches = plan_batches([orders_of(queues, cut) for cut in cuts], line, costs)
    assert own.total(cuts) == sum(batch.cost_minor for batch in batches) >= lower_bound(own)
    assert sorted(order.id for batch in batches for order in batch.orders) == sorted(order.id for order in many)
    assert all(limit[0] <= len(batch.orders) <= limit[1] for batch in batches)
    keeps_the_order([order for batch in batches for order in batch.orders], batches)


def keeps_the_order(many: Sequence[WaitingOrder], batches: Sequence[PlannedBatch]) -> None:
    place = {order.id: number for number, batch in enumerate(batches) for order in batch.orders}
    for earlier, later in combinations(sorted(many, key=lambda order: order.age), 2):
        if (earlier.class_key, earlier.ready) == (later.class_key, later.ready):
            assert place[earlier.id] <= place[later.id]


@settings(deadline=None)
@given(orders, lines, limits)
def test_every_order_is_in_one_batch_or_waits(many: list[WaitingOrder], line: Line, limit: tuple[int, int]) -> None:
    found = partition_orders(many, line, smallest=limit[0], largest=limit[1], prices=PRICES)

    batched = [order for batch in found.batches for order in batch.orders]
    assert sorted(order.id for order in (*batched, *found.waiting)) == sorted(order.id for order in many)
    assert all(limit[0] <= len(batch.orders) <= limit[1] for batch in found.batches)
    reachable = {total for k in range(9) for total in range(k * limit[0], k * limit[1] + 1)}
    assert len(batched) == max(total for total in reachable if total <= len(many))


@settings(deadline=None)
@given(orders, lines, limits, prices)
def test_nobody_of_a_class_is_overtaken_by_one_with_the_same_parts(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    found = partition_orders(many, line, smallest=limit[0], largest=limit[1], prices=costs)

    keeps_the_order([order for batch in found.batches for order in batch.orders], found.batches)
    # Who goes on waiting overtakes nobody either.
    for order in found.waiting:
        for other in (other for batch in found.batches for other in batch.orders):
            if (order.class_key, order.ready) == (other.class_key, other.ready):
                assert other.age < order.age


def test_who_waits_for_a_part_falls_behind_only_until_it_is_there() -> None:
    line = Line((100, 101, 102), (1, 1, 1))
    many = [waiting(1, since=50, ready=101), waiting(2, since=60), waiting(3, since=70)]

    found = partition_orders(many, line, smallest=1, largest=1, prices=PRICES)

    assert [batch.orders[0].id for batch in found.batches] == ["o0002", "o0001", "o0003"]


def test_who_needs_other_parts_goes_first_where_nobody_is_late_by_it() -> None:
    line = Line((100, 101, 102), (1, 1, 1))
    many = [waiting(1, since=50, ready=101, due=103), waiting(2, since=60), waiting(3, since=70, due=101)]

    found = partition_orders(many, line, smallest=1, largest=1, prices=PRICES)

    assert [batch.orders[0].id for batch in found.batches] == ["o0002", "o0003", "o0001"]
    assert found.exact


def test_two_classes_share_a_batch_where_one_setup_is_cheaper_than_two() -> None:
    trims = [replace(waiting(n), class_key=f"L5/BEV/T{n % 2}") for n in range(8)]

    found = partition_orders(trims, FAST_LINE, smallest=1, largest=8, prices=PRICES)

    # Twenty days for each of eight cars, and one setup.
    assert [len(batch.orders) for batch in found.batches] == [8]
    assert (found.cost_minor, found.bound_minor, found.exact) == (1_500_000 + 8 * 20 * 6_000, 2_460_000, True)


def test_only_what_is_proven_is_called_exact() -> None:
    kinds = ["L5/BEV", "S6/BEV", "M7/PHEV"]
    many = [waiting(n, kind=kinds[n % 3], ready=(0, 101, 103)[n // 3 % 3], due=101 + n % 7) for n in range(60)]

    found = partition_orders(many, Line((100, 101, 102), (7, 9, 8)), smallest=1, largest=20, prices=PRICES)

    assert (found.exact, found.bound_minor < found.cost_minor) == (False, True)


@given(st.integers(0, 60), limits)
def test_a_queue_is_filled_as_far_as_sizes_add_up(count: int, limit: tuple[int, int]) -> None:
    fill = largest_fill(count, smallest=limit[0], largest=limit[1])

    reachable = {total for k in range(61) for total in range(k * limit[0], k * limit[1] + 1)}
    assert fill == max(total for total in reachable if total <= count)


def test_one_class_that_fits_is_one_batch() -> None:
    found = partition_orders([waiting(n) for n in range(120)], FAST_LINE, smallest=1, largest=120, prices=PRICES)

    (batch,) = found.batches
    # Twenty days for each of 120 cars, and one setup.
    assert (found.cost_minor, batch.built_on) == (1_500_000 + 120 * 20 * 6_000, 100)
    assert found.gap_bp == 0


def test_a_late_part_holds_up_the_others_only_where_a_setup_costs_more_than_their_days() -> None:
    later = [waiting(900 + n, ready=105) for n in range(40)]
    prices = BatchPrices(idle_slot=0)

    # Five days are ¥300 a car: for 40 cars less than a setup's ¥15,000, for 60 more.
    few = partition_orders([waiting(n) for n in range(40)] + later, FAST_LINE, smallest=1, largest=120, prices=prices)
    many = partition_orders([waiting(n) for n in range(60)] + later, FAST_LINE, smallest=1, largest=120, prices=prices)

    assert [(len(batch.orders), batch.built_on) for batch in few.batches] == [(80, 105)]
    assert [(len(batch.orders), batch.built_on) for batch in many.batches] == [(60, 100), (40, 105)]


def test_models_are_not_changed_back_and_forth() -> None:
    many = [waiting(n, kind=("L5/BEV", "M7/PHEV")[n % 2], since=80 + n // 60) for n in range(240)]

    found = partition_orders(many, FAST_LINE, smallest=1, largest=60, prices=PRICES)

    assert [batch.orders[0].model for batch in found.batches] in (["L5"] * 2 + ["M7"] * 2, ["M7"] * 2 + ["L5"] * 2)


def test_who_would_wait_more_than_45_days_gets_an_offer() -> None:
    many = [waiting(1, since=55), waiting(2, since=54), waiting(3, since=90)]

    found = partition_orders(many, FAST_LINE, smallest=1, largest=120, prices=PRICES)

    assert [order.id for order in found.offers] == ["o0002"]


def test_orders_that_fill_no_batch_of_their_class_share_one_and_the_rest_waits() -> None:
    kinds = ["L5/BEV"] * 4 + ["L5/PHEV"] * 2 + ["M7/PHEV"]
    many = [waiting(n, kind=kind) for n, kind in enumerate(kinds)]

    shared = partition_orders(many, FAST_LINE, smallest=3, largest=3, prices=PRICES)
    alone = partition_orders(many[4:], FAST_LINE, smallest=4, largest=5, prices=PRICES)

    assert sorted(sorted(order.class_key for order in batch.orders) for batch in shared.batches) == [
        ["L5/BEV"] * 3,
        ["L5/BEV", "L5/PHEV", "L5/PHEV"],
    ]
    assert [order.model for order in shared.waiting] == ["M7"]
    assert (alone.batches, len(alone.waiting)) == ((), 3)


def test_a_thousand_orders_of_nine_classes_are_near_the_bound() -> None:
    kinds = [f"{model}/{powertrain}" for model in ("L5", "S6", "M7") for powertrain in ("BEV", "PHEV", "REX")]
    many = [
        waiting(n, kind=kinds[n % 9], paint=f"P{n % 7}", since=60 + n // 25, ready=100 + n % 5 // 4, due=108 + n // 200)
        for n in range(1_000)
    ]

    found = partition_orders(many, FAST_LINE, smallest=10, largest=120, prices=PRICES)

    assert sum(len(batch.orders) for batch in found.batches) == 1_000
    assert found.gap_bp < 1_000


def test_a_thousand_orders_beside_one_of_another_class_may_be_batches_of_a_single_car() -> None:
    own = [
        waiting(number, paint=f"P{number % 5}", since=80 + number % 7, due=100 + number % 60) for number in range(1_200)
    ]
    other = waiting(1_200, kind="M7/PHEV", due=105)
    line = Line(tuple(range(100, 200)), (40,) * 100)

    found = partition_orders([*own, other], line, smallest=1, largest=20, prices=PRICES)

    assert sum(len(batch.orders) for batch in found.batches) == 1_201
    assert found.bound_minor <= found.cost_minor
