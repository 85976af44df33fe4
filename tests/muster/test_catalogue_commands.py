"""`muster catalogue check | count | explain | diff` for files of any brand: what they say and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configurator import catalogue_files
from configurator.errors import AnswerTooHard
from configurator.feature_tree import UvlReading
from configurator.uvl import read_uvl_file
from muster.cli_catalogue import app, count, explain
from tests.configurator.small_brand import FOLDER, PLAIN_CAR, copied_folder

BARE = """\
features
    Car
        optional
            Hook
            Roof
            Dead
constraints
    // R1 no hook with a roof
    Hook => !Roof
    // R2 the same again
    Roof => !Hook
    // R3 dead
    !Dead
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Write a bare UVL file."""
    path = tmp_path / "car.uvl"
    path.write_text(BARE, encoding="utf-8")
    return path


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout


def test_a_catalogue_folder_is_checked_with_its_report() -> None:
    code, text = run("check", FOLDER)

    assert code == 0
    assert "is sound" in text
    assert "B2 in north: 18 cars" in text
    assert "answered by circuit: the rules are compiled" in text


def test_without_seconds_to_compile_in_sat_answers_and_nothing_is_counted() -> None:
    code, text = run("check", FOLDER, "--seconds", 0)

    assert code == 0
    assert "A1 in north: not counted, since the rules are not compiled to a circuit here" in text
    assert "answered by sat: compiling was switched off" in text


def test_a_bare_file_is_checked_and_its_report_names_rules_with_lines(bare: Path) -> None:
    code, text = run("check", bare)

    assert code == 0
    assert "dead: no car has Dead; R3 (car.uvl:13)" in text
    assert "redundant: R1 (car.uvl:9), because of R2 (car.uvl:11)" in text


def test_the_report_comes_as_json_too(bare: Path) -> None:
    code, text = run("check", bare, "--json")

    assert code == 0
    report = json.loads(text)["report"]
    assert [one["option"] for one in report["dead"]] == ["Dead"]
    assert [one["rule"]["code"] for one in report["redundant"]] == ["R1", "R2"]
    assert report["counts"][0]["cars"] == "3"
    assert report["engine"]["backend"] == "circuit"


def test_what_the_part_list_lacks_comes_as_json_and_keeps_nothing_from_being_sound() -> None:
    code, text = run("check", FOLDER, "--json")

    gaps = json.loads(text)["report"]["partGaps"]
    assert code == 0
    assert [(gap["file"], gap["line"]) for gap in gaps] == [("models.csv", 3), ("options.csv", 5)]
    assert gaps[0]["reason"] == "B2 has no part list: no row of parts.csv names it"


def test_faults_end_a_command_with_one_and_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.cnf"
    path.write_text("p cnf 1 1\n2 0\n", encoding="utf-8")

    assert run("check", path) == (1, f"{path}: 1 fault\n  rules.cnf:2: variable 2 is beyond 1\n")
    assert json.loads(run("check", path, "--json")[1])["faults"][0]["line"] == 2


def test_a_file_of_another_kind_is_a_broken_call(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    path.write_text("a => b\n", encoding="utf-8")

    assert run("check", path) == (2, f"{path} is neither a folder nor a .uvl, .dimacs or .cnf file.\n")


def test_a_contradiction_ends_the_check_with_one_and_names_the_fewest_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.cnf"
    path.write_text("p cnf 2 4\n1 0\n2 0\n-1 0\n1 2 0\n", encoding="utf-8")

    code, text = run("check", path)

    assert code == 1
    assert "these rules exclude each other: C1 (rules.cnf:2), C3 (rules.cnf:4)" in text


def test_why_not_is_answered_with_the_rules_behind(bare: Path) -> None:
    assert run("explain", bare, "--with", "Hook") == (0, "Such a car can be built.\n")

    code, text = run("explain", bare, "--with", "Hook", "--with", "Roof")

    assert code == 1
    assert text.splitlines()[1].strip() in ("R1 (car.uvl:9)", "R2 (car.uvl:11)")
    assert run("explain", bare, "--with", "Nought")[0] == 2


def test_the_reasons_come_in_chinese_and_as_json_and_follow_the_region() -> None:
    forbidden = ("explain", FOLDER, "--with", "ROOF", "--with", "HOOK", "--day", "2026-12-01")

    assert run(*forbidden, "--locale", "zh-CN")[1].splitlines() == [
        "这样的车无法生产。排除它的最少规则如下。",
        "  R002 (options.uvl:38) 天窗与拖钩不能同选。",
    ]
    assert run("explain", FOLDER, "--with", "HOOK", "--locale", "zh-CN") == (0, "这样的车可以生产。\n")
    found = json.loads(run(*forbidden, "--json")[1])
    assert (found["canBeBuilt"], [rule["code"] for rule in found["rules"]]) == (False, ["R002"])
    assert run("explain", FOLDER, "--without", "HEAT")[0] == 0
    assert run("explain", FOLDER, "--without", "HEAT", "--region", "north")[0] == 1
    too_early = run("explain", FOLDER, "--with", "ROOF", "--day", "2026-05-31")
    assert (too_early[0], too_early[1].splitlines()[1]) == (1, "  FROM_ROOF Glass roof can be ordered from 2026-06-01.")
    assert run("explain", FOLDER, "--with", "ROOF", "--day", "2026-06-01")[0] == 0


@pytest.mark.parametrize("command", [count, explain])
def test_the_example_of_the_help_is_a_call_that_is_understood(command: Callable[..., None]) -> None:
    (example,) = re.findall(r"\[bold\]muster catalogue (.+)\[/bold\]", command.__doc__ or "")

    code, text = run(*example.split())

    assert code in (0, 1), text


def test_cars_are_counted_exactly_and_where_they_are_not_that_is_said(bare: Path) -> None:
    assert run("count", bare) == (0, "3 cars\n")
    assert run("count", bare, "--with", "Hook") == (0, "1 car\n")
    assert run("count", bare, "--with", "Dead") == (1, "0 cars\n")
    uncounted = json.loads(run("count", bare, "--with", "Hook", "--seconds", 0, "--json")[1])
    assert (uncounted["cars"], uncounted["atLeastOne"], uncounted["engine"]["why"]) == (None, True, "switched_off")
    assert run("count", bare, "--with", "Hook", "--seconds", 0)[1].startswith("at least one car; not counted")


def test_where_only_a_search_sees_that_there_is_no_car_the_commands_say_so(tmp_path: Path) -> None:
    clauses = "".join(f"{a} {b} {c} 0\n" for a, b, c in product((1, -1), (2, -2), (3, -3)))
    path = tmp_path / "contradiction.cnf"
    path.write_text(f"p cnf 3 8\n{clauses}", encoding="utf-8")

    assert run("count", path) == (1, "0 cars\n")
    assert run("sample", path) == (1, "there is no such car\n")
    code, text = run("check", path)
    assert code == 1
    assert "contradiction: no car can be built; these rules exclude each other: C1 (contradiction.cnf:2)" in text


def test_what_is_unknown_ends_a_command_with_two_and_says_what_is_near(bare: Path) -> None:
    assert run("count", bare, "--with", "Hok") == (2, "unknown feature 'Hok'; did you mean Hook?\n")
    code, text = run("count", FOLDER, "--region", "moon")
    assert (code, text) == (2, "there is no region 'moon' here, but: north\n")
    assert run("check", bare, "--kept")[0] == 2


def test_a_region_of_the_brand_is_known_though_no_rule_names_it() -> None:
    demo = Path(__file__).resolve().parents[2] / "muster" / "demo" / "qilan" / "catalogue"

    assert run("explain", demo, "--with", "L5", "--region", "south") == (0, "Such a car can be built.\n")
    code, text = run("explain", demo, "--with", "L5", "--region", "moon")

    assert (code, text) == (
        2,
        "there is no region 'moon' here, but: central, east, north, northeast, south, west\n",
    )


# --- two versions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Write a newer version of the small catalogue: no roof in the north, and the hook costs more."""
    folder = copied_folder(tmp_path / "newer")
    for name, before, after in (
        ("options.uvl", "\t// R004", "\t// R006\n\t!ROOF\n\t// R004"),
        ("rules.csv", "R004,", "R006,regional,north,,,,北方地区不提供天窗。,No glass roof in the north.\nR004,"),
        ("prices.csv", "*,HOOK,2000,1200", "*,HOOK,2500,1200"),
        ("catalogue.toml", 'version = "2026.1"', 'version = "2026.2"'),
        ("catalogue.toml", "effective_from = 2026-01-01", "effective_from = 2026-12-01"),
    ):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
    return folder


def test_what_differs_between_two_versions_is_named_and_its_cars_are_counted_with_an_example(newer: Path) -> None:
    code, text = run("diff", FOLDER, newer)

    assert code == 1
    lines = text.splitlines()
    assert "~ price HOOK (*): ¥2,000 (cost ¥1,200) -> ¥2,500 (cost ¥1,200)" in lines
    assert any(line.startswith("+ rule R006: !ROOF in north") for line in lines)
    (north,) = [place for place, line in enumerate(lines) if line.startswith("cars in north:")]
    counted = json.loads(run("diff", FOLDER, newer, "--json")[1])["cars"]
    everywhere, cold = counted
    assert (everywhere["gone"], everywhere["new"]) == ({"cars": "0", "example": None}, {"cars": "0", "example": None})
    assert "ROOF" in cold["gone"]["example"]
    before = int(json.loads(run("count", FOLDER, "--region", "north", "--day", "2026-12-01", "--json")[1])["cars"])
    after = int(json.loads(run("count", newer, "--region", "north", "--day", "2026-12-01", "--json")[1])["cars"])
    assert (int(cold["gone"]["cars"]), int(cold["kept"])) == (before - after, after)
    assert lines[north] == f"cars in north: {before - after} no longer, none new; {after} stay"
    assert lines[north + 1].startswith("  no longer, for example: A1 ") or lines[north + 1].startswith(
        "  no longer, for example: B2 "
    )
    assert run("diff", FOLDER, newer, "--no-cars")[1] == "".join(f"{line}\n" for line in lines if line[0] in "+-~")


def test_without_a_circuit_the_cars_that_differ_are_shown_and_not_counted(newer: Path) -> None:
    code, text = run("diff", FOLDER, newer, "--seconds", 0)

    assert code == 1
    assert "cars in north: some (not counted) no longer, none new" in text


def test_the_same_twice_differs_in_nothing(bare: Path) -> None:
    assert run("diff", FOLDER, FOLDER) == (0, "nothing differs\n")
    assert run("diff", bare, bare) == (0, "nothing differs\n")


def test_bare_files_are_compared_by_features_rules_and_cars(bare: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.uvl"
    text = BARE.replace("            Roof\n", "            Roof\n            Rack\n")
    other.write_text(text.replace("    // R3 dead\n    !Dead\n", "    Rack => Roof\n"), encoding="utf-8")

    code, text = run("diff", bare, other)

    assert code == 1
    assert text.splitlines() == [
        "+ feature Rack: new",
        "- rule !Dead: gone",
        "+ rule Rack => Roof: new",
        "cars: none no longer, 5 new; 3 stay",
        text.splitlines()[4],
    ]
    assert text.splitlines()[4].startswith("  new, for example: Car ")
    assert run("diff", bare, FOLDER)[0] == 2
    assert run("diff", bare, tmp_path / "nothing.uvl")[0] == 2


# --- cars that break -------------------------------------------------------------------------------------------------


def test_cars_of_a_file_are_held_against_a_catalogue_and_each_is_mended(newer: Path, tmp_path: Path) -> None:
    options = [*PLAIN_CAR, "HEAT", "ROOF"]
    cars = [
        {"id": "a", "model": "A1", "options": options, "region": "north", "price_minor": 10_650_000},
        {"id": "b", "model": "A1", "options": options, "region": "east"},
        {"model": "Z9", "options": []},
    ]
    path = tmp_path / "cars.jsonl"
    path.write_text("\n".join(map(json.dumps, cars)), encoding="utf-8")

    code, text = run("check", newer, "--cars", path)
    told = json.loads(run("check", newer, "--cars", path, "--json")[1])["cars"]

    assert code == 0
    assert text.splitlines()[-3:] == [
        "  2 of 3 cars break",
        "    car a (A1): broken by ROOF; smallest change: leave out ROOF (-¥5,000)",
        "    car 3 (Z9): broken by Z9; no car of the model is near",
    ]
    assert told["lookedAt"] == 3
    assert told["broken"][0]["repair"] == {
        "options": [*PLAIN_CAR, "HEAT"],
        "leftOut": ["ROOF"],
        "added": [],
        "priceMinor": 10_150_000,
        "priceDifferenceMinor": -500_000,
    }
    assert told["broken"][1]["repair"] is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON object"),
        ("[1]", "is no JSON object"),
        ('{"model": "A1"}', "needs options: a list of at most 400 texts"),
        ('{"options": []}', "needs a model, as text"),
        ('{"model": "A1", "options": [1]}', "needs options: a list of at most 400 texts"),
        ('{"model": "A1", "options": [], "colour": 1}', "has an unknown field 'colour'"),
        ('{"model": "A1", "options": [], "region": 1}', "has a region that is no text"),
        ('{"model": "A1", "options": [], "id": []}', "has an id that is neither text nor number"),
        ('{"model": "A1", "options": [], "price_minor": true}', "has a price_minor that is no whole number"),
        (json.dumps({"model": "A1", "options": ["RED"] * 401}), "needs options: a list of at most 400 texts"),
    ],
)
def test_a_faulty_line_of_a_file_of_cars_is_named_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "cars.jsonl"
    path.write_text(f'{{"model": "A1", "options": []}}\n\n{line}\n', encoding="utf-8")

    assert run("check", FOLDER, "--cars", path) == (1, f"{path}: 1 fault\n  cars.jsonl:3: {reason}\n")


def test_two_cars_of_one_id_and_a_file_that_is_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cars.jsonl"
    path.write_text('{"id": "1", "model": "A1", "options": []}\n' * 2, encoding="utf-8")
    assert "cars.jsonl: two cars have the same id" in run("check", FOLDER, "--cars", path)[1]

    path.write_bytes(b"\xff\xfe")
    assert "cars.jsonl: cannot be read as UTF-8 text" in run("check", FOLDER, "--cars", path)[1]


BICYCLE = Path(__file__).parents[2] / "docs" / "examples" / "bicycle.uvl"


def test_several_measures_are_answered_from_the_same_compiled_rules() -> None:
    code, text = run("best", BICYCLE, "--least", "weight", "--most", "weight", "--with", "Motor")
    _, told = run("best", FOLDER, "--least", "price", "--least", "cost", "--json")

    assert code == 0
    assert [line.partition(":")[0].partition(",")[0] for line in text.splitlines()] == ["least weight", "most weight"]
    assert all(" Motor" in line for line in text.splitlines())
    assert [(one["by"], one["most"]) for one in json.loads(told)["best"]] == [("price", False), ("cost", False)]


def test_an_unknown_measure_is_a_broken_call_that_names_the_known_ones() -> None:
    assert run("best", FOLDER, "--least", "weight") == (
        2,
        "cars cannot be compared by 'weight' here, but by: price, cost\n",
    )
    assert run("best", FOLDER)[0] == 2


def test_cars_are_drawn_that_can_be_built_and_the_same_seed_draws_the_same() -> None:
    code, text = run("sample", FOLDER, "--number", 40, "--seed", 7, "--with", "W19", "--region", "north")

    assert code == 0
    assert len(text.splitlines()) == 40
    assert all({"W19", "PT_BIG", "HEAT"} <= set(line.split()) for line in text.splitlines())
    assert len(set(text.splitlines())) > 5
    assert run("sample", FOLDER, "--number", 40, "--seed", 7, "--with", "W19", "--region", "north")[1] == text
    assert run("sample", FOLDER, "--number", 40, "--seed", 8, "--with", "W19", "--region", "north")[1] != text


def test_nothing_is_drawn_where_nothing_can_be_and_it_is_said_why() -> None:
    assert run("sample", FOLDER, "--seconds", 0) == (
        1,
        "no cars are drawn, since the rules are not compiled to a circuit here\n",
    )
    assert run("sample", FOLDER, "--with", "HOOK", "--with", "ROOF") == (1, "there is no such car\n")
    assert run("sample", FOLDER, "--with", "HOOK", "--without", "HOOK")[0] == 2


def test_why_a_rule_never_fires_is_told_from_where_the_fewest_rules_are_in_force(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    for file, more in (
        ("options.uvl", "\t// R010\n\tROOF & HOOK => W19\n\t// R011\n\t!HEAT\n"),
        ("rules.csv", "R010,requires,,,,,一,One.\nR011,plant,,fir_north,,2025-06-30,二,Two.\n"),
    ):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + more, encoding="utf-8")

    code, text = run("check", folder)

    assert code == 0
    assert "never fires: R010 (options.uvl:46), because of R002 (options.uvl:38)\n" in text
    assert "never fires: R011 (options.uvl:48)\n" in text


def test_rules_that_were_not_looked_at_in_time_are_counted(bare: Path) -> None:
    code, text = run("check", bare, "--rule-seconds", 0)

    assert code == 0
    assert "redundant" not in text
    assert "not looked at: whether 3 of 3 rules are without effect; the time was over (--rule-seconds)" in text
    assert json.loads(run("check", bare, "--rule-seconds", 0, "--json")[1])["report"]["rulesNotLookedAt"] == 3


def test_a_folder_is_read_once_for_everything_that_a_check_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = tmp_path / "cars.jsonl"
    cars.write_text('{"model": "A1", "options": ["RED"]}\n', encoding="utf-8")
    read: list[Path] = []

    def counted(path: Path) -> UvlReading:
        read.append(path)
        return read_uvl_file(path)

    monkeypatch.setattr(catalogue_files, "read_uvl_file", counted)

    assert run("check", FOLDER, "--cars", cars)[0] == 0
    assert read == [FOLDER / "options.uvl"]


def test_rules_that_no_search_decides_are_refused_and_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("configurator.engine.bounded.CONFLICTS_MAX", 20)
    holes = 6  # seven pigeons in six holes: there is no car, and to see that takes a solver long
    clauses = [[holes * bird + hole + 1 for hole in range(holes)] for bird in range(holes + 1)]
    clauses += [
        [-(holes * bird + hole + 1), -(holes * other + hole + 1)]
        for hole in range(holes)
        for bird in range(holes + 1)
        for other in range(bird)
    ]
    path = tmp_path / "pigeons.cnf"
    lines = [f"p cnf {holes * (holes + 1)} {len(clauses)}", *(" ".join(map(str, [*one, 0])) for one in clauses)]
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(AnswerTooHard, match="whether there is such a car"):
        app(["check", str(path), "--seconds", "0"], standalone_mode=False)
