"""A free car for who waits for an equal one: proven, kept while its buyer thinks, taken only with the buyer's word."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.early_cars.errors import EarlyOfferEnded
from factory_orders.early_cars.model import EARLY_TIMER, EarlyOffer, EarlyRound
from factory_orders.early_cars.round_service import offer_early_cars
from factory_orders.early_cars.tables import early_offers, early_rounds
from factory_orders.errors import StockCarHeld
from factory_orders.light_stock.events import StockCarLeaves
from factory_orders.model import Stage
from factory_orders.offers.model import OfferState
from factory_orders.planning.line_days.service import sequence_days
from factory_orders.planning.model import SLOT
from factory_orders.planning.tables import capacity_weeks, orders, pool_plans, pool_reservations
from factory_orders.plant.tables import build_orders
from factory_orders.promises.tables import promise_outcomes
from kernel.actor import Actor
from kernel.errors import Forbidden, NotFound
from kernel.news import outbox
from kernel.paging import PageRequest
from kernel.timers import fire_due, timers
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.factory_orders.test_car_swaps import promise, state_of
from tests.factory_orders.test_light_stock import car_at_plant, free
from tests.factory_orders.test_stock import ask, free_car, hold, set_price
from tests.factory_orders.trade import BUILD, STORE_ADVISER, SYSTEM, Trade, buyer


def wait_long(trade: Trade, number: int = 5, *, options: tuple[str, ...] = PLAIN_CAR) -> str:
    """Lock a car that is built in two months; its buyer is `buyer(number)`."""
    (order_id,) = trade.lock(pool_id=f"{number:032x}", first_buyer=number, options=options)
    trade.postpone(order_id, trade.build_order_of(order_id).day + timedelta(days=60))
    return order_id


def offers(trade: Trade, number: int = 5) -> list[EarlyOffer]:
    with trade.works.read(buyer(number)) as work:
        return queries.my_early_offers(work)


def rounds(trade: Trade) -> list[EarlyRound]:
    with trade.works.read(PLANNER) as work:
        return list(queries.early_rounds_made(work, PageRequest(9)).items)


def accept(trade: Trade, offer: EarlyOffer, who: Actor | None = None) -> EarlyOffer:
    with trade.works.change(who or buyer(5)) as work:
        return service.accept_early_car(work, offer.id)


def ready_on(trade: Trade, order_id: str) -> date | None:
    with trade.works.read(SYSTEM) as work:
        found = select(promise_outcomes.c.ready_on).where(promise_outcomes.c.order_id == order_id)
        day: date | None = work.connection.execute(found).scalar_one()
    return day


def test_who_waits_is_offered_the_equal_car_that_stands_at_the_store_and_has_it_with_a_word(trade: Trade) -> None:
    vin = free_car(trade)
    order_id = wait_long(trade)

    offered = offer_early_cars(trade.works, BRAND)
    again = offer_early_cars(trade.works, BRAND)
    (offer,) = offers(trade)
    accepted = accept(trade, offer)

    assert (offered, again, offer.vin, offer.days_sooner >= 60) == (1, 0, vin, True)
    assert (accepted.state, accept(trade, offer)) == (OfferState.ACCEPTED, accepted)
    assert state_of(trade, order_id) == ("at_store", vin)
    assert ready_on(trade, order_id) == (trade.clock.now() + timedelta(hours=8)).date()
    assert [(one.cars, one.orders, one.saved_minor == one.saved_at_most_minor) for one in rounds(trade)] == [
        (1, 1, True)
    ]
    assert trade.unsound() == []
    trade.hand_over(order_id, who=buyer(5))
    assert state_of(trade, order_id) == ("delivered", vin)
    assert trade.unsound() == []


def test_a_car_that_stands_at_the_plant_goes_its_way_to_who_took_it(trade: Trade) -> None:
    vin = car_at_plant(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)

    accept(trade, offers(trade)[0])
    assert state_of(trade, order_id) == ("built", vin)
    trade.ship(order_id)
    trade.receive(order_id)

    assert state_of(trade, order_id) == ("at_store", vin)
    assert trade.unsound() == []


def test_who_left_the_car_that_another_one_took_still_sees_how_it_was_built(trade: Trade) -> None:
    car_at_plant(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    with trade.works.read(SYSTEM) as work:
        left = work.connection.execute(select(orders.c.id).where(orders.c.state == "cancelled")).scalar_one()
        before = queries.stages_of_orders(work, [left])[left]

    accept(trade, offers(trade)[0])

    with trade.works.read(SYSTEM) as work:
        seen = queries.stages_of_orders(work, [left, order_id])
        told = service.OrderData().export(work, buyer(5).signed_in())
    assert seen[left] == before
    assert [one.stage for one in seen[order_id]] == [one.stage for one in before] == [stage.value for stage in BUILD]
    assert left not in str(told)


def test_while_its_buyer_thinks_a_car_is_nobody_elses_and_free_again_after(trade: Trade) -> None:
    vin = free_car(trade)
    wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    set_price(trade, vin)
    quote = ask(trade, vin)

    assert free(trade) == []
    with pytest.raises(StockCarHeld):
        hold(trade, quote)
    (offer,) = offers(trade)
    with trade.works.change(buyer(5)) as work:
        declined = service.decline_early_car(work, offer.id)

    assert declined.state is OfferState.DECLINED
    assert free(trade) == [vin]
    assert hold(trade, quote).vin == vin
    with pytest.raises(EarlyOfferEnded):
        accept(trade, offer)


def test_without_an_answer_the_order_stands_and_the_same_car_is_not_offered_again(trade: Trade) -> None:
    vin = free_car(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    (offer,) = offers(trade)

    trade.clock.advance(offer.answer_by - trade.clock.now())
    with pytest.raises(EarlyOfferEnded):
        accept(trade, offer)
    fire_due(trade.works, service.TIMERS)

    assert offers(trade)[0].state is OfferState.LAPSED
    assert (state_of(trade, order_id)[0], free(trade)) == ("scheduled", [vin])
    assert offer_early_cars(trade.works, BRAND) == 0


def begin(trade: Trade, order_id: str) -> None:
    trade.build(order_id, stages=BUILD[:3])


def other_car(trade: Trade, order_id: str) -> None:
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.order_id == order_id
        work.connection.execute(update(build_orders).where(own).values(options=["BLUE", *PLAIN_CAR[1:]]))


def soon(trade: Trade, order_id: str) -> None:
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.order_id == order_id
        work.connection.execute(update(build_orders).where(own).values(day=trade.clock.now().date(), position=9))


@pytest.mark.parametrize("why", [begin, other_car, soon])
def test_who_is_begun_waits_for_another_car_or_has_the_own_soon_is_asked_nothing(trade: Trade, why: Any) -> None:
    free_car(trade)
    order_id = wait_long(trade)
    why(trade, order_id)

    assert offer_early_cars(trade.works, BRAND) == 0


def test_a_car_that_a_store_has_priced_is_that_stores_to_sell(trade: Trade) -> None:
    vin = free_car(trade)
    wait_long(trade)
    set_price(trade, vin)

    assert offer_early_cars(trade.works, BRAND) == 0


def test_of_two_who_wait_one_is_asked_and_nobody_answers_for_another(trade: Trade) -> None:
    free_car(trade)
    wait_long(trade)
    wait_long(trade, 6)
    offer_early_cars(trade.works, BRAND)

    (offer,) = [*offers(trade), *offers(trade, 6)]
    other = buyer(6 if offer.account_id == buyer(5).account_id else 5)
    with pytest.raises(NotFound):
        accept(trade, offer, other)
    with pytest.raises(Forbidden):
        accept(trade, offer, STORE_ADVISER)


def cancel(trade: Trade, order_id: str) -> None:
    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, order_id)


@pytest.mark.parametrize("why", [begin, other_car, cancel])
def test_who_is_begun_changes_the_car_or_leaves_while_offers_are_sought_is_asked_nothing(
    trade: Trade, monkeypatch: pytest.MonkeyPatch, why: Any
) -> None:
    from factory_orders.early_cars import round_service

    free_car(trade)
    order_id = wait_long(trade)
    solve = round_service._solve

    def meanwhile(*given: Any) -> Any:
        why(trade, order_id)
        return solve(*given)

    monkeypatch.setattr(round_service, "_solve", meanwhile)

    assert offer_early_cars(trade.works, BRAND) == 0
    assert offers(trade) == []


@pytest.mark.parametrize("why", [begin, cancel])
def test_an_order_that_is_begun_or_ends_lets_the_car_go_that_was_kept_for_it(trade: Trade, why: Any) -> None:
    vin = free_car(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)

    why(trade, order_id)

    (offer,) = offers(trade)
    with pytest.raises(EarlyOfferEnded):
        accept(trade, offer)
    assert (offer.state, free(trade)) == (OfferState.LAPSED, [vin])
    with trade.works.read(SYSTEM) as work:
        kinds = work.connection.execute(select(timers.c.kind)).scalars().all()
    assert EARLY_TIMER not in kinds
    assert trade.unsound() == []


def test_the_store_that_a_car_leaves_for_an_early_buyer_is_told(trade: Trade) -> None:
    vin = free_car(trade)
    order_id = wait_long(trade)
    promise(trade, order_id, trade.clock.now().date() + timedelta(days=90), store_id=NORTH_STORE)
    offer_early_cars(trade.works, BRAND)

    accept(trade, offers(trade)[0])

    with trade.works.read(SYSTEM) as work:
        bodies = work.connection.execute(select(outbox.c.payload).where(outbox.c.kind == StockCarLeaves.kind)).scalars()
    assert [(one["vin"], one["from_store_id"], one["store_id"]) for one in bodies] == [(vin, EAST_STORE, NORTH_STORE)]
    assert trade.shipment_of(order_id).store_id == NORTH_STORE


def lose_week(trade: Trade, order_id: str, pool: str) -> None:
    """Let an order have found no week, and its pool hold the place still."""
    built = trade.build_order_of(order_id)
    with trade.works.change(SYSTEM) as work:
        lost = {"stage": Stage.WITHDRAWN.value, "position": None}
        work.connection.execute(update(build_orders).where(build_orders.c.id == built.id).values(**lost))
        own = {"pool_id": pool, "brand_id": BRAND, "plant_id": built.plant_id}
        plan = {"class_key": "A1", "places": 1, "first_week": built.week, "deadline": work.now, "closed_at": work.now}
        work.connection.execute(pool_plans.insert().values(**own, **plan))
        sequence_days(work, built.plant_id, [built.day])
        held = {"week": built.week, "resource": SLOT, "held": 1, "promised": 0}
        work.connection.execute(pool_reservations.insert().values(**own, **held))
        week = (capacity_weeks.c.week == built.week) & (capacity_weeks.c.resource == SLOT)
        week &= capacity_weeks.c.plant_id == built.plant_id
        moved = {"reserved": capacity_weeks.c.reserved + 1, "used": capacity_weeks.c.used - 1}
        work.connection.execute(update(capacity_weeks).where(week).values(**moved))


def test_what_the_pool_of_the_last_who_waited_still_holds_is_free_once_that_one_has_a_car(trade: Trade) -> None:
    free_car(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    lose_week(trade, order_id, f"{5:032x}")

    accept(trade, offers(trade)[0])

    assert trade.unsound() == []


def test_a_refusal_is_said_in_the_buyers_language() -> None:
    for state in (*OfferState, "begun", "changed", "gone"):
        assert not re.search("[a-z]", EarlyOfferEnded(str(state)).text("zh-CN"))


def test_what_was_offered_swapped_and_picked_is_handed_out_to_its_buyer(trade: Trade) -> None:
    free_car(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    with trade.works.change(SYSTEM) as work:
        told = service.OrderData().export(work, buyer(5).signed_in())
        other = service.OrderData().export(work, buyer(6).signed_in())

    assert [one["order_id"] for one in told["earlyOffers"]] == [order_id]
    assert (told["carSwaps"], told["storeChanges"]) == ([], [])
    assert other["earlyOffers"] == []


def test_the_database_keeps_one_open_offer_a_car_and_an_answer_as_it_is(trade: Trade) -> None:
    free_car(trade)
    wait_long(trade)
    other = wait_long(trade, 6)
    offer_early_cars(trade.works, BRAND)
    with trade.works.read(SYSTEM) as work:
        row = work.connection.execute(select(early_offers)).mappings().one()
        done = work.connection.execute(select(early_rounds)).mappings().one()
    taken = other if row["order_id"] != other else row["order_id"]

    for table, values in (
        (early_offers, {**row, "id": "f" * 32, "order_id": taken}),
        (early_rounds, {**done, "id": "f" * 32, "saved_minor": done["saved_at_most_minor"] - 1}),
    ):
        with pytest.raises((DatabaseError, IntegrityError)), trade.works.change(SYSTEM) as work:
            work.connection.execute(table.insert().values(**values))
