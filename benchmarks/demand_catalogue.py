"""The catalogue whose cars the demand benchmark counts: as many rules between options as the demo brand's, drawn once.

Whatever a rule asks for is the first option of a category, and nothing speaks against that one: so drawn cars are made
to keep all rules in one pass.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from configurator.catalogue_files import COLUMNS, read_catalogue
from configurator.model import VersionId
from configurator.service import publish_catalogue
from kernel import registry
from kernel.actor import Actor, Role
from kernel.ids import AccountId, BrandId, PlantId
from kernel.work import Works

Array: TypeAlias = np.ndarray[Any, Any]
BRAND: Final = BrandId("b" * 32)
PLANNER: Final = Actor(BRAND, frozenset({Role.PLANNER}), AccountId("a" * 32))
MODELS: Final = ("L5", "S6", "M7")
REGIONS: Final = ("east", "north", "south", "west", "central", "northeast")
CATEGORIES: Final = {
    "Paint": 9,
    "Wheels": 8,
    "Interior": 7,
    "Seating": 6,
    "Powertrain": 7,
    "Trim": 8,
    "Assistance": 4,
    "Lights": 4,
    "Grille": 5,
    "Audio": 3,
}
MENU: Final = {name: [f"{name.upper()}_{place}" for place in range(size)] for name, size in CATEGORIES.items()}
OPTIONS: Final = [code for codes in MENU.values() for code in codes]
REQUIRES: Final = 60
EXCLUDES: Final = 44


def draw_rules() -> list[tuple[str, str, bool]]:
    """Return rules as (option, other option, whether it needs that one; else it excludes it), each once."""
    chance = np.random.default_rng(5)
    names = list(MENU)
    rules: dict[tuple[str, str], bool] = {}
    while len(rules) < REQUIRES + EXCLUDES:
        first, second = (names[one] for one in chance.choice(len(names), 2, replace=False))
        option = MENU[first][int(chance.integers(1, CATEGORIES[first]))]
        needs = len(rules) < REQUIRES
        other = MENU[second][0 if needs else int(chance.integers(1, CATEGORIES[second]))]
        rules.setdefault((option, other), needs)
    return [(option, other, needs) for (option, other), needs in rules.items()]


def keep_rules(chosen: Array) -> None:
    """Change drawn cars, one a row with a column an option, so that they keep all rules: the first option gives way."""
    column = {code: place for place, code in enumerate(OPTIONS)}
    category = {code: codes for codes in MENU.values() for code in codes}
    for option, other, needs in draw_rules():
        has, has_other = chosen[:, column[option]] == 1, chosen[:, column[other]] == 1
        broken = has & ~has_other if needs else has & has_other
        chosen[np.ix_(broken, [column[code] for code in category[other]])] = 0
        chosen[broken, column[category[other][0]]] = 1


def publish(works: Works, folder: Path) -> VersionId:
    """Write the brand, and its catalogue by way of the files that planners write; returns the version's id."""
    name = {"zh-CN": "冷杉", "en": "Fir"}
    with works.change(Actor(BRAND)) as work:
        registry.add_brand(
            work, registry.Brand(BRAND, "fir", name, "LZZ"), [registry.Region(one, name) for one in REGIONS]
        )
        registry.add_plants(work, [registry.Plant(PlantId("c" * 32), BRAND, "fir_north", name, name, 31.0, 120.0, 100)])
    _write(folder)
    with works.change(PLANNER) as work:
        return publish_catalogue(work, read_catalogue(folder))


def _write(folder: Path) -> None:
    folder.mkdir()
    rules = draw_rules()
    tables = {
        "models.csv": [",".join(COLUMNS["models.csv"])]
        + [f"{model},F1,fir_north,BEV,150000,100000,{model},{model}" for model in MODELS],
        "categories.csv": [",".join(COLUMNS["categories.csv"])]
        + [f"{name},{name},{name},{place}" for place, name in enumerate(CATEGORIES, start=1)],
        "options.csv": [",".join(COLUMNS["options.csv"])]
        + [f"{code},{name},0,0,,,,{code},{code},," for name, codes in MENU.items() for code in codes],
        "prices.csv": [",".join(COLUMNS["prices.csv"]), *(f"*,{code},0,0" for code in OPTIONS)],
        "rules.csv": [",".join(COLUMNS["rules.csv"])]
        + [f"R{number:03},{'requires' if one[2] else 'excludes'},,,,,一,One." for number, one in enumerate(rules)]
        + [f"G_{name},cardinality,,,,,一,One." for name in CATEGORIES],
        "price_rules.csv": [",".join(COLUMNS["price_rules.csv"])],
        "parts.csv": [",".join(COLUMNS["parts.csv"])],
        "catalogue.toml": [
            'brand = "fir"',
            'version = "2026.1"',
            "effective_from = 2026-01-01",
            'currency = "CNY"',
            'changes_zh = "一"',
            'changes_en = "One"',
        ],
        "options.uvl": ["namespace Fir", "", "features", "\tFir {abstract}", "\t\tmandatory"]
        + [
            line
            for name, codes in ({"Model": MODELS} | MENU).items()
            for line in (f"\t\t\t{name} {{abstract}}", "\t\t\t\talternative", *(f"\t\t\t\t\t{one}" for one in codes))
        ]
        + ["", "constraints"]
        + [
            line
            for number, (option, other, needs) in enumerate(rules)
            for line in (f"\t// R{number:03}", f"\t{option} => {other}" if needs else f"\t!({option} & {other})")
        ],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
