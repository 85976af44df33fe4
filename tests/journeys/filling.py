"""One thing of every kind of a brand, made as its people make it: what another brand must never reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import insert, select

from demand.backing.tables import backings
from demand.pools.tables import pre_orders
from demand.service import NewOwner, note_owners
from graph.identifiers import raw_id, write_id
from kernel.actor import system
from kernel.payments import payments_of
from muster.demo.hands import work_a_day
from tests.journeys import documents as ask
from tests.journeys.test_votes import proposals
from tests.journeys.town import Buyer, Town

MADE_UP: Final = "0123456789abcdef" * 2
NOT_MADE: Final = (
    "EarlyOffer",
    "CarSwapOffer",
    "DamageCase",
    "StockQuote",
    "StockHold",
    "WaitOffer",
)


def fill(town: Town, owner: Buyer) -> dict[str, str]:
    """Let there be one of everything in a brand; returns an id of each kind."""
    buyers = [owner, town.buyer(), town.buyer()]
    quotes = [buyer.quote() for buyer in buyers]
    pool = town.open_pool(quotes[0]["poolingClass"]["key"])
    held = owner.at.do(HOLD, input={"quoteId": owner.quote()["id"]})
    placed = [buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)]
    town.house.pass_until(pool["deadline"])
    ids = build_orders(town)
    shown = town.guest().ask("{ plants { id } catalogueVersions(first: 1) { nodes { id } } }")
    for one in shown["plants"]:
        town.staff("planner").do(CALL_OFF, input={"plantId": one["id"]})
    wait_for_the_cars(town, buyers)
    plant = shown["plants"][0]["id"]
    buyer, planner, admin = buyers[0], town.staff("planner"), town.staff("admin")
    order = buyer.at.ask(ask.ORDER, id=placed[0]["id"])["preOrder"]["order"]
    tomorrow = (town.house.clock.now().astimezone(town.brand.zone) + timedelta(days=1)).replace(
        hour=10, minute=0, second=0, microsecond=0
    )
    booked = buyer.at.do(BOOK, input={"orderId": order["id"], "appointmentAt": tomorrow.isoformat()})
    proposal = buyer.at.do(ask.SUBMIT, input={"title": "A roof that opens"})
    planner.do(ask.PUBLISH, input={"proposalId": proposal["id"]})
    invitation = admin.do(ask.INVITE, input={"email": "new@example.com", "role": "PLANNER"})
    code = town.brand.code
    wanted = {"debit": f"bonus:{code}", "credit": f"sales:{code}", "amount": {"minor": 1}, "reason": "goodwill"}
    movement = town.staff("operator1").do(ask.PROPOSE_MOVEMENT, input=wanted)
    wishes = [proposal, *proposals(town, 11)]
    comparison = planner.do(
        ask.OPEN_COMPARISON,
        input={
            "title": "Spring",
            "items": [{"proposalId": one["id"], "plannedPrice": {"minor": 300_000}} for one in wishes],
            "market": [{"region": "east", "owner": False, "model": "L5", "persons": 100}],
        },
    )
    circle = buyer.at.do(
        "mutation($input: FoundCircleInput!) { foundCircle(input: $input) { __typename ... on Circle { id }"
        " ... on Refusal { code message } } }",
        input={"kind": "CITY", "subject": "Shanghai", "title": "On the Bund"},
    )
    in_circle = talk(buyers[0], buyers[1], circle["id"])
    car = {"model": "L5", "region": "east", "options": town.car("L5", ())}
    store = {"idempotencyKey": "one-of-ours", "model": "L5", "options": car["options"], "cars": 1}
    stock_order = planner.do(ORDER_STOCK, input=store | {"storeId": town.store("shanghai-pudong")})
    kept = buyer.at.do(SAVE, input=car)
    hook = admin.do(ADD_HOOK, input={"plantId": plant, "url": "https://plant.example/orders"})
    told = buyer.at.ask("{ myNotices(first: 1) { nodes { id } } }")["myNotices"]["nodes"]
    session = admin.ask("{ mySessions { id } }")["mySessions"][0]
    return (
        ids
        | in_circle
        | {
            "StockOrder": stock_order["id"],
            "PreOrder": placed[0]["id"],
            "Order": order["id"],
            "Pool": pool["id"],
            "Circle": circle["id"],
            "Quote": quotes[0]["id"],
            "Store": town.store("shanghai-pudong"),
            "Proposal": proposal["id"],
            "Plant": plant,
            "CatalogueVersion": shown["catalogueVersions"]["nodes"][0]["id"],
            "Batch": planner.ask(ask.PLAN)["batches"]["nodes"][0]["id"],
            "Handover": booked["id"],
            "Shipment": town.staff("dealer.pudong").ask(ask.DELIVERIES)["storeDeliveries"]["nodes"][0]["shipmentId"],
            "Machine": admin.ask("{ machines { id } }")["machines"][0]["id"],
            "Invitation": invitation["id"],
            "Account": admin.ask(ask.STAFF)["staff"]["nodes"][0]["accountId"],
            "Movement": movement["id"],
            "Comparison": comparison["id"],
            "Configuration": kept["id"],
            "Notice": told[0]["id"],
            "OpenSession": session["id"],
            "PlantHook": hook["hookId"],
            "CallOff": planner.ask("{ callOffs(first: 1) { nodes { id } } }")["callOffs"]["nodes"][0]["id"],
            "PromiseHold": held["id"],
            **{kind: write_id(kind, "fedcba9876543210" * 2) for kind in (*NOT_MADE, "StockPurchase", "StockMove")},
            "Backing": back(town, proposal["id"], placed[0]["id"]),
        }
    )


ORDER_STOCK: Final = ask.mutation("orderStock", "OrderStockInput", "... on StockOrder { id }")
HOLD: Final = ask.mutation("holdPromise", "HoldPromiseInput", "... on PromiseHold { id }")
CALL_OFF: Final = ask.mutation("callOffParts", "CallOffPartsInput", "... on PartsCalledOff { made }")
ADD_HOOK: Final = ask.mutation("addPlantHook", "AddPlantHookInput", "... on PlantHookSecret { hookId }")
SAVE: Final = ask.mutation("saveConfiguration", "SaveConfigurationInput", "... on Configuration { id }")
BOOK: Final = ask.mutation("bookHandover", "BookHandoverInput", "... on Handover { id }")


WORDS: Final = "... on WordsSent { id }"


def talk(owner: Buyer, member: Buyer, circle_id: str) -> dict[str, str]:
    """Let somebody who has got a car host, and somebody else ask for a drive and put a question; returns their ids."""
    town = owner.town
    with town.house.works.change(system(town.brand.id)) as work:
        found = select(pre_orders.c.account_id, pre_orders.c.person_id).where(
            pre_orders.c.account_id == owner.account_id
        )
        account_id, person_id = work.connection.execute(found.limit(1)).one()
        note_owners(work, [NewOwner("an order", "L0LL50C11VA000125", account_id, person_id, "L5", work.now)])
    said = {"circleId": circle_id, "text": "Sundays?"}
    host = owner.at.do(ask.mutation("hostTestDrives", "SayInCircleInput", WORDS), input=said)
    member.at.do(ask.mutation("joinCircle", "JoinCircleInput", "... on Circle { id }"), input={"circleId": circle_id})
    wanted = {"hostId": host["id"], "text": "At ten?"}
    drive = member.at.do(ask.mutation("askForTestDrive", "AskForTestDriveInput", WORDS), input=wanted)
    question = member.at.do(ask.mutation("askOwners", "SayInCircleInput", WORDS), input=said)
    return {"CircleHost": host["id"], "TestDrive": drive["id"], "CircleQuestion": question["id"]}


def back(town: Town, proposal_id: str, pre_order_id: str) -> str:
    """Write a backing; to get to one by the front door takes an analysed comparison of hundreds."""
    with town.house.works.change(system(town.brand.id)) as work:
        pre_order = raw_id(pre_order_id, "PreOrder")
        (payment,) = payments_of(work, [pre_order])[pre_order]
        backing_id = work.new_id()
        row = {
            "id": backing_id,
            "brand_id": town.brand.id,
            "proposal_id": raw_id(proposal_id, "Proposal"),
            "account_id": payment.account_id,
            "person_id": MADE_UP,
            "model": "L5",
            "price_cap_minor": 1,
            "deposit_minor": 1,
            "payment_id": payment.id,
            "placed_at": work.now,
            "state": "withdrawn",
            "state_at": work.now,
        }
        work.connection.execute(insert(backings).values(row))
    return write_id("Backing", backing_id)


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
