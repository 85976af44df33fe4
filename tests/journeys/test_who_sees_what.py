"""Each role sees and does what is its own, through the API: stores, planners, plants, auditors, staff, operators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from graph.identifiers import raw_id
from kernel.identity.tables import accounts
from muster.demo import documents as demo
from muster.demo.people import invented_id_number
from tests.journeys import documents as ask
from tests.journeys.town import DEPOSIT_MINOR, Buyer, Town

WRITES: Final = {
    "withdrawPreOrder": '{preOrderId: "x"}',
    "raisePriceCap": '{preOrderId: "x", priceCap: {minor: 1}}',
    "placePreOrder": '{idempotencyKey: "a-key-of-mine", quoteId: "x", priceCap: {minor: 1}}',
    "openPool": '{classKey: "x", capacity: 1}',
    "cancelPool": '{poolId: "x", reason: "why"}',
    "changePolicy": '{baseVersion: 1, section: "pools", values: [], reason: "why"}',
    "inviteStaff": '{email: "a@example.com", role: PLANNER}',
    "reportBuild": '{buildOrderId: "x", eventId: "x", stage: BODY, occurredAt: "2026-11-23T02:00:00Z"}',
    "reportShipment": '{shipmentId: "x", state: LOADED, occurredAt: "2026-11-23T02:00:00Z"}',
    "inspectArrival": '{shipmentId: "x", vin: "x"}',
    "inspectHandover": '{handoverId: "x", vin: "x", points: []}',
    "scheduleBatch": '{batchId: "x"}',
    "mendLineDay": '{plantId: "x", day: "2027-01-04"}',
    "proposeMovement": '{debit: "a:b", credit: "c:d", amount: {minor: 1}, reason: "why"}',
    "approveMovement": '{movementId: "x"}',
    "castVote": '{proposalId: "x"}',
    "publishProposal": '{proposalId: "x"}',
    "disableAccount": '{accountId: "x", reason: "why"}',
}
PERSONAL: Final = ("{ staff(first: 5) { nodes { email } } }", "{ storeDeliveries(first: 5) { nodes { code } } }")


def locked_orders(town: Town) -> list[tuple[Buyer, dict[str, Any]]]:
    """Lock a pool of three: two cars go to Shanghai, one to Chengdu."""
    stores = ("shanghai-jingan", "shanghai-jingan", "chengdu-jinjiang")
    buyers = [town.buyer() for _ in stores]
    quotes = [buyer.quote(store=store) for buyer, store in zip(buyers, stores, strict=True)]
    pool = town.open_pool(quotes[0]["poolingClass"]["key"])
    placed = [buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)]
    town.house.pass_until(pool["deadline"])
    found = [buyer.at.ask(ask.ORDER, id=one["id"])["preOrder"] for buyer, one in zip(buyers, placed, strict=True)]
    assert [one["state"] for one in found] == ["locked"] * 3
    return [(buyer, one | {"id": own["id"]}) for buyer, one, own in zip(buyers, found, placed, strict=True)]


def test_a_dealer_sees_the_own_stores_deliveries_and_no_name(borealis: Town) -> None:
    orders = locked_orders(borealis)
    codes = [order["order"]["code"] for _, order in orders]
    borealis.staff("admin").do(
        ask.INVITE, input={"email": "wen@example.com", "role": "DEALER", "storeId": borealis.store("chengdu-jinjiang")}
    )
    chengdu = accept(borealis, "wen@example.com")

    in_shanghai = borealis.staff("dealer.jingan").answer(ask.DELIVERIES)
    in_chengdu = chengdu.answer(ask.DELIVERIES)
    nobody = borealis.guest("zh-CN").answer(ask.DELIVERIES)
    no_state = chengdu.answer('{ storeDeliveries(first: 5, state: "nonsense") { nodes { code } } }')

    assert {one["code"] for one in in_shanghai["data"]["storeDeliveries"]["nodes"]} == set(codes[:2])
    assert {one["code"] for one in in_chengdu["data"]["storeDeliveries"]["nodes"]} == set(codes[2:])
    assert nobody["errors"][0]["message"] == "请先登录。"
    assert "scheduled" in no_state["errors"][0]["message"]
    said = str(in_shanghai) + str(in_chengdu)
    assert not [one for one in ("Buyer", "@", *(buyer.account_id for buyer, _ in orders)) if one in said]
    assert chengdu.ask(ask.ORDER, id=orders[2][1]["id"]) == {"preOrder": None}
    assert chengdu.ask("query($id: ID!) { order(id: $id) { vin } }", id=orders[0][1]["order"]["id"]) == {"order": None}


def accept(town: Town, email: str) -> Any:
    """Join the staff by the token of the mail."""
    town.house.work_off()
    asked = {"token": town.house.mailbox.token(email), "password": "a good long passphrase", "name": "Wen"}
    return town.with_token(town.guest().do(ask.ACCEPT, input=asked)["token"])


def test_staff_is_invited_by_mail_once_and_to_one_role(borealis: Town) -> None:
    admin = borealis.staff("admin")
    wanted = {"email": "wen@example.com", "role": "DEALER", "storeId": borealis.store("chengdu-jinjiang")}

    admin.do(ask.INVITE, input=wanted)
    dealer = accept(borealis, "wen@example.com")

    assert dealer.ask(ask.VIEWER)["viewer"]["roles"] == ["dealer"]
    again = {"token": borealis.house.mailbox.token("wen@example.com"), "password": "a good long passphrase"}
    assert borealis.guest().refusal(ask.ACCEPT, input=again) == "TOKEN_INVALID"
    late = wanted | {"email": "late@example.com"}
    admin.do(ask.INVITE, input=late)
    borealis.house.work_off()
    borealis.house.pass_time(timedelta(days=7))
    too_late = {"token": borealis.house.mailbox.token("late@example.com"), "password": "a good long passphrase"}
    assert borealis.guest().refusal(ask.ACCEPT, input=too_late) == "TOKEN_INVALID"
    with borealis.house.unchanged():
        operator = wanted | {"role": "OPERATOR", "storeId": None, "email": "op@example.com"}
        assert borealis.staff("admin").refusal(ask.INVITE, input=operator) == "ROLE_NOT_GRANTABLE"
        planner = borealis.staff("planner")
        assert planner.refusal(ask.INVITE, input=wanted) == "FORBIDDEN"


def test_a_planner_sees_batches_and_pools_and_no_person(borealis: Town) -> None:
    orders = locked_orders(borealis)
    planner = borealis.staff("planner")

    seen = planner.answer(ask.PLAN)

    assert [one["size"] for one in seen["data"]["batches"]["nodes"]] == [3]
    assert not [one for one in ("Buyer", "@", *(buyer.account_id for buyer, _ in orders)) if one in str(seen)]
    assert [planner.error(one) for one in PERSONAL] == ["FORBIDDEN"] * 2
    for _, order in orders:
        assert planner.ask(ask.ORDER, id=order["id"]) == {"preOrder": None}
        for of in ("PreOrder", "Order"):
            asked = order["id"] if of == "PreOrder" else order["order"]["id"]
            assert planner.ask("query($id: ID!) { node(id: $id) { id } }", id=asked) == {"node": None}


def test_a_plant_sees_what_it_builds_and_nothing_else(borealis: Town) -> None:
    orders = locked_orders(borealis)
    borealis.house.pass_time(timedelta(days=60))
    plant = borealis.machine("plant-yichang")

    built = plant.answer(demo.BUILD_ORDERS)

    assert len(built["data"]["plantBuildOrders"]["nodes"]) == 3
    assert not [one for one in ("Buyer", "@", *(buyer.account_id for buyer, _ in orders)) if one in str(built)]
    assert [plant.error(one) for one in (*PERSONAL, ask.MY_PRE_ORDERS, ask.NOTICES)] == ["FORBIDDEN"] * 4
    assert plant.refusal(ask.OPEN_POOL, input={"classKey": "x", "capacity": 1}) == "FORBIDDEN"


def test_an_auditor_reads_the_ledger_and_the_record_and_changes_nothing(borealis: Town) -> None:
    orders = locked_orders(borealis)
    pool_chain = f"pool:{raw_pool(borealis)}"
    auditor = borealis.staff("auditor")

    chain = auditor.ask(
        "query($c: String!) { recordChain(chain: $c) { verifies entries { kind body } } }", c=pool_chain
    )
    sales = auditor.ask(demo.LEDGER, accounts=["provider:sandbox"])["ledgerBalances"][0]["balance"]["minor"]

    assert chain["recordChain"]["verifies"]
    kinds = [one["kind"] for one in chain["recordChain"]["entries"]]
    assert (kinds.count("pool.joined"), kinds[-1]) == (3, "pool.locked")
    assert not [one for buyer, _ in orders for one in (buyer.account_id, "Buyer") if one in str(chain)]
    assert sales == -3 * DEPOSIT_MINOR
    earnest, deposit = (f"{kind}:{orders[0][1]['id']}" for kind in ("earnest", "deposit"))
    held, emptied, mistyped = auditor.ask(demo.LEDGER, accounts=[earnest, deposit, f"{earnest}x"])["ledgerBalances"]
    assert (held["account"], held["booked"], held["balance"]["minor"]) == (earnest, True, DEPOSIT_MINOR)
    assert (emptied["booked"], emptied["balance"]["minor"]) == (True, 0)
    assert (mistyped["booked"], mistyped["balance"]["minor"]) == (False, 0)
    by_code, by_id = (f"forfeit:{owner}" for owner in ("borealis", borealis.brand.id))
    kept = auditor.ask(demo.LEDGER, accounts=[by_code, by_id])["ledgerBalances"]
    assert [one["account"] for one in kept] == [by_code, by_id]
    with borealis.house.unchanged():
        for name, asked in WRITES.items():
            document = f"mutation {{ {name}(input: {asked}) {{ ... on Refusal {{ code message }} }} }}"
            assert auditor.refusal(document) == "FORBIDDEN", name


def raw_pool(town: Town) -> str:
    """Return the raw id of the only pool."""
    (pool,) = town.guest().ask("{ pools(first: 5) { nodes { id } } }")["pools"]["nodes"]
    return raw_id(pool["id"], "Pool")


def test_money_is_moved_by_hand_by_two_operators_and_never_by_one(borealis: Town) -> None:
    first, second = borealis.staff("operator1"), borealis.staff("operator2")
    payable = f"payable:{borealis.accounts['xuejing.nianbai@borealis.test']}"
    wanted = {
        "debit": f"bonus:{borealis.brand.code}",
        "credit": payable,
        "amount": {"minor": 12_345},
        "reason": "goodwill for a scratched key",
    }

    with borealis.house.unchanged():
        for stray in ("bonus:x", "moon:x", f"payable:{'f' * 32}", "deposit:nobody", "bonus"):
            assert first.refusal(ask.PROPOSE_MOVEMENT, input=wanted | {"debit": stray}) == "INVALID_INPUT"
    proposed = first.do(ask.PROPOSE_MOVEMENT, input=wanted)
    movement = {"movementId": proposed["id"]}
    with borealis.house.unchanged():
        assert first.refusal(ask.APPROVE_MOVEMENT, input=movement) == "SECOND_OPERATOR_NEEDED"
        assert borealis.balance(payable) == [0]
    approved = second.do(ask.APPROVE_MOVEMENT, input=movement)

    assert approved["state"] == "APPROVED"
    assert borealis.balance(payable) == [12_345]
    with borealis.house.unchanged():
        assert second.refusal(ask.APPROVE_MOVEMENT, input=movement) == "CONFLICT"
    assert borealis.balance(payable) == [12_345]


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_only_a_verified_person_orders(borealis: Town, locale: str) -> None:
    buyer = borealis.buyer(locale)
    quote = buyer.quote()
    borealis.open_pool(quote["poolingClass"]["key"])
    unverified = borealis.buyer(locale)
    forget_person(unverified)
    theirs = unverified.quote()

    with borealis.house.unchanged():
        assert unverified.at.refusal(ask.PLACE, input=unverified.request(theirs)) == "PERSON_NOT_VERIFIED"
    verified = unverified.at.do(ask.VERIFY, input={"name": "B", "idNumber": invented_id_number(5_555_555)})

    assert borealis.with_token(verified["session"]["token"]).ask(ask.VIEWER)["viewer"]["isVerifiedPerson"]
    unverified.caller = None
    assert unverified.place(unverified.quote())["state"] == "pooled"


def forget_person(buyer: Buyer) -> None:
    """Make an account one that nobody has verified yet."""
    with buyer.town.house.works.engine.begin() as connection:
        connection.execute(accounts.update().where(accounts.c.id == buyer.account_id).values(person_id=None))
