"""A table's counts as they stand at a move, and take rates set out: who there is, who could have what, who chose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from configurator.model import Ties
from demand.cubes.model import EVERYBODY, NOBODY, ORDERED, Count, Counts, Menu, TableKey
from demand.cubes.suppression import protect_partition, sum_counts

KIND_CATEGORY: Final = "@kind"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A table's counts as they stood at a move: by region (one, the empty one, where regions do not matter).

    One is itself alone: what was worked out of it is found again without comparing its counts.
    `menus` is what could be had in each region. `burnt` are options that may not be shown any more, as fewer than k of
    those behind them changed since they were. `ties` are what the catalogue's rules say of two options
    everywhere, `ties_in` by region what they say there besides.
    """

    table: TableKey
    blocks: Mapping[str, Counts]
    menus: Mapping[str, Menu]
    burnt: frozenset[str] = frozenset()
    ties: Ties = frozenset()
    ties_in: Mapping[str, Ties] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """Who reads: from how many persons on, and how counts are rounded. `final`: regions and regional options too."""

    k: int
    rounding: int
    final: bool


@dataclass(frozen=True)
class TakeTable:
    """A snapshot of take rates, set out: who there is in each region, where each option could be had, who chose it.

    Its sums are asked for thousands of times while cells and pairs are chosen, so each is added up once.
    """

    people: Mapping[str, Count]
    category_of: Mapping[str, str]
    regions_of: Mapping[str, frozenset[str]]
    chosen: Mapping[tuple[str, str], Count]
    shown_regions: frozenset[str]

    @cached_property
    def everybody(self) -> Count:
        """Return all people of the table."""
        return sum_counts(self.people.values())

    @cached_property
    def _among(self) -> Mapping[str, Count]:
        return {
            option: sum_counts(self.people[region] for region in regions) for option, regions in self.regions_of.items()
        }

    def among(self, option: str) -> Count:
        """Return the people who could have an option."""
        return self._among[option]

    @cached_property
    def _totals(self) -> Mapping[str, Count]:
        return {
            option: sum_counts(self.chosen[option, region] for region in regions)
            for option, regions in self.regions_of.items()
        }

    def total(self, option: str) -> Count:
        """Return who chose an option, wherever."""
        return self._totals[option]

    @cached_property
    def chosen_in(self) -> Mapping[str, Mapping[str, Count]]:
        """Return by region who chose each of the options that could be had there."""
        found: dict[str, dict[str, Count]] = {region: {} for region in self.people}
        for (option, region), count in self.chosen.items():
            found[region][option] = count
        return found

    @cached_property
    def options_of(self) -> Mapping[str, tuple[str, ...]]:
        """Return the options by category, both in order."""
        options: dict[str, list[str]] = {category: [] for category in sorted(set(self.category_of.values()))}
        for option, category in sorted(self.category_of.items()):
            options[category].append(option)
        return {category: tuple(own) for category, own in options.items()}

    @cached_property
    def exclusive(self) -> frozenset[str]:
        """Return the categories of which nobody can have chosen two: nowhere are there more choices than people."""
        return frozenset(
            category
            for category, options in self.options_of.items()
            if all(
                sum(self.chosen_in[region].get(option, NOBODY).all for option in options) <= count.all
                for region, count in self.people.items()
            )
        )


def set_out(snapshot: Snapshot, *, k: int) -> TakeTable:
    """Set a snapshot of take rates out; regions with few people are not shown, nor what is left of one by itself."""
    people = {region: counts[EVERYBODY] for region, counts in snapshot.blocks.items() if EVERYBODY in counts}
    category_of: dict[str, str] = {ORDERED: KIND_CATEGORY}
    regions_of: dict[str, set[str]] = {ORDERED: set(people)}
    for region in people:
        for category, options in snapshot.menus.get(region, {}).items():
            for option in options:
                category_of[option] = category
                regions_of.setdefault(option, set()).add(region)
    chosen = {
        (option, region): snapshot.blocks[region].get(option, NOBODY)
        for option, regions in regions_of.items()
        for region in regions
    }
    large = [region for region, count in people.items() if count.known >= k]
    shown = protect_partition(people, sum_counts(people.values()), large, k=k)
    return TakeTable(
        people, category_of, {option: frozenset(regions) for option, regions in regions_of.items()}, chosen, shown
    )
