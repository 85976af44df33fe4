"""A repaired car that nobody takes is sold from its store as what it is, and nobody buys more damage than was told."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from factory_orders import queries, service
from factory_orders.conditions.model import HandOver, Party
from factory_orders.errors import RepairOfferEnded, StockQuoteDead
from factory_orders.model import AtStoreOrder, CancelledOrder, DeliveredOrder, ScheduledOrder, ShipmentState
from factory_orders.offers.model import OfferState
from factory_orders.service import TIMERS, Damage
from factory_orders.stock.model import Liveness, StockCar
from factory_orders.store_shares.queries import maker_part_of
from kernel import ledger
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ledger import account
from kernel.paging import PageRequest
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom
from tests.factory_orders.leaving_room import cancel, deliver, found_by_audit, locked_orders, news_of
from tests.factory_orders.purchasing import DEPOSIT, bought, buy, car, deposit_of, order_of, token
from tests.factory_orders.test_conditions import LARGE, SCRATCH, SMALL, cases, close, look, seen
from tests.factory_orders.test_damage import agree
from tests.factory_orders.test_leaving_late import until_late
from tests.factory_orders.test_lost_cars import lose
from tests.factory_orders.test_repair_offers import REPAIR, REWORKED, accept, decline, offers, order, repaired
from tests.factory_orders.test_stock import ask, hold, listed, live, set_price
from tests.factory_orders.trade import LEGS, STORE_ADVISER, SYSTEM, Trade, buyer

LESS: Final = 9_500_000


def own_stock(trade: Trade) -> list[StockCar]:
    with trade.works.read(STORE_ADVISER) as work:
        return list(queries.own_stock(work, PageRequest(9)).items)


def listed_as_repaired(trade: Trade) -> list[str]:
    with trade.works.read(Actor(BRAND)) as work:
        return [one.vin for one in queries.stock_cars(work, PageRequest(9), repaired=True).items]


def in_stock(room: PoolRoom, repair_minor: int = REPAIR) -> tuple[Trade, str]:
    """Let a reworked car come to its store that its buyer does not take; returns its number."""
    trade, order_id, vin = repaired(room, repair_minor)
    trade.ship(order_id)
    trade.receive(order_id)
    if offers(trade, order_id):
        decline(trade, order_id)
    return trade, vin


def damaged_in_stock(room: PoolRoom) -> tuple[Trade, str]:
    """Let a buyer leave a car on whose way a case is still open; returns its number, priced as new."""
    trade, (order_id, *_) = locked_orders(room)
    vin = trade.build(order_id)
    until_late(room, order_id, days=31)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))
    trade.receive(order_id, damage=Damage("scratch", 0))
    cancel(trade, order_id)
    set_price(trade, vin)
    return trade, vin


# --- in stock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repair_minor", [REPAIR, 3_000_000])
def test_a_reworked_car_that_nobody_takes_is_stock_of_its_store_and_in_no_list_of_new_cars(
    room: PoolRoom, repair_minor: int
) -> None:
    trade, vin = in_stock(room, repair_minor)
    assert [(one.vin, one.newness.word, one.price_minor) for one in own_stock(trade)] == [(vin, "repaired", None)]

    set_price(trade, vin, LESS)

    assert listed(trade) == []
    assert listed_as_repaired(trade) == [vin]
    assert found_by_audit(room) == []


def test_it_is_sold_with_all_that_was_told_invoiced_as_repaired_and_costs_its_store_less(room: PoolRoom) -> None:
    trade, vin = in_stock(room)
    set_price(trade, vin, LESS)
    quote = ask(trade, vin)
    assert quote.document["newness"] == "repaired"
    assert [(one["reason"], one["repair_minor"]) for one in quote.document["disclosures"]] == [("rework", REPAIR)]

    made = bought(trade, vin)
    with trade.works.change(buyer(7)) as work:
        service.accept_disclosures(work, made.id)
    trade.hand_over(made.id, who=buyer(7))

    assert isinstance(order_of(trade, made), DeliveredOrder)
    with trade.works.read(SYSTEM) as work:
        (invoice,) = queries.papers_of_order(work.acting(buyer(7)), made.id, PageRequest(1)).items
        (share,) = queries.store_statement(work.acting(STORE_ADVISER), PageRequest(9)).items
        terms = order_of(trade, made).terms
        version_id = terms.catalogue_version_id
        as_new = maker_part_of(work, version_id, model=terms.model, options=terms.options, policy_version=0)
    assert (invoice.request.newness, invoice.request.amount_minor) == ("repaired", LESS)
    assert as_new - share.maker_minor == (300_000 + REPAIR // 2) * 95 // 100
    deliver(room)
    assert found_by_audit(room) == []


def test_while_its_own_buyer_may_still_take_it_nobody_else_does(room: PoolRoom) -> None:
    trade, order_id, vin = repaired(room)
    trade.ship(order_id)
    trade.receive(order_id)
    set_price(trade, vin, LESS)
    assert own_stock(trade)[0].held_until == offers(trade, order_id)[0].answer_by
    assert live(trade, ask(trade, vin)) is Liveness.HELD

    accept(trade, order_id)

    assert isinstance(order(trade, order_id), AtStoreOrder)
    assert own_stock(trade) == []
    with pytest.raises(NotFound):
        ask(trade, vin)


def test_who_left_or_defaulted_leaves_a_repaired_car_in_stock(room: PoolRoom) -> None:
    trade, (left, defaulted, _) = locked_orders(room)
    vins = [trade.build(one, stages=REWORKED, repair_minor=REPAIR) for one in (left, defaulted)]
    trade.ship(left)
    trade.receive(left)
    cancel(trade, left)
    accept(trade, defaulted, 2)
    trade.ship(defaulted)
    trade.receive(defaulted)

    for _ in range(3):
        trade.clock.advance(timedelta(days=16))
        fire_due(trade.works, TIMERS)

    ended = order(trade, defaulted)
    assert isinstance(ended, CancelledOrder)
    assert ended.reason == "balance_unpaid"
    assert sorted(one.vin for one in own_stock(trade)) == sorted(vins)
    set_price(trade, vins[1], LESS)
    assert order_of(trade, bought(trade, vins[1])).terms.price_minor == LESS
    assert found_by_audit(room) == []


# --- nobody buys more than was told ----------------------------------------------------------------------------------


def test_what_is_found_of_a_stock_car_ends_its_quotes_and_past_the_threshold_its_price(room: PoolRoom) -> None:
    trade, vin = damaged_in_stock(room)
    quote = ask(trade, vin)
    held = hold(trade, quote)

    close(trade, LARGE)

    assert live(trade, quote) is Liveness.OUTDATED
    with pytest.raises(StockQuoteDead, match="outdated"):
        buy(trade, held.id, given=token(trade, buyer(7)))
    assert (listed(trade), listed_as_repaired(trade)) == ([], [])
    set_price(trade, vin)
    assert listed_as_repaired(trade) == [vin]
    assert live(trade, quote) is Liveness.OUTDATED
    anew = hold(trade, ask(trade, vin))
    assert anew.id != held.id
    buy(trade, anew.id, key="another key", given=token(trade, buyer(7)))
    assert own_stock(trade) == []
    assert found_by_audit(room) == []


def test_damage_whose_report_began_before_a_quote_and_is_written_after_it_ends_the_quote_and_the_price(
    room: PoolRoom,
) -> None:
    trade, vin = damaged_in_stock(room)
    began_at = trade.clock.now()
    trade.clock.advance(timedelta(seconds=1))
    set_price(trade, vin)
    quote = ask(trade, vin)
    held = hold(trade, quote)

    with trade.works.change(PLANNER) as work:
        work.now = began_at
        service.close_damage_case(work, cases(trade)[0].id, borne_by=Party.CARRIER, repair_minor=LARGE)

    assert live(trade, quote) is Liveness.OUTDATED
    with pytest.raises(StockQuoteDead, match="outdated"):
        buy(trade, held.id, given=token(trade, buyer(7)))
    assert [one.price_minor for one in own_stock(trade)] == [None]
    assert found_by_audit(room) == []


def test_below_the_threshold_the_price_stays_and_a_new_quote_says_what_was_found(room: PoolRoom) -> None:
    trade, vin = damaged_in_stock(room)
    quote = ask(trade, vin)

    close(trade, SMALL)

    assert live(trade, quote) is Liveness.OUTDATED
    assert listed(trade) == [vin]
    assert [one["repair_minor"] for one in ask(trade, vin).document["disclosures"]] == [0, 0, SMALL]


def test_a_bought_stock_car_that_turns_out_not_to_be_new_ends_its_order_and_doubles_the_deposit(room: PoolRoom) -> None:
    trade, vin = damaged_in_stock(room)
    made = bought(trade, vin)
    who = buyer(7)
    with trade.works.change(who) as work:
        service.accept_disclosures(work, made.id)
    handover = trade.inspect(trade.book(made.id, who=who))
    trade.pay(handover, trade.ask_balance(handover, who=who), who=who)

    close(trade, LARGE)

    ended = order_of(trade, made)
    assert isinstance(ended, CancelledOrder)
    assert ended.reason == "not_new"
    assert deposit_of(trade, made) == 0
    with trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("payable", who.signed_in())) == DEPOSIT.minor
        assert ledger.balance(work, account("receivable", made.id)) == 0
    told = [one for one in news_of(room, "factory_orders.order_cancelled") if one["order_id"] == made.id]
    assert [(one["by"], one["returned_minor"]) for one in told] == [("not_new", 2 * DEPOSIT.minor)]
    assert (car(trade, vin).newness.word, [one.vin for one in own_stock(trade)]) == ("repaired", [vin])
    deliver(room)
    assert found_by_audit(room) == []


def test_below_the_threshold_a_bought_stock_car_stays_with_its_buyer_who_is_told(room: PoolRoom) -> None:
    trade, vin = damaged_in_stock(room)
    made = bought(trade, vin)

    close(trade, SMALL)

    assert isinstance(order_of(trade, made), AtStoreOrder)
    assert [one["order_id"] for one in news_of(room, "factory_orders.vehicle_disclosed")][-1] == made.id
    assert found_by_audit(room) == []


# --- an offer follows its car ----------------------------------------------------------------------------------------


def test_more_damage_on_the_way_of_an_offered_car_makes_the_offer_anew(room: PoolRoom) -> None:
    trade, order_id, _ = repaired(room)
    trade.ship(order_id)

    trade.receive(order_id, damage=Damage("a dent in the door", SMALL))

    first, second = offers(trade, order_id)
    assert (first.state, second.state) == (OfferState.LAPSED, OfferState.OPEN)
    assert second.repair_minor == REPAIR + SMALL
    assert second.reduction_minor == first.reduction_minor + SMALL // 2
    accept(trade, order_id)
    agree(trade, order_id)
    trade.hand_over(order_id)
    deliver(room)
    assert found_by_audit(room) == []


def test_an_offered_car_that_is_damaged_too_much_or_lost_is_offered_no_more(room: PoolRoom) -> None:
    trade, (first, second, _) = locked_orders(room)
    for one in (first, second):
        trade.build(one, stages=REWORKED, repair_minor=REPAIR)
    trade.ship(first)
    trade.ship(second, legs=LEGS[:1])

    trade.receive(first, damage=Damage("the frame is bent", 3_000_000))
    lose(trade, second)

    assert trade.shipment_of(second).state is ShipmentState.LOST
    for number, one in ((1, first), (2, second)):
        assert [offer.state for offer in offers(trade, one)] == [OfferState.LAPSED]
        assert isinstance(order(trade, one), ScheduledOrder)
        with pytest.raises(RepairOfferEnded):
            accept(trade, one, number)
    assert found_by_audit(room) == []
