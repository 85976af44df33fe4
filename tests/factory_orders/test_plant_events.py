"""What a plant reports: in order, once, its own, in time; whatever the order of messages, the end is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from factory_orders import queries, service
from factory_orders.errors import PlantEventAltered, PlantEventFromFuture, PlantEventGap, PlantEventOutOfOrder
from factory_orders.model import BuildOrder, BuiltOrder, Newness, PlantReport, ScheduledOrder, Stage
from factory_orders.plant.model import FOLLOWS, take_report
from factory_orders.plant.simulation import simulate_build
from factory_orders.plant.tables import build_orders, plant_events
from factory_orders.vehicles.tables import vehicles
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from kernel.ids import AccountId
from kernel.paging import PageRequest
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import BUILD, PLANT_MACHINE, SOUTH_PLANT, SYSTEM, Trade, buyer

OTHER_PLANT = Actor(BRAND, frozenset({Role.PLANT}), AccountId("6" * 32), plant_id=SOUTH_PLANT)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
AHEAD = timedelta(minutes=5)


def on_the_line(stage: Stage = Stage.QUEUED) -> BuildOrder:
    return BuildOrder(
        id="b" * 32,
        brand_id=BRAND,
        order_id="o" * 32,
        batch_id="c" * 32,
        plant_id="p" * 32,
        week=NOON.date(),
        day=NOON.date(),
        position=1,
        model="A1",
        options=(),
        catalogue_version_id="v" * 32,
        stage=stage,
        moved_at=NOON,
        events=0,
        released_at=NOON,
    )


@given(st.lists(st.sampled_from(list(Stage)), max_size=40))
def test_whatever_is_reported_a_build_order_only_follows_its_stages(stages: list[Stage]) -> None:
    order = on_the_line()
    reached = [order.stage]

    for number, stage in enumerate(stages):
        report = PlantReport(f"e{number}", stage, NOON)
        if stage in FOLLOWS[order.stage]:
            order = take_report(order, report, now=NOON, clock_ahead=AHEAD)
            reached.append(order.stage)
        else:
            with pytest.raises(PlantEventOutOfOrder) as refused:
                take_report(order, report, now=NOON, clock_ahead=AHEAD)
            assert refused.value.expected == tuple(one.name for one in FOLLOWS[order.stage])

    assert all(after in FOLLOWS[before] for before, after in pairwise(reached))
    assert order.events == len(reached) - 1


@given(st.integers(-900, 900))
def test_a_time_outside_the_tolerance_is_refused(seconds: int) -> None:
    order = on_the_line()
    report = PlantReport("e", Stage.PARTS_READY, NOON + timedelta(seconds=seconds))

    if abs(seconds) <= 300:
        assert take_report(order, report, now=NOON, clock_ahead=AHEAD).moved_at == max(NOON, report.occurred_at)
    else:
        with pytest.raises(PlantEventFromFuture):
            take_report(order, report, now=NOON, clock_ahead=AHEAD)


@given(st.permutations([*BUILD, *BUILD]))
def test_messages_repeated_until_taken_reach_the_same_end(order_of_messages: list[Stage]) -> None:
    order = on_the_line()
    pending = list(order_of_messages)
    taken: set[Stage] = set()

    for _ in range(len(pending) ** 2):
        if not pending:
            break
        stage = pending.pop(0)
        if stage in taken:
            continue
        try:
            order = take_report(order, PlantReport(stage.value, stage, NOON), now=NOON, clock_ahead=AHEAD)
        except PlantEventOutOfOrder:
            pending.append(stage)
        else:
            taken.add(stage)

    assert (order.stage, order.events) == (Stage.PASSED, 5)


def test_the_simulated_plant_is_the_same_for_a_seed_and_always_in_order() -> None:
    for seed in range(60):
        order = replace(on_the_line(), id=f"{seed:032x}")
        reports = list(simulate_build(order.id, starts_at=NOON, seed=seed))

        for report in reports:
            order = take_report(order, report, now=NOON + timedelta(days=9), clock_ahead=AHEAD)

        assert order.stage is Stage.PASSED
        assert reports == list(simulate_build(order.id, starts_at=NOON, seed=seed))
        assert len({report.event_id for report in reports}) == len(reports)


# --- stored ----------------------------------------------------------------------------------------------------------


def stored(trade: Trade) -> tuple[list[tuple[object, ...]], int, int]:
    with trade.works.read(SYSTEM) as work:
        rows = [tuple(row) for row in work.connection.execute(select(build_orders).order_by(build_orders.c.id))]
        events = work.connection.execute(select(func.count()).select_from(plant_events)).scalar_one()
        cars = work.connection.execute(select(func.count()).select_from(vehicles)).scalar_one()
    return rows, events, cars


def refuse(trade: Trade, build_order_id: str, report: PlantReport, *, actor: Actor = PLANT_MACHINE) -> Refusal:
    """Report what must be refused; nothing may have changed."""
    before = stored(trade)
    with pytest.raises(Refusal) as refused, trade.works.change(actor) as work:
        service.report_plant_event(work, build_order_id, report)
    assert stored(trade) == before
    return refused.value


def test_the_same_event_again_is_answered_the_same_and_changes_nothing(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(build_order_id, stage)
    report = PlantReport("paint-1", Stage.PAINT, trade.clock.now())
    with trade.works.change(PLANT_MACHINE) as work:
        first = service.report_plant_event(work, build_order_id, report)
    before = stored(trade)

    with trade.works.change(PLANT_MACHINE) as work:
        second = service.report_plant_event(work, build_order_id, report)

    assert (first.outcome, second.outcome) == ("accepted", "repeated")
    assert (first.order, first.vin) == (second.order, second.vin)
    assert first.vin is not None
    assert stored(trade) == before


def test_an_event_out_of_order_is_refused_with_what_may_come(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id

    refusal = refuse(trade, build_order_id, PlantReport("e", Stage.PAINT, trade.clock.now()))

    assert refusal == PlantEventOutOfOrder("QUEUED", "PAINT", ("PARTS_READY",))


def test_the_end_of_the_line_cannot_overtake_a_rework_where_reports_are_numbered(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    for stage in BUILD[:-1]:
        trade.report(build_order_id, stage)
    rework = PlantReport("r", Stage.REWORK, trade.clock.now(), 90_000, number=5)
    passed = PlantReport("p", Stage.PASSED, trade.clock.now(), number=6)

    refusal = refuse(trade, build_order_id, passed)
    with trade.works.change(PLANT_MACHINE) as work:
        outcomes = [
            service.report_plant_event(work, build_order_id, one).outcome
            for one in (rework, passed, rework, replace(rework, number=None))
        ]

    assert refusal == PlantEventGap(expected=5, reported=6)
    assert outcomes == ["accepted", "accepted", "repeated", "repeated"]


def test_a_number_that_no_report_can_have_and_another_number_of_a_known_event_are_refused(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    report = PlantReport("e", Stage.PARTS_READY, trade.clock.now(), number=1)
    with trade.works.change(PLANT_MACHINE) as work:
        service.report_plant_event(work, build_order_id, report)

    for number in (0, -1, 10):
        refusal = refuse(trade, build_order_id, replace(report, number=number))
        assert isinstance(refusal, InvalidInput)
        assert refusal.field == "number"
    assert refuse(trade, build_order_id, replace(report, number=2)) == PlantEventAltered("e")


def test_an_event_id_with_another_content_is_refused(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    trade.report(build_order_id, Stage.PARTS_READY, event_id="e")

    refusal = refuse(trade, build_order_id, PlantReport("e", Stage.BODY, trade.clock.now()))

    assert refusal == PlantEventAltered("e")


def test_an_unknown_order_and_another_plants_look_the_same(trade: Trade) -> None:
    (order_id,) = trade.lock()
    report = PlantReport("e", Stage.PARTS_READY, trade.clock.now())

    unknown = refuse(trade, "f" * 32, report)
    foreign = refuse(trade, trade.build_order_of(order_id).id, report, actor=OTHER_PLANT)

    assert unknown == foreign == NotFound("build order")


def test_only_a_plant_reports(trade: Trade) -> None:
    (order_id,) = trade.lock()
    report = PlantReport("e", Stage.PARTS_READY, trade.clock.now())

    for actor in (buyer(), PLANNER):
        refusal = refuse(trade, trade.build_order_of(order_id).id, report, actor=actor)
        assert isinstance(refusal, Forbidden)


@pytest.mark.parametrize(
    "bad",
    [
        {"event_id": ""},
        {"event_id": "e" * 81},
        {"stage": Stage.QUEUED},
        {"stage": Stage.WITHDRAWN},
        {"repair_minor": -1},
        {"repair_minor": 100},
        {"occurred_at": datetime(2026, 11, 23)},  # noqa: DTZ001  # a time without a zone is what is refused
    ],
)
def test_a_malformed_report_is_refused(trade: Trade, bad: dict[str, object]) -> None:
    (order_id,) = trade.lock()
    report = replace(PlantReport("e", Stage.PARTS_READY, trade.clock.now()), **bad)  # type: ignore[arg-type]

    assert isinstance(refuse(trade, trade.build_order_of(order_id).id, report), InvalidInput)


def test_a_report_on_a_cars_order_moves_its_batch(trade: Trade) -> None:
    first, second = trade.lock(2)

    states = []
    for order_id in (first, second):
        trade.build(order_id)
        with trade.works.read(PLANNER) as work:
            (batch,) = queries.list_batches(work, PageRequest(10)).items
        states.append((batch.state, batch.passed))

    assert states == [("building", 1), ("complete", 2)]


def test_light_rework_discloses_the_car_and_it_stays_with_its_order(trade: Trade) -> None:
    (order_id,) = trade.lock()

    vin = trade.build(order_id, stages=(*BUILD[:4], Stage.REWORK, Stage.PASSED), repair_minor=60_000)

    with trade.works.read(SYSTEM) as work:
        assert queries.vehicles_by_vin(work, [vin])[vin].newness is Newness.NEW_DISCLOSED
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], BuiltOrder)
        (told,) = queries.disclosures_of(work, [vin])[vin]
    assert (told.reason.value, told.repair_minor, told.accepted_at) == ("rework", 60_000, None)


def test_heavy_rework_makes_the_car_no_new_one_and_another_is_built(trade: Trade) -> None:
    (order_id,) = trade.lock()
    first = trade.build_order_of(order_id)

    vin = trade.build(order_id, stages=(*BUILD[:4], Stage.REWORK, Stage.PASSED), repair_minor=500_000)
    second = trade.build_order_of(order_id)
    vin_again = trade.build(order_id)

    with trade.works.read(SYSTEM) as work:
        cars = queries.vehicles_by_vin(work, [vin, vin_again])
        order = queries.orders_by_id(work, [order_id])[order_id]
    assert first.id != second.id
    assert second.day >= first.day
    assert (cars[vin].newness, cars[vin].state.value) == (Newness.REPAIRED, "built")
    assert isinstance(order, BuiltOrder)
    assert order.vin == vin_again != vin


def test_a_plant_reads_its_own_line_page_by_page(trade: Trade) -> None:
    trade.lock(12)

    seen: list[BuildOrder] = []
    after = None
    for _ in range(5):
        with trade.works.read(PLANT_MACHINE) as work:
            page = queries.build_orders_for_plant(work, PageRequest(5, after))
        seen += page.items
        if not page.has_next:
            break
        after = f"{seen[-1].day.isoformat()}/{seen[-1].position}"

    assert len({order.id for order in seen}) == len(seen) == 12
    assert [(order.day, order.position) for order in seen] == sorted((order.day, order.position) for order in seen)
    with trade.works.read(OTHER_PLANT) as work:
        assert queries.build_orders_for_plant(work, PageRequest(5)).items == ()


def test_a_scheduled_order_has_no_car_yet(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id

    reported = trade.report(build_order_id, Stage.PARTS_READY)

    assert reported.vin is None
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)


def test_reports_of_many_cars_are_answered_each_by_itself_and_a_car_goes_on_in_order(trade: Trade) -> None:
    first, second, third = (trade.build_order_of(order_id).id for order_id in trade.lock(3))
    trade.clock.advance(timedelta(days=1))
    now = trade.clock.now()
    begun = [PlantReport(f"{first}-{stage.value}", stage, now) for stage in BUILD]

    with trade.works.change(PLANT_MACHINE) as work:
        outcomes = service.report_plant_events(
            work,
            [
                *((first, report) for report in begun),
                (first, begun[0]),
                (second, begun[0]),
                (second, PlantReport("gap", Stage.BODY, now, number=2)),
                (second, PlantReport("fine", Stage.PARTS_READY, now)),
                (second, PlantReport("late", Stage.BODY, now + timedelta(days=1))),
                ("f" * 32, PlantReport("unknown", Stage.PARTS_READY, now)),
                (third, PlantReport("third", Stage.PARTS_READY, now)),
            ],
        )

    told = [one.code if isinstance(one, Refusal) else one.outcome for one in outcomes]
    assert told == [
        *["accepted"] * len(BUILD),
        "repeated",
        PlantEventAltered.code,
        PlantEventGap.code,
        "accepted",
        PlantEventFromFuture.code,
        NotFound.code,
        "accepted",
    ]
    assert [trade.build_order_of(order.order_id).stage for order in trade.build_orders()] == [
        Stage.PARTS_READY,
        Stage.PARTS_READY,
    ]
    passed = outcomes[len(BUILD) - 1]
    assert not isinstance(passed, Refusal)
    assert passed.vin is not None
