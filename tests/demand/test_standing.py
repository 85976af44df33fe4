"""What anybody sees of a pool that gathers: its tier exactly, and nobody's cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import Tier
from demand.pools.joining import clearing_number, standing
from demand.pools.model import ClassLevel, PoolHead, PoolId, PoolTerms

THEN: Final = datetime(2026, 11, 23, tzinfo=UTC)
TERMS: Final = PoolTerms(20, 60, 120, (Tier(20, 0), Tier(30, 200), Tier(50, 500)), 500_000, 72)
HEAD: Final = PoolHead(
    PoolId("1" * 32),
    "b" * 32,
    ClassLevel.L1,
    "class",
    "north",
    TERMS,
    0,
    THEN,
    THEN,
    THEN,
    members=0,
    reaching=(0, 0, 0),
)


def head(members: int, *short: int) -> PoolHead:
    """Make a pool of so many members, of whom so many fall short of each tier's price."""
    return replace(HEAD, members=members, reaching=tuple(members - one for one in short))


@pytest.mark.parametrize("short", range(3))
def test_two_members_need_eighteen_more_whatever_their_caps_are(short: int) -> None:
    shown = standing(head(2, short, 0, 0))

    assert (shown.clears, shown.needed) == (None, 18)


@pytest.mark.parametrize(("short", "needed"), [(0, 5), (9, 5), (10, 15), (14, 15)])
def test_caps_that_fall_short_show_in_tens(short: int, needed: int) -> None:
    assert standing(head(15, short, 0, 0)).needed == needed


def test_a_pool_that_does_not_clear_needs_somebody() -> None:
    shown = standing(head(21, 4, 0, 0))

    assert (shown.clears, shown.needed) == (None, 1)


@given(members=st.integers(0, 80), short=st.lists(st.integers(0, 40), min_size=3, max_size=3))
def test_the_tier_is_exact_and_nothing_else_depends_on_fewer_than_ten(members: int, short: list[int]) -> None:
    # At a deeper discount no fewer reach their price.
    falling = sorted((min(one, members) for one in short), reverse=True)

    shown = standing(head(members, *falling))

    exact = clearing_number(TERMS, tuple(members - one for one in falling))
    if exact is None:
        assert (shown.clears, shown.discount_bp) == (None, 0)
        assert shown.needed == max(1, 20 - members + falling[0] // 10 * 10)
    else:
        number, index = exact
        assert (shown.needed, shown.discount_bp) == (0, TERMS.tiers[index].discount_bp)
        assert shown.clears == min(members - falling[index] // 10 * 10, (29, 49, 60)[index])
        assert number <= shown.clears
