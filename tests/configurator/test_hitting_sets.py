"""The smallest set that meets others, against brute force; and beyond its bound nothing is said."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.hitting_sets import HittingSets, TooManyBranches

ELEMENTS = range(7)
Sets = list[frozenset[int]]
SETS: st.SearchStrategy[Sets] = st.lists(st.frozensets(st.sampled_from(ELEMENTS), min_size=1), max_size=8)


def fewest(sets: Sets) -> int:
    """Return how many elements meet each of the sets at least, by trying all."""
    return next(
        size
        for size in range(len(ELEMENTS) + 1)
        if any(all(one & frozenset(some) for one in sets) for some in combinations(ELEMENTS, size))
    )


@given(SETS)
def test_what_is_found_meets_every_set_told_so_far_and_is_as_small_as_can_be(sets: Sets) -> None:
    hitting = HittingSets()

    assert hitting.smallest() == []
    for number, one in enumerate(sets, start=1):
        hitting.add(one)
        found = hitting.smallest()

        assert all(told & frozenset(found) for told in sets[:number])
        assert len(found) == fewest(sets[:number])


def test_beyond_its_bound_no_set_is_called_the_smallest() -> None:
    pairs = list(combinations(range(8), 2))  # only seven of the eight meet each pair
    enough, too_few = HittingSets(), HittingSets(branches_max=2)
    for pair in pairs:
        enough.add(pair)
        too_few.add(pair)

    assert len(enough.smallest()) == 7
    with pytest.raises(TooManyBranches):
        too_few.smallest()
