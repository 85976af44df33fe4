"""Part lists with assemblies: a row that is for a part says what that part is made of; who takes it takes those too.

Reading a catalogue resolves them, so that everything after it knows only what a feature takes. A part that contains
itself, by whatever way, is no part list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from configurator.parts_model import PartUse

ROWS_MAX = 100_000
"""More rows than this and the lists are no car's; levels multiply."""


class TooManyParts(Exception):
    """Resolving the assemblies gives more rows than any car has parts."""


def find_circle(parts: Sequence[PartUse]) -> tuple[str, ...]:
    """Return parts of which each contains the next one and the last one the first; empty where there are none."""
    inside = _by_feature(parts)
    done: set[str] = set()
    for start in sorted({part.part for part in parts}):
        # The way down to a part, and at each step what is still to be looked at.
        way, left = [start], [iter(inside.get(start, ()))]
        while way:
            below = next(left[-1], None)
            if below is None:
                done.add(way.pop())
                left.pop()
            elif below.part in way:
                return tuple(way[way.index(below.part) :])
            elif below.part not in done:
                way.append(below.part)
                left.append(iter(inside.get(below.part, ())))
    return ()


def resolve(parts: Sequence[PartUse]) -> tuple[PartUse, ...]:
    """Return for each feature all it takes, on every level; lists without assemblies come back as they are.

    Quantities multiply and lead times add up: what an assembly is made of must be there before the assembly is. A part
    is taken on the days on which every row on the way to it is effective. There is no circle in `parts`; raises
    TooManyParts.
    """
    inside = _by_feature(parts)
    assemblies = {part.part for part in parts}
    found: list[PartUse] = []
    for row in parts:
        if row.feature not in assemblies:
            for one in _below(row, inside):
                found.append(one)
                if len(found) > ROWS_MAX:
                    raise TooManyParts
    return tuple(found)


def _below(row: PartUse, inside: dict[str, list[PartUse]]) -> Iterator[PartUse]:
    stack = [row]
    while stack:
        above = stack.pop()
        yield above
        for below in reversed(inside.get(above.part, ())):
            first = max((day for day in (above.first_day, below.first_day) if day is not None), default=None)
            last = min((day for day in (above.last_day, below.last_day) if day is not None), default=None)
            if first is None or last is None or first <= last:
                stack.append(_within(above, below, first, last))


def _within(above: PartUse, below: PartUse, first: date | None, last: date | None) -> PartUse:
    return replace(
        below,
        feature=above.feature,
        quantity=above.quantity * below.quantity,
        lead_time_days=above.lead_time_days + below.lead_time_days,
        first_day=first,
        last_day=last,
    )


def _by_feature(parts: Sequence[PartUse]) -> dict[str, list[PartUse]]:
    inside: defaultdict[str, list[PartUse]] = defaultdict(list)
    for part in parts:
        inside[part.feature].append(part)
    return dict(inside)
