"""Part lists with assemblies: everything below is taken, in time, and a part that contains itself is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator import assemblies
from configurator.assemblies import TooManyParts, find_circle, resolve
from configurator.catalogue_files import inspect_folder
from configurator.parts_model import PartUse
from tests.configurator.small_brand import copied_folder

DAY = date(2026, 11, 23)


def row(feature: str, part: str, quantity: int = 1, lead: int = 7, **days: date | None) -> PartUse:
    return PartUse(feature, part, quantity, f"of {part}", lead, days.get("first"), days.get("last"))


def test_what_an_assembly_is_made_of_is_taken_as_often_and_earlier() -> None:
    parts = [row("A1", "AXLE", 2, 10), row("AXLE", "BEARING", 4, 20), row("BEARING", "BALL", 9, 5)]

    found = resolve(parts)

    assert found == (
        row("A1", "AXLE", 2, 10),
        PartUse("A1", "BEARING", 8, "of BEARING", 30, None, None),
        PartUse("A1", "BALL", 72, "of BALL", 35, None, None),
    )


def test_a_part_below_is_taken_on_the_days_of_every_row_on_the_way() -> None:
    until, since = row("A1", "AXLE", last=DAY), row("AXLE", "OLD", first=DAY.replace(day=1))
    never = row("AXLE", "NEW", first=date(2026, 12, 1))

    found = resolve([until, since, never])

    assert [(one.part, one.first_day, one.last_day) for one in found] == [
        ("AXLE", None, DAY),
        ("OLD", DAY.replace(day=1), DAY),
    ]


def test_lists_without_assemblies_stay_as_they_are() -> None:
    parts = (row("A1", "BODY"), row("W19", "WHEEL", 4), row("A1", "WHEEL", 1))

    assert resolve(parts) == parts


def test_a_part_that_contains_itself_is_found_by_its_way() -> None:
    parts = [row("A1", "X"), row("X", "Y"), row("Y", "Z"), row("Z", "Y")]

    assert find_circle(parts) == ("Y", "Z")
    assert find_circle(parts[:3]) == ()
    assert find_circle([row("X", "X")]) == ("X",)


def test_lists_that_multiply_beyond_any_car_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [row("A1", "P0")] + [
        row(f"P{n}", f"P{n + 1}", first=date(2026, 1, k + 1)) for n in range(20) for k in (0, 1)
    ]
    monkeypatch.setattr(assemblies, "ROWS_MAX", 1_000)

    with pytest.raises(TooManyParts):
        resolve(parts)


names = st.sampled_from(("P0", "P1", "P2", "P3", "P4"))


@given(st.lists(st.tuples(names, names), max_size=8, unique=True))
def test_a_circle_is_found_exactly_where_a_part_reaches_itself(pairs: list[tuple[str, str]]) -> None:
    reach = {name: {below for above, below in pairs if above == name} for name, _ in pairs}
    for _ in range(5):
        reach = {name: found | {x for one in found for x in reach.get(one, ())} for name, found in reach.items()}

    circle = find_circle([row(above, below) for above, below in pairs])

    assert bool(circle) == any(name in found for name, found in reach.items())
    assert all((one, after) in pairs for one, after in zip(circle, (*circle[1:], *circle[:1]), strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 3)), max_size=7, unique_by=lambda r: r[:2])
)
def test_quantities_agree_with_walking_every_way(rows: list[tuple[int, int, int]]) -> None:
    parts = [row("F", "P0"), *(row(f"P{a}", f"P{b}", quantity) for a, b, quantity in rows if a < b)]

    def walk(name: str, times: int) -> dict[str, int]:
        total: dict[str, int] = {name: times}
        for one in parts:
            if one.feature == name:
                for part, number in walk(one.part, times * one.quantity).items():
                    total[part] = total.get(part, 0) + number
        return total

    found: dict[str, int] = {}
    for one in resolve(parts):
        if one.feature == "F":
            found[one.part] = found.get(one.part, 0) + one.quantity

    assert found == walk("P0", 1)


def test_the_files_of_a_catalogue_may_hold_assemblies_and_no_circle(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "small")
    file = folder / "parts.csv"
    sound = file.read_text() + "FIR-BODY-A,FIR-SHEET,3,fir_steel,10,,\n"
    file.write_text(sound)

    catalogue, faults = inspect_folder(folder)
    assert (faults, catalogue is not None) == ((), True)
    assert catalogue is not None
    sheets = [one for one in catalogue.parts if one.part == "FIR-SHEET"]
    assert sheets == [PartUse("A1", "FIR-SHEET", 3, "fir_steel", 24, None, None)]
    file.write_text(sound + "FIR-SHEET,FIR-BODY-A,1,fir_steel,10,,\n")

    _, faults = inspect_folder(folder)

    assert [(one.file, one.line, one.reason) for one in faults] == [
        ("parts.csv", 5, "the part list goes in a circle: FIR-BODY-A > FIR-SHEET > FIR-BODY-A")
    ]
    file.write_text(file.read_text().replace("A1,FIR-BODY-A", "A7,FIR-BODY-A"))
    assert any("unknown feature 'A7'" in one.reason for one in inspect_folder(folder)[1])
