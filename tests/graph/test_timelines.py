"""What the timeline of an order tells through the API where its car is another one by now."""

from __future__ import annotations

from datetime import timedelta

from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.model import Stage
from factory_orders.service import Damage
from graph.identifiers import write_id
from tests.configurator.small_brand import BRAND
from tests.factory_orders.test_car_swaps import promise
from tests.factory_orders.trade import BUILD, buyer
from tests.graph.counter import TIMELINE, Counter


def test_a_car_that_changed_places_is_in_both_timelines(counter: Counter) -> None:
    first, second, third = counter.locked_orders()
    today = counter.trade.clock.now().date()
    counter.trade.build(second, stages=BUILD[:3])
    counter.trade.build(first)
    promise(counter.trade, first, today + timedelta(days=90))
    promise(counter.trade, second, today - timedelta(days=20))

    assert swap_cars(counter.room.works, BRAND) == 2

    told = []
    for number, order_id in enumerate((first, second, third), start=1):
        seen = counter.ask(buyer(number), TIMELINE, id=write_id("PreOrder", order_id))["timeline"]
        told.append([one["state"] for one in seen if one["concerns"] == "car"])
    built = ["parts_ready", "body", "paint"]
    assert told == [[*built, "swapped"], [*built, "assembly", "passed", "swapped"], []]


def test_a_timeline_says_when_another_car_is_built_and_tells_no_more_of_the_lost_one(counter: Counter) -> None:
    first, second, _ = counter.locked_orders()
    trade = counter.trade
    trade.build(first)
    trade.ship(first)
    trade.receive(first, damage=Damage("the frame is bent", 9_000_000))
    trade.build(second, stages=(*BUILD[:-1], Stage.REWORK, Stage.PASSED), repair_minor=9_000_000)
    trade.ship(second)

    told = []
    for number, order_id in enumerate((first, second), start=1):
        seen = counter.ask(buyer(number), TIMELINE, id=write_id("PreOrder", order_id))["timeline"]
        told.append([(one["concerns"], one["state"]) for one in seen if one["concerns"] != "pre_order"])

    built = [("car", stage.value) for stage in BUILD]
    way = [("shipment", state) for state in ("planned", "loaded", "arrived", "inspected")]
    assert told[0] == [*built, *way, ("order", "built_again")]
    assert told[1] == [*built[:-1], ("car", "rework"), built[-1], ("order", "built_again")]
