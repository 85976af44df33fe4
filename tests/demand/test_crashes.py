"""Whatever the commit at which the power goes, before it or after: pools, votes and wishes end as if it had not gone.

And a seed tells the same on both databases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.demand.lives import POOLS, VOTES, play_life
from tests.demand.wish_lives import WISHES
from tests.support.crashes import Boundary

STORIES: Final = {"pools": POOLS, "votes": VOTES, "wishes": WISHES}
LIVES: Final = (("pools", 11), ("pools", 12), ("votes", 21), ("wishes", 34), ("wishes", 36))
EVERY: Final = {"pools": 19, "votes": 19, "wishes": 67}
"""Of the boundaries of a life every so many are tried here; `dev.py prove` tries each one."""
WISHES_THAT_REACH_ALL: Final = (34, 36, 37, 52)


def boundaries(commits: int, *, first: int, every: int) -> Iterator[Boundary]:
    """Yield boundaries before and after commits in turn: with `every` 1 each commit's both."""
    both = [Boundary(number, after) for number in range(1, commits + 1) for after in (False, True)]
    yield from both[first % every :: every]


@pytest.mark.sampled
@pytest.mark.parametrize(("kind", "seed"), LIVES)
def test_a_life_that_dies_at_any_commit_ends_as_one_that_does_not(
    fresh_url: Callable[[], str], kind: str, seed: int
) -> None:
    expected, commits, crashes = play_life(fresh_url(), seed, STORIES[kind])
    assert (expected["unsound"], crashes) == ([], 0)
    assert commits > 15

    for boundary in boundaries(commits, first=seed, every=1 if os.environ.get("MUSTER_PROVE") else EVERY[kind]):
        told, _, died = play_life(fresh_url(), seed, STORIES[kind], boundary)

        assert died == 1, boundary
        assert told == expected, boundary


@pytest.mark.postgres
@pytest.mark.parametrize(("kind", "seed"), [*LIVES, ("pools", 13), ("pools", 14), ("votes", 22), ("wishes", 37)])
def test_the_same_seed_tells_the_same_on_both_databases(
    sqlite_url: str, postgres_url: str, kind: str, seed: int
) -> None:
    on_sqlite, commits, _ = play_life(sqlite_url, seed, STORIES[kind])
    on_postgres, commits_there, _ = play_life(postgres_url, seed, STORIES[kind])

    assert on_sqlite == on_postgres
    assert commits == commits_there


@pytest.mark.parametrize(("kind", "seed"), LIVES)
def test_a_life_takes_the_ways_that_matter(sqlite_url: str, kind: str, seed: int) -> None:
    told, _, _ = play_life(sqlite_url, seed, STORIES[kind])

    states = {one[1] for one in told["pools" if kind == "pools" else "proposals"]}
    assert len(states) >= 2


def test_lives_of_wishes_together_take_every_way(fresh_url: Callable[[], str]) -> None:
    """What is not on these lists a proposal cannot become by backers, maker, catalogue, orders and time."""
    told = [play_life(fresh_url(), seed, WISHES)[0] for seed in WISHES_THAT_REACH_ALL]

    assert {state for one in told for _, state in one["proposals"]} == {
        *("compare", "backing", "committed", "converted", "declined", "expired"),
    }
    assert {(outcome, why) for one in told for _, outcome, why in one["promises"]} == {
        *(("kept", ""), ("broken", "late"), ("broken", "above_ceiling")),
    }
    assert {(state, reason) for one in told for (_, state, reason), _ in one["changes"]} == {
        *(("acknowledged", "placed"), ("held", "placed"), ("converted", "ordered"), ("lapsed", "not_ordered")),
        *(("withdrawn", "withdrawn"), ("declined", "payment_returned"), ("expired_unpaid", "no_money_in_time")),
        *(
            ("refunded", "declined"),
            ("refunded", "closed"),
            ("expired_unpaid", "declined"),
            ("expired_unpaid", "closed"),
        ),
    }
    assert {kind for one in told for chain in one["chains"].values() for kind in chain} == {
        *("proposal.published", "proposal.compared", "proposal.backing_opened", "proposal.answer_wanted"),
        *("proposal.answer_overdue", "proposal.committed", "proposal.promise_broken", "proposal.in_catalogue"),
        *("proposal.converted", "proposal.declined", "proposal.closed"),
        *("backing.held", "backing.withdrawn", "backing.declined", "backing.converted"),
    }
