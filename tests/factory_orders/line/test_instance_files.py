"""Instance files: what is read, and that a broken one is named with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_orders.line.errors import InstanceBroken
from factory_orders.line.instance_files import read_problem
from factory_orders.line.model import LineCar, Objective, Ratio

CHALLENGE = {
    "vehicles.txt": "Date;SeqRank;Ident;Paint Color;HPRC1;LPRC1\n"
    "2003 38 3;7;A;1;1;0\n2003 38 4;1;B;2;0;1\n2003 38 4;2;C;1;1;1\n",
    "ratios.txt": "Ratio;Prio;Ident;\n1/2;1;HPRC1;\n2/5;0;LPRC1;\n",
    "paint_batch_limit.txt": "limitation;\n10;",
    "optimization_objectives.txt": "rank;objective name;\n1;paint_color_batches;\n"
    "2;high_priority_level_and_easy_to_satisfy_ratio_constraints;\n3;low_priority_level_ratio_constraints;\n",
}
CSPLIB = "% made here\n5 2 3\n1 2\n2 3\n0 2 1 0\n1 1 0 1\n2 2 0 0\n"


def challenge(folder: Path, **changed: str) -> Path:
    """Write a challenge folder with some files changed; an empty text leaves a file out."""
    folder.mkdir()
    for name, text in {**CHALLENGE, **{f"{name}.txt": text for name, text in changed.items()}}.items():
        if text:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def csplib(folder: Path, text: str) -> Path:
    file = folder / "made.txt"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_challenge_folder_is_read_with_the_day_before_as_tail(tmp_path: Path) -> None:
    problem = read_problem(challenge(tmp_path / "made"))

    assert problem.name == "made"
    assert problem.tail == (LineCar("A", "1", frozenset({"HPRC1"})),)
    assert problem.cars == (LineCar("B", "2", frozenset({"LPRC1"})), LineCar("C", "1", frozenset({"HPRC1", "LPRC1"})))
    assert problem.ratios == (Ratio("HPRC1", 1, 2, high=True), Ratio("LPRC1", 2, 5, high=False))
    assert problem.objectives == (Objective.PAINT, Objective.HIGH, Objective.LOW)
    assert problem.paint_run_max == 10


def test_a_csplib_file_is_read_class_by_class(tmp_path: Path) -> None:
    problem = read_problem(csplib(tmp_path, CSPLIB))

    assert [car.id for car in problem.cars] == ["0.0", "0.1", "1.0", "2.0", "2.1"]
    assert [sorted(car.options) for car in problem.cars] == [["0"], ["0"], ["1"], [], []]
    assert problem.ratios == (Ratio("0", 1, 2), Ratio("1", 2, 3))
    assert problem.whole_windows_only and problem.paint_run_max is None


VEHICLES, RATIOS = CHALLENGE["vehicles.txt"], CHALLENGE["ratios.txt"]


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("vehicles", "", 0, "cannot be read: No such file or directory"),
        ("vehicles", VEHICLES.replace("B;2;0;1", "B;2;0"), 3, "has 5 cells instead of 6"),
        ("vehicles", VEHICLES.replace("B;2;0;1", "B;2;0;7"), 3, "LPRC1 must be 0 or 1"),
        ("vehicles", VEHICLES.replace("2;C;", "1;C;"), 4, "rank 1 of 2003 38 4 is there already"),
        ("vehicles", VEHICLES.replace("LPRC1", "LPRC9"), 1, "has no column for LPRC1"),
        ("vehicles", VEHICLES.replace("LPRC1", "LPRC1;LPRC1"), 1, "has more than one column for LPRC1"),
        ("vehicles", VEHICLES + "2003 38 5;1;D;2;0;1\n", 5, "begins a third day"),
        ("vehicles", "Date;SeqRank;Ident;Paint Color;HPRC1;LPRC1\n", 0, "has no car"),
        ("ratios", RATIOS.replace("1/2", "12"), 2, "a ratio is written p/q, not '12'"),
        ("ratios", RATIOS.replace("1/2", "3/2"), 2, "at most 3 in 2 limits nothing"),
        ("ratios", RATIOS.replace("1/2", "1/999999999"), 2, "windows of up to 1000 cars are read, not of 999999999"),
        ("ratios", RATIOS.replace("1/2", "0/2"), 2, "p must be a whole number from 1, not '0'"),
        ("ratios", RATIOS.replace(";0;LPRC1", ";2;LPRC1"), 3, "a priority is 1 (high) or 0 (low), not '2'"),
        ("ratios", RATIOS.replace("LPRC1", "HPRC1"), 3, "HPRC1 has a ratio already"),
        ("ratios", "Ratio;Prio;Ident;\n", 0, "has no ratio"),
        ("paint_batch_limit", "limitation;\nmany;", 2, "the paint batch limit must be a whole number from 1"),
        ("paint_batch_limit", "limitation;\n", 0, "has 0 limits instead of one"),
        ("optimization_objectives", "rank;objective name;\n2;paint_color_batches;\n", 2, "rank 2 is out of order"),
        ("optimization_objectives", "rank;objective name;\n1;beauty;\n", 2, "'beauty' is no objective"),
        ("optimization_objectives", "rank;objective name;\n", 0, "has no objective"),
    ],
)
def test_a_broken_challenge_folder_is_refused(tmp_path: Path, name: str, text: str, line: int, reason: str) -> None:
    folder = challenge(tmp_path / "made", **{name: text})

    with pytest.raises(InstanceBroken) as refused:
        read_problem(folder)

    assert (refused.value.file, refused.value.line) == (str(folder / f"{name}.txt"), line)
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 0, "ends where the number of cars should be"),
        (CSPLIB.replace("2 2 0 0\n", ""), 6, "ends where a class should be"),
        (CSPLIB.replace("1 1 0 1", "1 1 0 x"), 6, "must be a whole number, not 'x'"),
        (CSPLIB.replace("1 1 0 1", "1 1 0 3"), 6, "the options of class 1 must be 0 or 1"),
        (CSPLIB.replace("0 2 1 0", "0 9 1 0"), 5, "more than the 5 cars"),
        (CSPLIB.replace("2 2 0 0", "2 1 0 0"), 7, "the classes have 4 cars, the first line says 5"),
        (CSPLIB.replace("\n2 3\n", "\n0 3\n"), 4, "p must be from 1 to q"),
        (CSPLIB.replace("\n2 3\n", "\n2 999999999\n"), 4, "windows of up to 1000 cars are read, not of 999999999"),
        (CSPLIB + "9\n", 8, "'9' after the last class"),
        (CSPLIB.replace("5 2 3", "5 99 3"), 2, "5 cars with 99 options"),
    ],
)
def test_a_broken_csplib_file_is_refused(tmp_path: Path, text: str, line: int, reason: str) -> None:
    file = csplib(tmp_path, text)

    with pytest.raises(InstanceBroken) as refused:
        read_problem(file)

    assert (refused.value.file, refused.value.line) == (str(file), line)
    assert reason in refused.value.reason
