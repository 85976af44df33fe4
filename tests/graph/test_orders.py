"""An order through the API: it can be ended and changed, and its handover goes other ways too."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from factory_orders import queries
from factory_orders.model import Stage
from factory_orders.service import Damage
from graph.identifiers import write_id
from kernel import ledger
from kernel.actor import Actor
from kernel.ledger import account
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, buyer
from tests.graph.counter import TIMELINE, Counter
from tests.graph.support import data

HOOKED = ("RED", "W17", "PT_SMALL", "TR_BASE", "HOOK")
PLUS = ("BLUE", "W17", "PT_SMALL", "TR_PLUS")
CANCELLATION = """__typename ... on Refusal { code }
  ... on Cancellation { stage earnest { minor } forfeit { minor } penalty { minor } returned { minor } }"""
PREVIEW = f"query($id: ID!) {{ previewCancellation(orderId: $id) {{ {CANCELLATION} }} }}"
CANCEL = f"mutation($id: ID!) {{ cancelOrder(input: {{orderId: $id}}) {{ {CANCELLATION} }} }}"
CANCEL_BY_MAKER = f"""mutation($id: ID!, $reason: String!) {{
  cancelOrderByMaker(input: {{orderId: $id, reason: $reason}}) {{ {CANCELLATION} }} }}"""
CHANGE_CAR = """mutation($input: ChangeCarInput!) { changeCar(input: $input) {
  __typename ... on Refusal { code } ... on PreOrder { state options priceCap { minor } } } }"""
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


# --- a change of the car ---------------------------------------------------------------------------------------------


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


# --- a repaired car --------------------------------------------------------------------------------------------------


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
