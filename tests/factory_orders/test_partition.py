"""Batches: limits and order hold, one class is exact, several agree with brute force or say how far they may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.planning.batching import search
from factory_orders.planning.batching.bound import lower_bound
from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import BatchPrices, Line, Part, WaitingOrder, plan_batches
from factory_orders.planning.batching.search import largest_fill
from factory_orders.planning.batching.sequence import best_sequence
from factory_orders.planning.partition import partition_orders, queue_up

PRICES = BatchPrices()
FAST_LINE = Line(tuple(range(100, 130)), (180,) * 30)


def waiting(
    number: int, *, kind: str = "L5/BEV", paint: str = "RED", since: int = 80, ready: int = 0, due: int = 999
) -> WaitingOrder:
    model, powertrain = kind.split("/")
    return WaitingOrder(f"o{number:04}", kind, model, powertrain, paint, since, ready, due)


orders = st.lists(
    st.builds(
        waiting,
        st.just(0),
        kind=st.sampled_from(["L5/BEV", "L5/PHEV", "M7/PHEV"]),
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


def every_plan(taken: tuple[int, ...], full: Sequence[int], smallest: int, largest: int) -> Iterator[list[Part]]:
    """Yield every sequence of batches, without any thought."""
    if list(taken) == list(full):
        yield []
    for queue, start in enumerate(taken):
        for stop in range(start + smallest, min(full[queue], start + largest) + 1):
            after = (*taken[:queue], stop, *taken[queue + 1 :])
            for rest in every_plan(after, full, smallest, largest):
                yield [Part(queue, start, stop), *rest]


def cheapest(queues: Sequence[Sequence[WaitingOrder]], line: Line, costs: BatchPrices, limit: tuple[int, int]) -> int:
    full = [len(queue) for queue in queues]
    plans = every_plan((0,) * len(full), full, *limit)
    return min(sum(batch.cost_minor for batch in plan_batches(queues, plan, line, costs)) for plan in plans)


@given(orders, lines, limits, prices)
def test_up_to_eight_orders_cost_what_brute_force_finds(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    found = partition_orders(many, line, smallest=limit[0], largest=limit[1], prices=costs)

    queues, _ = queue_up(many, line, smallest=limit[0], largest=limit[1])
    assert found.cost_minor == cheapest(queues, line, costs, limit)
    assert found.bound_minor <= found.cost_minor
    assert lower_bound(queues, line, costs, largest=limit[1]) <= found.cost_minor


@given(orders, lines, limits, prices)
def test_the_search_is_never_below_the_optimum_and_never_breaks_a_limit(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int], costs: BatchPrices
) -> None:
    queues, _ = queue_up(many, line, smallest=limit[0], largest=limit[1])
    own = Costs(queues, line, costs, *limit)
    parts = (
        best_sequence(own, {index: search.partition_queue(own, index) for index in range(len(queues))})
        if queues
        else []
    )

    batches = plan_batches(queues, parts, line, costs)
    assert sum(batch.cost_minor for batch in batches) >= (cheapest(queues, line, costs, limit) if queues else 0)
    assert all(limit[0] <= len(batch.orders) <= limit[1] for batch in batches)
    assert own.total(parts) == sum(batch.cost_minor for batch in batches)


@settings(deadline=None)
@given(orders, lines, limits)
def test_every_order_is_in_one_batch_or_waits(many: list[WaitingOrder], line: Line, limit: tuple[int, int]) -> None:
    found = partition_orders(many, line, smallest=limit[0], largest=limit[1], prices=PRICES)

    batched = [order for batch in found.batches for order in batch.orders]
    assert sorted(order.id for order in (*batched, *found.waiting)) == sorted(order.id for order in many)
    assert all(limit[0] <= len(batch.orders) <= limit[1] for batch in found.batches)
    assert len(found.waiting) < limit[0] * 3 + limit[1]


@given(orders, lines, limits)
def test_nobody_of_a_class_is_overtaken_by_one_with_the_same_parts(
    many: list[WaitingOrder], line: Line, limit: tuple[int, int]
) -> None:
    queues, _ = queue_up(many, line, smallest=limit[0], largest=limit[1])

    for queue in queues:
        for earlier, later in combinations(queue, 2):
            if (earlier.class_key, earlier.ready) == (later.class_key, later.ready):
                assert earlier.age < later.age


def test_who_waits_for_a_part_falls_behind_only_until_it_is_there() -> None:
    line = Line((100, 101, 102), (1, 1, 1))
    many = [waiting(1, since=50, ready=101), waiting(2, since=60), waiting(3, since=70)]

    (queue,), _ = queue_up(many, line, smallest=1, largest=1)

    assert [order.id for order in queue] == ["o0002", "o0001", "o0003"]


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
    assert found.gap_bp < 2_000
