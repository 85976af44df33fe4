"""Cars that are ordered for a store's stock: within light inventory, built like any car, bound to nobody, then sold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from factory_orders import queries, service
from factory_orders.deliveries.tables import shipments
from factory_orders.light_stock.model import StoreLevel
from factory_orders.model import ShipmentState, Stage
from factory_orders.planning.tables import orders
from factory_orders.stock_orders.errors import LightStockFull, StockOrderBegun
from factory_orders.stock_orders.model import StockOrderView
from factory_orders.stock_orders.tables import stock_orders
from factory_orders.vehicles.tables import allocations
from kernel import outbox
from kernel.actor import Actor
from kernel.errors import Forbidden, IdempotencyMismatch, InvalidInput, NotFound, Refusal
from kernel.paging import PageRequest
from kernel.registry import stores
from tests.configurator.small_brand import EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.factory_orders.test_light_stock import car_at_plant, drive, free, level, plan, rounds, share
from tests.factory_orders.test_stock import ask, free_car, hold, listed, set_price
from tests.factory_orders.trade import BUILD, CARRIER, LEGS, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer


def order(trade: Trade, cars: int = 1, who: Actor = STORE_ADVISER, **asked: Any) -> StockOrderView:
    """Order plain cars, and let the worker do what follows."""
    with trade.works.change(who) as work:
        made = service.order_stock(work, replace(service.StockRequest("A1", PLAIN_CAR, cars), **asked))
    while outbox.deliver(trade.works, service.SUBSCRIPTIONS):
        pass
    return seen(trade, made.order.id)


def seen(trade: Trade, stock_order_id: str, who: Actor = PLANNER) -> StockOrderView:
    with trade.works.read(who) as work:
        found = queries.stock_orders_made(work, PageRequest(20)).items
    return next(one for one in found if one.order.id == stock_order_id)


def states(trade: Trade, made: StockOrderView) -> list[str]:
    return [car.state for car in seen(trade, made.order.id).cars]


def car_of(trade: Trade, made: StockOrderView, place: int = 1) -> str:
    """Return the id of one car's order."""
    with trade.works.read(SYSTEM) as work:
        own = (orders.c.pool_id == made.order.id) & (orders.c.place == place)
        return str(work.connection.execute(select(orders.c.id).where(own)).scalar_one())


def way_of(trade: Trade, vin: str) -> str:
    with trade.works.read(SYSTEM) as work:
        return str(work.connection.execute(select(shipments.c.id).where(shipments.c.vin == vin)).scalar_one())


def cancel(trade: Trade, made: StockOrderView, who: Actor = STORE_ADVISER) -> StockOrderView:
    with trade.works.change(who) as work:
        return service.cancel_stock_order(work, made.order.id)


def test_a_car_for_stock_is_built_like_any_other_and_can_be_sold_once_it_stands_at_its_store(trade: Trade) -> None:
    made = order(trade)
    (planned,) = made.cars
    vin = trade.build(car_of(trade, made))
    on_the_way = states(trade, made)
    drive(trade, way_of(trade, vin))
    with trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, way_of(trade, vin), vin=vin)
    set_price(trade, vin)

    assert (planned.state, planned.week is not None, made.order.store_id) == ("batched", True, EAST_STORE)
    assert on_the_way == ["built"]
    assert [(car.state, car.vin) for car in seen(trade, made.order.id).cars] == [("at_store", vin)]
    assert (free(trade), listed(trade)) == ([vin], [vin])
    assert trade.unsound() == []


def test_nobody_waits_for_a_car_that_is_ordered_for_stock(trade: Trade) -> None:
    made = order(trade)
    order_id = car_of(trade, made)
    (bought,) = trade.lock()

    with trade.works.read(STORE_ADVISER) as work:
        deliveries = [one.order_id for one in queries.store_deliveries(work, PageRequest(9)).items]
        coming = [
            one.code
            for day in queries.store_calendar(work, first=trade.clock.now().date(), days=31)
            for one in day.arrivals
        ]
    with trade.works.read(SYSTEM) as work:
        terms = queries.orders_by_id(work, [order_id])[order_id].terms
    with pytest.raises(NotFound), trade.works.change(PLANNER) as work:
        service.cancel_order_by_maker(work, order_id, reason="no")

    assert deliveries == [bought]
    assert None in coming
    assert (terms.promised_by, terms.has_buyer, terms.person_id) == (None, False, None)


def test_a_car_for_stock_that_is_lost_on_its_way_says_so(trade: Trade) -> None:
    made = order(trade)
    way = way_of(trade, trade.build(car_of(trade, made)))
    for leg in (*LEGS[:1], ShipmentState.LOST):
        with trade.works.change(CARRIER) as work:
            service.report_shipment(work, way, leg, occurred_at=work.now)

    assert states(trade, made) == ["lost"]
    assert level(trade, EAST_STORE).cars == 0


def test_light_inventory_ends_at_base_stock_and_display_cars_whoever_orders(trade: Trade) -> None:
    most = level(trade, EAST_STORE).most
    order(trade, most - 1)

    with pytest.raises(LightStockFull) as refused:
        order(trade, 2, PLANNER, store_id=EAST_STORE)
    order(trade, 1, PLANNER, store_id=EAST_STORE)

    assert (refused.value.had, refused.value.most, refused.value.room) == (most - 1, most, 1)
    assert (level(trade, EAST_STORE).on_order, level(trade, EAST_STORE).cars) == (most, most)
    with pytest.raises(LightStockFull):
        order(trade)


def test_a_car_that_somebody_holds_takes_its_place_in_the_stores_stock(trade: Trade) -> None:
    vin = free_car(trade)
    plan(trade, EAST_STORE, 0)
    set_price(trade, vin)
    hold(trade, ask(trade, vin))

    with pytest.raises(LightStockFull):
        order(trade)

    now = level(trade, EAST_STORE)
    assert (now.standing, now.held, now.cars, now.most) == (0, 1, 1, 1)


def test_a_demo_car_more_than_visitors_are_worth_takes_a_place_of_base_stock() -> None:
    known = StoreLevel("s", "A1", 250, level=2, standing=0, inbound=0, display_wanted=1, display=1, demo=1)

    assert [known.most - known.cars, replace(known, demo_wanted=1).most - known.cars] == [1, 2]


def test_of_two_at_once_only_one_gets_the_last_car_of_a_store(trade: Trade) -> None:
    plan(trade, EAST_STORE, 0)
    assert level(trade, EAST_STORE).most == 1

    def one_more(_: int) -> str:
        try:
            with trade.works.change(STORE_ADVISER) as work:
                service.order_stock(work, service.StockRequest("A1", PLAIN_CAR, 1))
        except Refusal as refusal:
            return refusal.code
        return "ordered"

    with ThreadPoolExecutor(2) as both:
        found = sorted(both.map(one_more, range(2)))

    assert found == ["LIGHT_STOCK_FULL", "ordered"]


def test_the_same_key_is_the_same_order_and_another_body_under_it_is_refused(trade: Trade) -> None:
    key = "one-of-ours"
    first = order(trade, idempotency_key=key)
    again = order(trade, idempotency_key=key)

    with pytest.raises(IdempotencyMismatch):
        order(trade, 2, idempotency_key=key)

    assert again.order.id == first.order.id
    assert level(trade, EAST_STORE).on_order == 1


def test_a_store_orders_for_itself_alone_and_a_planner_names_the_store(trade: Trade) -> None:
    for who, named, refusal in (
        (OTHER_STORE, EAST_STORE, NotFound),
        (PLANNER, None, InvalidInput),
        (PLANNER, "7" * 32, NotFound),
        (buyer(), EAST_STORE, Forbidden),
    ):
        with pytest.raises(refusal):
            order(trade, who=who, store_id=named)
    for cars in (0, 21):
        with pytest.raises(InvalidInput):
            order(trade, cars)
    made = order(trade, who=PLANNER, store_id=NORTH_STORE, options=(*PLAIN_CAR, "HEAT"))

    with trade.works.read(STORE_ADVISER) as work:
        assert queries.stock_orders_made(work, PageRequest(9)).items == ()
    assert seen(trade, made.order.id, OTHER_STORE).order.ordered_by == PLANNER.account_id
    with pytest.raises(NotFound):
        cancel(trade, made)


def test_what_of_a_stock_order_is_not_begun_can_be_ended_and_makes_room(trade: Trade) -> None:
    made = order(trade, 2)
    trade.build(car_of(trade, made), stages=BUILD[:3])

    ended = cancel(trade, made)
    again = cancel(trade, made)

    assert [car.state for car in ended.cars] == ["batched", "cancelled"]
    assert again == ended
    assert level(trade, EAST_STORE).on_order == 1
    other = order(trade)
    trade.build(car_of(trade, other), stages=BUILD[:3])
    with pytest.raises(StockOrderBegun, match="the first is at paint"):
        cancel(trade, other)
    assert trade.unsound() == []


def test_a_car_for_stock_that_is_lost_on_the_line_is_built_again_and_told_to_no_buyer(trade: Trade) -> None:
    made = order(trade)
    order_id = car_of(trade, made)
    trade.build(order_id, stages=(*BUILD[:3], Stage.SCRAPPED))
    vin = trade.build(order_id)

    assert [(car.state, car.vin) for car in seen(trade, made.order.id).cars] == [("built", vin)]
    assert trade.unsound() == []


def test_a_car_for_a_store_that_has_closed_meanwhile_is_shared_out(trade: Trade) -> None:
    made = order(trade)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stores).where(stores.c.id == EAST_STORE).values(closed_at=work.now))
    vin = trade.build(car_of(trade, made))

    plan(trade, NORTH_STORE, 2_000)
    share(trade)

    assert free(trade) == []
    assert [(one.cars, one.moved) for one in rounds(trade)] == [(1, 1)]
    with trade.works.read(PLANNER) as work:
        assert [one.vin for one in queries.moves_made(work, PageRequest(9)).items] == [vin]


def test_the_database_keeps_a_car_for_stock_from_a_buyer_and_a_stock_order_light(trade: Trade) -> None:
    made = order(trade)
    vin = trade.build(car_of(trade, made), stages=BUILD)
    with trade.works.read(SYSTEM) as work:
        row = work.connection.execute(select(stock_orders)).mappings().one()
        own = work.connection.execute(select(orders).where(orders.c.pool_id == made.order.id)).mappings().one()

    bound = {"id": "f" * 32, "brand_id": row["brand_id"], "vin": vin, "order_id": own["id"]}
    for table, values in (
        (allocations, bound | {"made_at": row["ordered_at"]}),
        (stock_orders, {**row, "id": "f" * 32, "number": 9, "most": row["had"]}),
        (stock_orders, {**row, "id": "f" * 32}),
        (orders, {**own, "id": "f" * 32, "place": 2, "state": "scheduled", "vin": None, "ended_at": None}),
    ):
        with pytest.raises((DatabaseError, IntegrityError)), trade.works.change(SYSTEM) as work:
            work.connection.execute(table.insert().values(**values))
    assert states(trade, made) == ["built"]


def test_a_car_that_a_store_has_on_order_counts_as_one_that_comes(trade: Trade) -> None:
    for store_id in (EAST_STORE, NORTH_STORE):
        plan(trade, store_id, 500)
    order(trade, level(trade, EAST_STORE).level)
    vin = car_at_plant(trade, number=30)

    share(trade)

    with trade.works.read(PLANNER) as work:
        assert [(one.vin, one.store_id) for one in queries.moves_made(work, PageRequest(9)).items] == [
            (vin, NORTH_STORE)
        ]
