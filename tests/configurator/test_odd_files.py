"""Files that no person would write: refused or read, soon and without a crash, whatever they hold."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from configurator.catalogue_files import inspect_folder, read_catalogue
from configurator.catalogue_json import content_hash, decode_catalogue, encode_catalogue
from configurator.catalogue_report import diff_catalogues
from configurator.completing import heaviest, popularity_weights, with_price_second
from configurator.dimacs import read_dimacs, read_dimacs_file
from configurator.expression_reader import HEIGHT_MAX, parse_expression
from configurator.expressions import (
    And,
    ExpressionFault,
    Feature,
    Not,
    Or,
    feature_names,
    format_expression,
    holds,
    renamed,
)
from configurator.logic_check import logic_faults
from configurator.pricing import price_weights
from configurator.rules import compile_feature_model
from configurator.uvl import read_uvl, read_uvl_file
from tests.configurator.enumeration import cars_of_text
from tests.configurator.small_brand import copied_folder, small_catalogue
from tests.configurator.test_catalogue_files import added, faults_after, replaced
from tests.configurator.test_uvl_levels import TYPED

A, B = Feature("A"), Feature("B")
SOON: float = 2.0
"""Seconds of the processor; what these tests forbid takes minutes, or never ends."""


def seconds_of(began: float) -> float:
    return time.process_time() - began


# --- expressions -----------------------------------------------------------------------------------------------------


def test_chains_inside_of_chains_are_refused_by_their_height() -> None:
    text = "A"
    for _ in range(40):
        text = f"({text}{' => A' * 40})"

    with pytest.raises(ExpressionFault, match="nested deeper than"):
        parse_expression(text)


def test_whatever_is_read_can_be_walked_by_all_that_walks_expressions() -> None:
    text = "A"
    while text.count("=>") < HEIGHT_MAX - 2:
        text = f"({text}{' => B' * min(30, HEIGHT_MAX - 2 - text.count('=>'))})"

    expression = parse_expression(text)

    assert set(feature_names(renamed(expression, str.lower))) == {"a", "b"}
    assert isinstance(holds(expression, {"A"}), bool)
    assert format_expression(expression)
    model = read_uvl(f"features\n\tR\n\t\toptional\n\t\t\tA\n\t\t\tB\nconstraints\n\t{text}\n").model
    assert model is not None
    assert compile_feature_model(model).rules


def test_a_value_is_compared_with_a_number_that_has_no_end_of_decimal_places() -> None:
    cars = cars_of_text(TYPED.format(value_type="Real", rules="Value > 1 / 3 => Lamp\n    Value"))

    assert {name for car in cars for name in car if "1/3" in name} == {"Value < 1/3", "Value = 1/3", "Value > 1/3"}


def test_a_text_is_longer_than_less_than_nothing() -> None:
    cars = cars_of_text(TYPED.format(value_type="String", rules="len(Value) > -1 => Lamp\n    Value"))

    assert sorted(map(sorted, cars)) == [["Car", "Lamp", "Value", "any Value"]]


def test_a_text_that_is_not_empty_and_short_is_one() -> None:
    rules = "Value != ''\n    len(Value) < 5\n    len(Value) > -1\n    Value"

    assert cars_of_text(TYPED.format(value_type="String", rules=rules))


# --- files of rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "features\n\tA {note x" + " " * 60_000 + "y}\n",
        "features\n\tA {\n" + "x,\n" * 100_000 + "y}\n",
    ],
)
def test_long_runs_of_blanks_and_long_lists_are_read_at_once(text: str) -> None:
    began = time.process_time()

    read_uvl(text)

    assert seconds_of(began) < SOON


def test_sums_over_everything_are_added_up_before_there_is_no_memory_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("configurator.uvl_references.TERMS_MAX", 50)
    features = "".join(f"\t\t\tF{number} {{p 1}}\n" for number in range(30))

    reading = read_uvl(f"features\n\tR\n\t\toptional\n{features}constraints\n" + "\tsum(p) > 0\n" * 2)

    assert [(fault.line, fault.reason) for fault in reading.faults] == [
        (36, "rule L36: the sums of this file come to more than 50 terms")
    ]


def test_clauses_with_long_names_and_many_literals_are_read_at_once() -> None:
    literals = " ".join(map(str, range(1, 30_001)))
    began = time.process_time()

    book, faults = read_dimacs(f"c 1 a{' ' * 60_000}b\np cnf 30000 1\n{literals} 0\n")

    assert faults == ()
    assert book is not None
    assert seconds_of(began) < SOON


@pytest.mark.parametrize("word", ["1_0", "+1", "١", "1" * 5_000])
def test_a_literal_is_plain_digits(word: str) -> None:
    _, faults = read_dimacs(f"p cnf 20 1\n{word} 0\n")

    assert [(fault.line, fault.reason) for fault in faults] == [(2, f"'{word[:20]}' is no number")]


def test_more_clauses_than_anybody_has_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("configurator.dimacs.CLAUSES_MAX", 3)

    book, faults = read_dimacs("p cnf 1 9\n" + "1 0\n" * 9)

    assert book is None
    assert [fault.reason for fault in faults] == ["more than 3 clauses"]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.uvl"

    for faults in (read_uvl_file(tmp_path).faults, read_dimacs_file(tmp_path)[1], read_uvl_file(nothing).faults):
        assert [fault.reason for fault in faults] == ["is no file that can be read"]


# --- catalogues ------------------------------------------------------------------------------------------------------


def test_a_rule_that_could_not_be_read_again_once_it_is_kept_is_refused(tmp_path: Path) -> None:
    deep = "!!" * 20 + f"({' => '.join(['HEAT'] * 40)})"

    found = faults_after(tmp_path, "options.uvl", replaced("W19 => PT_BIG", deep))

    assert [(file, line) for file, line, _ in found] == [("options.uvl", 36)]
    assert "written with all its parentheses it is nested deeper than 50" in found[0][2]


def test_numbers_that_are_written_out_longer_than_people_write_them_are_read_again(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    path = folder / "options.uvl"
    number = "123456789012.1234567890123"
    text = path.read_text(encoding="utf-8").replace("\t\t\t\t\tHOOK\n", f"\t\t\t\t\tHOOK {{w {number}}}\n")
    path.write_text(text.replace("W19 => PT_BIG", "W19 => PT_BIG & sum(w) >= .12345678901234567"), encoding="utf-8")

    catalogue = read_catalogue(folder)

    assert content_hash(decode_catalogue(encode_catalogue(catalogue))) == content_hash(catalogue)


def test_what_is_alone_in_a_sum_or_in_all_clones_is_kept_and_found_again(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    path = folder / "options.uvl"
    text = path.read_text(encoding="utf-8").replace("\t\t\t\t\tHOOK\n", "\t\t\t\t\tHOOK {w 2}\n")
    path.write_text(text.replace("!(ROOF & HOOK)", "!(sum(w) * 2 > 1 & ROOF)"), encoding="utf-8")
    catalogue = read_catalogue(folder)

    assert catalogue.rule_by_code["R002"].expression
    assert content_hash(decode_catalogue(encode_catalogue(catalogue))) == content_hash(catalogue)
    for written in (And((Or((A, B)),)), Not(Or((And((A, B)),))), Or((Or((A,)), B))):
        assert format_expression(parse_expression(format_expression(written))) == format_expression(written)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_time_is_a_slip_of_the_pen(tmp_path: Path, day: str) -> None:
    found = faults_after(tmp_path, "options.csv", replaced("2026-06-01,2027-03-31", f"{day},{day}"))

    assert {(file, reason) for file, _, reason in found} == {
        ("options.csv", f"{column} must lie between 1970-01-01 and 2999-12-31, not on {day}")
        for column in ("first_day", "last_day")
    }


def test_a_catalogue_that_changes_on_more_days_than_are_looked_at_is_refused(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    days = [date(2026, 1, 2) + timedelta(days=number) for number in range(0, 202, 2)]
    rules = "".join(f"    // R{number} at last\n\tHEAT | !HEAT\n" for number in range(900, 900 + len(days)))
    rows = "".join(f"R{number},date,,,{day},,一,One.\n" for number, day in enumerate(days, start=900))
    for file, more in (("options.uvl", rules.replace("    //", "\t//")), ("rules.csv", rows)):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + more, encoding="utf-8")

    _, faults = inspect_folder(folder)

    assert [fault.file for fault in faults] == ["rules.csv"]
    assert "different days; at most 100 are looked at together" in faults[0].reason


def test_a_contradiction_on_the_fiftieth_day_is_found(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    rules, rows = "", ""
    for number in range(50):
        day = date(2026, 2, 1) + timedelta(days=number)
        rule = "RED & BLUE" if number == 49 else "HEAT | !HEAT"
        rules += f"\t// R{900 + number}\n\t{rule}\n"
        rows += f"R{900 + number},date,,,{day},{day},一,One.\n"
    for file, more in (("options.uvl", rules), ("rules.csv", rows)):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + more, encoding="utf-8")

    _, faults = inspect_folder(folder)

    assert [fault.reason.partition(";")[0] for fault in faults] == ["contradiction: no car can be built on 2026-03-22"]


def test_prices_that_the_engine_cannot_add_up_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = small_catalogue()
    most = max(heaviest(catalogue, price_weights(catalogue, model=model)) for model in ("A1", "B2"))
    monkeypatch.setattr("configurator.logic_check.WEIGHT_MAX", most + 1)

    found = faults_after(tmp_path, "prices.csv", replaced("*,HOOK,2000,1200", "*,HOOK,2001,1200"))

    assert logic_faults(catalogue) == []
    assert {reason for *_, reason in found} <= {
        f"the prices of '{model}' add up to more than can be reckoned with" for model in ("A1", "B2")
    }
    assert found


def test_no_completion_weighs_more_than_what_was_checked() -> None:
    catalogue = small_catalogue()
    rates = {option.code: float(place % 2) for place, option in enumerate(catalogue.options)}
    weights = with_price_second(catalogue, popularity_weights(catalogue, rates), model="A1")

    assert sum(map(abs, weights.values())) <= heaviest(catalogue, price_weights(catalogue, model="A1"))


def test_a_manifest_that_is_nested_without_end_is_a_fault(tmp_path: Path) -> None:
    found = faults_after(tmp_path, "catalogue.toml", added("x = " + "[" * 20_000))

    assert [file for file, *_ in found] == ["catalogue.toml"]


def test_a_change_of_one_group_shows_beside_another_group_of_the_same_heading(tmp_path: Path) -> None:
    before, after = copied_folder(tmp_path / "before"), copied_folder(tmp_path / "after")
    path = after / "options.uvl"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("\t\tmandatory\n"), text.index("\t\toptional\n")
    path.write_text(text.replace("\t\tmandatory\n", "\t\t[4..5]\n") if start < end else text, encoding="utf-8")

    lines = diff_catalogues(read_catalogue(before), read_catalogue(after)).lines()

    assert len(lines) == 1
    assert lines[0].startswith("~ rule group Fir: mandatory 5..5 of Model, Paint")
    assert "; optional 0..1 of Extras" in lines[0]
