"""What stores and planners read of stock cars that are sent: why, how it was answered, and that the car has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from factory_orders import service
from graph.identifiers import write_id
from kernel.actor import Actor
from tests.configurator.small_brand import EAST_STORE, NORTH_STORE, PLANNER
from tests.factory_orders.test_light_stock import car_at_plant, drive, moves, plan, share
from tests.factory_orders.trade import STORE_ADVISER
from tests.graph.counter import Counter

MOVES = "{ stockMoves(first: 9) { nodes { vin state arrivedAt } } }"
ANSWER = """mutation($input: AnswerStockMoveInput!) { answerStockMove(input: $input) {
  ... on StockMove { state arrivedAt } } }"""


def read(counter: Counter, who: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = counter.ask(who, MOVES)["nodes"]
    return found


def test_a_move_says_when_its_car_has_come(counter: Counter) -> None:
    trade = counter.trade
    vin = car_at_plant(trade)
    plan(trade, EAST_STORE, 500)
    plan(trade, NORTH_STORE, 0)
    share(trade)
    (offered,) = moves(trade)

    taken = {"moveId": write_id("StockMove", offered.id), "accepts": True}
    answered = counter.ask(STORE_ADVISER, ANSWER, input=taken)
    on_its_way = read(counter, STORE_ADVISER)
    (sent,) = moves(trade)
    assert sent.shipment_id is not None
    drive(trade, sent.shipment_id)
    came_at = trade.clock.now()
    with trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, sent.shipment_id, vin=vin)

    assert answered == {"state": "ACCEPTED", "arrivedAt": None}
    assert on_its_way == [{"vin": vin, "state": "ACCEPTED", "arrivedAt": None}]
    for who in (STORE_ADVISER, PLANNER):
        (arrived,) = read(counter, who)
        assert arrived["state"] == "ACCEPTED"
        assert datetime.fromisoformat(arrived["arrivedAt"]) == came_at
