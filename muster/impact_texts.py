"""What a version does to kept cars, as lines for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from configurator.impact_service import BrokenCar, Impact, ImpactGroup, PrivacyRule, PublicationImpact
from kernel.money import Money, format_money


def publication_lines(impact: PublicationImpact, rule: PrivacyRule) -> list[str]:
    """Return what a planner reads of kept cars and open pre-orders: counts, and nobody."""
    return [*_lines("kept cars", impact.saved, rule), *_lines("open pre-orders", impact.pre_orders, rule)]


def publication_json(impact: PublicationImpact) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {"kept": _json(impact.saved), "preOrders": _json(impact.pre_orders)}


def broken_lines(looked_at: int, broken: Sequence[BrokenCar]) -> list[str]:
    """Return what the owner of a list of cars reads: every car that breaks."""
    return [
        f"{len(broken):,} of {looked_at:,} cars break",
        *(
            f"  car {one.car.id} ({one.car.model}): broken by {', '.join(one.broken_by)}; "
            + _change(
                one.repair is not None,
                one.repair.left_out if one.repair is not None else (),
                one.repair.added if one.repair is not None else (),
                one.price_difference_minor,
            )
            for one in broken
        ),
    ]


def broken_json(looked_at: int, broken: Sequence[BrokenCar]) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {
        "lookedAt": looked_at,
        "broken": [
            {
                "id": one.car.id,
                "model": one.car.model,
                "brokenBy": list(one.broken_by),
                "repair": None
                if one.repair is None
                else {
                    "options": list(one.repair.options),
                    "leftOut": list(one.repair.left_out),
                    "added": list(one.repair.added),
                    "priceMinor": one.repair.price_minor,
                    "priceDifferenceMinor": one.price_difference_minor,
                },
            }
            for one in broken
        ],
    }


def _lines(what: str, impact: Impact, rule: PrivacyRule) -> list[str]:
    if not impact.looked_at:  # Rounded: nobody's, or a few that no figure may be told of.
        return [f"{what}: none, or too few to be counted"]
    if impact.broken is None:
        few = f"fewer than {rule.k} persons break, or keep, theirs: not counted"
        return [f"{what}: of about {impact.looked_at:,}, {few}"]
    if not impact.broken and not impact.others:
        return [f"{what}: none of about {impact.looked_at:,} breaks"]
    lines = [f"{what}: about {impact.broken:,} of {impact.looked_at:,} break"]
    lines += [f"  {_group(one)}" for one in impact.groups]
    if impact.others:
        lines.append(f"  others, in groups of fewer than {rule.k} persons or beside such")
    return lines


def _group(one: ImpactGroup) -> str:
    change = _change(one.mended, one.left_out, one.added, one.price_difference_minor)
    return f"about {one.cars:,} {one.model}: broken by {', '.join(one.broken_by)}; {change}"


def _change(mended: bool, left_out: Sequence[str], added: Sequence[str], difference_minor: int | None) -> str:
    if not mended:
        return "no car of the model is near"
    parts = [f"leave out {', '.join(left_out)}"] if left_out else []
    parts += [f"take {', '.join(added)}"] if added else []
    price = "" if difference_minor is None else f" ({'+' if difference_minor >= 0 else ''}{_yuan(difference_minor)})"
    return "smallest change: " + " and ".join(parts) + price


def _yuan(minor: int) -> str:
    return format_money(Money(minor))


def _json(impact: Impact) -> dict[str, Any]:
    return {
        "lookedAt": impact.looked_at,
        "broken": impact.broken,
        "others": impact.others,
        "groups": [
            {
                "model": one.model,
                "brokenBy": list(one.broken_by),
                "mended": one.mended,
                "leftOut": list(one.left_out),
                "added": list(one.added),
                "priceDifferenceMinor": one.price_difference_minor,
                "cars": one.cars,
            }
            for one in impact.groups
        ],
    }
