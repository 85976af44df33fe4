"""What differs between two versions, as lines for a terminal and as JSON: things by name, and cars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from configurator.catalogue_report import Change
from configurator.version_difference import CarDifference, OneSided
from kernel.digits import written

SHOWN_MAX: Final = 40
"""More features of an example than these are not written out."""


def cars_lines(differences: Sequence[CarDifference], names: Sequence[str]) -> list[str]:
    """Return where and by how many cars two versions differ, each with an example, written in the names' order."""
    lines = []
    for one in differences:
        where = f" in {one.context.region}" if one.context.region else ""
        if not _differ(one):
            lines.append(f"cars{where}: the same" + ("" if one.kept is None else f" {written(one.kept, grouped=True)}"))
            continue
        kept = "" if one.kept is None else f"; {written(one.kept, grouped=True)} stay"
        lines.append(f"cars{where}: {_counted(one.gone)} no longer, {_counted(one.new)} new{kept}")
        lines += [f"  no longer, for example: {_example(one.gone, names)}"] if one.gone.witness is not None else []
        lines += [f"  new, for example: {_example(one.new, names)}"] if one.new.witness is not None else []
    return lines


def version_json(changes: Sequence[Change], differences: Sequence[CarDifference]) -> dict[str, Any]:
    """Return the same as JSON values; numbers of cars as text, since they may be larger than any number there."""
    return {
        "changes": [
            {"thing": one.thing, "code": one.code, "before": one.before or None, "after": one.after or None}
            for one in changes
        ],
        "cars": [
            {
                "region": one.context.region,
                "day": one.context.day.isoformat(),
                "gone": _side_json(one.gone),
                "new": _side_json(one.new),
                "kept": None if one.kept is None else written(one.kept),
            }
            for one in differences
        ],
    }


def do_cars_differ(differences: Sequence[CarDifference]) -> bool:
    """Say whether some car is in one version alone."""
    return any(_differ(one) for one in differences)


def _differ(one: CarDifference) -> bool:
    return one.gone.witness is not None or one.new.witness is not None


def _counted(side: OneSided) -> str:
    if side.witness is None:
        return "none"
    return "some (not counted)" if side.cars is None else written(side.cars, grouped=True)


def _example(side: OneSided, names: Sequence[str]) -> str:
    car = side.witness or frozenset()
    shown = [name for name in names if name in car] or sorted(car)
    more = f" and {len(shown) - SHOWN_MAX} more" if len(shown) > SHOWN_MAX else ""
    return " ".join(shown[:SHOWN_MAX]) + more


def _side_json(side: OneSided) -> dict[str, Any]:
    return {
        "cars": None if side.cars is None else written(side.cars),
        "example": None if side.witness is None else sorted(side.witness),
    }
