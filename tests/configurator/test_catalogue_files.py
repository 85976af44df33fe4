"""Catalogue folders: read whole, round trip through JSON, and every fault named with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from configurator.catalogue import OptionPrice
from configurator.catalogue_files import inspect_folder, read_catalogue
from configurator.catalogue_json import content_hash, decode_catalogue, encode_catalogue
from configurator.catalogue_report import check_folder, diff_catalogues
from configurator.errors import CatalogueFaulty
from configurator.feature_tree import GroupKind, TreeGroup, decided_by_tree
from tests.configurator.engine.artefacts import DEMO
from tests.configurator.small_brand import FOLDER, copied_folder, small_catalogue

Edit = Callable[[str], str]
HEADER_FAULT = (
    "the header must be model,platform,plant,energy,base_price_yuan,cost_yuan,zh,en; "
    "missing ['en'], unknown or repeated []"
)


def replaced(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


def added(line: str) -> Edit:
    return lambda text: text + line + "\n"


def faults_after(folder: Path, file: str, edit: Edit) -> list[tuple[str, int, str]]:
    path = copied_folder(folder / "catalogue") / file
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    _, faults = inspect_folder(path.parent)
    return [(fault.file, fault.line, fault.reason) for fault in faults]


def test_a_sound_folder_becomes_one_value() -> None:
    catalogue = small_catalogue()

    assert (catalogue.brand, catalogue.label, catalogue.effective_from) == ("fir", "2026.1", date(2026, 1, 1))
    assert [model.code for model in catalogue.models] == ["A1", "B2"]
    assert len(catalogue.options) == 12
    assert catalogue.price_of(model="B2", option="PT_BIG") == OptionPrice("B2", "PT_BIG", 3_000_000, 2_000_000)
    assert catalogue.price_of(model="B2", option="HOOK") == OptionPrice("*", "HOOK", 200_000, 120_000)
    assert catalogue.rule_by_code["R003"].condition.regions == ("north",)
    assert catalogue.rule_by_code["R001"].line == 36


def test_a_catalogue_survives_json_and_keeps_its_content_hash() -> None:
    catalogue = small_catalogue()

    again = decode_catalogue(json.loads(json.dumps(encode_catalogue(catalogue))))

    assert again == catalogue
    assert content_hash(again) == content_hash(catalogue)


def test_the_layout_of_the_files_does_not_change_the_content_hash(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    uvl = folder / "options.uvl"
    uvl.write_text("// a remark on top\n\n" + uvl.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "models.csv").write_bytes((folder / "models.csv").read_bytes().replace(b"\n", b"\r\n"))

    assert content_hash(read_catalogue(folder)) == content_hash(small_catalogue())


@pytest.mark.parametrize(
    ("file", "edit", "expected"),
    [
        ("catalogue.toml", replaced('brand = "fir"\n', ""), ("catalogue.toml", 0, 'needs a line brand = "…"')),
        (
            "catalogue.toml",
            replaced("2026-01-01", '"soon"'),
            ("catalogue.toml", 0, "needs a line effective_from = 2026-10-01 (a day without quotes)"),
        ),
        (
            "options.uvl",
            replaced("RED\n", "RED\n\t\t\t\t\tPINK\n"),
            ("options.uvl", 13, "option 'PINK' has no row in options.csv"),
        ),
        (
            "options.uvl",
            replaced("B2\n", "B2\n\t\t\t\t\tC3\n"),
            ("options.uvl", 10, "model 'C3' has no row in models.csv"),
        ),
        (
            "options.uvl",
            added("\t// R099\n\tROOF => HEAT"),
            ("options.uvl", 46, "rule R099 has no row in rules.csv"),
        ),
        (
            "options.uvl",
            replaced("W19 => PT_BIG", "W19 => PT_HUGE"),
            (
                "options.uvl",
                36,
                "rule R001: unknown feature 'PT_HUGE'; it stands nowhere under `features`",
            ),
        ),
        (
            "models.csv",
            replaced("BEV", "STEAM"),
            ("models.csv", 2, "energy must be one of BEV, PHEV, FCEV, ICE, not 'STEAM'"),
        ),
        (
            "models.csv",
            replaced("100000", "100000.50"),
            (
                "models.csv",
                2,
                "base_price_yuan must be whole yuan, not negative, not '100000.50'",
            ),
        ),
        (
            "models.csv",
            replaced("fir_south", "fir/south"),
            ("models.csv", 3, "plant must be letters, digits, _ . or -, at most 60, not 'fir/south'"),
        ),
        ("models.csv", added("A1,F1,fir_north,BEV,1,1,甲,A"), ("models.csv", 4, "duplicate of line 2")),
        (
            "models.csv",
            replaced(",zh,en", ",zh"),
            (
                "models.csv",
                1,
                HEADER_FAULT,
            ),
        ),
        (
            "models.csv",
            replaced("乙二,B2", "乙二"),
            ("models.csv", 3, "has 7 cells where the header has 8; check the commas"),
        ),
        ("options.csv", replaced("红,Red", ",Red"), ("options.csv", 2, "missing zh")),
        (
            "options.csv",
            replaced("HOOK,Extras,0", "HOOK,Extras,yes"),
            ("options.csv", 11, "long_lead must be 0 or 1, not 'yes'"),
        ),
        (
            "options.csv",
            replaced("HOOK,Extras", "HOOK,Paint"),
            (
                "options.csv",
                11,
                "'HOOK' does not stand below 'Paint' in options.uvl",
            ),
        ),
        ("options.csv", replaced("HOOK,Extras", "HOOK,Towing"), ("options.csv", 11, "unknown category 'Towing'")),
        (
            "options.csv",
            replaced("2026-06-01", "June"),
            (
                "options.csv",
                12,
                "first_day must be a day such as 2026-10-01, not 'June'",
            ),
        ),
        (
            "options.csv",
            replaced("2026-06-01", "2028-06-01"),
            (
                "options.csv",
                12,
                "last_day 2027-03-31 lies before first_day 2028-06-01",
            ),
        ),
        (
            "options.csv",
            added("SAIL,Extras,0,0,,,,帆,Sail,,"),
            (
                "options.csv",
                14,
                "unknown option 'SAIL'; options.uvl has no such option",
            ),
        ),
        (
            "categories.csv",
            added("Sails,帆,Sails,9"),
            ("categories.csv", 7, "category 'Sails' stands nowhere in options.uvl"),
        ),
        ("prices.csv", added("*,SAIL,1,1"), ("prices.csv", 15, "unknown option 'SAIL'")),
        ("prices.csv", added("C3,RED,1,1"), ("prices.csv", 15, "unknown model 'C3'")),
        ("prices.csv", added("*,RED,1,1"), ("prices.csv", 15, "duplicate of line 2")),
        (
            "prices.csv",
            replaced("B2,PT_BIG,30000,20000\n", ""),
            (
                "prices.csv",
                0,
                "missing price of option 'PT_BIG' for model 'B2'",
            ),
        ),
        ("rules.csv", added("R050,requires,,,,,无,None."), ("rules.csv", 8, "rule R050 stands nowhere in options.uvl")),
        (
            "rules.csv",
            replaced("R002,excludes", "R002,forbids"),
            (
                "rules.csv",
                3,
                "kind must be one of requires, excludes, cardinality, regional, plant, date, not 'forbids'",
            ),
        ),
        (
            "rules.csv",
            replaced("fir_south", "fir_west"),
            (
                "rules.csv",
                5,
                "unknown plant 'fir_west'; models.csv has ['fir_north', 'fir_south']",
            ),
        ),
        (
            "rules.csv",
            replaced("G_Paint,cardinality,", "G_Paint,cardinality,north"),
            (
                "rules.csv",
                7,
                "rule G_Paint names a group and cannot depend on place or day",
            ),
        ),
        (
            "rules.csv",
            replaced("R003,regional,north,,,,北方地区须配座椅加热。", "R003,regional,north,,,,"),
            ("rules.csv", 4, "missing zh"),
        ),
        (
            "price_rules.csv",
            replaced("HOOK & HEAT", "HOOK &"),
            (
                "price_rules.csv",
                2,
                "when: ends too early; an operand is missing",
            ),
        ),
        ("price_rules.csv", replaced("HOOK & HEAT", "HOOK & SAIL"), ("price_rules.csv", 2, "unknown feature 'SAIL'")),
        (
            "parts.csv",
            replaced("W19,FIR-W19,4", "W19,FIR-W19,0"),
            (
                "parts.csv",
                3,
                "quantity must be a whole number from 1 on, not '0'",
            ),
        ),
        ("parts.csv", replaced("A1,FIR", "A9,FIR"), ("parts.csv", 2, "unknown feature 'A9'")),
        (
            "parts.csv",
            added('"open,quote,1,x,1,,'),
            ("parts.csv", 4, "cannot be read as CSV from here on: unexpected end of data; check the quotes"),
        ),
    ],
)
def test_a_fault_is_named_with_file_and_line(
    tmp_path: Path, file: str, edit: Edit, expected: tuple[str, int, str]
) -> None:
    assert expected in faults_after(tmp_path, file, edit)


def test_prices_and_parts_name_no_feature_that_only_a_rule_brings(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    for file, edit in (
        ("options.uvl", replaced("\t\toptional\n", "\t\toptional\n\t\t\tWinter {abstract}\n")),
        ("options.uvl", added("\t// R080\n\tWinter <=> HOOK & PT_BIG")),
        ("rules.csv", added("R080,requires,,,,,冬季,Winter.")),
        ("price_rules.csv", added("P002,Extras & Paint & !Winter,-100,优惠,Off.")),
        ("parts.csv", added("Extras,FIR-EXTRAS,1,ACME,10,,\nWinter,FIR-WINTER,1,ACME,10,,")),
    ):
        (folder / file).write_text(edit((folder / file).read_text(encoding="utf-8")), encoding="utf-8")

    _, faults = inspect_folder(folder)

    reason = "the tree alone does not say by a car's model and options whether it has 'Winter'; name those instead"
    assert [(fault.file, fault.line, fault.reason) for fault in faults] == [
        ("parts.csv", 5, reason),
        ("price_rules.csv", 3, reason),
    ]


def test_the_tree_decides_what_always_comes_with_an_option_and_what_is_mandatory_in_that() -> None:
    groups = [
        TreeGroup("Root", GroupKind.MANDATORY, 2, 2, ("Paint", "Always"), 1),
        TreeGroup("Root", GroupKind.OPTIONAL, 0, 3, ("Pack", "Extras", "Bundle"), 2),
        TreeGroup("Paint", GroupKind.ALTERNATIVE, 1, 1, ("RED", "Plain"), 3),
        TreeGroup("Pack", GroupKind.MANDATORY, 2, 2, ("HEAT", "Wires"), 4),
        TreeGroup("Extras", GroupKind.OR, 1, 2, ("HOOK", "ROOF"), 5),
        TreeGroup("Bundle", GroupKind.OPTIONAL, 0, 1, ("TENT",), 6),
        TreeGroup("Always", GroupKind.ALTERNATIVE, 1, 1, ("Only",), 7),
    ]
    features = ["Root", *(name for group in groups for name in group.members)]

    decided = decided_by_tree(features, groups, {"RED", "HEAT", "HOOK", "ROOF", "TENT"})

    assert set(features) - decided == {"Plain", "Bundle", "Only"}


@pytest.mark.parametrize("file", ["catalogue.toml", "options.uvl", "models.csv", "rules.csv", "parts.csv"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    (folder / file).unlink()

    _, faults = inspect_folder(folder)

    assert (file, 0, "is missing") in [(fault.file, fault.line, fault.reason) for fault in faults]


def test_a_contradiction_names_the_fewest_rules_with_their_lines(tmp_path: Path) -> None:
    rules = ("W17 => W19", "W19 => GOLD", "!GOLD", "HOOK => ROOF")
    folder = copied_folder(tmp_path / "catalogue")
    with (folder / "options.uvl").open("a") as uvl, (folder / "rules.csv").open("a") as table:
        for number, rule in enumerate(rules, start=80):
            uvl.write(f"\t// R0{number}\n\t{rule}\n")
            table.write(f"R0{number},requires,,,,,规则,Rule.\n")

    _, faults = inspect_folder(folder)

    assert [(fault.file, fault.line) for fault in faults] == [("options.uvl", 16)]
    assert faults[0].reason == (
        "contradiction: no car can be built on 2026-01-01; these rules exclude each other: "
        "G_Wheels (line 16), R080 (line 46), R081 (line 48), R082 (line 50)"
    )


def test_an_option_that_no_car_can_have_is_named_with_the_rules_that_forbid_it(tmp_path: Path) -> None:
    found = faults_after(tmp_path, "options.uvl", replaced("!(ROOF & HOOK)", "(HOOK => ROOF) & (ROOF => !HOOK)"))

    assert found == [
        ("options.uvl", 38, "dead: no car can have 'HOOK', because of: R002 (line 38)"),
    ]


def test_an_option_whose_window_is_over_before_the_first_day_is_dead(tmp_path: Path) -> None:
    found = faults_after(tmp_path, "options.csv", replaced("2026-06-01,2027-03-31", ",2025-12-31"))

    assert [(file, reason) for file, _, reason in found] == [
        ("options.uvl", "dead: no car can have 'ROOF', because of: UNTIL_ROOF")
    ]


def test_a_faulty_folder_is_refused_with_all_its_faults(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    (folder / "prices.csv").write_text("model,option,price_yuan,cost_yuan\nA9,SAIL,x,1\n", encoding="utf-8")

    with pytest.raises(CatalogueFaulty) as refused:
        read_catalogue(folder)

    assert [(fault.file, fault.line) for fault in refused.value.faults] == [("prices.csv", 2)] * 3
    assert "prices.csv:2: unknown model 'A9'" in refused.value.text("en")


def test_a_check_tells_a_person_what_is_there_and_what_is_wrong(tmp_path: Path) -> None:
    sound = check_folder(FOLDER)
    faulty = check_folder(tmp_path / "nowhere")

    assert not sound.faults
    assert sound.lines()[0].endswith(
        "fir 2026.1 is sound: 2 models, 12 options, 7 rules, 1 requires, 1 excludes, 1 cardinality, 1 regional, "
        "1 plant, 1 date, 1 price, 2 parts"
    )
    assert faulty.faults
    assert faulty.lines()[1].endswith("nowhere: is not a folder")


def test_a_check_says_which_parts_nobody_would_call_off(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    known = check_folder(folder)
    parts = folder / "parts.csv"
    rows = replaced("FIR-BODY-A,1,fir_body,14,,", "FIR-BODY-A,1,fir_body,14,2026-02-01,")(
        parts.read_text(encoding="utf-8")
    )
    parts.write_text(rows + "HOOK,FIR-HOOK,1,fir_body,14,,\nPaint,FIR-PAINT,1,fir_body,14,,\n", encoding="utf-8")

    later = check_folder(folder)

    assert [str(gap) for gap in known.part_gaps] == [
        "models.csv:3: B2 has no part list: no row of parts.csv names it",
        "options.csv:5: W17 has no parts: no row of parts.csv names it, and other options of Wheels have some",
    ]
    assert known.lines()[2:] == [f"  part list: {gap}" for gap in known.part_gaps]
    assert [(gap.file, gap.line, gap.reason.split(":")[0]) for gap in later.part_gaps] == [
        ("models.csv", 2, "A1 has no part list on 2026-01-01"),
        ("models.csv", 3, "B2 has no part list"),
        ("options.csv", 5, "W17 has no parts"),
        ("options.csv", 12, "ROOF has no parts"),
        ("options.csv", 13, "HEAT has no parts"),
    ]


def test_software_and_services_need_no_parts() -> None:
    assert check_folder(DEMO).part_gaps == ()


def test_a_difference_is_told_in_lines_that_people_read(tmp_path: Path) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    for file, edit in (
        ("prices.csv", replaced("*,HOOK,2000,1200", "*,HOOK,2500,1200")),
        ("options.uvl", replaced("W19 => PT_BIG", "W19 => PT_BIG & BLUE")),
        ("price_rules.csv", added("P002,W19,-100,优惠,Off.")),
    ):
        (folder / file).write_text(edit((folder / file).read_text(encoding="utf-8")), encoding="utf-8")

    lines = diff_catalogues(small_catalogue(), read_catalogue(folder)).lines()

    big = "The 19 inch wheels need the big motor. / 19寸轮毂需要大动力。"
    assert lines == [
        f"~ rule R001: W19 => PT_BIG ({big}) -> W19 => (PT_BIG & BLUE) ({big})",
        "~ price HOOK (*): ¥2,000 (cost ¥1,200) -> ¥2,500 (cost ¥1,200)",
        "+ price rule P002: -¥100 if W19 (Off.)",
    ]
    assert diff_catalogues(small_catalogue(), small_catalogue()).lines() == ["nothing differs"]
