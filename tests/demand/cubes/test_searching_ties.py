"""The search for options that exclude each other is bounded in its work; what is not searched is not safe to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from demand.cubes import rules_told
from demand.cubes.publishing import publish_take_rates
from demand.cubes.rules_told import CLIQUES_MAX, STEPS_MAX, _search, _Who  # the search is bounded by itself
from tests.demand.cubes.test_rules_told import EXCLUDING, RULES, Crowd, snapshot_of

# Fourteen nodes, by node those beside it as bits, found by climbing: 34 steps for 4 cliques.
BLIND_ALLEYS: Final = (
    14318, 16365, 16123, 16119, 16108, 16095, 16063, 15999, 3, 15615, 15103, 14078, 12031, 7935,
)  # fmt: skip
PAIR: Final = (0, 0)


def joined(*parts: Sequence[int]) -> tuple[_Who, ...]:
    """Return groups of persons of which those of different parts exclude each other, within a part as it says.

    The cliques of parts multiply: of pairs none of which excludes the other there are two to the power of their number.
    """
    starts = [sum(len(part) for part in parts[:place]) for place in range(len(parts) + 1)]
    everything = (1 << starts[-1]) - 1
    groups = []
    for part, start in zip(parts, starts, strict=False):
        own = ((1 << len(part)) - 1) << start
        for place, beside in enumerate(part):
            groups.append(_Who(1 << start + place, 0, (everything & ~own | beside << start,)))
    return tuple(groups)


@pytest.mark.parametrize(("pairs", "cliques", "steps"), [(0, 4, 34), (1, 8, 69), (5, 128, 1_119)])
def test_few_groups_are_searched_whole(pairs: int, cliques: int, steps: int) -> None:
    search = _search(joined(*[PAIR] * pairs, BLIND_ALLEYS))

    assert (len(search.cliques), search.steps, search.is_whole) == (cliques, steps, True)
    assert len({frozenset(one) for one in search.cliques}) == cliques


def test_branches_that_end_in_no_clique_count_as_well() -> None:
    """Fewer cliques than are looked at, and more steps than are taken."""
    groups = joined(*[PAIR] * 11, BLIND_ALLEYS)
    assert CLIQUES_MAX > 4 * 2**11

    search = _search(groups)

    assert (search.steps, search.is_whole) == (STEPS_MAX, False)
    assert len(search.cliques) < 4 * 2**11


def test_more_cliques_than_are_looked_at_end_the_search() -> None:
    search = _search(joined(*[PAIR] * 15))

    assert (len(search.cliques), search.is_whole) == (CLIQUES_MAX, False)
    assert search.steps < STEPS_MAX


def test_what_was_not_searched_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = {(car, region): 40 for car in EXCLUDING.cars for region in ("east", "south")}
    searched = options_shown(crowd)

    monkeypatch.setattr(rules_told, "STEPS_MAX", 3)
    rules_told._search.cache_clear()
    bounded = options_shown(crowd)
    rules_told._search.cache_clear()

    assert {"RED", "GOLD", "SPORT", "ROOF"} <= searched
    assert bounded < searched


def options_shown(crowd: Crowd) -> set[str]:
    snapshot, _ = snapshot_of(crowd, EXCLUDING, {})
    return {cell.key.option for cell in publish_take_rates(snapshot, RULES)}
