"""A store follows its arrivals, a plant its work, a buyer a stock car, a planner a batch; and nobody follows more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.model import Stage
from factory_orders.planning.tables import batches
from graph.identifiers import write_id
from graph.types.hours import read_arrivals
from graph.types.plant import read_queues
from graph.types.stock import read_standings
from kernel.actor import Actor, system
from kernel.ids import AccountId, BrandId
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLANNER
from tests.factory_orders.purchasing import buy, call_back, stock_car
from tests.factory_orders.test_stock import PRICE, ask, hold, set_price
from tests.factory_orders.trade import (
    BUILD,
    NORTH_PLANT,
    OTHER_STORE,
    PLANT_MACHINE,
    SOUTH_PLANT,
    STORE_ADVISER,
    SYSTEM,
    buyer,
)
from tests.graph.client import SocketOfTest
from tests.graph.counter import Counter
from tests.graph.support import counted_statements
from tests.graph.test_events import Reader

QUOTE: Final = "subscription($id: ID!) { liveStockQuote(quoteId: $id) { liveness price { minor } } }"
PURCHASE: Final = "subscription($id: ID!) { myStockPurchase(stockPurchaseId: $id) { state orderId } }"
BOUGHT: Final = """subscription($id: ID!) { myStockPurchase(stockPurchaseId: $id) { state
  order { state vin handovers { state balance { due { minor } } } } timeline { concerns state } } }"""
ORDER: Final = """subscription($id: ID!) { myOrder(orderId: $id) { state order { state vin stages { stage } } } }"""
ARRIVALS: Final = """subscription($id: ID!) { storeArrivals(storeId: $id) { scheduled onTheWay toReceive
  cars { day car { vin state shipmentId } } appointments { code state appointmentAt } } }"""
QUEUE: Final = "subscription($id: ID!) { buildQueue(plantId: $id) { open releasedAt next { id stage position } } }"
BATCH: Final = "subscription($id: ID!) { batchProgress(batchId: $id) { state size scheduled passed } }"

PINE: Final = BrandId("c" * 32)
BRANDS: Final = {BRAND: "fir", PINE: "pine"}


@dataclass(slots=True)
class Followed:
    """One stream over a socket."""

    socket: SocketOfTest

    def raw(self) -> dict[str, Any]:
        """Return the next message."""
        found: dict[str, Any] = self.socket.receive()
        return found

    def next(self) -> dict[str, Any]:
        """Return what the next state says."""
        message = self.raw()
        assert message["type"] == "next", message
        (state,) = message["payload"]["data"].values()
        found: dict[str, Any] = state
        return found

    def until(self, is_there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first state that is as wanted; the socket's own patience ends a vain wait."""
        while not is_there(state := self.next()):
            pass
        return state


@contextmanager
def following(counter: Counter, who: Actor | None, document: str, named: str) -> Iterator[Followed]:
    payload = {} if who is None else {"token": counter.passes.hand_out(who), "brand": BRANDS[who.brand_id]}
    with counter.http.socket() as socket:
        socket.send({"type": "connection_init", "payload": payload})
        assert socket.receive() == {"type": "connection_ack"}
        asked = {"query": document, "variables": {"id": named}}
        socket.send({"id": "1", "type": "subscribe", "payload": asked})
        yield Followed(socket)


def refusal(counter: Counter, who: Actor | None, document: str, named: str) -> str:
    """Return the code with which a stream is refused."""
    with following(counter, who, document, named) as stream:
        message = stream.raw()
    assert message["type"] == "error", message
    found: str = message["payload"][0]["extensions"]["code"]
    return found


# --- a stock car -----------------------------------------------------------------------------------------------------


def test_a_quote_is_followed_by_anybody_until_the_car_is_gone(counter: Counter) -> None:
    trade = counter.trade
    vin = stock_car(trade)
    quote = ask(trade, vin)

    with following(counter, None, QUOTE, write_id("StockQuote", quote.id)) as stream:
        told = [stream.next()]
        held = hold(trade, quote)
        told.append(stream.next())
        trade.clock.advance(timedelta(minutes=31))
        fire_due(trade.works, service.TIMERS)
        told.append(stream.next())
        set_price(trade, vin, PRICE - 100)
        told.append(stream.next())
        set_price(trade, vin)
        told.append(stream.next())
        again = hold(trade, quote, buyer(8))
        told.append(stream.next())
        opened = buy(trade, again.id, who=buyer(8))
        call_back(trade, opened.payment_id)
        told.append(stream.next())

    assert held.id != again.id
    assert [one["liveness"] for one in told] == ["LIVE", "HELD", "LIVE", "REPRICED", "LIVE", "HELD", "GONE"]
    assert [one["price"] and one["price"]["minor"] for one in told] == [PRICE] * 3 + [PRICE - 100, PRICE, PRICE, None]


def test_a_quote_is_followed_by_plain_events_in_bytes_that_all_readers_share(counter: Counter) -> None:
    trade = counter.trade
    quote = ask(trade, stock_car(trade))
    path = f"/stock-quotes/{write_id('StockQuote', quote.id)}/events"

    async def story() -> tuple[list[bytes], int]:
        readers = [Reader(counter.http.app, path) for _ in range(2)]
        for one in readers:
            await one.next()
        hold(trade, quote)
        told = [await one.next() for one in readers]
        unknown = Reader(counter.http.app, f"/stock-quotes/{write_id('StockQuote', '0' * 32)}/events")
        await unknown.next()
        for one in (*readers, unknown):
            await one.hang_up()
        return told, unknown.status

    (first, second), status = counter.http.run(story)

    assert first is second
    said = orjson.loads(first.partition(b"data: ")[2])
    assert said["data"]["liveStockQuote"]["liveness"] == "HELD"
    assert status == 404


def test_a_purchase_is_followed_by_its_buyer_alone(counter: Counter) -> None:
    trade = counter.trade
    opened = buy(trade, hold(trade, ask(trade, stock_car(trade))).id)
    named = write_id("StockPurchase", opened.id)

    with following(counter, buyer(7), PURCHASE, named) as stream:
        before = stream.next()
        call_back(trade, opened.payment_id)
        after = stream.next()

    assert before == {"state": "OPEN", "orderId": None}
    assert after == {"state": "BOUGHT", "orderId": write_id("Order", opened.id)}
    assert refusal(counter, buyer(8), PURCHASE, named) == "NOT_FOUND"
    assert refusal(counter, None, PURCHASE, named) == "NOT_SIGNED_IN"
    assert refusal(counter, STORE_ADVISER, PURCHASE, named) == "FORBIDDEN"


def test_a_bought_stock_car_is_followed_to_its_handover_as_any_other_order(counter: Counter) -> None:
    trade = counter.trade
    vin = stock_car(trade)
    opened = buy(trade, hold(trade, ask(trade, vin)).id)

    with following(counter, buyer(7), BOUGHT, write_id("StockPurchase", opened.id)) as stream:
        told = [stream.next()]
        call_back(trade, opened.payment_id)
        told.append(stream.next())
        handover = trade.book(opened.id, who=buyer(7))
        told.append(stream.next())
        trade.inspect(handover)
        told.append(stream.next())
        with trade.works.change(buyer(7)) as work:
            service.reject_handover(work, handover.id, "not today")
        told.append(stream.next())

    states = [one["order"] and one["order"]["handovers"] for one in told]
    assert [one and [each["state"] for each in one] for one in states] == [
        None,
        [],
        ["booked"],
        ["inspected"],
        ["rejected"],
    ]
    assert told[1]["order"] == {"state": "at_store", "vin": vin, "handovers": []}
    assert [(one["concerns"], one["state"]) for one in told[-1]["timeline"]] == [
        ("purchase", "signed"),
        ("purchase", "bought"),
        ("handover", "booked"),
        ("handover", "inspected"),
        ("handover", "ended"),
    ]


@pytest.mark.parametrize("kind", ["PreOrder", "Order"])
def test_an_order_is_followed_from_the_lock_on_as_well(counter: Counter, kind: str) -> None:
    order_id, *_ = counter.locked_orders()
    trade = counter.trade

    with following(counter, buyer(), ORDER, write_id(kind, order_id)) as stream:
        locked = stream.next()
        vin = trade.build(order_id)
        built = stream.until(lambda state: state["order"]["state"] == "built")

    assert locked == {"state": "locked", "order": {"state": "scheduled", "vin": None, "stages": []}}
    assert built["order"]["vin"] == vin
    assert [one["stage"] for one in built["order"]["stages"]] == [stage.value for stage in BUILD]


# --- a store, a plant, a batch ---------------------------------------------------------------------------------------


def test_a_store_follows_its_cars_and_appointments(counter: Counter) -> None:
    trade = counter.trade
    (order_id,) = trade.lock()

    with following(counter, STORE_ADVISER, ARRIVALS, write_id("Store", EAST_STORE)) as stream:
        planned = stream.next()
        vin = trade.build(order_id)
        built = stream.until(lambda state: state["onTheWay"] == 1)
        trade.ship(order_id)
        arrived = stream.until(lambda state: state["toReceive"] == 1)
        trade.receive(order_id)
        received = stream.until(lambda state: state["toReceive"] == 0)
        booked_for = trade.book(order_id).appointment_at
        booked = stream.until(lambda state: bool(state["appointments"]))

    assert planned == {"scheduled": 1, "onTheWay": 0, "toReceive": 0, "cars": [], "appointments": []}
    shipment = trade.shipment_of(order_id)
    named = {"vin": vin, "shipmentId": write_id("Shipment", shipment.id)}
    assert (built["scheduled"], [one["car"] for one in built["cars"]]) == (0, [{**named, "state": "planned"}])
    assert arrived["onTheWay"] == 0
    assert [one["car"] for one in arrived["cars"]] == [{**named, "state": "arrived"}]
    assert shipment.arrived_at is not None
    assert arrived["cars"][0]["day"] == (shipment.arrived_at + timedelta(hours=8)).date().isoformat()
    assert received["cars"] == []
    (appointment,) = booked["appointments"]
    assert appointment["code"] == order_id[-8:].upper()
    assert appointment["appointmentAt"] == booked_for.isoformat().replace("+00:00", "Z")


def test_a_store_is_followed_by_those_who_work_there(counter: Counter) -> None:
    named = write_id("Store", EAST_STORE)
    colleague = replace(STORE_ADVISER, account_id=AccountId("e" * 32))

    with (
        following(counter, STORE_ADVISER, ARRIVALS, named) as stream,
        following(counter, colleague, ARRIVALS, named) as other,
    ):
        first, second = stream.next(), other.next()

    assert first == second
    codes = {
        "another store": refusal(counter, OTHER_STORE, ARRIVALS, named),
        "none": refusal(counter, STORE_ADVISER, ARRIVALS, write_id("Store", "0" * 32)),
        "a planner": refusal(counter, PLANNER, ARRIVALS, named),
        "a guest": refusal(counter, None, ARRIVALS, named),
    }
    assert codes == {
        "another store": "NOT_FOUND",
        "none": "NOT_FOUND",
        "a planner": "FORBIDDEN",
        "a guest": "NOT_SIGNED_IN",
    }


def test_a_plant_follows_what_it_is_to_build(counter: Counter) -> None:
    trade = counter.trade
    named = write_id("Plant", NORTH_PLANT)

    with following(counter, PLANT_MACHINE, QUEUE, named) as stream:
        idle = stream.next()
        first, second = trade.lock(2)
        waiting = stream.until(lambda state: state["open"] == 2)
        trade.report(trade.build_order_of(first).id, Stage.PARTS_READY)
        begun = stream.until(lambda state: "PARTS_READY" in {one["stage"] for one in state["next"]})
        trade.build(second)
        left = stream.until(lambda state: state["open"] == 1)

    assert idle == {"open": 0, "releasedAt": None, "next": []}
    assert waiting["next"] == [
        {"id": write_id("BuildOrder", one.id), "stage": "QUEUED", "position": one.position}
        for one in sorted(map(trade.build_order_of, (first, second)), key=lambda one: one.position or 0)
    ]
    assert begun["open"] == 2
    assert [one["id"] for one in left["next"]] == [write_id("BuildOrder", trade.build_order_of(first).id)]
    elsewhere = replace(PLANT_MACHINE, plant_id=SOUTH_PLANT)
    assert refusal(counter, elsewhere, QUEUE, named) == "NOT_FOUND"
    assert refusal(counter, PLANNER, QUEUE, named) == "FORBIDDEN"


def test_a_planner_follows_a_batch_to_its_end(counter: Counter) -> None:
    trade = counter.trade
    (order_id,) = trade.lock()
    with trade.works.read(SYSTEM) as work:
        batch_id = work.connection.execute(select(batches.c.id)).scalar_one()
    named = write_id("Batch", batch_id)

    with following(counter, PLANNER, BATCH, named) as stream:
        before = stream.next()
        trade.build(order_id)
        after = stream.until(lambda state: state["state"] == "complete")

    assert before == {"state": "released", "size": 1, "scheduled": 1, "passed": 0}
    assert after == {"state": "complete", "size": 1, "scheduled": 1, "passed": 1}
    assert refusal(counter, STORE_ADVISER, BATCH, named) == "FORBIDDEN"
    assert refusal(counter, PLANNER, BATCH, write_id("Batch", "0" * 32)) == "NOT_FOUND"


def test_what_cannot_be_followed_is_told_in_the_readers_language(counter: Counter) -> None:
    told = []
    for locale in ("en", "zh-CN"):
        with following(counter, PLANNER.speaking(locale), BATCH, write_id("Batch", "0" * 32)) as stream:
            told.append(stream.raw()["payload"][0]["message"])

    assert told == ["There is no such thing to follow. Check the id.", "找不到该关注对象，请检查编号。"]


# --- another brand, and many at once ---------------------------------------------------------------------------------


def test_what_is_another_brands_cannot_be_followed(counter: Counter) -> None:
    trade = counter.trade
    quote = ask(trade, stock_car(trade))
    opened = buy(trade, hold(trade, quote).id)
    with trade.works.read(SYSTEM) as work:
        batch_id = work.connection.execute(select(batches.c.id).limit(1)).scalar_one()

    codes = [
        refusal(counter, replace(who, brand_id=PINE), document, write_id(kind, raw))
        for who, document, kind, raw in (
            (buyer(7), QUOTE, "StockQuote", quote.id),
            (buyer(7), PURCHASE, "StockPurchase", opened.id),
            (STORE_ADVISER, ARRIVALS, "Store", EAST_STORE),
            (PLANT_MACHINE, QUEUE, "Plant", NORTH_PLANT),
            (PLANNER, BATCH, "Batch", batch_id),
        )
    ]

    assert codes == ["NOT_FOUND"] * 5


def test_many_things_are_read_in_as_many_statements_as_one(counter: Counter) -> None:
    trade = counter.trade
    quotes = [ask(trade, stock_car(trade, number=number)).id for number in (1, 2)]
    trade.lock(2, pool_id="8" * 32, first_buyer=10)
    readers: list[tuple[Callable[..., Any], list[str]]] = [
        (read_standings, quotes),
        (read_arrivals, [EAST_STORE, NORTH_STORE]),
        (read_queues, [NORTH_PLANT, SOUTH_PLANT]),
    ]

    for read, ids in readers:
        counts = []
        for asked in (ids[:1], ids):
            with trade.works.read(system(BRAND)) as work, counted_statements(trade.works.engine) as seen:
                assert set(read(work, asked)) == set(asked)
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 8, (read, counts)


def test_a_stores_arrivals_are_those_of_its_calendar(counter: Counter) -> None:
    trade = counter.trade
    order_ids = trade.lock(3)
    for order_id in order_ids[:2]:
        trade.build(order_id)
    trade.ship(order_ids[0])

    with trade.works.read(STORE_ADVISER) as work:
        days = queries.store_calendar(work, first=trade.clock.now().date(), days=31)
        arrivals = queries.store_arrivals(work, [EAST_STORE])[EAST_STORE]

    shipped = [(day.day, car) for day in days for car in day.arrivals if car.shipment_id is not None]
    assert [(one.day, one.car) for one in arrivals.cars] == shipped
    assert (arrivals.scheduled, arrivals.on_the_way, arrivals.to_receive) == (1, 1, 1)


def test_who_follows_a_quote_has_nothing_read_that_was_signed(counter: Counter) -> None:
    quote = ask(counter.trade, stock_car(counter.trade))

    with counter.trade.works.read(SYSTEM) as work, counted_statements(counter.trade.works.engine) as seen:
        read_standings(work, [quote.id])

    assert [one for one in seen if "document" in one] == []
