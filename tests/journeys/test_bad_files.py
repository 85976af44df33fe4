"""What bad files and settings get from the command line: the fault by file and line, or one clear line, and a stop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from muster.cli_catalogue import app
from tests.journeys.town import Town
from tests.support.databases import Database

ROOT: Final = Path(__file__).resolve().parents[2]
GOOD: Final = ROOT / "muster" / "demo" / "borealis" / "catalogue"


def checked(folder: Path) -> tuple[int, str]:
    """Run `muster catalogue check` on a folder; returns its exit code and what it said."""
    result = CliRunner().invoke(app, ["check", str(folder)])
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a good catalogue to break."""
    return Path(shutil.copytree(GOOD, tmp_path / "catalogue"))


def line_of(path: Path, text: str) -> int:
    """Return the number of the first line with a text."""
    return next(number for number, line in enumerate(path.read_text().splitlines(), start=1) if text in line)


def test_a_good_catalogue_passes(folder: Path) -> None:
    code, said = checked(folder)

    assert code == 0
    assert "borealis 2026.1 is sound: 1 models, 12 options, 9 rules" in said


@pytest.mark.parametrize(
    ("name", "old", "new", "at"),
    [
        ("options.csv", "P_SNOW,Paint,0,0", "P_SNOW,Paint,0,maybe", "P_SNOW,"),
        ("options.csv", "P_SNOW,Paint,0,0,,,,", "P_SNOW,Paint", "P_SNOW,"),
        ("prices.csv", "*,P_SNOW,0,0", "*,P_NOWHERE,0,0", "P_NOWHERE"),
        ("prices.csv", "*,P_SNOW,0,0", "*,P_SNOW,cheap,0", "P_SNOW"),
        ("parts.csv", "P_AURORA,BA-PAI-03", "P_NOWHERE,BA-PAI-03", "P_NOWHERE"),
        ("options.uvl", "T_NORDIC", "T NORDIC & & (", "T NORDIC & & ("),
    ],
    ids=["flag", "fields", "unknown option priced", "price", "unknown option's part", "line of the model"],
)
def test_a_broken_line_or_an_unknown_option_is_named_by_file_and_line(
    folder: Path, name: str, old: str, new: str, at: str
) -> None:
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))

    code, said = checked(folder)

    assert code == 1
    assert f"{name}:{line_of(path, at)}" in said, said


@pytest.mark.parametrize("name", ["options.csv", "models.csv", "prices.csv", "rules.csv"])
def test_a_duplicate_is_named_by_file_and_line(folder: Path, name: str) -> None:
    path = folder / name
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")

    code, said = checked(folder)

    assert code == 1
    assert f"{name}:{len(lines) + 1}" in said, said


def test_rules_that_contradict_each_other_are_named(folder: Path) -> None:
    uvl, rules = folder / "options.uvl", folder / "rules.csv"
    text = uvl.read_text().rstrip()
    last = text.splitlines()[-1]
    indent = last[: len(last) - len(last.lstrip())]
    more = ["// R901", "N1 => T_NORDIC", "// R902", "N1 => !T_NORDIC"]
    uvl.write_text("\n".join([text, *(indent + line for line in more)]) + "\n")
    rules.write_text(
        rules.read_text().rstrip()
        + "\nR901,requires,,,,,需要。,N1 needs Nordic.\nR902,excludes,,,,,不能。,N1 excludes Nordic.\n"
    )

    code, said = checked(folder)

    assert code == 1
    assert "R901" in said and "R902" in said, said


def test_a_faulty_catalogue_is_not_published(borealis: Town, database: Database, folder: Path) -> None:
    path = folder / "prices.csv"
    path.write_text(path.read_text().replace("*,P_SNOW,0,0", "*,P_NOWHERE,0,0"))

    with borealis.house.unchanged():
        ended = muster("catalogue", "publish", str(folder), "--brand", "borealis", MUSTER_DATABASE_URL=database.url)

    assert ended.returncode == 1
    assert "prices.csv:2" in ended.stderr and "Traceback" not in ended.stderr


def muster(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Muster in a process of its own, with these settings of a demo and no other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return subprocess.run(
        [sys.executable, "-m", "muster", *words],
        cwd=ROOT,
        env=environment | {"MUSTER_DEMO": "1"} | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MUSTER_PORT": "eighty"}, "MUSTER_PORT=eighty"),
        ({"MUSTER_DATABASE_URL": "mysql://somewhere"}, "MUSTER_DATABASE_URL"),
        ({"MUSTER_PROT": "8000"}, "MUSTER_PROT"),
    ],
)
def test_a_broken_setting_stops_the_start_with_one_line(settings: Mapping[str, str], named: str) -> None:
    ended = muster("serve", **settings)

    (line,) = ended.stderr.strip().splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert line.startswith("muster: ") and named in line
