"""What the catalogue's rules tell beside published counts: who has none of what excludes each other is a cell, too.

Everybody can read that no car has both of a pair. Where any two of some groups of persons exclude each other, those
who are in none of them are everybody less the groups: they have to be nobody or many, in all regions together, in each
region, in what is left of them, and (pair by pair) among those with a third option. An option that needs another
excludes being without it, so that who has only the other one is such a sum; and so is who has both, where every car
has one of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import chain
from operator import and_, or_
from typing import Final, NamedTuple

from configurator.model import WITHOUT, Ties
from demand.cubes.model import BETWEEN, Count, pair_code
from demand.cubes.setting_out import TakeTable
from demand.cubes.suppression import Edge, sum_counts

CLIQUES_MAX: Final = 20_000
"""So many groups of groups that exclude each other are looked at; whatever has more loses an option unseen."""
STEPS_MAX: Final = 3 * CLIQUES_MAX
"""So many steps are taken to find them, each of which looks once at each group; an option goes as well where more are
needed. Graphs drawn by chance take some 2.4 a clique, but nothing bounds that: most branches may end in none.
"""
KEPT_MAX: Final = 256
CLIQUES_KEPT_MAX: Final = 32
BOTH: Final = ("", WITHOUT)


@dataclass(frozen=True, slots=True)
class _Excluding:
    """What excludes each other, whoever chose what: literals (an option, or to be without it) are bits of a number.

    `against` has by literal all that nobody has beside it; `tied` are the options that some tie speaks of.
    """

    categories: Mapping[str, tuple[str, ...]]
    exclusive: Set[str]
    tied: Set[str]
    bit: Mapping[str, int]
    against: Mapping[str, int]


@lru_cache(maxsize=KEPT_MAX)
def _excluding(
    categories: tuple[tuple[str, tuple[str, ...]], ...], exclusive: frozenset[str], ties: Ties
) -> _Excluding:
    """Set out what excludes each other; kept, as the tables of a version say the same week after week."""
    options = {option for _, own in categories for option in own}
    tied = frozenset(one.removeprefix(WITHOUT) for tie in ties for one in tie)
    bit = {literal: 1 << place for place, literal in enumerate(one + each for each in options | tied for one in BOTH)}
    against = dict.fromkeys(bit, 0)
    for category, own in categories:
        every = sum(bit[option] for option in own) if category in exclusive else 0
        for option in own:
            against[option] |= every & ~bit[option] | bit[WITHOUT + option]
            against[WITHOUT + option] |= bit[option]
    for one, other in ties:
        against[one] |= bit[other]
        against[other] |= bit[one]
    return _Excluding(dict(categories), exclusive, tied, bit, against)


@dataclass(frozen=True, slots=True)
class _View:
    """Who there is and who chose what, everywhere or in one region; `chosen` of the options that could be had."""

    everybody: Count
    chosen: Mapping[str, Count]
    excluding: _Excluding


class _Who(NamedTuple):
    """Persons each of whom has one of some literals, or all of `together`.

    `against` is by literal, and at last by all of `together`, what nobody has beside it.
    """

    literals: int
    together: int
    against: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Persons whose number is known from what is shown (`shown`).

    `of` is the group's exclusive category, or its option: what groups of one such tell together is decided elsewhere.
    """

    of: str
    who: _Who
    count: Count
    shown: frozenset[str]


def ties_that_matter(table: TakeTable, ties: Ties) -> Ties:
    """Return the ties that matter to these counts: both options could be had, and no category says as much by itself.

    Options that few or nobody chose matter as well: they are among the hidden ones of their category.
    """
    exclusive = table.exclusive

    def matters(one: str, other: str) -> bool:
        mine, theirs = (table.category_of.get(literal.removeprefix(WITHOUT)) for literal in (one, other))
        by_itself = mine == theirs and mine in exclusive and not (one + other).count(WITHOUT)
        return mine is not None and theirs is not None and not by_itself

    return frozenset(tie for tie in ties if matters(*tie))


class TotalTies:
    """What ties tell beside the totals that are shown."""

    def __init__(self, table: TakeTable, ties: Ties, *, k: int) -> None:
        """Take the counts as they are."""
        self.table, self.k = table, k
        totals = {option: table.total(option) for option in table.category_of}
        self.view = _View(table.everybody, totals, _excluded_at(table, ties)) if ties else None

    def hidden(self, shown: Set[str], *, may_hide: Set[str]) -> str | None:
        """Return the option whose total has to be hidden next, or None where nothing that is left tells of a few.

        It is the one that tells most often; of those the one that the fewest chose.
        """
        if self.view is None or not may_hide:
            return None
        return _worst(_told(self.view, shown, k=self.k), self.table, may_hide)


def _worst(told: Iterable[frozenset[str]], table: TakeTable, may_hide: Set[str]) -> str | None:
    guilty = Counter(option for options in told for option in options & may_hide)
    return min(guilty, key=lambda one: (-guilty[one], table.total(one).all, one), default=None)


def _excluded_at(table: TakeTable, ties: Ties) -> _Excluding:
    return _excluding(tuple(table.options_of.items()), table.exclusive, ties)


def _told(view: _View, shown: Set[str], *, k: int) -> Iterator[frozenset[str]]:
    """Yield sets of shown options that together tell of a few: hiding some of a set is enough for it."""
    groups = [group for category in view.excluding.categories for group in _groups(view, category, shown)]
    search = _search(tuple(group.who for group in groups))
    if not search.is_whole:
        yield frozenset().union(*(group.shown for group in groups))
    for clique in search.cliques:
        own = [groups[one] for one in clique]
        if len({group.of for group in own}) == 1:
            continue
        rest = view.everybody.minus(sum_counts(group.count for group in own))
        # What fewer of them leave is about more, but for a single one that few are in.
        for left_out in (None, *own):
            left = rest if left_out is None else rest.plus(left_out.count)
            if left.all and left.known < k:
                taken = [group for group in own if group is not left_out]
                if len({group.of for group in taken}) > 1:
                    yield frozenset().union(*(group.shown for group in taken))


def _groups(view: _View, category: str, shown: Set[str]) -> Iterator[_Group]:
    """Yield who is known of a category: with and without a shown option, and of an exclusive one with any or none."""
    rules = view.excluding
    options = frozenset(rules.categories[category]) & view.chosen.keys()
    told, tied = options & shown, options & rules.tied
    if not tied or not told:
        return
    exclusive = category in rules.exclusive

    def group(of: str, literals: Sequence[str], count: Count, known: frozenset[str], *without: str) -> _Group:
        against = [rules.against[one] for one in literals]
        if without:
            against.append(reduce(or_, (rules.against[one] for one in without)))
        mine, together = (sum(rules.bit[one] for one in some) for some in (literals, without))
        return _Group(of, _Who(mine, together, tuple(against)), count, known)

    for option in sorted(told if exclusive else told & tied):
        has = view.chosen[option]
        of, alone = category if exclusive else option, frozenset({option})
        yield group(of, (option,), has, alone)
        yield group(of, (WITHOUT + option,), view.everybody.minus(has), alone)
    if exclusive:
        any_told = sum_counts(view.chosen[one] for one in told)
        yield group(category, sorted(told), any_told, told)
        hidden = sorted(options - told)
        nothing = view.everybody.minus(sum_counts(view.chosen[one] for one in options))
        without = [WITHOUT + one for one in options] if nothing.all else []
        if hidden or without:
            yield group(category, hidden, view.everybody.minus(any_told), told, *without)


def _apart(groups: Sequence[_Who]) -> list[int]:
    """Return by group the groups that nobody can be in both of, as bits by their places."""
    apart = [0] * len(groups)
    for one, mine in enumerate(groups):
        allowed = ~reduce(and_, mine.against)
        for other, theirs in enumerate(groups[:one]):
            if theirs.literals & allowed:
                continue
            if not theirs.together or all(theirs.together & against for against in mine.against):
                apart[one] |= 1 << other
                apart[other] |= 1 << one
    return apart


class _Search(NamedTuple):
    """The largest sets of groups of which any two are apart; all of them only where `is_whole`."""

    cliques: list[tuple[int, ...]]
    steps: int
    is_whole: bool


@lru_cache(maxsize=CLIQUES_KEPT_MAX)
def _search(groups: tuple[_Who, ...]) -> _Search:
    """Look for the largest sets of groups of which any two are apart (Bron and Kerbosch 1973, with a pivot).

    It ends after CLIQUES_MAX of them or STEPS_MAX steps. They are kept: where the same is shown, in other regions and
    weeks, they are the same.
    """
    apart = _apart(groups)
    found: list[tuple[int, ...]] = []
    steps, is_whole = 0, True

    def grow(chosen: tuple[int, ...], open_ones: int, done: int) -> None:
        nonlocal steps, is_whole
        if steps == STEPS_MAX or len(found) == CLIQUES_MAX:
            is_whole = False
            return
        steps += 1
        if not open_ones:
            if not done:
                found.append(chosen)
            return
        pivot = max(_places(open_ones | done), key=lambda one: (apart[one] & open_ones).bit_count())
        for one in _places(open_ones & ~apart[pivot]):
            grow((*chosen, one), open_ones & apart[one], done & apart[one])
            if not is_whole:
                return
            open_ones &= ~(1 << one)
            done |= 1 << one

    grow((), (1 << len(apart)) - 1, 0)
    return _Search(found, steps, is_whole)


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


class RegionTies:
    """What ties tell in each region, in those that are not shown, and in all together, beside what is shown there."""

    def __init__(self, table: TakeTable, ties: Ties, ties_in: Mapping[str, Ties], totals: Set[str], *, k: int) -> None:
        """Take the counts as they are; `ties_in` has by region what is tied there and not everywhere."""
        self.table, self.totals, self.k = table, totals, k
        others = table.people.keys() - table.shown_regions
        parts = [*({one} for one in sorted(table.shown_regions)), *([others] if others else [])]
        tied = bool(ties) or any(ties_in.values())
        self.views = [_view_of(table, part, ties, ties_in) for part in parts if tied]
        self.whole = _view_of(table, table.people.keys(), ties, ties_in) if tied else None

    def hidden(self, shown: Set[str]) -> str | None:
        """Return the option of which no region may be shown, or None where ties tell of nobody in any region.

        `shown` are the options of which some region is. An option's regions go together: single ones would be worked
        out from its total and the others, and a total that is hidden from all of them.
        """
        if self.whole is None or not shown:
            return None
        told = [_told(view, shown, k=self.k) for view in self.views]
        told.append(_told(self.whole, shown | self.totals, k=self.k))
        return _worst(chain.from_iterable(told), self.table, shown)


def _view_of(table: TakeTable, regions: Set[str], ties: Ties, ties_in: Mapping[str, Ties]) -> _View:
    chosen: dict[str, Count] = {}
    for region in regions:
        for option, count in table.chosen_in[region].items():
            chosen[option] = chosen[option].plus(count) if option in chosen else count
    own = ties | _ties_of_all(table, ties_in, regions)
    return _View(sum_counts(table.people[one] for one in regions), chosen, _excluded_at(table, own))


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
        self.categories, self.exclusive = table.options_of, table.exclusive
        self.category_of, self.table, self.pairs, self.k = table.category_of, table, pairs, k
        self.place = {option: number for number, option in enumerate(sorted(table.category_of))}

    def hidden(self, shown: Set[Edge]) -> Edge | None:
        """Return the pair that has to be hidden next, or None.

        A third option counts as soon as one of its exclusive category is told of with either: its own pair would follow
        from theirs. That hides more than must be, and nothing that is left can be worked out by a tie of two.
        """
        partners: dict[str, set[str]] = {}
        for pair in shown:
            for one, other in (pair, pair[::-1]):
                partners.setdefault(one, set()).add(other)
        if not shown:
            return None
        for (_, both), telling in zip(self.ties, self._telling, strict=True):
            told = {(third, option) for option in both for third in partners.get(option, ()) if third not in both}
            for category in sorted({self.category_of[third] for third, _ in told}):
                beside = {pair for pair in told if self.category_of[pair[0]] == category}
                thirds = self.categories[category] if category in self.exclusive else {third for third, _ in beside}
                if any(telling[self.place[third]] for third in thirds):
                    return min(beside, key=lambda pair: (self.pairs[pair_code(*pair)].all, pair))
        return None

    @cached_property
    def _telling(self) -> list[list[bool]]:
        """Say by tie and third option whether few of those with it have neither of the two, or few of those without.

        The last column of the arrays stands for everybody; their first axis is for all, and for verified persons.
        """
        # Only a release comes here: the server that answers does not load arrays for cubes.
        import numpy as np

        place, options = self.place, list(self.place)
        having = np.zeros((2, len(options), len(options) + 1), np.int64)
        for code, count in self.pairs.items():
            one, other = (place[option] for option in code.split(BETWEEN))
            having[:, one, other] = having[:, other, one] = count
        having[:, :, -1] = np.array([self.table.total(option) for option in options], np.int64).T
        whole = np.concatenate((having[:, :, -1], np.array([self.table.everybody], np.int64).T), axis=1)
        neither = np.repeat(whole[:, None, :], len(self.ties), axis=1)
        for side in (0, 1):
            has = having[:, [place[both[side]] for _, both in self.ties]]
            without = np.array([tie[side].startswith(WITHOUT) for tie, _ in self.ties], np.bool_)
            neither -= np.where(without[None, :, None], whole[:, None, :] - has, has)
        among, others = neither[:, :, :-1], neither[:, :, -1:] - neither[:, :, :-1]
        few = ((among[0] != 0) & (among[1] < self.k)) | ((others[0] != 0) & (others[1] < self.k))
        for number, (_, both) in enumerate(self.ties):
            few[number, [place[one] for one in both]] = False
        found: list[list[bool]] = few.tolist()
        return found
