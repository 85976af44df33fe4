"""Ending an order: what it costs by stage, who gives what back, and when nobody can any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from demand.service import TIMERS as DEMAND_TIMERS
from demand.service import DemandData, PoolPlan
from factory_orders import queries, service
from factory_orders.deliveries.handover_store import late_credit_total
from factory_orders.errors import OrderNotCancellable, OrderOpen
from factory_orders.model import CancelledOrder, PlantReport, ScheduledOrder, ShipmentState, Stage
from factory_orders.planning.model import SLOT
from factory_orders.planning.tables import orders
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from factory_orders.service import Cancellation, Damage, OrderData
from factory_orders.vehicles.model import Newness, newness_after_repair
from factory_orders.vehicles.tables import allocations, vehicles
from kernel import ledger, news, outbox
from kernel.clock import FixedClock
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ledger import account
from kernel.soundness import examine
from kernel.timers import fire_due
from kernel.work import Works
from muster.audit import CHECKS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom, make_pool_room
from tests.factory_orders.trade import BUILD, LEGS, NORTH_PLANT, PLANT_MACHINE, SYSTEM, Trade, buyer


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    """Return the small brand with its pool room."""
    return make_pool_room(works, clock)


def locked_orders(room: PoolRoom) -> tuple[Trade, list[str]]:
    """Take a pool of three buyers to its lock; returns their orders."""
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    placed = room.join(1, 2, 3)
    room.pass_time(days=21)
    while outbox.deliver(room.works, SUBSCRIPTIONS):
        pass
    return Trade(room.works, room.clock, room.sandbox, ""), [one.pre_order_id for one in placed]


def cancel(trade: Trade, order_id: str, number: int = 1) -> Cancellation:
    with trade.works.change(buyer(number)) as work:
        return service.cancel_order(work, order_id)


def sums(trade: Trade, order_id: str, number: int = 1) -> list[int]:
    with trade.works.read(SYSTEM) as work:
        names = [
            account("earnest", order_id),
            account("forfeit", BRAND),
            account("penalty", BRAND),
            account("payable", buyer(number).signed_in()),
        ]
        return list(ledger.balances(work, names).values())


def used(trade: Trade) -> int:
    with trade.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=trade.clock.now().date(), weeks=30)
    return sum(week.used for week in weeks if week.resource == SLOT)


def test_leaving_before_the_parts_are_ready_costs_a_fifth_of_the_earnest_money(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)
    ended = cancel(trade, order_id)
    room.settle()

    assert preview == ended == Cancellation(order_id, "queued", 500_000, 100_000, 0)
    assert sums(trade, order_id) == [0, 100_000, 0, 0]
    assert used(trade) == 2
    (payment,) = room.payments_of(order_id)
    assert payment.state.value == "refunded"
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
        assert queries.build_orders_of_orders(work, [order_id]) == {}


def test_leaving_when_the_parts_are_ready_costs_half(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)

    assert cancel(trade, order_id).forfeit_minor == 250_000


def test_a_car_that_is_begun_is_not_cancelled(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(trade.build_order_of(order_id).id, stage)

    with pytest.raises(OrderNotCancellable) as refused:
        cancel(trade, order_id)

    assert refused.value == OrderNotCancellable("body")
    assert sums(trade, order_id) == [500_000, 0, 0, 0]


def test_an_order_is_cancelled_once(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    cancel(trade, order_id)

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)

    assert sums(trade, order_id) == [0, 100_000, 0, 0]


def test_another_buyers_order_is_not_found(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with pytest.raises(NotFound):
        cancel(trade, order_id, number=2)


def test_the_maker_returns_double(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with trade.works.change(PLANNER) as work:
        ended = service.cancel_order_by_maker(work, order_id, reason="the paint is not made any more")

    assert ended.returned_minor == 1_000_000
    assert sums(trade, order_id) == [0, 0, -500_000, 500_000]


def test_only_a_planner_cancels_for_the_maker_and_says_why(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with pytest.raises(Forbidden), trade.works.change(buyer()) as work:
        service.cancel_order_by_maker(work, order_id, reason="no")
    with pytest.raises(InvalidInput), trade.works.change(PLANNER) as work:
        service.cancel_order_by_maker(work, order_id, reason=" ")

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)


def test_a_buyer_leaves_free_where_the_plan_is_later_than_what_was_accepted(trade: Trade) -> None:
    later = trade.clock.now().date()
    (order_id,) = trade.lock(promised_by=later)

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)

    assert (preview.forfeit_minor, preview.returned_minor) == (0, 500_000)


def test_an_order_whose_deposit_is_held_nowhere_is_not_ended(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with pytest.raises(Conflict) as refused:
        cancel(trade, order_id)

    assert "deposit is not held" in str(refused.value)
    assert sums(trade, order_id) == [500_000, 0, 0, 0]
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)


def test_a_plant_cannot_go_on_with_what_was_cancelled(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    build_order_id = trade.build_order_of(order_id).id
    cancel(trade, order_id)
    report = PlantReport("e", Stage.PARTS_READY, trade.clock.now())

    with pytest.raises(Exception, match="PLANT_EVENT_OUT_OF_ORDER"), trade.works.change(PLANT_MACHINE) as work:
        service.report_plant_event(work, build_order_id, report)


# --- what is kept of a person ----------------------------------------------------------------------------------------


def test_an_order_under_way_keeps_its_account(trade: Trade) -> None:
    (order_id,) = trade.lock()
    with trade.works.read(buyer()) as work:
        under_way = OrderData().blocks_erasure(work, buyer().signed_in())
        nobody = OrderData().blocks_erasure(work, buyer(2).signed_in())
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)

    with trade.works.read(buyer()) as work:
        ended = OrderData().blocks_erasure(work, buyer().signed_in())

    assert under_way == OrderOpen("scheduled")
    assert nobody is None
    assert ended is None


def test_a_place_that_locked_keeps_its_account_before_its_order_is_made(room: PoolRoom) -> None:
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    (placed, *_) = room.join(1, 2, 3)
    room.pass_time(days=21)
    assert room.states()[placed.pre_order_id] == "locked"

    with room.works.read(buyer()) as work:
        before = [part.blocks_erasure(work, buyer().signed_in()) for part in (DemandData(), OrderData())]
        nobody = OrderData().blocks_erasure(work, buyer(9).signed_in())
    deliver(room)
    with room.works.read(buyer()) as work:
        after = OrderData().blocks_erasure(work, buyer().signed_in())

    assert before == [None, OrderOpen("locked")]
    assert nobody is None
    assert after == OrderOpen("scheduled")


def test_erasing_takes_the_person_and_the_persons_words(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id), fine=False)
    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "my own words")
        exported = OrderData().export(work, buyer().signed_in())

    with trade.works.change(buyer()) as work:
        OrderData().erase(work, buyer().signed_in())

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        (told,) = queries.disclosures_of(work, [vin])[vin]
        (known,) = queries.handovers_of_orders(work, [order_id])[order_id]
        passport = queries.passport(work, vin)
    assert exported["orders"][0]["id"] == order_id
    assert exported["handovers"][0]["reason"] == "my own words"
    assert order.terms.person_id is None
    assert (told.detail, known.reason) == ("", None)
    assert passport.verified


# --- earnest money that never came -----------------------------------------------------------------------------------


def locked_on_an_empty_wallet(room: PoolRoom) -> tuple[Trade, list[str]]:
    """Take a pool of three to its lock; the first one's deposit will be declined."""
    room.wallet_is_empty = True
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    (first,) = room.join(1)
    room.wallet_is_empty = False
    others = room.join(2, 3)
    room.pass_time(days=21)
    deliver(room)
    return Trade(room.works, room.clock, room.sandbox, ""), [one.pre_order_id for one in (first, *others)]


def deliver(room: PoolRoom) -> None:
    while outbox.deliver(room.works, SUBSCRIPTIONS):
        pass


def found_by_audit(room: PoolRoom) -> list[str]:
    with room.works.read(SYSTEM) as work:
        found = examine(work, CHECKS)
    return [f"{one.check.name}: {line}" for one in found for line in one.violations]


def news_of(room: PoolRoom, kind: str) -> list[dict[str, object]]:
    with room.works.read(SYSTEM) as work:
        return [row.payload for row in work.connection.execute(select(news.outbox).where(news.outbox.c.kind == kind))]


def test_an_order_whose_earnest_money_never_came_ends_and_frees_its_week(room: PoolRoom) -> None:
    trade, (order_id, *others) = locked_on_an_empty_wallet(room)
    assert used(trade) == 3

    room.settle()
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        orders = queries.orders_by_id(work, [order_id, *others])
    assert isinstance(orders[order_id], CancelledOrder)
    assert all(isinstance(orders[one], ScheduledOrder) for one in others)
    assert used(trade) == 2
    assert sums(trade, order_id) == [0, 0, 0, 0]
    (told,) = news_of(room, "factory_orders.order_cancelled")
    assert (told["by"], told["forfeit_minor"], told["returned_minor"]) == ("payment", 0, 0)
    assert found_by_audit(room) == []


def test_an_order_whose_car_is_begun_stands_and_owes_its_whole_price(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_on_an_empty_wallet(room)
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(trade.build_order_of(order_id).id, stage)

    room.settle()
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
    assert sums(trade, order_id) == [0, 0, 0, 0]
    assert len(news_of(room, "factory_orders.earnest_missing")) == 1
    assert found_by_audit(room) == []


def test_an_order_whose_deposit_the_bank_takes_back_ends_while_its_car_is_not_begun(room: PoolRoom) -> None:
    trade, (order_id, *others) = locked_on_an_empty_wallet(room)
    goes = others[0]
    room.settle()

    room.charge_back(goes)
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [goes])[goes], CancelledOrder)
    assert sums(trade, goes) == [0, 0, 0, 0]
    assert (order_id, goes) in {(one["order_id"], goes) for one in news_of(room, "factory_orders.order_cancelled")}
    assert found_by_audit(room) == []


def test_a_decline_after_the_buyer_left_leaves_the_forfeit_as_a_claim(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_on_an_empty_wallet(room)
    assert cancel(trade, order_id).forfeit_minor == 100_000
    (payment,) = room.payments_of(order_id)

    room.settle()
    deliver(room)

    assert room.balance(f"uncollected:{payment.id}") == -100_000
    assert sums(trade, order_id) == [0, 100_000, 0, 0]
    assert news_of(room, "factory_orders.earnest_missing") == []
    assert found_by_audit(room) == []


# --- more than thirty days late --------------------------------------------------------------------------------------


def until_late(room: PoolRoom, order_id: str, *, days: int) -> None:
    """Let time pass until so many days after the promised one, with what falls due on the way."""
    with room.works.read(SYSTEM) as work:
        promised_by = queries.orders_by_id(work, [order_id])[order_id].terms.promised_by
    assert promised_by is not None
    today = (room.clock.now() + timedelta(hours=8)).date()
    room.clock.advance((promised_by - today) + timedelta(days=days))
    while fire_due(room.works, {**DEMAND_TIMERS, **service.TIMERS}):
        pass


def test_who_leaves_for_more_than_thirty_days_of_lateness_gets_the_earnest_money_twice_less_credits(
    room: PoolRoom,
) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    credited = room.balance(f"payable:{buyer().signed_in()}")

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)
    ended = cancel(trade, order_id)
    room.settle()
    deliver(room)

    assert credited > 0
    assert preview == ended == Cancellation(order_id, "queued", 500_000, 0, 500_000 - credited)
    # What was credited for the lateness is part of the second half.
    assert sums(trade, order_id) == [0, 0, credited - 500_000, 500_000]
    assert [one.state.value for one in room.payments_of(order_id)] == ["refunded"]
    (told,) = news_of(room, "factory_orders.order_cancelled")
    assert (told["by"], told["returned_minor"]) == ("late", 1_000_000 - credited)
    assert found_by_audit(room) == []


def test_thirty_days_late_is_not_yet_a_reason(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=30)

    assert cancel(trade, order_id).penalty_minor == 0


def test_a_late_car_at_the_store_is_left_and_what_was_asked_for_it_is_undone(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id))
    trade.ask_balance(handover)
    credited = late_credits_of(room, order_id)
    ended = cancel(trade, order_id)

    assert ended == Cancellation(order_id, "at_store", 500_000, 0, 500_000 - credited)
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
    assert room.balance(f"receivable:{order_id}") == 0
    assert sums(trade, order_id) == [0, 0, credited - 500_000, 500_000]
    assert found_by_audit(room) == []


@pytest.mark.parametrize(
    ("stages", "legs", "stage"),
    [
        (BUILD[:2], (), "body"),
        (BUILD[:3], (), "paint"),
        (BUILD, (), "built"),
        (BUILD, LEGS[:2], "in_transit"),
        (BUILD, LEGS, "at_store"),
    ],
)
def test_a_late_car_is_left_at_every_stage_and_becomes_stock(
    room: PoolRoom, stages: tuple[Stage, ...], legs: tuple[ShipmentState, ...], stage: str
) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    build_order_id = trade.build_order_of(order_id).id
    for one in stages:
        trade.report(build_order_id, one)
    if legs:
        trade.ship(order_id, legs=legs)
    credited = late_credits_of(room, order_id)

    ended = cancel(trade, order_id)
    told_since = len(news_of(room, "factory_orders.vehicle_built"))
    for one in BUILD[len(stages) :]:
        trade.report(build_order_id, one)
    if stages == BUILD:
        trade.ship(order_id, legs=LEGS[len(legs) :])
        trade.receive(order_id)
    room.settle()
    deliver(room)

    assert ended == Cancellation(order_id, stage, 500_000, 0, 500_000 - credited)
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
        (car,) = work.connection.execute(select(vehicles.c.state)).scalars()
        assert work.connection.execute(select(allocations.c.id).where(allocations.c.ended_at.is_(None))).all() == []
        assert OrderData().blocks_erasure(work, buyer().signed_in()) is None
    assert car == "built"
    assert len(news_of(room, "factory_orders.vehicle_built")) == told_since
    assert [one.state.value for one in room.payments_of(order_id)] == ["refunded"]
    assert found_by_audit(room) == []


def test_who_lets_a_car_wait_that_stood_ready_in_time_cannot_leave_it_as_late(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.bring_to_store(order_id)
    with room.works.read(SYSTEM) as work:
        promised_by = queries.orders_by_id(work, [order_id])[order_id].terms.promised_by
    assert promised_by is not None
    room.clock.advance(promised_by - room.clock.now().date() + timedelta(days=40))

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)

    assert sums(trade, order_id) == [500_000, 0, 0, 0]


def test_a_late_car_that_is_paid_is_not_left(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    for stage in BUILD:
        trade.report(trade.build_order_of(order_id).id, stage)
    trade.ship(order_id)
    trade.receive(order_id)
    handover = trade.inspect(trade.book(order_id))
    trade.pay(handover, trade.ask_balance(handover))

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)


def rescinded_before_the_store_looked(room: PoolRoom) -> tuple[Trade, str]:
    """Let a buyer leave for lateness while the car stands at the store and nobody has looked it over yet."""
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    for stage in BUILD:
        trade.report(trade.build_order_of(order_id).id, stage)
    trade.ship(order_id)
    cancel(trade, order_id)
    return trade, order_id


@pytest.mark.parametrize("damage", [None, Damage("dent", 9_000), Damage("frame", 900_000)])
def test_an_order_that_was_left_stays_so_whatever_the_store_finds_on_its_car(
    room: PoolRoom, damage: Damage | None
) -> None:
    trade, order_id = rescinded_before_the_store_looked(room)
    kinds = ("vehicle_arrived", "vehicle_disclosed", "order_built_again")
    told_before = [news_of(room, f"factory_orders.{kind}") for kind in kinds]

    seen = trade.receive(order_id, damage=damage)
    room.settle()

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        car = queries.vehicles_by_vin(work, [seen.vin])[seen.vin]
        assert queries.build_orders_of_orders(work, [order_id])[order_id].stage is Stage.PASSED
    assert isinstance(order, CancelledOrder)
    assert car.newness is (
        Newness.NEW if damage is None else newness_after_repair(damage.repair_minor, repaired_from_minor=500_000)
    )
    assert [news_of(room, f"factory_orders.{kind}") for kind in kinds] == told_before
    assert found_by_audit(room) == []


@pytest.mark.parametrize("state", ["scheduled", "at_store", "delivered"])
def test_the_database_keeps_an_ended_order_as_it_is(room: PoolRoom, state: str) -> None:
    trade, (order_id, *_) = locked_orders(room)
    cancel(trade, order_id)

    with pytest.raises(IntegrityError, match="stays as it is"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(state=state, ended_at=None))


def late_credits_of(room: PoolRoom, order_id: str) -> int:
    with room.works.read(SYSTEM) as work:
        return late_credit_total(work, order_id)
