"""An order through the API: its handover goes other ways too, it can be ended, its week can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from configurator.queries import version_in_force
from demand.service import DEPOSIT_PURPOSE, PoolPlan, fund_pre_order
from factory_orders import queries
from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.model import Stage
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from factory_orders.service import BALANCE_PURPOSE, Damage, receive_balance
from graph.app import build_app
from graph.identifiers import write_id
from kernel import ledger, outbox, registry
from kernel.actor import Actor
from kernel.clock import FixedClock
from kernel.ids import BrandId
from kernel.ledger import account
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER, found_brand
from tests.demand.pool_room import TIERS, PoolRoom, make_pool_room
from tests.factory_orders.test_car_swaps import promise
from tests.factory_orders.trade import BUILD, NORTH_PLANT, PLANT_MACHINE, SYSTEM, Trade, buyer
from tests.graph.client import Http, open_http
from tests.graph.conftest import Town, close, make_services
from tests.graph.support import Passes, ask, data

HOOKED = ("RED", "W17", "PT_SMALL", "TR_BASE", "HOOK")
PLUS = ("BLUE", "W17", "PT_SMALL", "TR_PLUS")
CANCELLATION = """__typename ... on Refusal { code }
  ... on Cancellation { stage earnest { minor } forfeit { minor } penalty { minor } returned { minor } }"""
PREVIEW = f"query($id: ID!) {{ previewCancellation(orderId: $id) {{ {CANCELLATION} }} }}"
CANCEL = f"mutation($id: ID!) {{ cancelOrder(input: {{orderId: $id}}) {{ {CANCELLATION} }} }}"
CANCEL_BY_MAKER = f"""mutation($id: ID!, $reason: String!) {{
  cancelOrderByMaker(input: {{orderId: $id, reason: $reason}}) {{ {CANCELLATION} }} }}"""
TIMELINE = "query($id: ID!) { preOrder(id: $id) { timeline { concerns state } } }"
ORDER = "query($id: ID!) { order(id: $id) { state handovers { id state reason } } }"
CHANGE_CAR = """mutation($input: ChangeCarInput!) { changeCar(input: $input) {
  __typename ... on Refusal { code } ... on PreOrder { state options priceCap { minor } } } }"""
CAPACITY = """mutation($input: ChangeCapacityInput!) { changeCapacity(input: $input) {
  __typename ... on Refusal { code } ... on CapacityTaken { taken } ... on CapacityChanged { capacity left } } }"""
MEND = """mutation($input: MendLineDayInput!) { mendLineDay(input: $input) {
  __typename ... on Refusal { code } ... on LineDayFixed { cars frozen }
  ... on LineDayMended { moved before { day cars runViolations } after { day cars runViolations excess } } } }"""
HANDOVER = "__typename ... on Refusal { code } ... on Handover { id state appointmentAt reason }"
BOOK = f"mutation($input: BookHandoverInput!) {{ bookHandover(input: $input) {{ {HANDOVER} }} }}"
REBOOK = f"mutation($input: RebookHandoverInput!) {{ rebookHandover(input: $input) {{ {HANDOVER} }} }}"
REJECT = f"mutation($input: RejectHandoverInput!) {{ rejectHandover(input: $input) {{ {HANDOVER} }} }}"
AMENDMENT = """__typename ... on Amendment { stage categories newPrice { minor } } ... on Refusal { code }"""
PREVIEW_AMENDMENT = f"""query($id: ID!, $options: [String!]!) {{
  previewAmendment(orderId: $id, options: $options) {{ {AMENDMENT} }} }}"""
AMEND = f"mutation($input: AmendOrderInput!) {{ amendOrder(input: $input) {{ {AMENDMENT} }} }}"
POINTS = """query($id: ID!) { orderFreezePoints(orderId: $id) { __typename ... on Refusal { code }
  ... on OrderFreezePoints { points { category lastStage isOpen fee { minor } } } } }"""
PAY = f"mutation($input: PayBalanceInput!) {{ payBalance(input: $input) {{ {HANDOVER} }} }}"
SIGN = f"mutation($input: HandoverInput!) {{ signHandover(input: $input) {{ {HANDOVER} }} }}"
PAYMENT = "__typename ... on Refusal { code } ... on Payment { id amount { minor } state expiresAt }"
REQUEST = f"mutation($input: HandoverInput!) {{ requestBalance(input: $input) {{ {PAYMENT} }} }}"
RENEW = f"mutation($input: HandoverInput!) {{ renewBalance(input: $input) {{ {PAYMENT} }} }}"
AUTHORISE = """mutation($minor: Long!) { authoriseInSandbox(input: {amount: {minor: $minor}}) {
  ... on SandboxAuthorisation { token } } }"""


@dataclass
class Counter:
    """The server over a small brand whose orders are made below it, and whoever asks there."""

    http: Http
    room: PoolRoom
    trade: Trade
    passes: Passes

    def ask(self, who: Actor, document: str, **variables: Any) -> dict[str, Any]:
        """Send one operation with one root field and return what that answers."""
        (found,) = data(self.http, document, variables, token=self.passes.hand_out(who)).values()
        answer: dict[str, Any] = found
        return answer

    def locked_orders(self) -> list[str]:
        """Take a pool of three buyers to its lock; returns their orders' ids."""
        with self.room.works.change(PLANNER) as work:
            open_pool(work, PoolPlan(self.room.cls, 8, minimum=3, tiers=TIERS))
        placed = self.room.join(1, 2, 3)
        self.room.pass_time(days=21)
        while outbox.deliver(self.room.works, SUBSCRIPTIONS):
            pass
        return [one.pre_order_id for one in placed]

    def order_at_store(self) -> str:
        """Return the id of buyer 1's order whose car is at the store."""
        (order_id,) = self.trade.lock()
        self.trade.bring_to_store(order_id)
        return order_id

    def authorise(self, who: Actor, minor: int) -> str:
        """Let the wallet authorise an amount."""
        token: str = self.ask(who, AUTHORISE, minor=minor)["token"]
        return token

    def state(self, who: Actor, order_id: str) -> str:
        """Return an order's state as the API tells it."""
        found: str = self.ask(who, ORDER, id=write_id("Order", order_id))["state"]
        return found


@pytest.fixture
def counter(works: Works, clock: FixedClock, passes: Passes) -> Iterator[Counter]:
    room = make_pool_room(works, clock)
    found_brand(works, brand_id=BrandId("c" * 32), code="pine")
    with works.read(SYSTEM) as work:
        town = Town(works, *(registry.brand_by_code(work, code) for code in ("fir", "pine")))
    uses = {DEPOSIT_PURPOSE: fund_pre_order, BALANCE_PURPOSE: receive_balance}
    with works.read(PLANNER) as work:
        version, _ = version_in_force(work)
    services = replace(make_services(town, passes), payment_uses=uses)
    with open_http(build_app(services)) as http:
        yield Counter(http, room, Trade(works, clock, room.sandbox, version.id), passes)
    close(services)


def handed(answer: dict[str, Any]) -> list[int]:
    return [answer[name]["minor"] for name in ("earnest", "forfeit", "penalty", "returned")]


# --- the end of an order ---------------------------------------------------------------------------------------------


def test_a_buyer_sees_what_leaving_costs_and_leaves_for_that(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    named = write_id("Order", order_id)

    preview = counter.ask(buyer(), PREVIEW, id=named)
    state_before = counter.state(buyer(), order_id)
    ended = counter.ask(buyer(), CANCEL, id=write_id("PreOrder", order_id))
    again = counter.ask(buyer(), CANCEL, id=named)

    assert preview == ended
    assert (ended["stage"], handed(ended)) == ("queued", [500_000, 100_000, 0, 400_000])
    assert again == {"__typename": "OrderNotCancellable", "code": "ORDER_NOT_CANCELLABLE"}
    assert counter.ask(buyer(), PREVIEW, id=named)["code"] == "ORDER_NOT_CANCELLABLE"
    assert (state_before, counter.state(buyer(), order_id)) == ("scheduled", "cancelled")
    told = counter.ask(buyer(), TIMELINE, id=write_id("PreOrder", order_id))["timeline"]
    assert told[-2:] == [{"concerns": "pre_order", "state": "locked"}, {"concerns": "order", "state": "cancelled"}]


def test_anothers_order_is_as_unknown_as_a_made_up_one(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()

    answers = [
        counter.ask(buyer(2), document, id=write_id("Order", raw))
        for document in (PREVIEW, CANCEL)
        for raw in (order_id, "0" * 32)
    ]

    assert answers == [{"__typename": "NotFound", "code": "NOT_FOUND"}] * 4
    assert counter.state(buyer(), order_id) == "scheduled"


def test_a_car_that_is_begun_is_not_cancelled_by_anybody(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    for stage in (Stage.PARTS_READY, Stage.BODY):
        counter.trade.report(counter.trade.build_order_of(order_id).id, stage)
    named = write_id("Order", order_id)

    answers = [
        counter.ask(buyer(), CANCEL, id=named),
        counter.ask(PLANNER, CANCEL_BY_MAKER, id=named, reason="no paint"),
    ]

    assert [one["code"] for one in answers] == ["ORDER_NOT_CANCELLABLE"] * 2
    with counter.trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("earnest", order_id)) == 500_000


def test_a_planner_finds_an_order_by_its_build_order_and_the_maker_returns_double(counter: Counter) -> None:
    counter.locked_orders()
    document = "query($plant: ID!) { buildOrders(plantId: $plant, first: 5) { nodes { orderId } } }"
    named = counter.ask(PLANNER, document, plant=write_id("Plant", NORTH_PLANT))["nodes"][0]["orderId"]

    silent = counter.ask(PLANNER, CANCEL_BY_MAKER, id=named, reason=" ")
    by_a_buyer = counter.ask(buyer(), CANCEL_BY_MAKER, id=named, reason="mine")
    ended = counter.ask(PLANNER, CANCEL_BY_MAKER, id=named, reason="the paint is not made any more")

    assert (silent["__typename"], by_a_buyer["__typename"]) == ("InvalidInput", "Forbidden")
    assert handed(ended) == [500_000, 0, 500_000, 1_000_000]


def test_a_plant_reads_what_it_builds_and_not_for_which_order(counter: Counter) -> None:
    counter.locked_orders()
    token = counter.passes.hand_out(PLANT_MACHINE)

    own = data(counter.http, "{ plantBuildOrders(first: 5) { nodes { model } } }", token=token)
    more = ask(counter.http, "{ plantBuildOrders(first: 5) { nodes { orderId } } }", token=token)

    assert own == {"plantBuildOrders": {"nodes": [{"model": "A1"}] * 3}}
    assert [error["extensions"]["code"] for error in more["errors"]] == ["FORBIDDEN"]


# --- before the lock -------------------------------------------------------------------------------------------------


def change(counter: Counter, who: Actor, pre_order_id: str, options: tuple[str, ...], cap: int) -> dict[str, Any]:
    given = {
        "preOrderId": write_id("PreOrder", pre_order_id),
        "quoteId": write_id("Quote", counter.room.quote(who, options=options)),
        "priceCap": {"minor": cap},
    }
    return counter.ask(who, CHANGE_CAR, input=given)


def test_a_member_changes_the_car_within_its_class(counter: Counter) -> None:
    counter.room.open()
    (member,) = counter.room.join(1, cap=10_000_000)

    other_class = change(counter, buyer(), member.pre_order_id, PLUS, 12_000_000)
    others = change(counter, buyer(2), member.pre_order_id, HOOKED, 12_000_000)
    low = change(counter, buyer(), member.pre_order_id, HOOKED, 1)
    done = change(counter, buyer(), member.pre_order_id, HOOKED, 9_700_000)

    assert [one["__typename"] for one in (other_class, others, low)] == ["WrongClass", "NotFound", "CapTooLow"]
    assert done == {
        "__typename": "PreOrder",
        "state": "pooled",
        "options": ["RED", "W17", "PT_SMALL", "TR_BASE", "HOOK"],
        "priceCap": {"minor": 9_700_000},
    }


def test_in_a_frozen_pool_the_cap_rises_with_the_car(counter: Counter) -> None:
    counter.room.open()
    (member,) = counter.room.join(1, cap=10_000_000)
    counter.room.pass_time(days=19)

    short = change(counter, buyer(), member.pre_order_id, HOOKED, 10_199_900)
    enough = change(counter, buyer(), member.pre_order_id, HOOKED, 10_200_000)

    assert (short["__typename"], enough["__typename"]) == ("CapNotRaised", "PreOrder")


# --- the plant's weeks -----------------------------------------------------------------------------------------------


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


# --- the handover ----------------------------------------------------------------------------------------------------


def book(counter: Counter, order_id: str) -> dict[str, Any]:
    at = counter.trade.tomorrow_at(10).isoformat()
    booked = counter.ask(buyer(), BOOK, input={"orderId": write_id("Order", order_id), "appointmentAt": at})
    assert booked["__typename"] == "Handover", booked
    return booked


def inspect(counter: Counter, order_id: str, *, fine: bool = True) -> None:
    with counter.trade.works.read(SYSTEM) as work:
        handover = queries.handovers_of_orders(work, [order_id])[order_id][-1]
    counter.trade.inspect(handover, fine=fine)


def test_an_appointment_moves_until_it_has_begun(counter: Counter) -> None:
    order_id = counter.order_at_store()
    handover = book(counter, order_id)
    later = {"handoverId": handover["id"], "appointmentAt": counter.trade.tomorrow_at(14).isoformat()}

    closed = counter.ask(buyer(), REBOOK, input={**later, "appointmentAt": counter.trade.tomorrow_at(3).isoformat()})
    by_another = counter.ask(buyer(2), REBOOK, input=later)
    moved = counter.ask(buyer(), REBOOK, input=later)
    inspect(counter, order_id)
    too_late = counter.ask(buyer(), REBOOK, input=later)

    assert (closed["__typename"], by_another["__typename"]) == ("AppointmentUnavailable", "NotFound")
    assert (moved["state"], datetime.fromisoformat(moved["appointmentAt"])) == (
        "booked",
        counter.trade.tomorrow_at(14),
    )
    assert too_late["__typename"] == "HandoverNotPossible"


def test_a_balance_whose_payment_ran_out_is_asked_for_anew_and_paid(counter: Counter) -> None:
    order_id = counter.order_at_store()
    named = {"handoverId": book(counter, order_id)["id"]}
    early = counter.ask(buyer(), REQUEST, input=named)
    inspect(counter, order_id)
    unasked = counter.ask(buyer(), RENEW, input=named)
    first = counter.ask(buyer(), REQUEST, input=named)
    same = counter.ask(buyer(), RENEW, input=named)
    counter.trade.clock.advance(datetime.fromisoformat(first["expiresAt"]) - counter.trade.clock.now())
    counter.trade.clock.advance(timedelta(seconds=1))

    fresh = counter.ask(buyer(), RENEW, input=named)
    due = fresh["amount"]["minor"]
    short = counter.ask(buyer(), PAY, input={**named, "authorisation": counter.authorise(buyer(), due - 1)})
    unpaid = counter.ask(buyer(), SIGN, input=named)
    paid = counter.ask(buyer(), PAY, input={**named, "authorisation": counter.authorise(buyer(), due)})
    signed = counter.ask(buyer(), SIGN, input=named)

    assert [one["__typename"] for one in (early, unasked)] == ["InspectionMissing", "InspectionMissing"]
    assert (same["id"], fresh["amount"]) == (first["id"], first["amount"])
    assert fresh["id"] != first["id"]
    assert (short["__typename"], unpaid["__typename"]) == ("PaymentAmountMismatch", "BalanceOpen")
    assert (paid["state"], signed["state"]) == ("balance_paid", "signed")
    assert counter.state(buyer(), order_id) == "delivered"


def test_whoever_rejects_the_car_keeps_the_order_and_may_come_again(counter: Counter) -> None:
    order_id = counter.order_at_store()
    named = {"handoverId": book(counter, order_id)["id"]}
    inspect(counter, order_id, fine=False)

    by_another = counter.ask(buyer(2), REJECT, input={**named, "reason": "not mine"})
    rejected = counter.ask(buyer(), REJECT, input={**named, "reason": "a scratch on the door"})
    again = counter.ask(buyer(), REJECT, input={**named, "reason": "once more"})

    assert (by_another["__typename"], again["__typename"]) == ("NotFound", "HandoverNotPossible")
    assert (rejected["state"], rejected["reason"]) == ("rejected", "a scratch on the door")
    assert counter.state(buyer(), order_id) == "at_store"
    assert book(counter, order_id)["id"] != named["handoverId"]


def test_a_buyer_sees_what_may_change_and_changes_it_at_the_price_that_was_shown(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    named = write_id("Order", order_id)
    blue = ["BLUE", "W17", "PT_SMALL", "TR_BASE"]
    shown = counter.ask(buyer(), PREVIEW_AMENDMENT, id=named, options=blue)

    done = counter.ask(
        buyer(), AMEND, input={"orderId": named, "options": blue, "newPrice": {"minor": shown["newPrice"]["minor"]}}
    )

    assert shown == done
    assert (done["stage"], done["categories"]) == ("queued", ["Paint"])
    points = counter.ask(buyer(), POINTS, id=named)
    assert points["points"][0] == {"category": "*", "lastStage": "queued", "isOpen": True, "fee": {"minor": 50_000}}
    told = counter.ask(
        buyer(), "query($id: ID!) { order(id: $id) { options agreements { kind added removed } } }", id=named
    )
    assert set(told["options"]) == set(blue)
    assert told["agreements"] == [{"kind": "amendment", "added": ["BLUE"], "removed": ["RED"]}]
    timeline = counter.ask(buyer(), TIMELINE, id=write_id("PreOrder", order_id))["timeline"]
    assert {"concerns": "order", "state": "amended"} in timeline


def test_past_its_freeze_point_a_change_is_refused_in_the_readers_words(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    counter.trade.report(counter.trade.build_order_of(order_id).id, Stage.PARTS_READY)
    named = write_id("Order", order_id)

    refused = counter.ask(buyer(), PREVIEW_AMENDMENT, id=named, options=["BLUE", "W17", "PT_SMALL", "TR_BASE"])
    foreign = counter.ask(buyer(2), POINTS, id=named)

    assert refused == {"__typename": "AmendmentTooLate", "code": "AMENDMENT_TOO_LATE"}
    assert foreign == {"__typename": "NotFound", "code": "NOT_FOUND"}


# --- papers ----------------------------------------------------------------------------------------------------------

PAPERS = "query($id: ID!) { orderPapers(orderId: $id, first: 5) { nodes { kind state } } }"
ASK_PAPER = """mutation($id: ID!) { requestPaper(input: {orderId: $id, kind: INSURANCE}) {
  __typename ... on Refusal { code } ... on Paper { state } } }"""


def test_papers_are_asked_for_and_read_by_the_orders_id_or_its_pre_orders(counter: Counter) -> None:
    order_id = counter.order_at_store()
    named = [write_id(kind, order_id) for kind in ("Order", "PreOrder")]

    asked = [counter.ask(buyer(), ASK_PAPER, id=one) for one in named]
    read = [data(counter.http, PAPERS, {"id": one}, token=counter.passes.hand_out(buyer())) for one in named]

    assert asked == [{"__typename": "Paper", "state": "ISSUED"}] * 2
    assert read == [{"orderPapers": {"nodes": [{"kind": "INSURANCE", "state": "ISSUED"}]}}] * 2


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


def test_whoever_is_offered_a_repaired_car_reads_what_happened_to_it_by_then(counter: Counter) -> None:
    order_id, *_ = counter.locked_orders()
    trade = counter.trade
    trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=Damage("the frame is bent", 900_000))
    reads = "query($id: ID!) { order(id: $id) { repairOffers { disclosures { reason detail repair { minor } } } } }"

    (offer,) = counter.ask(buyer(), reads, id=write_id("Order", order_id))["repairOffers"]

    told = {"reason": "transport_damage", "detail": "the frame is bent", "repair": {"minor": 900_000}}
    assert offer == {"disclosures": [told]}
