"""Brands live side by side and never see each other: a foreign id answers exactly as one that was made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from graph.identifiers import read_id, write_id
from muster.demo.hands import work_a_day
from tests.journeys import documents as ask
from tests.journeys.town import Buyer, Caller, House, Town, add_town

MADE_UP: Final = "0123456789abcdef" * 2
REFUSED: Final = "__typename ... on Refusal { code message }"

THEN: Final = 'occurredAt: "2027-01-01T00:00:00Z"'

# Who of the other brand asks, what for, and the kind of id that is handed in.
READS: Final = (
    ("buyer", "preOrder(id: $id) { id state }", "PreOrder"),
    ("buyer", "order(id: $id) { id vin }", "Order"),
    ("buyer", "pool(id: $id) { id members }", "Pool"),
    ("buyer", "quote(id: $id) { id status }", "Quote"),
    ("buyer", "recomputeQuote(id: $id) { agrees }", "Quote"),
    ("buyer", "store(id: $id) { id name }", "Store"),
    ("buyer", "proposal(id: $id) { id title }", "Proposal"),
    ("planner", "buildOrders(plantId: $id, first: 5) { nodes { id } }", "Plant"),
    ("planner", 'capacityWeeks(plantId: $id, firstWeek: "2027-01-04") { week }', "Plant"),
    ("planner", 'lineDays(plantId: $id, firstDay: "2027-01-04") { day }', "Plant"),
    ("buyer", "rules(catalogueVersionId: $id) { code }", "CatalogueVersion"),
)
NODES: Final = ("PreOrder", "Order", "Pool", "Quote", "Store", "Proposal", "Plant", "CatalogueVersion", "Batch")
WRITES: Final = (
    ("buyer", "withdrawPreOrder(input: {preOrderId: $id})", "PreOrder"),
    ("buyer", "raisePriceCap(input: {preOrderId: $id, priceCap: {minor: 99000000}})", "PreOrder"),
    ("buyer", "payInSandbox(input: {preOrderId: $id})", "PreOrder"),
    ("buyer", 'placePreOrder(input: {idempotencyKey: "one-of-ours", quoteId: $id, priceCap: {minor: 9}})', "Quote"),
    ("buyer", "castVote(input: {proposalId: $id})", "Proposal"),
    ("buyer", "revokeVote(input: {proposalId: $id})", "Proposal"),
    ("buyer", 'bookHandover(input: {orderId: $id, appointmentAt: "2027-03-01T03:00:00Z"})', "Order"),
    ("buyer", "acceptDisclosures(input: {orderId: $id})", "Order"),
    ("buyer", "requestBalance(input: {handoverId: $id})", "Handover"),
    ("buyer", "signHandover(input: {handoverId: $id})", "Handover"),
    ("buyer", 'rejectHandover(input: {handoverId: $id, reason: "no"})', "Handover"),
    ("planner", 'cancelPool(input: {poolId: $id, reason: "no"})', "Pool"),
    ("planner", "publishProposal(input: {proposalId: $id})", "Proposal"),
    ("planner", 'declineProposal(input: {proposalId: $id, reason: "no"})', "Proposal"),
    ("planner", "scheduleBatch(input: {batchId: $id})", "Batch"),
    ("dealer", 'inspectArrival(input: {shipmentId: $id, vin: "x"})', "Shipment"),
    ("dealer", 'inspectHandover(input: {handoverId: $id, vin: "x", points: []})', "Handover"),
    ("plant", f'reportBuild(input: {{buildOrderId: $id, eventId: "e-1", stage: BODY, {THEN}}})', "BuildOrder"),
    ("carrier", f"reportShipment(input: {{shipmentId: $id, state: LOADED, {THEN}}})", "Shipment"),
    ("admin", "revokeMachine(input: {machineId: $id})", "Machine"),
    ("admin", "rotateMachineKey(input: {machineId: $id})", "Machine"),
    ("admin", "revokeInvitation(input: {invitationId: $id})", "Invitation"),
    ("admin", "grantRole(input: {accountId: $id, role: PLANNER})", "Account"),
    ("admin", 'inviteStaff(input: {email: "x@example.com", role: DEALER, storeId: $id})', "Store"),
    ("operator", "approveMovement(input: {movementId: $id})", "Movement"),
    ("operator", 'disableAccount(input: {accountId: $id, reason: "no"})', "Account"),
)  # fmt: skip


def test_every_id_of_another_brand_answers_like_one_that_was_made_up(house: House) -> None:
    own, foreign = add_town(house, "borealis"), add_town(house, "qilan")
    owner = foreign.buyer()
    ids = fill(foreign, owner)
    who = people(own)
    its_own = {"buyer": owner.at, "planner": foreign.staff("planner")}

    with house.unchanged():
        for name, asked, kind in (*READS, *(("buyer", "node(id: $id) { __typename id }", kind) for kind in NODES)):
            document = f"query($id: ID!) {{ {asked} }}"
            seen_by = "planner" if kind == "Batch" else name
            seen, foreign_answer = (
                its_own[seen_by].answer(document, id=ids[kind]),
                compare(who[name], document, ids[kind]),
            )
            assert "errors" not in seen and seen["data"] != foreign_answer["data"], (asked, seen)
            assert "errors" not in foreign_answer, (asked, foreign_answer)
        for name, asked, kind in WRITES:
            known = compare(who[name], f"mutation($id: ID!) {{ {asked} {{ {REFUSED} }} }}", ids[kind])
            ((_, result),) = known["data"].items()
            assert result["code"] == "NOT_FOUND", (asked, result)


def compare(caller: Caller, document: str, id_: str) -> dict[str, Any]:
    """Ask with a foreign id and with a made-up one of its kind; both get the same answer, which is returned."""
    found = read_id(id_)
    assert found is not None
    foreign, made_up = (caller.answer(document, id=one) for one in (id_, write_id(found[0], MADE_UP)))
    for one in (foreign, made_up):
        one.pop("extensions", None)
    assert foreign == made_up, document
    return foreign


def people(town: Town) -> dict[str, Caller]:
    """Return somebody of each role of a brand."""
    admin = town.staff("admin")
    key = admin.do(ask.ADD_MACHINE, input={"label": "carrier", "role": "CARRIER", "partyCode": "carrier"})["key"]
    return {
        "buyer": town.buyer().at,
        "planner": town.staff("planner"),
        "dealer": town.staff("dealer.jingan"),
        "plant": town.machine("plant-yichang"),
        "carrier": town.with_token(key),
        "admin": town.staff("admin"),
        "operator": town.staff("operator1"),
    }


def test_a_session_of_one_brand_is_none_of_another(house: House) -> None:
    own, foreign = add_town(house, "borealis"), add_town(house, "qilan")

    for caller in (own.buyer().at, own.staff("admin"), own.machine("plant-yichang")):
        elsewhere = replace(caller, brand=foreign.brand.code).answer(ask.VIEWER)

        assert elsewhere == own.guest().answer(ask.VIEWER)


def fill(town: Town, owner: Buyer) -> dict[str, str]:
    """Let there be one of everything in a brand; returns an id of each kind."""
    buyers = [owner, town.buyer(), town.buyer()]
    quotes = [buyer.quote() for buyer in buyers]
    pool = town.open_pool(quotes[0]["poolingClass"]["key"])
    placed = [buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)]
    town.house.pass_until(pool["deadline"])
    ids = build_orders(town)
    wait_for_the_cars(town, buyers)
    buyer, planner, admin = buyers[0], town.staff("planner"), town.staff("admin")
    order = buyer.at.ask(ask.ORDER, id=placed[0]["id"])["preOrder"]["order"]
    tomorrow = (town.house.clock.now().astimezone(town.brand.zone) + timedelta(days=1)).replace(
        hour=10, minute=0, second=0, microsecond=0
    )
    booked = buyer.at.do(BOOK, input={"orderId": order["id"], "appointmentAt": tomorrow.isoformat()})
    proposal = buyer.at.do(ask.SUBMIT, input={"title": "A roof that opens"})
    planner.do(ask.PUBLISH, input={"proposalId": proposal["id"]})
    invitation = admin.do(ask.INVITE, input={"email": "new@example.com", "role": "PLANNER"})
    wanted = {"debit": "bonus:x", "credit": "payable:y", "amount": {"minor": 1}, "reason": "goodwill"}
    movement = town.staff("operator1").do(ask.PROPOSE_MOVEMENT, input=wanted)
    shown = town.guest().ask("{ plants { id } catalogueVersions(first: 1) { nodes { id } } }")
    return ids | {
        "PreOrder": placed[0]["id"],
        "Order": order["id"],
        "Pool": pool["id"],
        "Quote": quotes[0]["id"],
        "Store": town.store("shanghai-pudong"),
        "Proposal": proposal["id"],
        "Plant": shown["plants"][0]["id"],
        "CatalogueVersion": shown["catalogueVersions"]["nodes"][0]["id"],
        "Batch": planner.ask(ask.PLAN)["batches"]["nodes"][0]["id"],
        "Handover": booked["id"],
        "Shipment": town.staff("dealer.pudong").ask(ask.DELIVERIES)["storeDeliveries"]["nodes"][0]["shipmentId"],
        "Machine": admin.ask("{ machines { id } }")["machines"][0]["id"],
        "Invitation": invitation["id"],
        "Account": admin.ask(ask.STAFF)["staff"]["nodes"][0]["accountId"],
        "Movement": movement["id"],
    }


BOOK: Final = ask.mutation("bookHandover", "BookHandoverInput", "... on Handover { id }")


def build_orders(town: Town) -> dict[str, str]:
    """Return the id of a build order, once the plant has some."""
    town.house.pass_time(timedelta(days=49))
    built = town.machine("plant-changzhou").ask("{ plantBuildOrders(first: 5) { nodes { id } } }")
    return {"BuildOrder": built["plantBuildOrders"]["nodes"][0]["id"]}


def wait_for_the_cars(town: Town, buyers: list[Buyer]) -> None:
    """Let the plant build and the carrier drive until the cars stand at the store."""
    house = town.house
    waiting = frozenset(buyer.account_id for buyer in buyers)
    for _ in range(10):
        house.pass_time(timedelta(days=2))
        work_a_day(house.works, house.runtime.sandbox, town.brand, waiting=waiting)
        house.work_off()
