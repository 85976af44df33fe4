"""What the benchmark of the API is driven on: a brand with twelve models, an open pool, buyers with everything in hand.

The demo brand has three models and a list of cars has ten, so each model gets siblings that obey the same rules.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from configurator.model import Context
from configurator.queries import open_showroom
from configurator.service import publish_folder
from configurator.showroom import Showroom
from kernel.actor import system
from kernel.ids import BrandId
from muster.brands import BrandFolder, add_brand_from_folder
from muster.demo.crowd import Buyer
from muster.migrate import upgrade
from muster.settings import read_settings
from muster.wiring import Runtime, wire
from tests.support.launch import QILAN, REGION, prepare_launch

SIBLINGS: Final = ("", "A", "B", "C")
MODELS: Final = ("L5", "S6", "M7")
CHOICES_OF_A_STEP_MAX: Final = 6
CARS_DRAWN: Final = 60
MEMBER_LIMIT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Scene:
    """A prepared database: who may buy in which pool at which store, the models, and some buildable cars' options."""

    pool_id: str
    store_id: str
    buyers: tuple[Buyer, ...]
    models: tuple[str, ...]
    cars: tuple[tuple[str, tuple[str, ...]], ...]


@contextmanager
def opened(database_url: str) -> Iterator[Runtime]:
    """Open a database in this process as a server would."""
    runtime = wire(read_settings({"MUSTER_DATABASE_URL": database_url, "MUSTER_DEMO": "1"}))
    try:
        yield runtime
    finally:
        runtime.works.engine.dispose()


def prepare_scene(database_url: str, folder: Path, *, buyers: int) -> Scene:
    """Migrate an empty database and fill it; `folder` is an empty one for the catalogue's files."""
    with opened(database_url) as runtime:
        upgrade(runtime.works.engine)
        write_brand(folder)
        with runtime.works.change(system(BrandId("platform"))) as work:
            brand = add_brand_from_folder(work, BrandFolder(folder))
            publish_folder(work.acting(system(brand.id)), folder / "catalogue")
        launch = prepare_launch(runtime, buyers=buyers, capacity=MEMBER_LIMIT // 2, member_limit=MEMBER_LIMIT)
        with runtime.works.read(system(brand.id)) as work:
            _, room = open_showroom(work, region=REGION)
            models = tuple(model.code for model in room.catalogue.models)
            return Scene(launch.pool_id, launch.car.store_id, launch.buyers, models, tuple(_draw_cars(room)))


def _draw_cars(room: Showroom) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Draw buildable cars: the lightest under chance weights."""
    chance = Random(7)
    for index in range(CARS_DRAWN):
        model = room.catalogue.models[index % len(room.catalogue.models)].code
        weights = {option.code: chance.randint(-9, 9) for option in room.catalogue.options}
        car = room.engine.minimum({model: True}, Context(REGION, room.context.day), weights)
        assert car is not None, "every model can be built in the east"
        yield model, tuple(sorted(set(car.features) & {option.code for option in room.catalogue.options}))


# --- the catalogue ---------------------------------------------------------------------------------------------------


def siblings(model: str) -> list[str]:
    """Return a model and its siblings."""
    return [model + letter for letter in SIBLINGS]


def write_brand(folder: Path) -> None:
    """Copy the demo brand's files and give every model of it its siblings."""
    shutil.copytree(QILAN, folder, dirs_exist_ok=True)
    catalogue = folder / "catalogue"
    tree = catalogue / "options.uvl"
    tree.write_text(_with_siblings(tree.read_text(encoding="utf-8")), encoding="utf-8")
    for name in ("models.csv", "prices.csv", "parts.csv"):
        _repeat_rows(catalogue / name)
    _widen_conditions(catalogue / "price_rules.csv")


def _with_siblings(text: str) -> str:
    features, word, constraints = text.partition("\nconstraints\n")
    lines = []
    for line in features.split("\n"):
        model = line.strip()
        lines += [line.replace(model, one) for one in siblings(model)] if model in MODELS else [line]
    return "\n".join(lines) + word + "\n".join(_any_sibling(line) for line in constraints.split("\n"))


def _any_sibling(expression: str) -> str:
    """Let a condition on a model hold for its siblings; a comment with a rule's code stays as it is."""
    if expression.strip().startswith("//"):
        return expression
    return re.sub(rf"\b({'|'.join(MODELS)})\b", lambda found: f"({' | '.join(siblings(found.group()))})", expression)


def _repeat_rows(path: Path) -> None:
    """Repeat a model's rows for its siblings; the model stands in the first column."""
    head, *rows = _read(path)
    repeated = [[one, *row[1:]] for row in rows for one in (siblings(row[0]) if row[0] in MODELS else [row[0]])]
    _write(path, [head, *repeated])


def _widen_conditions(path: Path) -> None:
    head, *rows = _read(path)
    when = head.index("when")
    _write(path, [head, *([*row[:when], _any_sibling(row[when]), *row[when + 1 :]] for row in rows)])


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(rows)
