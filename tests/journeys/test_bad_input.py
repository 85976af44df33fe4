"""What bad input gets through the API: a typed refusal that says what to do, and no row written anywhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from factory_orders.policies import HandoverPolicy
from graph.identifiers import write_id
from muster.demo import documents as demo
from tests.journeys import documents as ask
from tests.journeys.town import DEPOSIT_MINOR, Buyer, House, Town, add_town

VERIFY_QUOTE: Final = "query Verify($input: QuoteDocumentInput!) { verifyQuote(input: $input) { isGenuine } }"
PERSON_OF: Final = text("SELECT person_id FROM accounts WHERE id = :id")
SET_PERSON: Final = text("UPDATE accounts SET person_id = :person_id WHERE id = :id")
BOOK: Final = ask.mutation("bookHandover", "BookHandoverInput", "... on Handover { id }")
DEAR: Final = """{
  models(first: 100) { nodes { categories { options { code name description price { text } } } } }
  stores(first: 100) { nodes { id name city } } pools(first: 100) { nodes { tiers { members } } }
  proposals(first: 100) { nodes { id title text } } }"""
MADE_UP: Final = "0123456789abcdef" * 2


@pytest.fixture
def buyer(borealis: Town) -> Buyer:
    """Return a verified person with a session."""
    return borealis.buyer()


def open_pool_for(buyer: Buyer, **terms: Any) -> dict[str, Any]:
    """Open the pool of the cheapest car's class."""
    return buyer.town.open_pool(buyer.quote()["poolingClass"]["key"], **terms)


def refused(buyer: Buyer, quote: dict[str, Any], **more: Any) -> str:
    """Try to place a pre-order that is refused; nothing may change."""
    request = buyer.request(quote, **more)
    with buyer.town.house.unchanged():
        return buyer.at.refusal(ask.PLACE, input=request)


# --- cars and quotes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_an_option_that_the_rules_forbid_is_refused_with_the_rule_and_the_repair(borealis: Town, locale: str) -> None:
    buyer = borealis.buyer(locale)
    choices = [{"option": "T_NORDIC"}, {"option": "PT_BEV_70"}]
    full = ["P_SNOW", "PT_BEV_70", "T_NORDIC"]
    wanted = {"model": "N1", "options": full, "storeId": borealis.store("shanghai-jingan")}

    with borealis.house.unchanged():
        step = buyer.at.ask(ask.CHEAPEST, input={"model": "N1", "region": "east", "choices": choices})["configure"]
        assert buyer.at.refusal(ask.QUOTE, input=wanted) == "OPTION_EXCLUDED"

    assert step["code"] == "OPTION_EXCLUDED"
    rule, give_up = {
        "en": ("The Nordic trim needs the 90 kWh battery.", "Give up: "),
        "zh-CN": ("北境版需要90度电池。", "可放弃："),
    }[locale]
    assert rule in step["message"] and give_up in step["message"]
    assert "PT_BEV_70" not in step["message"] and "T_NORDIC" not in step["message"], "people read names, not codes"


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "This brand has no region mars. Choose one of: east, west"), ("zh-CN", "没有地区mars")]
)
def test_a_region_that_the_brand_does_not_have_is_refused_with_those_it_has(
    borealis: Town, locale: str, says: str
) -> None:
    guest = borealis.guest(locale)

    step = guest.ask(ask.CHEAPEST, input={"model": "N1", "region": "mars", "choices": []})["configure"]
    listed = guest.answer('{ models(first: 1, region: "mars") { nodes { code } } }')
    single = guest.answer('{ model(code: "N1", region: "mars") { code } }')

    assert step["code"] == "REGION_UNKNOWN"
    assert says in step["message"]
    for answer in (listed, single):
        (error,) = answer["errors"]
        assert error["extensions"]["refusal"] == "REGION_UNKNOWN"
        assert says in error["message"]


@pytest.mark.parametrize("asked", ["pools", "proposals", "comparisons"])
def test_a_list_of_a_state_that_there_is_not_is_refused_with_those_there_are(borealis: Town, asked: str) -> None:
    (error,) = borealis.guest().answer(f'{{ {asked}(first: 1, states: ["open", "ajar"]) {{ nodes {{ id }} }} }}')[
        "errors"
    ]

    assert error["extensions"]["refusal"] == "INVALID_INPUT"
    assert error["extensions"]["facts"]["field"] == "states"
    assert "take one of" in error["message"]


@pytest.mark.parametrize(("locale", "says"), [("en", "name 2 to 4 cars"), ("zh-CN", "请指定2至4辆车")])
def test_why_an_input_does_not_fit_is_said_in_the_readers_language(borealis: Town, locale: str, says: str) -> None:
    document = """{ compare(cars: []) { ... on InvalidInput { code message field reason } } }"""

    refused = borealis.guest(locale).ask(document)["compare"]

    assert (refused["code"], refused["field"], refused["reason"]) == ("INVALID_INPUT", "cars", says)
    assert refused["message"].endswith(says)


def test_an_option_and_a_model_that_are_not_in_the_catalogue_are_refused(buyer: Buyer) -> None:
    store = buyer.town.store("shanghai-jingan")

    with buyer.town.house.unchanged():
        codes = [
            buyer.at.refusal(ask.QUOTE, input={"model": model, "options": options, "storeId": store})
            for model, options in (("N1", ["P_NOWHERE"]), ("L5", ["P_SNOW"]), ("N1", ["P_SNOW"]))
        ]

    assert codes == ["OPTION_UNKNOWN", "MODEL_UNKNOWN", "CONFIGURATION_INCOMPLETE"]


def test_a_quote_that_expired_is_refused(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    buyer.town.house.pass_until(quote["expiresAt"])

    assert refused(buyer, quote) == "QUOTE_EXPIRED"


def test_a_quote_that_was_altered_is_refused_and_is_not_genuine(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    shown = {name: quote[name] for name in ("document", "keyId", "signature")}
    total = str(quote["total"]["minor"])
    cheaper = shown | {"document": quote["document"].replace(total, str(int(total) - 100))}

    assert cheaper["document"] != quote["document"]
    assert refused(buyer, quote, quoteSignature=quote["signature"][:-4] + "AAAA") == "QUOTE_ALTERED"
    assert buyer.at.ask(VERIFY_QUOTE, input=shown)["verifyQuote"] == {"isGenuine": True}
    assert buyer.at.ask(VERIFY_QUOTE, input=cheaper)["verifyQuote"] == {"isGenuine": False}


def test_a_price_that_does_not_match_the_quote_is_refused(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    as_quoted = {"vehiclePrice": quote["vehiclePrice"], "quoteSignature": quote["signature"]}
    cheaper = {"minor": quote["vehiclePrice"]["minor"] - 100}

    assert refused(buyer, quote, vehiclePrice=cheaper) == "PRICE_MISMATCH"
    assert buyer.place(quote, **as_quoted)["state"] == "pooled"


def test_a_quote_is_taken_once(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    placed = buyer.place(quote)
    buyer.at.do(ask.WITHDRAW, input={"preOrderId": placed["id"]})

    assert refused(buyer, quote, idempotencyKey="another-key") == "QUOTE_TAKEN"


# --- money -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minor", [DEPOSIT_MINOR - 1, DEPOSIT_MINOR + 1])
def test_a_deposit_that_is_short_or_over_is_refused(buyer: Buyer, minor: int) -> None:
    open_pool_for(buyer)

    assert refused(buyer, buyer.quote(), authorisation=buyer.authorise(minor)) == "PAYMENT_AMOUNT_MISMATCH"


def test_one_authorisation_pays_one_deposit(borealis: Town, buyer: Buyer) -> None:
    open_pool_for(buyer)
    token = buyer.authorise()
    placed = buyer.place(buyer.quote(), authorisation=token)
    buyer.at.do(ask.WITHDRAW, input={"preOrderId": placed["id"]})
    borealis.house.work_off()

    assert refused(buyer, buyer.quote(), authorisation=token) == "PAYMENT_ALREADY_MADE"


def test_an_authorisation_of_another_or_altered_or_too_old_is_refused(borealis: Town, buyer: Buyer) -> None:
    open_pool_for(buyer)
    token = buyer.authorise()
    altered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    other = borealis.buyer()

    assert refused(other, other.quote(), authorisation=token) == "AUTHORISATION_NOT_YOURS"
    assert refused(buyer, buyer.quote(), authorisation=altered) == "PAYMENT_SIGNATURE_INVALID"
    borealis.house.pass_time(timedelta(hours=2))
    assert refused(buyer, buyer.quote(), authorisation=token) == "AUTHORISATION_EXPIRED"


def test_a_price_cap_below_every_tier_and_one_of_nothing_are_refused(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    lowest = quote["tiers"][-1]["vehiclePrice"]["minor"]

    assert refused(buyer, quote, priceCap={"minor": lowest - 1}) == "CAP_TOO_LOW"
    assert refused(buyer, quote, priceCap={"minor": 0}) == "INVALID_INPUT"
    assert refused(buyer, quote, priceCap={"minor": lowest, "currency": "USD"}) == "INVALID_INPUT"


def test_an_idempotency_key_with_another_body_is_refused_and_the_first_answer_stands(buyer: Buyer) -> None:
    open_pool_for(buyer)
    quote = buyer.quote()
    request = buyer.request(quote)
    placed = buyer.at.do(ask.PLACE, input=request)

    with buyer.town.house.unchanged():
        other = request | {"failureChoice": "ROLL"}
        assert buyer.at.refusal(ask.PLACE, input=other) == "IDEMPOTENCY_MISMATCH"
        assert buyer.at.do(ask.PLACE, input=request)["id"] == placed["id"]


# --- pools -----------------------------------------------------------------------------------------------------------


def test_a_class_without_a_pool_and_a_pool_that_is_closed_are_refused(buyer: Buyer) -> None:
    assert refused(buyer, buyer.quote()) == "NO_OPEN_POOL"

    pool = open_pool_for(buyer)
    buyer.town.house.pass_until(pool["deadline"])

    assert refused(buyer, buyer.quote(), poolId=pool["id"]) == "POOL_CLOSED"


def test_a_pool_that_is_full_is_refused(borealis: Town) -> None:
    members = [borealis.buyer() for _ in range(4)]
    tiers = [{"members": 2, "discountBasisPoints": 0}]
    open_pool_for(members[0], capacity=2, minimum=2, memberLimit=3, tiers=tiers)
    for member in members[:2]:
        member.place(member.quote())
    members[2].place(members[2].quote(), acceptsFrozen=True)

    assert refused(members[3], members[3].quote()) == "POOL_FULL"
    assert refused(members[3], members[3].quote(), acceptsFrozen=True) == "POOL_FULL"


def test_a_pool_of_another_class_is_refused(buyer: Buyer) -> None:
    pool = open_pool_for(buyer)
    other_class = buyer.quote(wanted=("PT_BEV_90",))

    assert refused(buyer, other_class, poolId=pool["id"]) == "WRONG_CLASS"


def test_nobody_leaves_a_frozen_pool_or_lowers_a_cap(buyer: Buyer) -> None:
    pool = open_pool_for(buyer)
    placed = buyer.place(buyer.quote())
    buyer.town.house.pass_until(pool["freezeAt"])
    buyer.at.ask(ask.VIEWER)

    with buyer.town.house.unchanged():
        assert buyer.at.refusal(ask.WITHDRAW, input={"preOrderId": placed["id"]}) == "POOL_FROZEN"
        lower = {"preOrderId": placed["id"], "priceCap": {"minor": placed["priceCap"]["minor"] - 1}}
        assert buyer.at.refusal(ask.RAISE_CAP, input=lower) == "CAP_NOT_RAISED"
        ((_, told),) = buyer.at.ask(ask.WITHDRAW, input={"preOrderId": placed["id"]}).items()
    deadline = datetime.fromisoformat(pool["deadline"]).astimezone(buyer.town.brand.zone)
    assert f"{deadline:%Y-%m-%d %H:%M} (UTC+08:00)" in told["message"]


def test_a_second_place_for_one_person_is_refused_even_under_another_account(borealis: Town, buyer: Buyer) -> None:
    open_pool_for(buyer)
    buyer.place(buyer.quote())
    second_account = same_person(borealis, buyer)

    assert refused(buyer, buyer.quote()) == "ALREADY_IN_POOL"
    assert refused(second_account, second_account.quote()) == "ALREADY_IN_POOL"


def same_person(town: Town, buyer: Buyer) -> Buyer:
    """Let the same person be verified under a second account."""
    other = town.buyer()
    with town.house.works.engine.begin() as connection:
        person_id = connection.execute(PERSON_OF, {"id": buyer.account_id}).scalar_one()
        connection.execute(SET_PERSON, {"id": other.account_id, "person_id": person_id})
    return other


def test_terms_that_no_pool_may_have_are_refused(borealis: Town, buyer: Buyer) -> None:
    key = buyer.quote()["poolingClass"]["key"]
    planner = borealis.staff("planner")
    ruinous = [{"members": 3, "discountBasisPoints": 0}, {"members": 5, "discountBasisPoints": 5000}]

    with borealis.house.unchanged():
        codes = [
            planner.refusal(ask.OPEN_POOL, input={"classKey": key, "capacity": 6, "minimum": 3} | terms)
            for terms in (
                {"tiers": ruinous},
                {"tiers": [{"members": 3, "discountBasisPoints": 0}], "minimum": 7},
                {"tiers": [{"members": 3, "discountBasisPoints": 0}], "capacity": 100_000},
                {"tiers": [{"members": 3, "discountBasisPoints": 0}], "classKey": "no class"},
            )
        ]
    borealis.open_pool(key)
    with borealis.house.unchanged():
        tiers = {"tiers": [{"members": 3, "discountBasisPoints": 0}]}
        again = planner.refusal(ask.OPEN_POOL, input={"classKey": key, "capacity": 6, "minimum": 3} | tiers)

    assert (codes, again) == (
        ["TIER_BELOW_COST", "TERMS_UNSOUND", "CAPACITY_SHORT", "INVALID_INPUT"],
        "POOL_ALREADY_OPEN",
    )


# --- stores, plants, cars --------------------------------------------------------------------------------------------


def test_a_store_of_another_brand_is_refused(house: House) -> None:
    town, foreign = add_town(house, "borealis"), add_town(house, "qilan")
    buyer = town.buyer()
    open_pool_for(buyer)
    quote = buyer.quote()
    store = foreign.store("shanghai-pudong")
    wanted = {"model": "N1", "options": ["P_SNOW", "PT_BEV_70", "T_BASE"], "storeId": store}

    with house.unchanged():
        assert buyer.at.refusal(ask.QUOTE, input=wanted) == "NOT_FOUND"
    assert refused(buyer, quote, storeId=store) == "NOT_FOUND"


class Plant:
    """A town with three locked orders whose build orders are out."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.buyers = [town.buyer() for _ in range(3)]
        pool = open_pool_for(self.buyers[0])
        self.orders = [buyer.place(buyer.quote())["id"] for buyer in self.buyers]
        town.house.pass_until(pool["deadline"])
        town.house.pass_time(timedelta(days=49))
        self.machine = town.machine("plant-yichang")
        self.build_order = self.machine.ask(demo.BUILD_ORDERS)["plantBuildOrders"]["nodes"][0]["id"]

    def report(self, stage: str, **more: Any) -> dict[str, Any]:
        """Return a plant's report of a stage."""
        moment = self.town.house.clock.now().isoformat()
        asked = {"buildOrderId": self.build_order, "eventId": f"event-{stage}", "stage": stage, "occurredAt": moment}
        return {"input": asked | more}


def test_a_plants_event_out_of_order_or_altered_or_from_tomorrow_or_of_no_order_is_refused(borealis: Town) -> None:
    plant = Plant(borealis)
    plant.machine.do(demo.REPORT_BUILD, **plant.report("PARTS_READY"))
    tomorrow = (borealis.house.clock.now() + timedelta(days=1)).isoformat()
    unknown = write_id("BuildOrder", MADE_UP)

    with borealis.house.unchanged():
        codes = [
            plant.machine.refusal(demo.REPORT_BUILD, **report)
            for report in (
                plant.report("PAINT"),
                plant.report("BODY", eventId="event-PARTS_READY"),
                plant.report("BODY", occurredAt=tomorrow),
                plant.report("BODY", buildOrderId=unknown),
            )
        ]

    assert codes == ["PLANT_EVENT_OUT_OF_ORDER", "PLANT_EVENT_ALTERED", "PLANT_EVENT_TIME", "NOT_FOUND"]


def test_a_vin_with_a_wrong_digit_is_refused_wherever_it_is_read(borealis: Town) -> None:
    plant = Plant(borealis)
    house = borealis.house
    shipment, vin = arrived_car(borealis, plant)
    wrong = vin[:-1] + ("1" if vin[-1] != "1" else "2")
    dealer = borealis.staff("dealer.jingan")

    with house.unchanged():
        assert dealer.refusal(demo.INSPECT_ARRIVAL, input={"shipmentId": shipment, "vin": wrong}) == "VIN_INVALID"
        assert borealis.guest().refusal(ask.PASSPORT, vin=wrong) == "VIN_INVALID"
        assert borealis.guest().refusal(ask.PASSPORT, vin="not a VIN") == "VIN_INVALID"
    assert dealer.do(demo.INSPECT_ARRIVAL, input={"shipmentId": shipment, "vin": vin})["state"] == "INSPECTED"


def arrived_car(town: Town, plant: Plant) -> tuple[str, str]:
    """Build one car and drive it to its store; returns its shipment and its VIN."""
    for stage in ("PARTS_READY", "BODY", "PAINT", "ASSEMBLY", "PASSED"):
        vin = plant.machine.do(demo.REPORT_BUILD, **plant.report(stage))["vin"]
    town.house.work_off()
    asked = {"label": "carrier", "role": "CARRIER", "partyCode": "carrier"}
    carrier = town.with_token(town.staff("admin").do(ask.ADD_MACHINE, input=asked)["key"])
    (shipment,) = carrier.ask(demo.CARRIER_SHIPMENTS)["carrierShipments"]["nodes"]
    late = {"shipmentId": shipment["id"], "state": "ARRIVED", "occurredAt": town.house.clock.now().isoformat()}
    with town.house.unchanged():
        assert carrier.refusal(demo.REPORT_SHIPMENT, input=late) == "SHIPMENT_OUT_OF_ORDER"
    for leg in ("LOADED", "IN_TRANSIT", "ARRIVED"):
        carrier.do(demo.REPORT_SHIPMENT, input=late | {"state": leg})
    return shipment["id"], vin


def test_a_handover_goes_step_by_step_and_no_check_is_left_out(borealis: Town) -> None:
    plant = Plant(borealis)
    shipment, vin = arrived_car(borealis, plant)
    dealer = borealis.staff("dealer.jingan")
    buyer, order = next(
        (buyer, order)
        for buyer, own in zip(plant.buyers, plant.orders, strict=True)
        if (order := buyer.at.ask(ask.ORDER, id=own)["preOrder"]["order"])["vin"] == vin
    )
    at_ten = (borealis.house.clock.now().astimezone(borealis.brand.zone) + timedelta(days=1)).replace(
        hour=10, minute=0, second=0, microsecond=0
    )
    booking = {"orderId": order["id"], "appointmentAt": at_ten.isoformat()}
    with borealis.house.unchanged():
        assert buyer.at.refusal(demo.BOOK, input=booking) == "HANDOVER_NOT_POSSIBLE"
    dealer.do(demo.INSPECT_ARRIVAL, input={"shipmentId": shipment, "vin": vin})
    at_night = booking | {"appointmentAt": at_ten.replace(hour=3).isoformat()}
    with borealis.house.unchanged():
        assert buyer.at.refusal(BOOK, input=at_night) == "APPOINTMENT_UNAVAILABLE"
    handover = {"handoverId": buyer.at.do(demo.BOOK, input=booking)["id"]}
    points = [{"point": point, "fine": True} for point in HandoverPolicy().checklist[1:]]

    with borealis.house.unchanged():
        inspection = {**handover, "vin": vin, "points": points}
        assert dealer.refusal(demo.INSPECT_HANDOVER, input=inspection) == "CHECKLIST_INCOMPLETE"
        assert buyer.at.refusal(demo.REQUEST_BALANCE, input=handover) == "INSPECTION_MISSING"
        assert buyer.at.refusal(demo.SIGN, input=handover) == "INSPECTION_MISSING"


# --- documents, cursors, ids -----------------------------------------------------------------------------------------


def test_a_document_too_deep_too_wide_or_too_dear_and_a_made_up_cursor_are_refused(borealis: Town) -> None:
    documents = {
        "{ a " * 30 + "}" * 30: "TOO_DEEP",
        "{ brand { " + "name " * 700 + "} }": "TOO_MANY_FIELDS",
        "{ " + " ".join(f"b{number}: brand {{ name }}" for number in range(11)) + " }": "TOO_MANY_ROOT_FIELDS",
        DEAR: "TOO_DEAR",
        '{ stores(first: 1, after: "bWFkZSB1cA") { nodes { id } } }': "GRAPHQL_VALIDATION_FAILED",
    }

    with borealis.house.unchanged():
        codes = {document: borealis.guest().error(document) for document in documents}

    assert codes == documents


def test_a_made_up_id_is_nothing(buyer: Buyer) -> None:
    with buyer.town.house.unchanged():
        for made_up in ("x", "", "PreOrder/" + MADE_UP, write_id("PreOrder", MADE_UP), write_id("Pool", MADE_UP)):
            assert buyer.at.ask("query($id: ID!) { node(id: $id) { id } }", id=made_up) == {"node": None}
            assert buyer.at.refusal(ask.WITHDRAW, input={"preOrderId": made_up}) == "NOT_FOUND"
