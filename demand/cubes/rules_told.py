"""What the catalogue's rules tell beside published counts: who has an option, but not one that needs it, is a cell too.

Everybody can read that no car has A without B. Then B less A is a count of persons, and it has to be nobody or many,
in all regions together, in each region, in what is left of them, and among those with a third option.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from demand.cubes.model import NOBODY, Count, pair_code
from demand.cubes.setting_out import TakeTable
from demand.cubes.suppression import Edge, is_safe, sum_counts

Needs: TypeAlias = frozenset[tuple[str, str]]
"""Pairs of options: nobody can have chosen the first without the second. Chains are closed."""


@dataclass(frozen=True, slots=True)
class _View:
    """Who there is and who chose what, everywhere or in one region; `chosen` of the options that could be had."""

    everybody: Count
    chosen: Mapping[str, Count]
    categories: Mapping[str, tuple[str, ...]]
    exclusive: Set[str]


@dataclass(frozen=True, slots=True)
class _Atom:
    """Options whose sum is known: one that is shown, or the hidden ones of an exclusive category together.

    `others` are the shown ones that the sum is worked out from. `anybody` in it may have chosen none of the options.
    """

    options: frozenset[str]
    count: Count
    others: frozenset[str]
    anybody: bool


def needs_that_matter(table: TakeTable, needs: Needs) -> Needs:
    """Return the needs that matter to these counts: who needs what nobody or everybody has is told of by that alone."""
    answering = {option for option in table.category_of if 0 < table.total(option).all < table.everybody.all}
    return frozenset((one, other) for one, other in needs if one in table.category_of and other in answering)


def hidden_for_needs(table: TakeTable, needs: Needs, shown: Set[str], *, may_hide: Set[str], k: int) -> str | None:
    """Return the option whose total has to be hidden next, or None where nothing that is left tells of a few.

    It is the one that tells most often; of those the one that the fewest chose.
    """
    if not needs:
        return None
    totals = {option: table.total(option) for option in table.category_of}
    view = _View(table.everybody, totals, _categories(table), _exclusive(table))
    guilty = Counter(option for told in _told(view, _needed_by(needs), shown, k=k) for option in told & may_hide)
    return min(guilty, key=lambda one: (-guilty[one], totals[one].all, one), default=None)


def _categories(table: TakeTable) -> dict[str, tuple[str, ...]]:
    return {one: tuple(table.options_of(one)) for one in sorted(set(table.category_of.values()))}


def _exclusive(table: TakeTable) -> frozenset[str]:
    return frozenset(one for one, options in _categories(table).items() if table.is_exclusive(options))


def _needed_by(needs: Needs) -> dict[str, set[str]]:
    needed: dict[str, set[str]] = {}
    for one, other in needs:
        needed.setdefault(one, set()).add(other)
    return needed


def _told(view: _View, needed: Mapping[str, Set[str]], shown: Set[str], *, k: int) -> Iterator[frozenset[str]]:
    """Yield sets of shown options that together tell of a few: hiding some of a set is enough for it."""
    atoms = {category: list(_atoms(view, category, shown)) for category in view.categories}
    asking = {category: own for category, own in atoms.items() if any(one.options & needed.keys() for one in own)}
    answers = set().union(*needed.values())
    for whole_category, wholes in atoms.items():
        for whole in (one for one in wholes if one.options & answers):
            for category, parts in asking.items():
                if category == whole_category:
                    continue
                inside = [
                    one
                    for one in parts
                    if not one.anybody and all(needed.get(option, set()) & whole.options for option in one.options)
                ]
                for group in _groups(inside) if category in view.exclusive else [[one] for one in inside]:
                    if group and _tells(whole.count, (one.count for one in group), k=k):
                        yield frozenset().union(*(one.options & shown | one.others for one in (whole, *group)))


def _groups(atoms: Sequence[_Atom]) -> Iterator[Sequence[_Atom]]:
    """Yield all that may be taken from a whole together, and all but one: what fewer leave is about more."""
    yield atoms
    for number in range(len(atoms) if len(atoms) > 1 else 0):
        yield [*atoms[:number], *atoms[number + 1 :]]


def _atoms(view: _View, category: str, shown: Set[str]) -> Iterator[_Atom]:
    """Yield what is known of a category."""
    options = frozenset(view.categories[category]) & view.chosen.keys()
    told = options & shown
    for option in sorted(told):
        yield _Atom(frozenset({option}), view.chosen[option], frozenset(), anybody=False)
    if category in view.exclusive and options - told:
        rest = view.everybody.minus(sum_counts(view.chosen[one] for one in told))
        without = view.everybody.minus(sum_counts(view.chosen[one] for one in options))
        yield _Atom(options - told, rest, told, anybody=without.all > 0)


def _tells(whole: Count, parts: Iterable[Count], *, k: int) -> bool:
    """Say whether what parts leave of a whole is about some, but few."""
    rest = whole.minus(sum_counts(parts))
    return not is_safe(rest, NOBODY, k=k)


def hidden_by_region_for_needs(
    table: TakeTable, needs: Needs, needs_in: Mapping[str, Needs], shown: Set[str], totals: Set[str], *, k: int
) -> str | None:
    """Return the option of which no region may be shown, or None where needs tell of nobody in any region.

    `shown` are the options of which some region is. An option's regions go together: single ones would be worked out
    from its total and the others, and a total that is hidden from all of them. `needs_in` has by region what is needed
    there and not everywhere.
    """
    if not needs and not any(needs_in.values()):
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
        view = _View(sum_counts(table.people[one] for one in regions), chosen, categories, exclusive)
        needed = _needed_by(needs | _needs_of_all(table, needs_in, regions))
        guilty.update(option for told in _told(view, needed, known, k=k) for option in told & shown)
    return min(guilty, key=lambda one: (-guilty[one], table.total(one).all, one), default=None)


def _needs_of_all(table: TakeTable, needs_in: Mapping[str, Needs], regions: Set[str]) -> Needs:
    """Return what is needed in each of some regions in which the first option could be had."""
    own = frozenset[tuple[str, str]]().union(*(needs_in.get(one, ()) for one in regions))
    return frozenset(
        pair
        for pair in own
        if all(pair in needs_in.get(one, ()) for one in regions & table.regions_of.get(pair[0], set()))
    )


def hidden_pair_for_needs(
    table: TakeTable, needs: Needs, pairs: Mapping[str, Count], shown: Set[Edge], *, k: int
) -> Edge | None:
    """Return the pair that has to be hidden next, or None: who has a third option and B, but not A, is nobody or many.

    A third option counts as soon as one of its exclusive category is told of with either: its own pair would follow
    from theirs. That hides more than must be, and nothing that is left can be worked out by the rule.
    """
    if not needs:
        return None
    categories, exclusive = _categories(table), _exclusive(table)
    partners: dict[str, set[str]] = {}
    for pair in shown:
        for one, other in (pair, pair[::-1]):
            partners.setdefault(one, set()).add(other)
    for one, other in sorted(needs):
        told = {
            (third, option)
            for option in (one, other)
            for third in partners.get(option, ())
            if third not in (one, other)
        }
        for category in sorted({table.category_of[third] for third, _ in told}):
            beside = {pair for pair in told if table.category_of[pair[0]] == category}
            for third in categories[category] if category in exclusive else sorted({third for third, _ in beside}):
                left = pairs.get(pair_code(third, other), NOBODY).minus(pairs.get(pair_code(third, one), NOBODY))
                without = table.total(other).minus(table.total(one)).minus(left)
                if third not in (one, other) and not is_safe(left, without, k=k):
                    return min(beside, key=lambda pair: (pairs[pair_code(*pair)].all, pair))
    return None
