"""Cells of the cube of take rates, what may be seen of them, and figures that come from published counts alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

ALL_REGIONS: Final = "*"
Z_95: Final = 1.959963984540054


Offering: TypeAlias = tuple[str, str, str, date]
"""A catalogue version, a region, a model and the Monday of a week: what decides which options could be had."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Somebody's configuration: `source_id` is what it comes from, `kind` configuration or pre_order.

    `person` is the verified person behind it; where nobody was verified when it came, the account, and `verified` is
    false: it is counted, but as no person that k asks for.
    """

    source_id: str
    kind: str
    person: str
    verified: bool
    version_id: str
    model: str
    options: tuple[str, ...]
    region: str
    week: date

    @property
    def offering(self) -> Offering:
        return self.version_id, self.region, self.model, self.week


@dataclass(frozen=True, slots=True)
class CellKey:
    """One cell: an option, a region (or `*`, all of them) and the Monday of a week in the brand's zone."""

    option: str
    region: str
    week: date


@dataclass(slots=True)
class Tally:
    """What stands behind a cell, unrounded and with its persons: this never leaves the worker.

    `offered` counts the configurations in which the option was legal and offered, `chosen` those that have it.
    `choosers` and `others` are the verified persons among them: as many accounts as one likes make no cell larger.
    """

    offered: int = 0
    chosen: int = 0
    choosers: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def add(self, more: Tally) -> None:
        """Take in another cell's configurations."""
        self.offered += more.offered
        self.chosen += more.chosen
        self.choosers |= more.choosers
        self.others |= more.others


def is_large(tally: Tally, *, k: int) -> bool:
    """Say whether both those who chose and those who did not are at least k verified persons."""
    return len(tally.choosers) >= k and len(tally.others) >= k


def shown_cells(tallies: Mapping[CellKey, Tally], *, category_of: Mapping[str, str], k: int) -> frozenset[CellKey]:
    """Return the cells that may be shown together.

    Small cells go first. Then, wherever shown cells let the rest be worked out (a week's regions from `*`, a category
    whose options add up to all configurations), what is hidden must be nothing or at least two cells that are large
    together; else the smallest shown one is hidden too, until nothing changes.
    """
    shown = {key for key, tally in tallies.items() if is_large(tally, k=k)}
    sums = _sums(tallies, category_of)
    while True:
        exposed = [found for cells, total in sums if (found := _one_more(cells, total, tallies, shown, k=k))]
        if not exposed:
            return frozenset(shown)
        shown -= set(exposed)


def _sums(
    tallies: Mapping[CellKey, Tally], category_of: Mapping[str, str]
) -> list[tuple[list[CellKey], CellKey | None]]:
    """Return every group of cells that adds up to something: its cells, and the cell of the total, if it is one."""
    regions: dict[tuple[str, date], list[CellKey]] = {}
    categories: dict[tuple[str, str, date], list[CellKey]] = {}
    for key in tallies:
        if key.region != ALL_REGIONS:
            regions.setdefault((key.option, key.week), []).append(key)
        categories.setdefault((category_of.get(key.option, ""), key.region, key.week), []).append(key)
    sums: list[tuple[list[CellKey], CellKey | None]] = [
        (cells, CellKey(option, ALL_REGIONS, week)) for (option, week), cells in regions.items()
    ]
    for cells in categories.values():
        offered = max(tallies[key].offered for key in cells)
        if sum(tallies[key].chosen for key in cells) == offered:
            sums.append((cells, None))
    return sums


def _one_more(
    cells: Sequence[CellKey],
    total: CellKey | None,
    tallies: Mapping[CellKey, Tally],
    shown: set[CellKey],
    *,
    k: int,
) -> CellKey | None:
    """Return the cell to hide so that the hidden ones of a sum cannot be worked out, or None where they cannot."""
    if total is not None and total not in shown:
        return None
    hidden = [key for key in cells if key not in shown]
    seen = [key for key in cells if key in shown]
    if not hidden or (total is None and not seen):
        return None
    together = Tally()
    for key in hidden:
        together.add(tallies[key])
    if total is None and together.chosen == 0:
        # That nobody chose the rest is about nobody's choice.
        return None
    large = is_large(together, k=k) if total is not None else len(together.choosers) >= k
    if len(hidden) >= 2 and large:
        return None
    if total is not None and len(seen) < 2:
        return total
    return min(seen, key=lambda key: (tallies[key].chosen, key.option, key.region))


# --- what is published -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """A released cell: counts rounded; everything else is worked out from these two numbers."""

    key: CellKey
    chosen: int
    offered: int

    @property
    def take_rate(self) -> float:
        """Return chosen ÷ offered."""
        return self.chosen / self.offered

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval of the take rate (Wilson 1927)."""
        return wilson(self.chosen, self.offered)


def round_count(count: int, *, to: int) -> int:
    """Round a count half up to a multiple."""
    return (2 * count + to) // (2 * to) * to


def publish_cell(key: CellKey, tally: Tally, *, rounding: int) -> PublishedCell:
    """Round a cell's counts; the chosen never exceed the offered."""
    offered = round_count(tally.offered, to=rounding)
    return PublishedCell(key, min(round_count(tally.chosen, to=rounding), offered), offered)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the Wilson score interval at 95 % for a share of published counts."""
    assert 0 <= successes <= trials
    assert trials > 0
    share, spread = successes / trials, Z_95 * Z_95 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    # At a share of 0 or 1 the bound is the share itself; floating point may miss it by a hair.
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)
