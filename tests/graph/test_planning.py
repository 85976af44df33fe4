"""A plant's plan through the API: planners see bound, gap and worth in their language; what-if changes nothing."""

from __future__ import annotations

from typing import Any

from factory_orders.planning.weekly import service
from graph.identifiers import write_id
from kernel.actor import Actor
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import NORTH_PLANT, buyer
from tests.graph.support import data
from tests.graph.test_orders import Counter, counter

__all__ = ["counter"]
PLANT = write_id("Plant", NORTH_PLANT)
PLANS = """query($p: ID!) { weekPlans(plantId: $p, first: 5) { nodes {
  orders withoutWeek gapBasisPoints inForceGapBasisPoints cost { minor } bound { minor } inForce { minor } } } }"""
WHAT_IF = """query($p: ID!, $c: WhatIfInput!) { whatIf(plantId: $p, changes: $c) {
  __typename ... on Refusal { code message }
  ... on WhatIfPlan { orders wouldMove withoutWeek unitWorths { week resource worth { minor } text }
                      shortfalls { taken capacity text } } } }"""


def what_if(counter: Counter, who: Actor, **changes: Any) -> dict[str, Any]:
    return counter.ask(who, WHAT_IF, p=PLANT, c=changes)


def test_a_planner_sees_how_far_the_weeks_are_from_the_best(counter: Counter) -> None:
    counter.locked_orders()
    service.plan_due_books(counter.room.works)

    (plan,) = counter.ask(PLANNER, PLANS, p=PLANT)["nodes"]

    assert (plan["orders"], plan["withoutWeek"]) == (3, 0)
    assert (plan["gapBasisPoints"], plan["inForceGapBasisPoints"]) == (0, 0)
    assert plan["cost"] == plan["bound"] == plan["inForce"]


def test_a_week_without_a_car_moves_all_of_them_and_says_what_one_would_be_worth(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    week = counter.trade.build_order_of(order_id).week.isoformat()
    before = counter.trade.build_orders()

    found = what_if(counter, PLANNER, stillWeeks=[week])

    assert (found["orders"], found["wouldMove"], found["withoutWeek"]) == (3, 3, 0)
    worth = next(one for one in found["unitWorths"] if one["week"] == week)
    assert worth["resource"] == "slot"
    assert "would save" in worth["text"] or "可节省" in worth["text"]
    assert counter.trade.build_orders() == before


def test_a_what_if_that_makes_no_sense_is_refused_and_another_brands_plant_is_not_found(counter: Counter) -> None:
    counter.locked_orders()

    unplanned = what_if(counter, PLANNER, capacities=[{"week": "2020-01-06", "resource": "slot", "capacity": 5}])
    below = what_if(counter, PLANNER, late=[{"feature": "RED", "weeks": -1}])
    elsewhere = counter.ask(PLANNER, WHAT_IF, p=write_id("Plant", "0" + "c" * 31), c={})

    assert [one["code"] for one in (unplanned, below, elsewhere)] == ["INVALID_INPUT", "INVALID_INPUT", "NOT_FOUND"]


def test_a_buyer_sees_no_plan(counter: Counter) -> None:
    answer = counter.http.post(
        "/graphql",
        json={"query": PLANS, "variables": {"p": PLANT}},
        headers={"authorization": f"Bearer {counter.passes.hand_out(buyer())}"},
    ).json()

    assert "FORBIDDEN" in str(answer["errors"])
    assert data(counter.http, "{ __typename }") == {"__typename": "Query"}
