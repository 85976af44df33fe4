"""The demo catalogue counts exactly what DOMAIN section 7 says, and its tables fit together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.demo.plain_files import BOREALIS, QILAN, read_constraints, read_groups, read_rows

CATALOGUE = QILAN / "catalogue"
NAMED = {
    "Paint": 9,
    "Wheels": 8,
    "Interior": 7,
    "Seating": 6,
    "Powertrain": 7,
    "Trim": 8,
    "DriverAssistance": 4,
    "Lights": 4,
    "Grille": 5,
    "Audio": 3,
}
WITHOUT_PARTS = {"Software", "ServicePlan"}


def test_there_are_118_options_in_the_promised_categories() -> None:
    by_category = Counter(row["category"] for row in read_rows(CATALOGUE / "options.csv"))

    assert by_category.total() == 118
    assert {category: by_category[category] for category in NAMED} == NAMED
    assert by_category.total() - sum(NAMED.values()) == 57
    assert list(by_category) == [row["category"] for row in read_rows(CATALOGUE / "categories.csv")]


def test_there_are_164_rules_of_the_promised_kinds() -> None:
    kinds = Counter(row["kind"] for row in read_rows(CATALOGUE / "rules.csv"))
    price_rules = read_rows(CATALOGUE / "price_rules.csv")

    assert kinds["requires"] == 60
    assert kinds["excludes"] == 44
    assert kinds["cardinality"] == 22
    assert kinds["regional"] == 18
    assert kinds["plant"] + kinds["date"] == 12
    assert len(price_rules) == 8
    assert kinds.total() + len(price_rules) == 164


def test_every_constraint_and_every_group_has_one_row_of_its_kind() -> None:
    kind_of = {row["rule"]: row["kind"] for row in read_rows(CATALOGUE / "rules.csv")}
    constraints = read_constraints(CATALOGUE / "options.uvl")
    groups = {f"G_{group.parent}" for group in read_groups(CATALOGUE / "options.uvl") if group.word != "mandatory"}

    assert {rule for rule, kind in kind_of.items() if kind != "cardinality"} == set(constraints)
    assert {rule for rule, kind in kind_of.items() if kind == "cardinality"} == groups
    for rule, constraint in constraints.items():
        if kind_of[rule] == "excludes":
            assert "=> !" in constraint
        if kind_of[rule] == "requires":
            assert "=>" in constraint
            assert "!" not in constraint


def test_a_rule_of_a_place_or_a_day_says_which_and_no_other_rule_does() -> None:
    needed = {"regional": {"regions"}, "plant": {"plants"}, "date": {"days"}}

    for row in read_rows(CATALOGUE / "rules.csv"):
        said = {name for name in ("regions", "plants") if row[name]}
        said |= {"days"} if row["first_day"] or row["last_day"] else set()
        assert said == needed.get(row["kind"], set()), row["rule"]


def test_the_regions_and_plants_of_rules_and_models_are_those_of_the_network() -> None:
    regions = {row["region"] for row in read_rows(QILAN / "network" / "regions.csv")}
    plants = {row["plant"] for row in read_rows(QILAN / "network" / "plants.csv")}
    rules = read_rows(CATALOGUE / "rules.csv")

    assert {region for row in rules for region in row["regions"].split(";") if region} == regions
    assert {plant for row in rules for plant in row["plants"].split(";") if plant} == plants
    assert {row["model"]: row["plant"] for row in read_rows(CATALOGUE / "models.csv")} == {
        "L5": "changzhou",
        "S6": "changzhou",
        "M7": "xiangyang",
    }


@pytest.mark.parametrize("file", ["models.csv", "categories.csv", "options.csv", "rules.csv", "price_rules.csv"])
@pytest.mark.parametrize("brand", [QILAN, BOREALIS], ids=["qilan", "borealis"])
def test_everything_has_words_in_both_languages(brand: Path, file: str) -> None:
    for row in read_rows(brand / "catalogue" / file):
        texts = {column: row[column] for column in ("zh", "en", "zh_text", "en_text") if column in row}
        assert all(text.strip() for text in texts.values()), row
        assert all(text.isascii() or "¥" in text for column, text in texts.items() if column.startswith("en")), row


def test_every_option_has_a_price_that_covers_its_cost_at_the_deepest_discount() -> None:
    options = {row["option"] for row in read_rows(CATALOGUE / "options.csv")}
    prices = read_rows(CATALOGUE / "prices.csv")

    assert {row["option"] for row in prices if row["model"] == "*"} == options
    assert all(int(row["price_yuan"]) * 92 >= int(row["cost_yuan"]) * 100 for row in prices)


def test_every_option_one_can_touch_has_parts_from_a_known_supplier() -> None:
    parts = read_rows(CATALOGUE / "parts.csv")
    suppliers = {row["supplier"] for row in read_rows(QILAN / "network" / "suppliers.csv")}
    options = read_rows(CATALOGUE / "options.csv")
    models = {row["model"] for row in read_rows(CATALOGUE / "models.csv")}

    touched = {row["option"] for row in options if row["category"] not in WITHOUT_PARTS}
    assert {row["feature"] for row in parts} == touched | models
    assert {row["supplier"] for row in parts} == suppliers
    assert all(int(row["quantity"]) > 0 and int(row["lead_time_days"]) > 0 for row in parts)


def test_a_long_lead_option_has_the_longest_lead_times() -> None:
    lead_days: dict[str, int] = {}
    for row in read_rows(CATALOGUE / "parts.csv"):
        lead_days[row["feature"]] = max(lead_days.get(row["feature"], 0), int(row["lead_time_days"]))
    long_lead = {row["option"] for row in read_rows(CATALOGUE / "options.csv") if row["long_lead"] == "1"}

    assert long_lead == {"SEAT_4_ZERO_GRAVITY", "DA_LIDAR", "CH_AIR"}
    assert min(lead_days[option] for option in long_lead) == 63
    assert max(days for feature, days in lead_days.items() if feature not in long_lead) == 49


def test_a_part_has_one_supplier_and_one_lead_time_wherever_it_is_used() -> None:
    terms: dict[str, set[tuple[str, str]]] = {}
    for row in read_rows(CATALOGUE / "parts.csv"):
        terms.setdefault(row["part"], set()).add((row["supplier"], row["lead_time_days"]))

    assert [part for part, found in terms.items() if len(found) > 1] == []
