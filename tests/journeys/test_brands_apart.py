"""Brands live side by side and never see each other: a foreign id answers exactly as one that was made up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import GraphQLInputObjectType, get_named_type, is_list_type, is_non_null_type

from graph.identifiers import read_id, write_id
from graph.schema import build_api
from kernel.actor import GRANTS, Role
from tests.graph.test_access import example
from tests.journeys import documents as ask
from tests.journeys.filling import MADE_UP, fill
from tests.journeys.town import Caller, House, Town, add_town

NODES_SHOWN: Final = " nodes { __typename }"
REFUSED: Final = "__typename ... on Refusal { code message }"
API: Final = build_api()

# What kind of thing an id names, by the argument's name; `id` itself by its query.
KINDS: Final = {
    "accountId": "Account", "backingId": "Backing", "batchId": "Batch", "best": "Proposal",
    "buildOrderId": "BuildOrder", "catalogueVersionId": "CatalogueVersion", "comparisonId": "Comparison",
    "configurationId": "Configuration",
    "callOffId": "CallOff", "caseId": "DamageCase", "hookId": "PlantHook", "stockQuote.id": "StockQuote",
    "liveStockQuote.quoteId": "StockQuote",
    "holdStockCar.quoteId": "StockQuote", "releasePromise.holdId": "PromiseHold", "releaseStockCar.holdId": "StockHold",
    "buyStockCar.holdId": "StockHold", "stockPurchaseId": "StockPurchase", "moveId": "StockMove",
    "stockOrderId": "StockOrder", "earlyOfferId": "EarlyOffer", "carSwapOfferId": "CarSwapOffer",
    "handoverId": "Handover", "into": "Proposal", "invitationId": "Invitation", "machineId": "Machine",
    "movementId": "Movement", "noticeIds": "Notice",
    "offerId": "WaitOffer", "orderId": "Order", "plantId": "Plant", "poolId": "Pool",
    "preOrderId": "PreOrder", "proposalId": "Proposal", "quoteId": "Quote", "sessionId": "OpenSession",
    "shipmentId": "Shipment", "storeId": "Store", "supersedes": "Quote", "worst": "Proposal",
    "circleId": "Circle", "circle.id": "Circle", "hostId": "CircleHost", "testDriveId": "TestDrive",
    "questionId": "CircleQuestion", "removeFromCircle.id": "CircleQuestion", "takeDownFromCircle.id": "CircleQuestion",
    "lateBuildOrderIds": "BuildOrder",
    "comparison.id": "Comparison", "myComparison.id": "Comparison", "order.id": "Order", "pool.id": "Pool",
    "preOrder.id": "PreOrder", "proposal.id": "Proposal", "quote.id": "Quote", "recomputeQuote.id": "Quote",
    "store.id": "Store",
}  # fmt: skip
NODES: Final = ("PreOrder", "Order", "Pool", "Quote", "Store", "Proposal", "Plant", "CatalogueVersion", "Batch")
# What is asked for besides, where any word of its type is refused before the id is looked at.
YUAN: Final = '{minor: 300000, currency: "CNY"}'
GIVEN: Final = {
    "addMachine.role": "PLANT", "capacityWeeks.firstWeek": '"2027-01-04"', "cancelOrderByMaker.reason": '"no"',
    "inviteStaff.email": '"x@example.com"', "inviteStaff.role": "DEALER", "lineDays.firstDay": '"2027-01-04"',
    "mendLineDay.day": '"2027-01-04"',
    "placePreOrder.idempotencyKey": '"one-of-ours"', "backProposal.idempotencyKey": '"one-of-ours"',
    "buyStockCar.idempotencyKey": '"one-of-ours"', "orderStock.idempotencyKey": '"one-of-ours"',
    "orderStock.cars": "1",
    "grantRole.accountId/role": "PLANNER", "grantRole.role": "DEALER", "commitToProposal.availableBy": '"2027-06-01"',
    "revokeRole.role": "DEALER", "changeCapacity.week": '"2027-01-04"',
    "changeCapacity.resource": '"slot"', "reportBuild.stage": "BODY", "removeMember.case": '"2027/17"',
    "reportShipment.state": "LOADED", "foundCircle.kind": "CITY",
    "checkCondition.photos": '["abababababababababababababababababababababababababababababababab"]',
    "freeAppointments.firstDay": '"2027-01-04"',
    "addPlantHook.url": '"https://plant.example/orders"',
}  # fmt: skip
# Where a mutation is refused for something else before its id is looked at, or says nothing of an id that is no one's.
NOT_REACHED: Final = {
    "markNoticesRead.noticeIds": "answers with how many were marked: none",
    "openComparison.proposalId": "needs twelve proposals",
    "checkCondition.shipmentId": "who may look depends on the hand-over",
    "openBacking.comparisonId": "its proposal is looked for first",
    "placePreOrder.poolId": "its quote is looked for first",
    "placePreOrder.storeId": "its quote is looked for first",
    "offerToCircle.poolId": "its circle is looked for first",
    "changeCar.quoteId": "its pre-order is looked for first",
    "changeCar.poolId": "its pre-order is looked for first",
    "payBalance.handoverId": "needs an authorisation that nobody could make up",
}
# A car that is damaged, stands in stock or comes too late takes a story of its own: two made-up ids are compared.
# Queries that answer an unknown id with an error that says so; both ids get the same one.
TOLD_BY_ERROR: Final = frozenset(
    {
        "orderPapers.orderId",
        "freeAppointments.orderId",
        "partShortages.plantId",
        "plantMessages.hookId",
        "storeOutlook.storeId",
        "storeStatement.storeId",
    }
)
# What its owner would see only after more steps than are taken here.
NOT_SHOWN: Final = frozenset(
    {
        "buildOrders.plantId",
        "proposalCars.proposalId",
        "previewCancellation.orderId",
        "freeAppointments.orderId",
        "myComparison.id",
        "lineDays.plantId",
        "weekPlans.plantId",
        "stockQuote.id",
        "stockCars.storeId",
        "storeStatement.storeId",
        "shipmentConditions.shipmentId",
        "promiseCalibrations.plantId",
        "orderPapers.orderId",
        "plantMessages.hookId",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """One place of the API where an id goes in."""

    root: str
    name: str
    path: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.name}.{self.path[-1]}"

    @property
    def kind(self) -> str:
        return KINDS[self.label if self.label in KINDS else self.path[-1]]


def cases() -> list[Case]:
    """Return every argument and input field of the whole schema that takes an id."""
    schema = API.schema
    found = []
    for kind in (schema.query_type, schema.mutation_type, schema.subscription_type):
        assert kind is not None
        for name, made in kind.fields.items():
            if (kind.name, name) != ("Query", "node"):  # asked for each kind of node
                paths = [path for argument, one in made.args.items() for path in ids_below(one.type, (argument,))]
                found += [Case(kind.name, name, path) for path in paths]
    return found


def ids_below(kind: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return where in an input type ids are taken."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        return [found for name, one in named.fields.items() for found in ids_below(one.type, (*path, name))]
    return [path] if named.name == "ID" else []


def literal(case: Case, kind: Any, path: tuple[str, ...]) -> str:
    """Return a value for an input type: `$id` in the case's own place, elsewhere the least that is valid."""
    if is_non_null_type(kind):
        return literal(case, kind.of_type, path)
    if is_list_type(kind):
        within = path == case.path[: len(path)]
        if not within and f"{case.name}.{path[-1]}" in GIVEN:
            return GIVEN[f"{case.name}.{path[-1]}"]
        return f"[{literal(case, kind.of_type, path)}]" if within else "[]"
    if path == case.path:
        return "$id"
    if kind.name == "MoneyInput":
        return YUAN
    if isinstance(kind, GraphQLInputObjectType):
        asked = {
            name: literal(case, one.type, (*path, name))
            for name, one in kind.fields.items()
            if is_wanted(case, one, (*path, name))
        }
        return "{" + ", ".join(f"{name}: {value}" for name, value in asked.items()) + "}"
    if kind.name == "ID":
        return f'"{write_id(KINDS[path[-1]], MADE_UP)}"'
    given = GIVEN.get(f"{case.label}/{path[-1]}") or GIVEN.get(f"{case.name}.{path[-1]}")
    return given or example(kind)


def is_wanted(case: Case, one: Any, path: tuple[str, ...]) -> bool:
    given = f"{case.name}.{path[-1]}" in GIVEN
    return given or path == case.path[: len(path)] or (is_non_null_type(one.type) and one.default is None)


def document(case: Case) -> str:
    """Write the operation of a case; `$id` is what goes in."""
    kind = {"Query": API.schema.query_type, "Mutation": API.schema.mutation_type}.get(
        case.root, API.schema.subscription_type
    )
    assert kind is not None
    made = kind.fields[case.name]
    arguments = ", ".join(
        f"{name}: {literal(case, one.type, (name,))}"
        for name, one in made.args.items()
        if is_wanted(case, one, (name,))
    )
    shown = REFUSED if case.root == "Mutation" else "__typename" + NODES_SHOWN * str(made.type).endswith("Connection!")
    return f"{case.root.lower()}($id: ID!) {{ {case.name}({arguments}) {{ {shown} }} }}"


def test_every_kind_of_id_in_the_schema_is_known() -> None:
    known = {case.label if case.label in KINDS or case.path[-1] == "id" else case.path[-1] for case in cases()}

    assert known == set(KINDS)


def test_every_id_of_another_brand_answers_like_one_that_was_made_up(house: House) -> None:
    own, foreign = add_town(house, "borealis"), add_town(house, "qilan")
    owner = foreign.buyer()
    ids = fill(foreign, owner)
    who, its_own = people(own, dealer="jingan", plant="yichang"), people(foreign, dealer="pudong", plant="changzhou")
    its_own["buyer"] = owner.at
    wrong, unseen = [], []

    with house.unchanged():
        for case in cases():
            if case.root == "Query":
                answer = its_own[asker(case)].answer(document(case), id=ids[case.kind])
                seen = known_by(*answer["data"].values()) or case.label in NOT_SHOWN
                unseen += [] if seen else [(case.label, answer)]
            if case.root != "Subscription":
                answer = compare(who[asker(case)], document(case), ids[case.kind])
                if "errors" in answer:
                    assert case.label in TOLD_BY_ERROR, (case.label, answer)
                    continue
                (result,) = answer["data"].values()
                reached = result.get("code") == "NOT_FOUND" if case.root == "Mutation" else not known_by(result)
                if not reached and case.label not in NOT_REACHED:
                    wrong.append((case.label, answer))
        for kind in NODES:
            compare(who["buyer"], "query($id: ID!) { node(id: $id) { __typename id } }", ids[kind])
    assert wrong == []
    assert unseen == []


def known_by(result: Any) -> bool:
    """Say whether a query's answer shows anything: an empty list or page, and a refusal, show nothing."""
    if not isinstance(result, dict):
        return bool(result)
    return bool(result.get("nodes", True)) and result["__typename"] != "NotFound"


def asker(case: Case) -> str:
    """Return who of a brand may ask this: the first whose role is granted what the field declares."""
    needs = API.access.fields[case.root, case.name].needs
    return next(name for name, role in ROLES.items() if needs in GRANTS[role])


def compare(caller: Caller, document: str, id_: str) -> dict[str, Any]:
    """Ask with a foreign id and with a made-up one of its kind; both get the same answer, which is returned."""
    found = read_id(id_)
    assert found is not None
    foreign, made_up = (caller.answer(document, id=one) for one in (id_, write_id(found[0], MADE_UP)))
    for one in (foreign, made_up):
        one.pop("extensions", None)
    assert foreign == made_up, document
    return foreign


ROLES: Final = {
    "buyer": Role.CONSUMER,
    "planner": Role.PLANNER,
    "dealer": Role.DEALER,
    "plant": Role.PLANT,
    "carrier": Role.CARRIER,
    "supplier": Role.SUPPLIER,
    "admin": Role.BRAND_ADMIN,
    "operator": Role.OPERATOR,
}


def people(town: Town, *, dealer: str, plant: str) -> dict[str, Caller]:
    """Return somebody of each role of a brand."""
    admin = town.staff("admin")
    keys = {
        name: admin.do(ask.ADD_MACHINE, input={"label": name, "role": name.upper(), "partyCode": name})["key"]
        for name in ("carrier", "supplier")
    }
    return {
        "buyer": town.buyer().at,
        "planner": town.staff("planner"),
        "dealer": town.staff(f"dealer.{dealer}"),
        "plant": town.machine(f"plant-{plant}"),
        "carrier": town.with_token(keys["carrier"]),
        "supplier": town.with_token(keys["supplier"]),
        "admin": town.staff("admin"),
        "operator": town.staff("operator1"),
    }


def test_a_session_of_one_brand_is_none_of_another(house: House) -> None:
    own, foreign = add_town(house, "borealis"), add_town(house, "qilan")

    for caller in (own.buyer().at, own.staff("admin"), own.machine("plant-yichang")):
        elsewhere = replace(caller, brand=foreign.brand.code).answer(ask.VIEWER)

        assert elsewhere == own.guest().answer(ask.VIEWER)
