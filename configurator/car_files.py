"""Reads cars that somebody holds to from a file: one JSON object a line; every fault with its line and reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from configurator.breaking import KeptCar
from configurator.faults import Fault, FaultList
from configurator.model import CHOICES_MAX

CARS_MAX: Final = 200_000
FIELDS: Final = frozenset({"id", "model", "options", "region", "price_minor"})


def read_cars(path: Path) -> tuple[tuple[KeptCar, ...], tuple[Fault, ...]]:
    """Read `{"id": "17", "model": "L5", "options": ["…"], "region": "east", "price_minor": 12980000}` a line.

    `model` and `options` are needed; without an id the line's number stands for it. Blank lines are passed over.
    """
    faults = FaultList()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.add(path.name, 0, f"cannot be read as UTF-8 text: {error.__class__.__name__}")
        return (), faults.sorted()
    cars: list[KeptCar] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if len(cars) >= CARS_MAX:
            faults.add(path.name, number, f"more than {CARS_MAX:,} cars")
            break
        car = _car(line, number)
        if isinstance(car, KeptCar):
            cars.append(car)
        else:
            faults.add(path.name, number, car)
    ids = {car.id for car in cars}
    if len(ids) < len(cars):
        faults.add(path.name, 0, "two cars have the same id")
    return tuple(cars), faults.sorted()


def _car(line: str, number: int) -> KeptCar | str:
    """Return a line's car, or what is wrong with it."""
    try:
        given: Any = json.loads(line)
    except (ValueError, RecursionError):
        return "is no JSON object"
    if not isinstance(given, dict):
        return "is no JSON object"
    unknown = sorted(set(given) - FIELDS)
    options, price = given.get("options"), given.get("price_minor")
    for holds, reason in (
        (not unknown, f"has an unknown field '{unknown[0] if unknown else ''}'"),
        (isinstance(given.get("model"), str), "needs a model, as text"),
        (_is_list_of_texts(options), f"needs options: a list of at most {CHOICES_MAX} texts"),
        (isinstance(given.get("region", ""), str), "has a region that is no text"),
        (isinstance(given.get("id", ""), str | int), "has an id that is neither text nor number"),
        (price is None or type(price) is int, "has a price_minor that is no whole number"),
    ):
        if not holds:
            return reason
    chosen = tuple(dict.fromkeys(given["options"]))
    return KeptCar(str(given.get("id", number)), given["model"], chosen, given.get("region", ""), price)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= CHOICES_MAX and all(isinstance(one, str) for one in value)
