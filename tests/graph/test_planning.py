"""A plant's plan through the API: planners see what it costs, ask what-if, change a week and mend a day of the line."""

from __future__ import annotations

from typing import Any

from factory_orders.planning.weekly import service
from graph.identifiers import write_id
from kernel.actor import Actor
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import NORTH_PLANT, PLANT_MACHINE, buyer
from tests.graph.counter import Counter
from tests.graph.support import ask, data

PLANT = write_id("Plant", NORTH_PLANT)
PLANS = """query($p: ID!) { weekPlans(plantId: $p, first: 5) { nodes {
  orders withoutWeek gapBasisPoints inForceGapBasisPoints cost { minor } bound { minor } inForce { minor } } } }"""
WHAT_IF = """query($p: ID!, $c: WhatIfInput!) { whatIf(plantId: $p, changes: $c) {
  __typename ... on Refusal { code message }
  ... on WhatIfPlan { orders wouldMove withoutWeek unitWorths { week resource worth { minor } text }
                      shortfalls { taken capacity text } } } }"""
CAPACITY = """mutation($input: ChangeCapacityInput!) { changeCapacity(input: $input) {
  __typename ... on Refusal { code } ... on CapacityTaken { taken } ... on CapacityChanged { capacity left } } }"""
MEND = """mutation($input: MendLineDayInput!) { mendLineDay(input: $input) {
  __typename ... on Refusal { code } ... on LineDayFixed { cars frozen }
  ... on LineDayMended { moved before { day cars runViolations } after { day cars runViolations excess } } } }"""


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
    english = what_if(counter, PLANNER.speaking("en"), stillWeeks=[week])

    assert (found["orders"], found["wouldMove"], found["withoutWeek"]) == (3, 3, 0)
    worth = next(one for one in found["unitWorths"] if one["week"] == week)
    assert worth["resource"] == "slot"
    assert "可节省" in worth["text"]
    assert all("would save" in one["text"] for one in english["unitWorths"])
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


def test_a_week_takes_what_its_planner_says_and_never_less_than_is_taken(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    week = counter.trade.build_order_of(order_id).week.isoformat()
    here = {"plantId": write_id("Plant", NORTH_PLANT), "week": week, "resource": "slot"}

    more = counter.ask(PLANNER, CAPACITY, input={**here, "capacity": 500})
    short = counter.ask(PLANNER, CAPACITY, input={**here, "capacity": 0})
    unplanned = counter.ask(PLANNER, CAPACITY, input={**here, "week": "2020-01-06", "capacity": 5})
    foreign = {**here, "plantId": write_id("Plant", "0" + "c" * 31)}
    elsewhere = counter.ask(PLANNER, CAPACITY, input={**foreign, "capacity": 5})
    by_a_buyer = counter.ask(buyer(), CAPACITY, input={**here, "capacity": 5})

    taken = 500 - more["left"]
    assert (more["capacity"], taken >= 3) == (500, True)
    assert short == {"__typename": "CapacityTaken", "code": "CAPACITY_TAKEN", "taken": taken}
    assert [one["__typename"] for one in (unplanned, elsewhere, by_a_buyer)] == [
        "InvalidInput",
        "NotFound",
        "Forbidden",
    ]
    weeks = "query($p: ID!, $w: Date!) { capacityWeeks(plantId: $p, firstWeek: $w, weeks: 1) { resource capacity } }"
    seen = data(counter.http, weeks, {"p": here["plantId"], "w": week}, token=counter.passes.hand_out(PLANNER))
    assert {"resource": "slot", "capacity": 500} in seen["capacityWeeks"]


def test_a_planner_mends_a_day_of_the_line_and_sees_it_before_and_after(counter: Counter) -> None:
    own = counter.trade.build_order_of(counter.locked_orders()[0])
    here = {"plantId": write_id("Plant", NORTH_PLANT), "day": own.day.isoformat()}
    late = [write_id("BuildOrder", own.id)]

    fixed = counter.ask(PLANNER, MEND, input=here)
    mended = counter.ask(PLANNER, MEND, input={**here, "lateBuildOrderIds": late})
    too_many = counter.ask(PLANNER, MEND, input={**here, "lateBuildOrderIds": late * 101})
    elsewhere = counter.ask(PLANNER, MEND, input={**here, "plantId": write_id("Plant", "0" + "c" * 31)})
    by_a_buyer = counter.ask(buyer(), MEND, input=here)

    cars = fixed["cars"]
    day = {"day": here["day"], "cars": cars, "runViolations": 0}
    assert fixed == {"__typename": "LineDayFixed", "code": "LINE_DAY_FIXED", "cars": cars, "frozen": cars}
    assert mended == {"__typename": "LineDayMended", "moved": 0, "before": day, "after": {**day, "excess": 0}}
    refused = [one["__typename"] for one in (too_many, elsewhere, by_a_buyer)]
    assert refused == ["InvalidInput", "NotFound", "Forbidden"]


def test_a_plant_reads_what_it_builds_and_not_for_which_order(counter: Counter) -> None:
    counter.locked_orders()
    token = counter.passes.hand_out(PLANT_MACHINE)

    own = data(counter.http, "{ plantBuildOrders(first: 5) { nodes { model } } }", token=token)
    more = ask(counter.http, "{ plantBuildOrders(first: 5) { nodes { orderId } } }", token=token)

    assert own == {"plantBuildOrders": {"nodes": [{"model": "A1"}] * 3}}
    assert [error["extensions"]["code"] for error in more["errors"]] == ["FORBIDDEN"]
