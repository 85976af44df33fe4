"""`muster catalogue check | count | explain` for files of any brand: what they say and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muster.cli_catalogue import app
from tests.configurator.small_brand import FOLDER

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
    return result.exit_code, result.output


def test_a_catalogue_folder_is_checked_with_its_report() -> None:
    code, text = run("check", FOLDER)

    assert code == 0
    assert "is sound" in text
    assert "answered by sat" in text


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
    assert report["counts"][0]["cars"] is None


def test_faults_end_a_command_with_one_and_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.cnf"
    path.write_text("p cnf 1 1\n2 0\n", encoding="utf-8")

    assert run("check", path) == (1, f"{path}: 1 fault\n  rules.cnf:2: variable 2 is beyond 1\n")
    assert json.loads(run("check", path, "--json")[1])["faults"][0]["line"] == 2


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


def test_where_cars_are_not_counted_that_is_said(bare: Path) -> None:
    code, text = run("count", bare, "--with", "Hook")

    assert code == 0
    assert "at least one car" in text
    assert run("count", bare, "--with", "Dead")[0] == 1
