"""What wishes and figures refuse through the API: a typed refusal that says what to do, and nothing is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from muster.audit import audit
from muster.daily import wind_up
from tests.journeys import documents as ask
from tests.journeys.test_comparisons import STAND, comparison
from tests.journeys.test_votes import proposals
from tests.journeys.town import Town

__all__ = ["comparison"]

MERGE: Final = ask.mutation("mergeProposals", "MergeProposalsInput", ask.SHOWN_PROPOSAL)
SAVE: Final = ask.mutation("saveConfiguration", "SaveConfigurationInput", "... on Configuration { id }")
CUBE: Final = """query($options: [String!]) { takeRates(first: 100, options: $options) {
  personsMin cells { option region week chosen offered } } }"""
FORECAST: Final = """query($model: String!, $option: String!) { demandForecast(model: $model, option: $option) {
  __typename ... on Refusal { code message } ... on TooFewWeeks { weeksReleased weeksNeeded }
  ... on DemandForecast { weeks { week } } } }"""
K: Final = 10
PAINTS: Final = ("P_SNOW", "P_GLACIER")


def test_a_vote_on_what_was_merged_or_declined_is_refused_and_the_other_proposal_takes_it(borealis: Town) -> None:
    kept, twin, declined = proposals(borealis, 3)
    planner, voter = borealis.staff("planner"), borealis.buyer()
    planner.do(MERGE, input={"proposalId": twin["id"], "into": kept["id"]})
    planner.do(ask.DECLINE, input={"proposalId": declined["id"], "reason": "No supplier before 2028."})

    with borealis.house.unchanged():
        codes = [voter.at.refusal(ask.VOTE, input={"proposalId": one["id"]}) for one in (twin, declined)]
        codes.append(voter.at.refusal(ask.REVOKE, input={"proposalId": declined["id"]}))
        codes.append(planner.refusal(MERGE, input={"proposalId": twin["id"], "into": kept["id"]}))
        codes.append(planner.refusal(MERGE, input={"proposalId": kept["id"], "into": declined["id"]}))

    assert codes == ["PROPOSAL_CLOSED"] * 5
    assert voter.at.do(ask.VOTE, input={"proposalId": kept["id"]})["votes"] == 1


def test_a_set_is_answered_once_and_a_price_once(borealis: Town, comparison: str) -> None:
    buyer = borealis.buyer()
    sheet = buyer.at.do(ask.JOIN_COMPARISON, input={"comparisonId": comparison} | STAND)
    shown = sheet["sets"][0]["proposalIds"]
    answer = {"comparisonId": comparison, "set": 1, "best": shown[0], "worst": shown[1]}
    price = {"comparisonId": comparison, "wouldTake": True}
    buyer.at.do(ask.ANSWER_SET, input=answer)
    buyer.at.do(ask.ANSWER_PRICE, input=price)

    with borealis.house.unchanged():
        codes = [
            buyer.at.refusal(ask.ANSWER_SET, input=answer | {"worst": shown[2]}),
            buyer.at.refusal(ask.ANSWER_PRICE, input=price | {"wouldTake": False}),
            buyer.at.refusal(ask.ANSWER_SET, input=answer | {"set": 2}),
        ]
        buyer.at.do(ask.ANSWER_SET, input=answer)
        buyer.at.do(ask.ANSWER_PRICE, input=price)

    assert codes == ["ALREADY_ANSWERED", "ALREADY_ANSWERED", "OUTSIDE_DESIGN"]


def keep_cars(town: Town, each: int) -> None:
    """Let as many new persons keep a white car, and as many a blue one; a week later it is released, if anything is."""
    wind_up(town.house.works)
    for paint in PAINTS:
        options = town.car("N1", (paint,))
        for _ in range(each):
            town.buyer().at.do(SAVE, input={"model": "N1", "region": "east", "options": options})
    town.house.work_off()
    town.house.pass_time(timedelta(days=7))


def paints_shown(town: Town) -> list[tuple[str, str, int, int]]:
    """Return what a planner is shown of the two paints: week, paint, chosen, offered."""
    cube = town.staff("planner").ask(CUBE, options=PAINTS)["takeRates"]
    assert cube is None or cube["personsMin"] == K
    cells = [] if cube is None else cube["cells"]
    return sorted((one["week"], one["option"], one["chosen"], one["offered"]) for one in cells if one["region"] == "*")


def test_a_cell_about_fewer_than_ten_persons_is_not_in_the_cube_and_one_about_ten_is(borealis: Town) -> None:
    keep_cars(borealis, K - 1)
    few = paints_shown(borealis)
    keep_cars(borealis, K)
    enough = paints_shown(borealis)

    assert few == []
    assert [one[1:] for one in enough] == [("P_GLACIER", K, 2 * K), ("P_SNOW", K, 2 * K)]
    assert len({one[0] for one in enough}) == 1
    assert borealis.buyer().at.answer(CUBE)["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_three_points_bear_no_forecast_and_the_refusal_says_how_many_would(borealis: Town) -> None:
    for _ in range(3):
        keep_cars(borealis, K)

    with borealis.house.unchanged():
        asked = borealis.staff("planner").ask(FORECAST, model="N1", option="P_SNOW")["demandForecast"]
        codes = [
            borealis.staff("planner").ask(FORECAST, model=model, option=option)["demandForecast"]["code"]
            for model, option in (("N1", "NO_SUCH"), ("X9", "P_SNOW"))
        ]

    assert (asked["code"], asked["weeksReleased"]) == ("TOO_FEW_WEEKS", 3)
    assert asked["weeksNeeded"] > 3 and "3" in asked["message"]
    assert codes == ["OPTION_UNKNOWN", "MODEL_UNKNOWN"]


def test_a_clock_that_jumps_ahead_ends_what_is_due_once_and_in_order(borealis: Town) -> None:
    buyers = [borealis.buyer() for _ in range(4)]
    pool = borealis.open_pool(buyers[0].quote()["poolingClass"]["key"])
    paid = [buyer.place(buyer.quote())["id"] for buyer in buyers[:3]]
    unpaid = buyers[3].place(buyers[3].quote(), authorisation=None)["id"]

    borealis.house.pass_time(timedelta(days=60))

    states = [buyer.pre_order(one)["state"] for buyer, one in zip(buyers, [*paid, unpaid], strict=True)]
    assert states == ["locked"] * 3 + ["expired_unpaid"]
    assert buyers[0].at.ask(ask.POOL, id=pool["id"])["pool"]["state"] == "locked"
    assert buyers[0].notices().count("pool_locked") <= 1
    borealis.house.work_off()
    (found,) = audit(borealis.house.works, borealis.house.runtime.checks)
    assert found.is_sound, [finding for finding in found.findings if finding.violations]
