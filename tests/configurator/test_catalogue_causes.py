"""One slip in a catalogue's files is one fault: what only follows from it is not reported, file after file, as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from configurator.catalogue_files import inspect_folder
from tests.configurator.small_brand import copied_folder

SUPPLIERS = "supplier,zh,en\nfir_body,甲,A\nfir_wheels,乙,B\n"
TWICE = "unknown category 'Paint'; it stands in 2 more rows, the next is line 3"


def faults_of(folder: Path) -> list[tuple[str, int, str]]:
    _, faults = inspect_folder(folder)
    return [(fault.file, fault.line, fault.reason) for fault in faults]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("options.csv", "Paint,", "Pain,", [("options.csv", 2, TWICE.replace("Paint", "Pain"))]),
        (
            "categories.csv",
            "Paint,",
            "Pain,",
            [("categories.csv", 2, "category 'Pain' stands nowhere in options.uvl"), ("options.csv", 2, TWICE)],
        ),
        (
            "models.csv",
            "A1,",
            "A9,",
            [
                ("models.csv", 2, "unknown model 'A9'; options.uvl has no such model"),
                ("options.uvl", 8, "model 'A1' has no row in models.csv"),
            ],
        ),
        (
            "options.csv",
            "HOOK,",
            "HOK,",
            [
                ("options.csv", 11, "unknown option 'HOK'; options.uvl has no such option"),
                ("options.uvl", 30, "option 'HOOK' has no row in options.csv"),
            ],
        ),
        (
            "options.csv",
            "HOOK,Extras,0",
            "HOOK,Extras,0,0",
            [("options.csv", 11, "has 12 cells where the header has 11; check the commas")],
        ),
        (
            "options.uvl",
            "W19 => PT_BIG",
            "W19 => PT_HUGE",
            [("options.uvl", 36, "rule R001: unknown feature 'PT_HUGE'; it stands nowhere under `features`")],
        ),
        (
            "options.uvl",
            "\t\t\t\t\tRED",
            "\t\t\t\tRED",
            [
                ("options.uvl", 11, "the group has no features below it"),
                (
                    "options.uvl",
                    12,
                    "stands right below the feature 'Paint'; a group line such as `optional` is missing",
                ),
            ],
        ),
        (
            "models.csv",
            "fir_south",
            "fir/south",
            [("models.csv", 3, "plant must be letters, digits, _ . or -, at most 60, not 'fir/south'")],
        ),
    ],
)
def test_a_slip_is_named_where_it_is_and_not_where_it_shows(
    tmp_path: Path, file: str, old: str, new: str, expected: list[tuple[str, int, str]]
) -> None:
    path = copied_folder(tmp_path / "catalogue") / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    assert faults_of(path.parent) == expected


@pytest.mark.parametrize("file", ["models.csv", "categories.csv", "options.csv", "rules.csv"])
def test_a_table_whose_header_is_broken_is_one_fault(tmp_path: Path, file: str) -> None:
    path = copied_folder(tmp_path / "catalogue") / file
    path.write_text(path.read_text(encoding="utf-8").replace("zh,en", "zh", 1), encoding="utf-8")

    assert [(fault[0], fault[1]) for fault in faults_of(path.parent)] == [(file, 1)]


def test_a_part_comes_from_a_supplier_that_the_brand_has(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "fir" / "catalogue")
    network = tmp_path / "fir" / "network"
    network.mkdir()
    (network / "suppliers.csv").write_text(SUPPLIERS, encoding="utf-8")
    sound = faults_of(folder)
    parts = folder / "parts.csv"
    parts.write_text(parts.read_text(encoding="utf-8").replace("fir_wheels", "oak_wheels"), encoding="utf-8")

    unknown = faults_of(folder)
    (network / "suppliers.csv").write_text("supplier,zh\n", encoding="utf-8")
    torn = faults_of(folder)
    (network / "suppliers.csv").unlink()

    assert sound == faults_of(folder) == []
    assert unknown == [("parts.csv", 3, "the brand has no supplier 'oak_wheels' in network/suppliers.csv")]
    assert [(file, line) for file, line, _ in torn] == [("network/suppliers.csv", 1)]
