"""Backing through the API: a published threshold, refundable money, the maker's answer, and who may see what."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.service import publish_catalogue
from graph.identifiers import raw_id
from kernel.actor import system
from muster.audit import audit
from muster.demo import documents as demo
from tests.demand.compare.studies import Study
from tests.journeys import documents as ask
from tests.journeys.test_comparisons import STAND
from tests.journeys.test_votes import proposals
from tests.journeys.town import DEMO, Buyer, Town

DEPOSIT = 20_000
PRICE = 300_000
OPTION: Final = "X_TOW_BAR"
LINEAGE: Final = """query($vin: String!) { lineage(vin: $vin) { ... on Lineage { vin model
  options { option proposal { id state votes cars commitment { outcome } } } } ... on Refusal { code message } } }"""
CARS: Final = (
    "query($id: ID!) { proposalCars(proposalId: $id, first: 10) { nodes { vin option model state newness } } }"
)


@pytest.fixture
def backed(borealis: Town) -> str:
    """Let a comparison of twelve be answered by 240 and released, and the first be opened to backers."""
    planner, house = borealis.staff("planner"), borealis.house
    values = [{"name": "draws", "json": "100"}]
    change = ask.mutation("changePolicy", "ChangePolicyInput", "... on PolicyVersion { version }")
    asked = {"baseVersion": 0, "section": "compare", "values": values, "reason": "quick tests"}
    borealis.staff("admin").do(change, input=asked)
    wishes = [one["id"] for one in proposals(borealis, 12)]
    borealis.buyer().at.do(ask.VOTE, input={"proposalId": wishes[0]})
    opened = planner.do(
        ask.OPEN_COMPARISON,
        input={
            "title": "Spring",
            "items": [{"proposalId": wish, "plannedPrice": {"minor": PRICE}} for wish in wishes],
            "market": [STAND | {"persons": 100}],
        },
    )
    costs = {"toolingCost": {"minor": 20_000_000}, "unitCost": {"minor": 100_000}}
    asked = {"proposalId": wishes[0], "comparisonId": opened["id"]} | costs
    with house.unchanged():
        assert planner.refusal(ask.OPEN_BACKING, input=asked) == "NOT_COMPARED"
    Study(house.works, raw_id(opened["id"], "Comparison"), (), borealis.brand.id).fill_in_many(240)
    planner.do(ask.CLOSE_COMPARISON, input={"comparisonId": opened["id"]})
    house.work_off()
    shown = planner.do(ask.OPEN_BACKING, input=asked)
    house.work_off()
    assert shown["backing"] | {"lowerBound": 0} == {
        "threshold": 100, "price": {"minor": PRICE}, "deposit": {"minor": DEPOSIT}, "lowerBound": 0, "backers": None,
        "triggeredAt": None, "answerDueAt": None, "answerOverdue": False,
    }  # fmt: skip
    wish: str = wishes[0]
    return wish


def request(buyer: Buyer, wish: str, **more: Any) -> dict[str, Any]:
    given = {"idempotencyKey": f"back-{buyer.account_id}", "proposalId": wish, "model": "N1"}
    return given | {"priceCap": {"minor": PRICE}} | more


def test_money_goes_behind_a_proposal_once_and_comes_back_on_request(borealis: Town, backed: str) -> None:
    house, buyer, later = borealis.house, borealis.buyer(), borealis.buyer()
    asked = request(buyer, backed, authorisation=buyer.authorise(DEPOSIT))

    held = buyer.at.do(ask.BACK, input=asked)
    with house.unchanged():
        assert buyer.at.do(ask.BACK, input=asked) == held
        assert buyer.at.refusal(ask.BACK, input=asked | {"priceCap": {"minor": 1}}) == "IDEMPOTENCY_MISMATCH"
        assert buyer.at.refusal(ask.BACK, input=request(buyer, backed, idempotencyKey="another1")) == "ALREADY_BACKED"
        wrong = request(later, backed, authorisation=later.authorise(DEPOSIT - 1))
        assert later.at.refusal(ask.BACK, input=wrong) == "PAYMENT_AMOUNT_MISMATCH"
        assert later.at.refusal(ask.WITHDRAW_BACKING, input={"backingId": held["id"]}) == "NOT_FOUND"
    waiting = later.at.do(ask.BACK, input=request(later, backed))
    pay = ask.mutation("payInSandbox", "PayInSandboxInput", "... on Payment { state }")
    with house.unchanged():
        assert later.at.refusal(pay, input={"preOrderId": waiting["id"]}) == "INVALID_INPUT"
        assert later.at.refusal(pay, input={}) == "INVALID_INPUT"
        assert later.at.refusal(pay, input={"backingId": waiting["id"], "preOrderId": waiting["id"]}) == "INVALID_INPUT"
    paid = later.at.do(pay, input={"backingId": waiting["id"]})
    house.work_off()

    assert (held["state"], waiting["state"], paid["state"]) == ("held", "acknowledged", "RECEIVED")
    assert later.at.ask(ask.MY_BACKINGS)["myBackings"]["nodes"][0]["state"] == "held"
    account = f"backing:{raw_id(held['id'], 'Backing')}"
    assert borealis.balance(account) == [DEPOSIT]
    gone = buyer.at.do(ask.WITHDRAW_BACKING, input={"backingId": held["id"]})
    house.work_off()
    assert gone["state"] == "withdrawn"
    assert borealis.balance(account) == [0]
    assert buyer.at.ask(ask.MY_BACKINGS)["myBackings"]["nodes"][0]["payments"] == [{"state": "REFUNDED"}]
    assert buyer.notices() == ["backing_in", "backing_refund"]
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [finding for finding in found.findings if finding.violations]


def test_the_maker_owes_an_answer_that_everybody_sees(borealis: Town, backed: str) -> None:
    house, planner = borealis.house, borealis.staff("planner")
    buyer = borealis.buyer()
    buyer.at.do(ask.BACK, input=request(buyer, backed, authorisation=buyer.authorise(DEPOSIT)))
    day = (house.clock.now() + timedelta(days=200)).date().isoformat()
    yes = {"proposalId": backed, "availableBy": day, "priceCeiling": {"minor": PRICE}}

    with house.unchanged():
        assert buyer.at.refusal(ask.COMMIT, input=yes) == "FORBIDDEN"
        dear = yes | {"priceCeiling": {"minor": PRICE + 1}}
        assert planner.refusal(ask.COMMIT, input=dear) == "CEILING_ABOVE_PRICE"
    committed = planner.do(ask.COMMIT, input=yes)
    house.work_off()

    promise = {"availableBy": day, "priceCeiling": {"minor": PRICE}, "outcome": "pending", "why": None}
    assert (committed["state"], committed["commitment"]) == ("committed", promise)
    assert borealis.guest().ask(ask.BACKED, id=backed)["proposal"]["commitment"] == promise
    costs = "query($id: ID!) { proposal(id: $id) { backing { toolingCost { minor } unitCost { minor } } } }"
    assert borealis.guest().error(costs, id=backed) == "NOT_SIGNED_IN"
    assert planner.ask(costs, id=backed)["proposal"]["backing"]["unitCost"] == {"minor": 100_000}
    assert buyer.notices() == ["backing_in", "proposal_committed"]
    planner.do(ask.DECLINE, input={"proposalId": backed, "reason": "The supplier is gone."})
    house.work_off()
    assert buyer.notices()[-1] == "backing_refund"
    broken = '{ proposals(first: 5, outcomes: ["broken"]) { nodes { id reason } } }'
    assert borealis.guest().ask(broken)["proposals"]["nodes"] == [{"id": backed, "reason": "The supplier is gone."}]
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [finding for finding in found.findings if finding.violations]


def publish(town: Town, folder: Path, wish: str) -> None:
    """Publish the brand's catalogue with the tow bar named as what fulfils the wish."""
    shutil.copytree(DEMO / town.brand.code / "catalogue", folder)
    options = folder / "options.csv"
    lines = options.read_text(encoding="utf-8").splitlines()
    named = [
        line.replace(",Extras,0,0,,,,", f",Extras,0,0,,,{wish},") if line.startswith(OPTION) else line for line in lines
    ]
    assert named != lines
    options.write_text("\n".join(named) + "\n", encoding="utf-8")
    with town.house.works.change(system(town.brand.id)) as work:
        next_one = replace(read_catalogue(folder), label="the next one")
        publish_catalogue(work, next_one, effective_from=town.house.clock.now().date())
    town.house.work_off()


def test_from_a_wish_to_a_number_and_from_the_number_back_to_the_votes(
    borealis: Town, backed: str, tmp_path: Path
) -> None:
    house, planner = borealis.house, borealis.staff("planner")
    backers = [borealis.buyer() for _ in range(3)]
    for one in backers:
        one.at.do(ask.BACK, input=request(one, backed, authorisation=one.authorise(DEPOSIT)))
    today = house.clock.now().date().isoformat()
    committed = planner.do(
        ask.COMMIT, input={"proposalId": backed, "availableBy": today, "priceCeiling": {"minor": PRICE}}
    )

    publish(borealis, tmp_path / "catalogue", committed["code"])
    borealis.open_pool(backers[0].quote(wanted=[OPTION])["poolingClass"]["key"])
    placed = [one.place(one.quote(wanted=[OPTION])) for one in backers]
    house.work_off()

    found = borealis.guest().ask(ask.BACKED, id=backed)["proposal"]
    assert (found["state"], found["commitment"]["outcome"]) == ("in_catalogue", "kept")
    assert [one.at.ask(ask.MY_BACKINGS)["myBackings"]["nodes"][0]["state"] for one in backers] == ["converted"] * 3
    assert backers[0].notices()[-3:] == ["proposal_in_catalogue", "deposit_in", "backing_refund"]
    vin = build(borealis, backers[0], placed[0])
    shown = borealis.guest().ask(LINEAGE, vin=vin)["lineage"]
    behind = {"id": backed, "state": "converted", "votes": 1, "cars": None, "commitment": {"outcome": "kept"}}
    assert shown == {"vin": vin, "model": "N1", "options": [{"option": OPTION, "proposal": behind}]}
    cars = borealis.staff("planner").ask(CARS, id=backed)["proposalCars"]["nodes"]
    assert len(cars) == 3
    assert {"vin": vin, "option": OPTION, "model": "N1", "newness": "new"}.items() <= next(
        one for one in cars if one["vin"] == vin
    ).items()
    assert borealis.guest().error(CARS, id=backed) == "NOT_SIGNED_IN"
    assert backers[0].at.error(CARS, id=backed) == "FORBIDDEN"
    (audited,) = audit(house.works, house.runtime.checks)
    assert audited.is_sound, [finding for finding in audited.findings if finding.violations]


def build(town: Town, buyer: Buyer, placed: dict[str, Any]) -> str:
    """Let the pool clear and the plant build its cars; returns the number of the buyer's."""
    house = town.house
    house.pass_until(town.guest().ask(ask.POOL, id=placed["pool"]["id"])["pool"]["deadline"])
    week = date.fromisoformat(buyer.at.ask(ask.ORDER, id=placed["id"])["preOrder"]["order"]["buildWeek"])
    house.pass_until(datetime(week.year, week.month, week.day, 10, tzinfo=town.brand.zone) + timedelta(days=6))
    plant = town.machine("plant-yichang")
    for build_order in plant.ask(demo.BUILD_ORDERS)["plantBuildOrders"]["nodes"]:
        for stage in ("PARTS_READY", "BODY", "PAINT", "ASSEMBLY", "PASSED"):
            report = {"buildOrderId": build_order["id"], "eventId": f"{build_order['id']}-{stage}"[:80], "stage": stage}
            plant.do(demo.REPORT_BUILD, input=report | {"occurredAt": house.clock.now().isoformat()})
    house.work_off()
    found: str = buyer.at.ask(ask.ORDER, id=placed["id"])["preOrder"]["order"]["vin"]
    return found
