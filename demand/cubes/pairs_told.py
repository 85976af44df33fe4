"""What a region's own rule tells through pairs, which are of all regions together: the others' by subtraction.

Where a region ties two options, its counts of each say how many have both there; the pair less that says it of the
regions beside it, in which there has to be nobody or many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

from configurator.model import WITHOUT, Ties
from demand.cubes.model import NOBODY, Count, pair_code
from demand.cubes.setting_out import TakeTable
from demand.cubes.suppression import Edge, sum_counts


class _Four(NamedTuple):
    """Who has both of two options, the first alone, the second alone, neither."""

    both: Count
    first: Count
    second: Count
    neither: Count


@dataclass(frozen=True, slots=True)
class _Tied:
    """Two options that some regions tie: the four in each of these, and in all regions together."""

    edge: Edge
    there: Mapping[str, _Four]
    everywhere: _Four

    def outside(self, regions: Set[str]) -> _Four:
        """Return the four in all regions but these, which tie the options."""
        taken = [self.there[region] for region in regions]
        return _Four(
            *(one.minus(sum_counts(four[place] for four in taken)) for place, one in enumerate(self.everywhere))
        )


def blocks_told_of_regions(
    table: TakeTable, ties_in: Mapping[str, Ties], pairs: Mapping[str, Count], *, k: int
) -> frozenset[Edge]:
    """Return the pairs of categories, in order, of which no pair may be shown, as a region's rule would tell of a few.

    All pairs of two categories go together, since one would follow from the others and from the options' totals.
    """
    tied = _set_out(table, ties_in, pairs)
    told = {one.edge for one in tied if _tells(one, k=k)}
    told |= set(_without_all(table, tied, k=k))
    return frozenset(_categories(table, edge) for edge in told)


def _set_out(table: TakeTable, ties_in: Mapping[str, Ties], pairs: Mapping[str, Count]) -> list[_Tied]:
    found: dict[Edge, dict[str, _Four]] = {}
    for region in sorted(ties_in.keys() & table.people.keys()):
        for tie in sorted(ties_in[region]):
            one, other = sorted(tie, key=lambda literal: literal.removeprefix(WITHOUT))
            edge = one.removeprefix(WITHOUT), other.removeprefix(WITHOUT)
            if table.category_of[edge[0]] != table.category_of[edge[1]]:
                found.setdefault(edge, {})[region] = _four_where_tied(table, region, one, other)
    return [
        _Tied(edge, there, _four(table, table.people, edge, pairs.get(pair_code(*edge), NOBODY)))
        for edge, there in found.items()
    ]


def _four(table: TakeTable, regions: Iterable[str], edge: Edge, both: Count) -> _Four:
    places = list(regions)
    one, other = (sum_counts(table.chosen_in[region].get(option, NOBODY) for region in places) for option in edge)
    rest = sum_counts(table.people[region] for region in places).minus(one).minus(other).plus(both)
    return _Four(both, one.minus(both), other.minus(both), rest)


def _four_where_tied(table: TakeTable, region: str, one: str, other: str) -> _Four:
    """Return the four where no car has both of two literals: the one that they name is nobody, and gives the others."""
    edge = one.removeprefix(WITHOUT), other.removeprefix(WITHOUT)
    first, second = (table.chosen_in[region].get(option, NOBODY) for option in edge)
    match one.startswith(WITHOUT), other.startswith(WITHOUT):
        case False, False:
            both = NOBODY
        case False, True:
            both = first
        case True, False:
            both = second
        case _:
            both = first.plus(second).minus(table.people[region])
    return _four(table, [region], edge, both)


def _tells(tied: _Tied, *, k: int) -> bool:
    """Say whether the four tell of a few outside the regions that tie them, or outside of some of these.

    With nobody outside of all, one of them alone is what is left where the others are taken away.
    """
    alone = tied.there.values() if len(tied.there) > 1 else ()
    return any(
        _is_few(one, k) or (not one.all and any(_is_few(four[place], k) for four in alone))
        for place, one in enumerate(tied.outside(tied.there.keys()))
    )


def _without_all(table: TakeTable, tied: Iterable[_Tied], *, k: int) -> Iterable[Edge]:
    """Yield two options where few have the first and none of what it is tied to in the other's exclusive category."""
    rows: dict[tuple[str, str], list[_Tied]] = {}
    for one in tied:
        for option, other in (one.edge, one.edge[::-1]):
            if table.category_of[other] in table.exclusive:
                rows.setdefault((option, table.category_of[other]), []).append(one)
    for (option, _), row in rows.items():
        for one in row:
            regions = one.there.keys()
            having = sum_counts(table.chosen_in[region].get(option, NOBODY) for region in table.people.keys() - regions)
            beside = [other.outside(regions).both for other in row if regions <= other.there.keys()]
            if _is_few(having.minus(sum_counts(beside)), k):
                yield one.edge


def _is_few(count: Count, k: int) -> bool:
    return count.all != 0 and count.known < k


def _categories(table: TakeTable, edge: Edge) -> Edge:
    one, other = sorted(table.category_of[option] for option in edge)
    return one, other
