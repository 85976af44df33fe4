"""Whatever the commit at which the power goes, before it or after: pools and votes end as if it had never gone.

And a seed tells the same on both databases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.demand.lives import play_life
from tests.support.crashes import Boundary

LIVES: Final = (("pools", 11), ("pools", 12), ("votes", 21))
EVERY: Final = 1 if os.environ.get("MUSTER_PROVE") else 19
"""Of the boundaries of a life every so many are tried here; `dev.py prove` tries each one."""


def boundaries(commits: int, *, first: int, every: int) -> Iterator[Boundary]:
    """Yield boundaries before and after commits in turn: with `every` 1 each commit's both."""
    both = [Boundary(number, after) for number in range(1, commits + 1) for after in (False, True)]
    yield from both[first % every :: every]


@pytest.mark.parametrize(("kind", "seed"), LIVES)
def test_a_life_that_dies_at_any_commit_ends_as_one_that_does_not(
    fresh_url: Callable[[], str], kind: str, seed: int
) -> None:
    expected, commits, crashes = play_life(fresh_url(), seed, kind)
    assert (expected["unsound"], crashes) == ([], 0)
    assert commits > 15

    for boundary in boundaries(commits, first=seed, every=EVERY):
        told, _, died = play_life(fresh_url(), seed, kind, boundary)

        assert died == 1, boundary
        assert told == expected, boundary


@pytest.mark.postgres
@pytest.mark.parametrize(("kind", "seed"), [*LIVES, ("pools", 13), ("pools", 14), ("votes", 22)])
def test_the_same_seed_tells_the_same_on_both_databases(
    sqlite_url: str, postgres_url: str, kind: str, seed: int
) -> None:
    on_sqlite, commits, _ = play_life(sqlite_url, seed, kind)
    on_postgres, commits_there, _ = play_life(postgres_url, seed, kind)

    assert on_sqlite == on_postgres
    assert commits == commits_there


@pytest.mark.parametrize(("kind", "seed"), LIVES)
def test_a_life_takes_the_ways_that_matter(sqlite_url: str, kind: str, seed: int) -> None:
    told, _, _ = play_life(sqlite_url, seed, kind)

    states = {one[1] for one in told["pools" if kind == "pools" else "proposals"]}
    assert len(states) >= 2
