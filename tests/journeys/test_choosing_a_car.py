"""Choosing a car through the API, answered from a circuit: conflicts, reasons, repairs, completions, and a kept car."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.engine.answers import Answers
from configurator.queries import answer_with
from configurator.sat_engine import SatEngine
from configurator.service import publish_catalogue
from kernel.actor import system
from muster.audit import audit
from muster.catalogue_engines import EngineMaker
from muster.daily import wind_up
from tests.journeys import documents as ask
from tests.journeys.town import DEMO, Buyer, Town

BASE: Final = 21_980_000
PLAIN: Final = ["P_SNOW", "PT_BEV_70", "T_BASE"]
ASKED: Final = {"model": "N1", "region": "east"}
CONFIGURE: Final = """query Step($input: ConfigureInput!) { configure(input: $input) { __typename
  ... on ConfigurationStep { options isComplete gaveWay price { minor } cheapest { options price { minor } }
    standings { option state fromDifference { minor } withoutDifference { minor } }
    explanations { option because rules { code text } repairs { giveUp priceDifference { minor } daysDifference } }
    count { exact } } """ + (ask.REFUSED + " } }")
EXPLAIN: Final = """query Why($input: ChoicesInput!, $options: [String!]!) { explain(input: $input, options: $options) {
  __typename
  ... on Explanations { explanations { option because rules { code text } repairs { giveUp daysDifference } } } """ + (
    ask.REFUSED + " } }"
)
REPAIR: Final = """query Repair($input: ChoicesInput!, $choice: ChoiceInput!, $order: RepairOrder!) {
  repair(input: $input, choice: $choice, order: $order) { __typename
  ... on Repairs { areAll repairs { giveUp priceDifference { minor } daysDifference } } """ + (ask.REFUSED + " } }")
COMPLETE: Final = """query Complete($input: ChoicesInput!, $goal: Goal!, $near: NearInput) {
  complete(input: $input, goal: $goal, near: $near) { __typename
  ... on CompletedCar { options week changes price { minor } cheapest { price { minor } } } """ + (ask.REFUSED + " } }")
COMPARE: Final = """query Compare($cars: [CarInput!]!) { compare(cars: $cars, region: "east") { __typename
  ... on CarComparison { cars { options price { minor } } differences { option category has } } """ + (
    ask.REFUSED + " } }"
)
COUNT: Final = (
    """query Count($input: ChoicesInput!) { count(input: $input) { __typename ... on CarCount { exact } """
    + (ask.REFUSED + " } }")
)
SAMPLE: Final = """query Sample($input: ChoicesInput!, $number: Int!, $seed: Int) {
  sampleCars(input: $input, number: $number, seed: $seed) { __typename
  ... on CarSample { cars { options price { minor } } } """ + (ask.REFUSED + " } }")
ENGINE: Final = "query($input: ConfigureInput!) { configure(input: $input) { ... on ConfigurationStep { engine } } }"
SAVE: Final = ask.mutation("saveConfiguration", "SaveConfigurationInput", "... on Configuration { id state options }")
RENAME: Final = ask.mutation("renameConfiguration", "RenameConfigurationInput", "... on Configuration { id name }")
DELETE: Final = ask.mutation(
    "deleteConfiguration", "DeleteConfigurationInput", "... on Configuration { id state name }"
)
MIGRATE: Final = ask.mutation(
    "migrateConfiguration", "MigrateConfigurationInput", "... on Configuration { id state options name }"
)
KEPT: Final = "{ myConfigurations(first: 10) { nodes { id name state options brokenBy } } }"
MENDED: Final = """query Mended($id: ID!) { configurationRepair(configurationId: $id) { __typename
  ... on ConfigurationRepair { options leftOut added price { minor } priceDifference { minor } } """ + (
    ask.REFUSED + " } }"
)


@pytest.fixture(autouse=True)
def circuits() -> Iterator[None]:
    """Let circuits answer in this process."""
    answer_with(lambda book: Answers(book, EngineMaker()(book.formula)))
    yield
    answer_with(SatEngine)


@pytest.fixture
def buyer(borealis: Town) -> Buyer:
    return borealis.buyer()


def chosen(*options: str, **more: Any) -> dict[str, Any]:
    return {**ASKED, "choices": [{"option": option} for option in options], **more}


def test_a_consumer_who_conflicts_is_told_why_forces_a_choice_and_sees_what_gave_way(buyer: Buyer) -> None:
    step = buyer.at.do(CONFIGURE, input=chosen("PT_BEV_70", explain=["T_NORDIC"]))
    standings = {one["option"]: one for one in step["standings"]}
    (why,) = step["explanations"]
    refused = buyer.at.refusal(CONFIGURE, input=chosen("PT_BEV_70", "T_NORDIC"))
    forced = buyer.at.do(CONFIGURE, input=chosen("PT_BEV_70", force={"option": "T_NORDIC"}))

    assert standings["T_NORDIC"]["state"] == "EXCLUDED"
    assert standings["P_AURORA"]["fromDifference"] == {"minor": 300_000}
    assert standings["P_SNOW"]["withoutDifference"] == {"minor": 100_000}
    assert step["count"] == {"exact": str(4 * 6)}
    assert (why["because"], [rule["code"] for rule in why["rules"]]) == (["PT_BEV_70"], ["G_Powertrain", "R001"])
    assert why["repairs"] == [{"giveUp": ["PT_BEV_70"], "priceDifference": {"minor": 2_500_000}, "daysDifference": 0}]
    assert refused == "OPTION_EXCLUDED"
    assert (forced["gaveWay"], forced["options"]) == (["PT_BEV_70"], ["T_NORDIC"])
    assert forced["cheapest"] == {"options": ["P_SNOW", "PT_BEV_90", "T_NORDIC"], "price": {"minor": BASE + 2_500_000}}


def test_why_and_what_instead_are_answered_on_their_own_too(buyer: Buyer) -> None:
    (why,) = buyer.at.do(EXPLAIN, input=chosen("X_TENT"), options=["X_SKI_RACK"])["explanations"]
    later = buyer.at.do(REPAIR, input=chosen("X_SKI_RACK", "X_TOW_BAR"), choice={"option": "X_TENT"}, order="DATE")

    assert (why["because"], [rule["text"] for rule in why["rules"]]) == (
        ["X_TENT"],
        ["The ski rack and the roof tent exclude each other."],
    )
    assert why["repairs"] == [{"giveUp": ["X_TENT"], "daysDifference": -21}]
    # The tent's part takes 56 days, three weeks more than the battery's.
    assert later["repairs"] == [{"giveUp": ["X_SKI_RACK"], "priceDifference": {"minor": 560_000}, "daysDifference": 21}]
    assert later["areAll"]


def test_choices_are_completed_by_each_goal_and_popularity_waits_for_released_figures(borealis: Town) -> None:
    buyer, tent = borealis.buyer(), chosen("X_TENT")
    cheapest = buyer.at.do(COMPLETE, input=chosen("T_NORDIC"), goal="CHEAPEST")
    soonest = buyer.at.do(COMPLETE, input=chosen(), goal="SOONEST")
    with_tent = buyer.at.do(COMPLETE, input=tent, goal="SOONEST")
    dreamt = ["P_AURORA", "PT_BEV_70", "T_NORDIC", "X_SKI_RACK"]
    nearest = buyer.at.do(COMPLETE, input=chosen(), goal="NEAREST", near={"options": dreamt})
    too_early = buyer.at.refusal(COMPLETE, input=chosen(), goal="POPULAR")
    wind_up(borealis.house.works)
    for number in range(24):
        options = ["P_GLACIER", "PT_BEV_90", "T_NORDIC"] if number < 14 else ["P_AURORA", "PT_BEV_70", "T_BASE"]
        borealis.buyer().at.do(SAVE, input={"model": "N1", "region": "east", "options": options})
    borealis.house.work_off()
    borealis.house.pass_time(timedelta(days=1))
    popular = buyer.at.do(COMPLETE, input=chosen(), goal="POPULAR")

    assert cheapest["options"] == ["P_SNOW", "PT_BEV_90", "T_NORDIC"]
    assert (soonest["options"], soonest["week"]) == (PLAIN, "2026-12-28")
    assert (with_tent["options"], with_tent["week"]) == ([*PLAIN, "X_TENT"], "2027-01-18")
    # Without the battery or without the trim: the battery that stays is the cheaper car.
    assert (nearest["options"], nearest["changes"]) == (["P_AURORA", "PT_BEV_70", "T_BASE", "X_SKI_RACK"], 2)
    assert nearest["price"]["minor"] == BASE + 300_000 + 120_000
    assert too_early == "GOAL_NOT_OFFERED"
    assert popular["options"] == ["P_GLACIER", "PT_BEV_90", "T_NORDIC"]
    assert popular["cheapest"] == {"price": {"minor": BASE}}


def test_cars_are_compared_and_counted(borealis: Town) -> None:
    guest = borealis.guest()
    cars = [{"model": "N1", "options": PLAIN}, {"model": "N1", "options": ["P_SNOW", "PT_BEV_90", "T_NORDIC"]}]

    compared = guest.do(COMPARE, cars=cars)

    assert [car["price"]["minor"] for car in compared["cars"]] == [BASE, BASE + 2_500_000]
    assert [(one["option"], one["has"]) for one in compared["differences"]] == [
        ("PT_BEV_70", [True, False]),
        ("PT_BEV_90", [False, True]),
        ("T_BASE", [True, False]),
        ("T_NORDIC", [False, True]),
    ]
    assert guest.do(COUNT, input=chosen()) == {"__typename": "CarCount", "exact": str(4 * 5 * 6)}
    assert guest.do(COUNT, input=chosen("T_NORDIC"))["exact"] == str(4 * 2 * 6)
    assert guest.do(COUNT, input=chosen("T_BASE", region="west"))["exact"] == str(4 * 3 * 4)


def test_a_planner_sees_which_engine_answers_and_a_consumer_does_not(borealis: Town) -> None:
    planner, buyer = borealis.staff("planner"), borealis.buyer()

    assert planner.ask(ENGINE, input=chosen())["configure"] == {"engine": "CIRCUIT"}
    assert planner.do(COUNT, input=chosen())["exact"] == "120"
    assert buyer.at.error(ENGINE, input=chosen()) == "FORBIDDEN"


def test_a_planner_draws_cars_that_can_be_built_and_nobody_else_does(borealis: Town) -> None:
    planner, buyer = borealis.staff("planner"), borealis.buyer()

    cars = planner.do(SAMPLE, input=chosen("T_NORDIC"), number=40)["cars"]

    kinds = {tuple(car["options"]) for car in cars}
    assert len(cars) == 40
    assert (
        20 < len(kinds) <= 4 * 2 * 6
    )  # of 48 cars; 40 draws that are alike hit fewer than 21 once in a hundred thousand
    for options in sorted(kinds)[:3]:
        step = planner.do(CONFIGURE, input=chosen(*options))
        assert step["isComplete"]
        assert {"options": list(options), "price": step["price"]} in cars
    assert planner.do(SAMPLE, input=chosen("T_NORDIC"), number=40, seed=1)["cars"] == cars
    assert planner.do(SAMPLE, input=chosen("T_NORDIC"), number=40, seed=2)["cars"] != cars
    assert [planner.refusal(SAMPLE, input=chosen(), number=number) for number in (0, 101)] == ["INVALID_INPUT"] * 2
    assert planner.refusal(SAMPLE, input=chosen("T_NORDIC", "PT_BEV_70"), number=1) == "OPTION_EXCLUDED"
    assert buyer.at.error(SAMPLE, input=chosen(), number=1) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("document", "more"),
    [
        (CONFIGURE, {}),
        (EXPLAIN, {"options": ["P_SNOW"]}),
        (REPAIR, {"choice": {"option": "P_SNOW"}, "order": "COUNT"}),
        (COMPLETE, {"goal": "CHEAPEST"}),
        (COUNT, {}),
    ],
    ids=["configure", "explain", "repair", "complete", "count"],
)
def test_what_is_unknown_contradictory_or_endless_is_refused_by_name(
    borealis: Town, document: str, more: dict[str, Any]
) -> None:
    guest = borealis.guest()
    both = chosen("P_SNOW")
    both["choices"].append({"option": "P_SNOW", "wanted": False})

    with borealis.house.unchanged():
        codes = [
            guest.refusal(document, input=asked, **more)
            for asked in (
                chosen("P_NOWHERE"),
                {"model": "Z9"},
                chosen("T_NORDIC", "PT_BEV_70"),
                chosen("P_SNOW", "P_AURORA"),
                chosen(*["P_SNOW"] * 500),
                both,
            )
        ]

    assert codes == ["OPTION_UNKNOWN", "MODEL_UNKNOWN", *["OPTION_EXCLUDED"] * 2, *["INVALID_INPUT"] * 2]


def test_a_model_that_nobody_sells_is_refused_by_name_also_where_its_weeks_are_asked_for(borealis: Town) -> None:
    guest = borealis.guest()

    step = guest.refusal(CONFIGURE, input={"model": "Z9", "explain": ["P_SNOW"]})
    soonest = guest.refusal(COMPLETE, input={"model": "Z9"}, goal="SOONEST")

    assert (step, soonest) == ("MODEL_UNKNOWN", "MODEL_UNKNOWN")


def test_ten_thousand_choices_in_one_call_are_refused(borealis: Town) -> None:
    with borealis.house.unchanged():
        assert borealis.guest().error(CONFIGURE, input=chosen(*["P_SNOW"] * 10_000)) == "BODY_TOO_LARGE"


def test_a_kept_car_that_a_newer_catalogue_breaks_is_mended_by_one_call(borealis: Town, tmp_path: Path) -> None:
    buyer, house = borealis.buyer(), borealis.house
    kept = buyer.at.do(SAVE, input={"model": "N1", "region": "east", "options": [*PLAIN, "X_SKI_RACK", "X_TOW_BAR"]})
    other = buyer.at.do(SAVE, input={"model": "N1", "region": "east", "options": PLAIN})
    buyer.at.do(RENAME, input={"configurationId": kept["id"], "name": "for the mountains"})

    publish_without_both_racks(borealis, tmp_path / "catalogue")
    (stale,) = (one for one in buyer.at.ask(KEPT)["myConfigurations"]["nodes"] if one["id"] == kept["id"])
    mended = buyer.at.do(MENDED, id=kept["id"])
    stranger = borealis.buyer().at.refusal(MENDED, id=kept["id"])
    moved = buyer.at.do(MIGRATE, input={"configurationId": kept["id"]})
    gone = buyer.at.do(DELETE, input={"configurationId": other["id"]})

    assert (stale["state"], stale["brokenBy"]) == ("stale", ["X_TOW_BAR", "X_SKI_RACK"])
    assert (mended["leftOut"], mended["added"]) == (["X_TOW_BAR"], [])
    assert mended["priceDifference"] == {"minor": -260_000}
    assert stranger == "NOT_FOUND"
    assert (moved["state"], moved["name"], moved["options"]) == (
        "saved",
        "for the mountains",
        [*PLAIN, "X_SKI_RACK"],
    )
    assert (gone["state"], gone["name"]) == ("deleted", "")
    assert [(one["id"], one["state"]) for one in buyer.at.ask(KEPT)["myConfigurations"]["nodes"]] == [
        (moved["id"], "saved"),
        (kept["id"], "migrated"),
    ]
    assert buyer.notices() == ["configuration_broken"]
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [finding for finding in found.findings if finding.violations]


def publish_without_both_racks(town: Town, folder: Path) -> None:
    """Publish a version in which the ski rack and the tow bar exclude each other."""
    shutil.copytree(DEMO / town.brand.code / "catalogue", folder)
    uvl, rules = folder / "options.uvl", folder / "rules.csv"
    uvl.write_text(uvl.read_text(encoding="utf-8") + "    // R004\n    X_SKI_RACK => !X_TOW_BAR\n", encoding="utf-8")
    sentence = "R004,excludes,,,,,滑雪架与拖车钩不能同选。,The ski rack and the tow bar exclude each other.\n"
    rules.write_text(rules.read_text(encoding="utf-8") + sentence, encoding="utf-8")
    with town.house.works.change(system(town.brand.id)) as work:
        next_one = replace(read_catalogue(folder), label="the next one")
        publish_catalogue(work, next_one, effective_from=town.house.clock.now().date())
    town.house.work_off()
