"""What the catalogue's rules tell beside published counts: who has none of what excludes each other is a cell, too.

Everybody can read that no car has both of a pair. Where any two of some groups of persons exclude each other, those
who are in none of them are everybody less the groups: they have to be nobody or many, in all regions together, in each
region, in what is left of them, and (pair by pair) among those with a third option. An option that needs another
excludes being without it, so that who has only the other one is such a sum; and so is who has both, where every car
has one of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias

from configurator.model import WITHOUT, Ties
from demand.cubes.model import BETWEEN, NOBODY, Count, pair_code
from demand.cubes.setting_out import TakeTable
from demand.cubes.suppression import Edge, is_safe, sum_counts

CLIQUES_MAX: Final = 20_000
"""So many groups of groups that exclude each other are looked at; whatever has more loses an option unseen."""
_Alternative: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class _View:
    """Who there is and who chose what, everywhere or in one region; `chosen` of the options that could be had."""

    everybody: Count
    chosen: Mapping[str, Count]
    categories: Mapping[str, tuple[str, ...]]
    exclusive: Set[str]
    ties: Ties

    @property
    def tied(self) -> frozenset[str]:
        """Return the options that some tie speaks of."""
        return frozenset(one.removeprefix(WITHOUT) for tie in self.ties for one in tie)

    def against(self) -> dict[str, set[str]]:
        """Return by literal (an option, or to be without it) those that nobody has beside it."""
        found: dict[str, set[str]] = {}
        for category, options in self.categories.items():
            for option in options:
                found[option] = set(options) - {option} if category in self.exclusive else set()
                found[option].add(WITHOUT + option)
                found[WITHOUT + option] = {option}
        for one, other in self.ties:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
        return found


@dataclass(frozen=True, slots=True)
class _Group:
    """Persons whose number is known from what is shown (`shown`); each has all of one of the alternatives.

    `of` is its exclusive category, or the option: what groups of one such tell together is decided elsewhere.
    """

    of: str
    alternatives: tuple[_Alternative, ...]
    count: Count
    shown: frozenset[str]


def ties_that_matter(table: TakeTable, ties: Ties) -> Ties:
    """Return the ties that matter to these counts: both options could be had, and no category says as much by itself.

    Options that few or nobody chose matter as well: they are among the hidden ones of their category.
    """
    exclusive = _exclusive(table)

    def matters(one: str, other: str) -> bool:
        mine, theirs = (table.category_of.get(literal.removeprefix(WITHOUT)) for literal in (one, other))
        by_itself = mine == theirs and mine in exclusive and not (one + other).count(WITHOUT)
        return mine is not None and theirs is not None and not by_itself

    return frozenset(tie for tie in ties if matters(*tie))


def hidden_for_ties(table: TakeTable, ties: Ties, shown: Set[str], *, may_hide: Set[str], k: int) -> str | None:
    """Return the option whose total has to be hidden next, or None where nothing that is left tells of a few.

    It is the one that tells most often; of those the one that the fewest chose.
    """
    if not ties:
        return None
    totals = {option: table.total(option) for option in table.category_of}
    view = _View(table.everybody, totals, _categories(table), _exclusive(table), ties)
    guilty = Counter(option for told in _told(view, shown, k=k) for option in told & may_hide)
    return _worst(guilty, table)


def _worst(guilty: Counter[str], table: TakeTable) -> str | None:
    return min(guilty, key=lambda one: (-guilty[one], table.total(one).all, one), default=None)


def _categories(table: TakeTable) -> dict[str, tuple[str, ...]]:
    return {one: tuple(table.options_of(one)) for one in sorted(set(table.category_of.values()))}


def _exclusive(table: TakeTable) -> frozenset[str]:
    return frozenset(one for one, options in _categories(table).items() if table.is_exclusive(options))


def _told(view: _View, shown: Set[str], *, k: int) -> Iterator[frozenset[str]]:
    """Yield sets of shown options that together tell of a few: hiding some of a set is enough for it."""
    groups = [group for category in view.categories for group in _groups(view, category, shown)]
    apart = _apart(view, groups)
    for looked_at, clique in enumerate(_cliques(apart)):
        if looked_at == CLIQUES_MAX:
            yield frozenset().union(*(groups[one].shown for one in apart))
            return
        # What fewer of them leave is about more, but for a single one that few are in.
        for left_out in (None, *clique):
            taken = [one for one in clique if one != left_out]
            rest = view.everybody.minus(sum_counts(groups[one].count for one in taken))
            if len({groups[one].of for one in taken}) > 1 and not is_safe(rest, NOBODY, k=k):
                yield frozenset().union(*(groups[one].shown for one in taken))


def _groups(view: _View, category: str, shown: Set[str]) -> Iterator[_Group]:
    """Yield who is known of a category: with and without a shown option, and of an exclusive one with any or none."""
    options = frozenset(view.categories[category]) & view.chosen.keys()
    told, tied = options & shown, options & view.tied
    if not tied:
        return
    for option in sorted(told if category in view.exclusive else told & tied):
        has = view.chosen[option]
        of = category if category in view.exclusive else option
        yield _Group(of, (frozenset({option}),), has, frozenset({option}))
        yield _Group(of, (frozenset({WITHOUT + option}),), view.everybody.minus(has), frozenset({option}))
    if category in view.exclusive and told:
        any_told = sum_counts(view.chosen[one] for one in told)
        yield _Group(category, tuple(frozenset({one}) for one in sorted(told)), any_told, told)
        hidden = [frozenset({one}) for one in sorted(options - told)]
        nothing = view.everybody.minus(sum_counts(view.chosen[one] for one in options))
        if nothing.all:
            hidden.append(frozenset(WITHOUT + one for one in options))
        if hidden:
            yield _Group(category, tuple(hidden), view.everybody.minus(any_told), told)


def _apart(view: _View, groups: Sequence[_Group]) -> dict[int, set[int]]:
    """Return which groups nobody can be in both of, by their places."""
    against = view.against()
    ruled_out = [[set().union(*(against[one] for one in mine)) for mine in group.alternatives] for group in groups]
    apart: dict[int, set[int]] = {place: set() for place in range(len(groups))}
    for one, other in combinations(apart, 2):
        if all(not theirs.isdisjoint(out) for out in ruled_out[one] for theirs in groups[other].alternatives):
            apart[one].add(other)
            apart[other].add(one)
    return apart


def _cliques(apart: Mapping[int, Set[int]]) -> Iterator[list[int]]:
    """Yield the largest sets of which any two are apart (Bron and Kerbosch 1973, with a pivot)."""

    def grow(chosen: list[int], open_ones: set[int], done: set[int]) -> Iterator[list[int]]:
        if not open_ones and not done:
            yield chosen
            return
        pivot = max(sorted(open_ones | done), key=lambda one: len(apart[one] & open_ones))
        for one in sorted(open_ones - apart[pivot]):
            yield from grow([*chosen, one], open_ones & apart[one], done & apart[one])
            open_ones = open_ones - {one}
            done = done | {one}

    yield from grow([], set(apart), set())


def hidden_by_region_for_ties(
    table: TakeTable, ties: Ties, ties_in: Mapping[str, Ties], shown: Set[str], totals: Set[str], *, k: int
) -> str | None:
    """Return the option of which no region may be shown, or None where ties tell of nobody in any region.

    `shown` are the options of which some region is. An option's regions go together: single ones would be worked out
    from its total and the others, and a total that is hidden from all of them. `ties_in` has by region what is tied
    there and not everywhere.
    """
    if not ties and not any(ties_in.values()):
        return None
    categories, exclusive = _categories(table), _exclusive(table)
    guilty: Counter[str] = Counter()
    others = table.people.keys() - table.shown_regions
    parts = [*({one} for one in sorted(table.shown_regions)), *([others] if others else [])]
    for regions, known in [*((part, shown) for part in parts), (table.people.keys(), shown | totals)]:
        chosen: dict[str, Count] = {}
        for (option, region), count in table.chosen.items():
            if region in regions:
                chosen[option] = chosen.get(option, NOBODY).plus(count)
        own = ties | _ties_of_all(table, ties_in, regions)
        view = _View(sum_counts(table.people[one] for one in regions), chosen, categories, exclusive, own)
        guilty.update(option for told in _told(view, known, k=k) for option in told & shown)
    return _worst(guilty, table)


def _ties_of_all(table: TakeTable, ties_in: Mapping[str, Ties], regions: Set[str]) -> Ties:
    """Return what is tied in each of some regions in which both of a tie could be had."""
    found = frozenset[tuple[str, str]]().union(*(ties_in.get(one, ()) for one in regions))

    def holds(tie: tuple[str, str]) -> bool:
        having = [table.regions_of.get(one, frozenset()) for one in tie if not one.startswith(WITHOUT)]
        return all(tie in ties_in.get(one, ()) for one in regions if all(one in own for own in having))

    return frozenset(tie for tie in found if holds(tie))


class PairTies:
    """What ties tell of those who have a third option: who has neither of two beside it is nobody or many.

    Nothing of it depends on what is shown, so each sum is looked at once however many pairs are hidden.
    """

    def __init__(self, table: TakeTable, ties: Ties, pairs: Mapping[str, Count], *, k: int) -> None:
        """Take the counts as they are."""
        self.ties = [(tie, tuple(one.removeprefix(WITHOUT) for one in tie)) for tie in sorted(ties)]
        self.categories, self.exclusive = _categories(table), _exclusive(table)
        self.category_of, self.pairs, self.k = table.category_of, pairs, k
        self.beside: dict[str, dict[str, Count]] = {option: {} for option in table.category_of}
        for code, count in pairs.items():
            one, other = code.split(BETWEEN)
            self.beside[one][other] = self.beside[other][one] = count
        self.everybody = table.everybody
        self.totals = {option: table.total(option) for option in table.category_of}
        self.known: dict[tuple[tuple[str, str], str], bool] = {}

    def hidden(self, shown: Set[Edge]) -> Edge | None:
        """Return the pair that has to be hidden next, or None.

        A third option counts as soon as one of its exclusive category is told of with either: its own pair would follow
        from theirs. That hides more than must be, and nothing that is left can be worked out by a tie of two.
        """
        partners: dict[str, set[str]] = {}
        for pair in shown:
            for one, other in (pair, pair[::-1]):
                partners.setdefault(one, set()).add(other)
        for tie, both in self.ties:
            told = {(third, option) for option in both for third in partners.get(option, ()) if third not in both}
            for category in sorted({self.category_of[third] for third, _ in told}):
                beside = {pair for pair in told if self.category_of[pair[0]] == category}
                thirds = self.categories[category] if category in self.exclusive else {third for third, _ in beside}
                if any(third not in both and self._tells(tie, third) for third in thirds):
                    return min(beside, key=lambda pair: (self.pairs[pair_code(*pair)].all, pair))
        return None

    def _tells(self, tie: tuple[str, str], third: str) -> bool:
        known = self.known.get((tie, third))
        if known is None:
            left = _neither(tie, self.totals[third], self.beside[third])
            without = _neither(tie, self.everybody, self.totals).minus(left)
            known = self.known[tie, third] = not is_safe(left, without, k=self.k)
        return known


def _neither(tie: tuple[str, str], whole: Count, having: Mapping[str, Count]) -> Count:
    """Return who of all has neither of a tie; a plain sum of numbers, since it is worked out by the million."""
    everybody, verified = whole
    for literal in tie:
        has, has_verified = having.get(literal.removeprefix(WITHOUT), NOBODY)
        if literal.startswith(WITHOUT):
            has, has_verified = whole[0] - has, whole[1] - has_verified
        everybody, verified = everybody - has, verified - has_verified
    return Count(everybody, verified)
