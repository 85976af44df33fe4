"""Everybody is asked about twelve items three times each; the versions together favour no pair and no place."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from demand.compare.design import ITEMS, SET_SIZE, SETS, VERSIONS, deal, sets_of


@pytest.mark.parametrize("version", range(VERSIONS))
def test_one_person_sees_each_item_three_times_and_no_pair_twice(version: int) -> None:
    sets = sets_of(version)

    assert [len(set(one)) for one in sets] == [SET_SIZE] * SETS
    assert Counter(item for one in sets for item in one) == dict.fromkeys(range(ITEMS), 3)
    pairs = Counter(pair for one in sets for pair in combinations(sorted(one), 2))
    assert set(pairs.values()) == {1}
    assert len(pairs) == 54


@pytest.mark.parametrize("version", range(VERSIONS))
def test_one_person_s_sets_hang_together_so_that_every_item_is_compared_with_every_other(version: int) -> None:
    reached = {0}
    for _ in range(ITEMS):
        reached |= {item for one in sets_of(version) if reached & set(one) for item in one}

    assert reached == set(range(ITEMS))


def test_over_the_versions_every_pair_meets_equally_often_and_every_item_takes_every_place_equally_often() -> None:
    sets = [one for version in range(VERSIONS) for one in sets_of(version)]

    pairs = Counter(pair for one in sets for pair in combinations(sorted(one), 2))
    places = Counter((item, place) for one in sets for place, item in enumerate(one))

    assert len(pairs) == 66
    assert set(pairs.values()) == {36}
    assert len(places) == ITEMS * SET_SIZE
    assert set(places.values()) == {33}


def test_the_order_of_sets_goes_round_so_that_no_item_always_comes_first() -> None:
    first = Counter(item for version in range(VERSIONS) for item in sets_of(version)[0])

    assert set(first) == set(range(ITEMS))
    assert max(first.values()) <= 2 * min(first.values())


def test_every_price_of_every_item_is_asked_equally_often_in_an_order_that_only_the_seed_decides() -> None:
    dealt = [deal("a", number, price_steps=5) for number in range(120)]

    cells = Counter((one.price_item, one.price_step) for one in dealt)

    assert set(cells.values()) == {2}
    assert len(cells) == 60
    assert [deal("a", number, price_steps=5) for number in range(120)] == dealt
    assert [deal("b", number, price_steps=5) for number in range(120)] != dealt
    assert [one.version for one in dealt[: VERSIONS + 1]] == [*range(VERSIONS), 0]
