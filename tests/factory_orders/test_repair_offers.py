"""A car that is not new any more: offered to its buyer for less while another is built, and taken only on a word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from factory_orders import queries, service
from factory_orders.consents.model import RepairOffer, reduction_of
from factory_orders.consents.policy import RepairedCarPolicy
from factory_orders.errors import RepairOfferEnded
from factory_orders.model import AtStoreOrder, BuiltOrder, DeliveredOrder, Order, ScheduledOrder, Stage
from factory_orders.offers.model import OfferState
from factory_orders.service import TIMERS, Damage
from factory_orders.vehicles.tables import vehicles
from kernel.errors import InvalidInput, NotFound
from kernel.paging import PageRequest, decode_cursor
from kernel.timers import fire_due
from tests.configurator.small_brand import PLANNER
from tests.demand.pool_room import PoolRoom
from tests.factory_orders.leaving_room import deliver, found_by_audit, locked_orders, news_of
from tests.factory_orders.test_early_cars import lose_week
from tests.factory_orders.trade import BUILD, NORTH_PLANT, POOL, SYSTEM, Trade, buyer

REWORKED = (*BUILD[:-1], Stage.REWORK, Stage.PASSED)
REPAIR = 900_000
REDUCTION = 300_000 + 450_000
"""3 % of ¥100,000 and half of ¥9,000."""


def offers(trade: Trade, order_id: str) -> list[RepairOffer]:
    with trade.works.read(SYSTEM) as work:
        return queries.repair_offers_of_orders(work, [order_id])[order_id]


def order(trade: Trade, order_id: str) -> Order:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [order_id])[order_id]


def accept(trade: Trade, order_id: str, number: int = 1) -> RepairOffer:
    with trade.works.change(buyer(number)) as work:
        return service.accept_repaired_car(work, order_id)


def decline(trade: Trade, order_id: str) -> RepairOffer:
    with trade.works.change(buyer()) as work:
        return service.decline_repaired_car(work, order_id)


def repaired(room: PoolRoom, repair_minor: int = REPAIR) -> tuple[Trade, str, str]:
    """Lock a pool, and let the first buyer's car need so much rework; returns the order and the car."""
    trade, (order_id, *_) = locked_orders(room)
    vin = trade.build(order_id, stages=REWORKED, repair_minor=repair_minor)
    return trade, order_id, vin


# --- how much less ---------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**9), st.integers(0, 10**8), st.integers(0, 5_000), st.integers(0, 20_000))
def test_a_reduction_is_whole_yuan_and_at_most_half_the_price(
    price: int, repair: int, of_price: int, of_it: int
) -> None:
    reduction = reduction_of(price, repair, price_share_bp=of_price, repair_share_bp=of_it)

    assert reduction % 100 == 0
    assert 0 <= reduction <= price // 2


# --- the offer -------------------------------------------------------------------------------------------------------


def test_past_the_threshold_another_car_is_planned_and_this_one_is_offered_for_less(room: PoolRoom) -> None:
    trade, order_id, vin = repaired(room)

    (offer,) = offers(trade, order_id)

    assert (offer.vin, offer.repair_minor, offer.reduction_minor, offer.state) == (
        vin,
        REPAIR,
        REDUCTION,
        OfferState.OPEN,
    )
    assert offer.answer_by - offer.offered_at == timedelta(days=RepairedCarPolicy().answer_days)
    assert isinstance(order(trade, order_id), ScheduledOrder)
    assert trade.build_order_of(order_id).stage is Stage.QUEUED
    assert [one["order_id"] for one in news_of(room, "factory_orders.repaired_car_offered")] == [order_id]


@pytest.mark.parametrize("repair_minor", [RepairedCarPolicy().repair_most_minor + 1, 60_000])
def test_what_was_repaired_too_much_or_hardly_is_not_offered(room: PoolRoom, repair_minor: int) -> None:
    trade, order_id, _ = repaired(room, repair_minor)

    assert offers(trade, order_id) == []


def test_without_a_word_the_offer_ends_at_its_deadline_and_the_other_car_is_built(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)
    trade.clock.advance(timedelta(days=3, minutes=1))

    with pytest.raises(RepairOfferEnded) as refused:
        accept(trade, order_id)
    fire_due(trade.works, TIMERS)

    assert refused.value == RepairOfferEnded("lapsed")
    assert [one.state for one in offers(trade, order_id)] == [OfferState.LAPSED]
    assert isinstance(order(trade, order_id), ScheduledOrder)
    assert found_by_audit(room) == []


def test_who_declines_gets_the_other_car_and_cannot_change_that(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)

    declined = decline(trade, order_id)
    # The same no again, since the answer to the first was lost, is the same answer.
    again = decline(trade, order_id)

    assert declined.state is OfferState.DECLINED
    assert again == declined
    with pytest.raises(RepairOfferEnded, match="declined"):
        accept(trade, order_id)
    assert trade.build_order_of(order_id).stage is Stage.QUEUED


# --- taking it -------------------------------------------------------------------------------------------------------


def test_who_takes_it_gets_this_car_for_less_and_the_other_is_not_built(room: PoolRoom) -> None:
    trade, order_id, vin = repaired(room)
    other = trade.build_order_of(order_id).id

    taken, again = accept(trade, order_id), accept(trade, order_id)
    now = order(trade, order_id)

    assert (taken.state, again.id) == (OfferState.ACCEPTED, taken.id)
    assert isinstance(now, BuiltOrder)
    assert (now.vin, now.terms.agreed_minor) == (vin, -REDUCTION)
    assert trade.build_order_of(order_id).id != other
    assert trade.shipment_of(order_id).vin == vin
    assert found_by_audit(room) == []


def test_a_plants_list_has_the_car_that_was_taken_after_all_on_some_page(room: PoolRoom) -> None:
    trade, (order_id, *others) = locked_orders(room)
    trade.build(order_id, stages=REWORKED, repair_minor=REPAIR)
    accept(trade, order_id)

    found: list[str] = []
    after: str | None = None
    with trade.works.read(PLANNER) as work:
        for _ in range(3):
            page = queries.build_orders_of_plant(work, NORTH_PLANT, PageRequest(1, after))
            found += [one.order_id for one in page.items]
            after = decode_cursor(page.cursors[-1])
        with pytest.raises(InvalidInput):
            queries.build_orders_of_plant(work, NORTH_PLANT, PageRequest(1, "f" * 32))

    assert not page.has_next
    assert sorted(found) == sorted([order_id, *others])


def test_it_is_delivered_and_paid_at_the_lower_price_and_invoiced_as_what_it_is(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)
    accept(trade, order_id)
    trade.ship(order_id)
    trade.receive(order_id)

    handover = trade.hand_over(order_id)

    with trade.works.read(SYSTEM) as work:
        balance = queries.balances_of_handovers(work, [handover.id])[handover.id]
        invoice = queries.papers_of_order(work.acting(buyer()), order_id, PageRequest(20)).items[-1].request
    assert balance.agreed_minor == -REDUCTION
    assert (invoice.amount_minor, invoice.newness) == (balance.vehicle_minor - REDUCTION, "repaired")
    assert isinstance(order(trade, order_id), DeliveredOrder)
    deliver(room)
    assert found_by_audit(room) == []


def test_damage_on_the_way_is_offered_at_the_store_and_the_car_stays_there(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    vin = trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=Damage("a dent in the door", REPAIR))
    assert isinstance(order(trade, order_id), ScheduledOrder)

    accept(trade, order_id)

    now = order(trade, order_id)
    assert isinstance(now, AtStoreOrder)
    assert now.vin == vin
    trade.hand_over(order_id)
    deliver(room)
    assert found_by_audit(room) == []


def test_once_the_other_car_is_begun_the_repaired_one_cannot_be_taken(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)
    other = trade.build_order_of(order_id).id
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(other, stage)

    with pytest.raises(RepairOfferEnded) as refused:
        accept(trade, order_id)

    assert refused.value == RepairOfferEnded("begun")
    assert offers(trade, order_id)[0].state is OfferState.OPEN


def test_who_took_it_and_gets_more_damage_gets_another_car_at_the_locked_price(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)
    accept(trade, order_id)
    trade.ship(order_id)

    trade.receive(order_id, damage=Damage("scratched", 10_000))

    now = order(trade, order_id)
    assert isinstance(now, ScheduledOrder)
    assert now.terms.agreed_minor == 0
    assert [one.state for one in offers(trade, order_id)] == [OfferState.ACCEPTED, OfferState.OPEN]
    assert found_by_audit(room) == []


def test_a_rejected_handover_leaves_the_car_that_was_taken_with_its_order(room: PoolRoom) -> None:
    trade, order_id, vin = repaired(room)
    accept(trade, order_id)
    trade.ship(order_id)
    trade.receive(order_id)
    handover = trade.inspect(trade.book(order_id))

    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "dirty seats")

    now = order(trade, order_id)
    assert isinstance(now, AtStoreOrder)
    assert now.vin == vin
    assert found_by_audit(room) == []


def test_an_order_that_is_left_or_changed_ends_its_offer(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)

    with trade.works.change(buyer()) as work:
        service.cancel_order(work, order_id)

    assert [one.state for one in offers(trade, order_id)] == [OfferState.LAPSED]
    with pytest.raises(RepairOfferEnded):
        accept(trade, order_id)


def test_another_buyers_offer_is_not_found(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)

    with pytest.raises(NotFound):
        accept(trade, order_id, number=2)


def test_the_database_binds_a_repaired_car_to_nobody_who_has_not_agreed(room: PoolRoom) -> None:
    trade, _, vin = repaired(room)

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(state="allocated"))


def test_what_the_pool_of_the_last_who_waited_still_holds_is_free_once_that_one_takes_it(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id, stages=REWORKED, repair_minor=REPAIR)
    lose_week(trade, order_id, POOL)

    accept(trade, order_id)

    assert trade.unsound() == []
