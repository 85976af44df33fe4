"""What a catalogue's part list lacks: a model without one, an option without parts where its like have some.

No fault, for a catalogue can be sold without them: but nothing is called off, and no week waits, for what no row names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from configurator.catalogue import Catalogue
from configurator.catalogue_files import COLUMNS
from configurator.faults import Fault, FaultList
from configurator.file_tables import read_table
from configurator.parts_model import is_effective

PARTS: Final = "parts.csv"


def part_gaps(folder: Path, catalogue: Catalogue) -> tuple[Fault, ...]:
    """Return what parts.csv does not say of a sound catalogue's models and options, by the line that asks for it.

    A model has a part list where a row names it on the catalogue's first day. An option is looked for where another one
    of its category has a part: what nobody can touch, as software or a service, stands in a category of its own.
    """
    return (*_models(folder, catalogue), *_options(folder, catalogue))


def _models(folder: Path, catalogue: Catalogue) -> Iterator[Fault]:
    listed = {part.feature for part in catalogue.parts}
    in_force = {part.feature for part in catalogue.parts if is_effective(part, catalogue.effective_from)}
    for code, line in _lines(folder, "models.csv", "model"):
        if code not in listed:
            yield Fault("models.csv", line, f"{code} has no part list: no row of {PARTS} names it")
        elif code not in in_force:
            day = catalogue.effective_from
            yield Fault("models.csv", line, f"{code} has no part list on {day}: no row of {PARTS} is in force then")


def _options(folder: Path, catalogue: Catalogue) -> Iterator[Fault]:
    tree = catalogue.car_features
    listed = {part.feature for part in catalogue.parts} - tree.always
    has = {option.code for option in catalogue.options if not listed.isdisjoint(tree.of((option.code,)))}
    category_of = {option.code: option.category for option in catalogue.options}
    touched = {category_of[code] for code in has}
    for code, line in _lines(folder, "options.csv", "option"):
        if code not in has and category_of[code] in touched:
            others = f"no row of {PARTS} names it, and other options of {category_of[code]} have some"
            yield Fault("options.csv", line, f"{code} has no parts: {others}")


def _lines(folder: Path, file: str, column: str) -> list[tuple[str, int]]:
    """Return what a table's rows name with their lines; it was read before, and is sound."""
    return [(row.cells[column], row.line) for row in read_table(folder, file, COLUMNS[file], FaultList())]
