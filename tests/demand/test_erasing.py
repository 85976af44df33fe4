"""Who leaves and what stays of them: a vote counts once however often somebody comes again, no money is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event
from typing import Final

import pytest

from demand.queries import proposals_by_id
from demand.service import (
    DemandData,
    Placed,
    cast_vote,
    merge_proposals,
    place_pre_orders,
    publish_proposal,
    submit_proposal,
)
from kernel import personal
from kernel.actor import Actor, system
from kernel.errors import NotSignedIn, Refusal
from kernel.identity.erasure_service import IdentityData
from kernel.identity.persons import PersonClaim, SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.personal import ErasureBlocked, PersonalData
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, GUEST, PLANNER
from tests.demand.pool_room import PoolRoom
from tests.kernel.identity.people import ID_NUMBER, PASSWORD, SETTINGS, must_act, signed_up

PARTS: Final[tuple[PersonalData, ...]] = (IdentityData(SETTINGS), DemandData())


def verified(works: Works, email: str) -> Actor:
    """Let the same person sign up once more and be verified."""
    identity = Identity(works, SETTINGS, SandboxPersonVerifier())
    session = signed_up(identity, works, email=email, guest=GUEST)
    identity.verify_person(must_act(identity, works, session.token, GUEST), claim=PersonClaim(ID_NUMBER, "听雨小满"))
    return must_act(identity, works, identity.sign_in(GUEST, email=email, password=PASSWORD).token, GUEST)


def erase(works: Works, actor: Actor, *, lingering_seconds: float = 0) -> None:
    with works.change(actor) as work:
        personal.erase_own_account(work, PARTS)
        time.sleep(lingering_seconds)


def proposal(works: Works, author: Actor, title: str) -> str:
    with works.change(author) as work:
        proposal_id = submit_proposal(work, title=title, text="").head.id
    with works.change(PLANNER) as work:
        publish_proposal(work, proposal_id)
    return proposal_id


def vote(works: Works, actor: Actor, proposal_id: str) -> None:
    with works.change(actor) as work:
        cast_vote(work, proposal_id)


def count(works: Works, proposal_id: str) -> int:
    with works.read(GUEST) as work:
        return proposals_by_id(work, [proposal_id])[proposal_id].votes


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """Run jobs in threads that begin together; a refusal is an outcome."""
    together = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        together.wait()
        try:
            return job()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


# --- votes -----------------------------------------------------------------------------------------------------------


def test_who_voted_for_a_duplicate_and_comes_again_counts_once(works: Works, room: PoolRoom) -> None:
    author = room.buyer(99)
    duplicate, target = proposal(works, author, "A tow bar"), proposal(works, author, "A tow hook")
    first = verified(works, "first@example.test")
    vote(works, first, duplicate)
    with works.change(PLANNER) as work:
        merge_proposals(work, duplicate, into=target)
    assert count(works, target) == 1

    erase(works, first)
    counted_in_between = count(works, target)
    vote(works, verified(works, "again@example.test"), target)

    assert (counted_in_between, count(works, target)) == (0, 1)


def test_two_accounts_of_one_person_erased_at_once_leave_no_vote(works: Works, room: PoolRoom) -> None:
    wanted = proposal(works, room.buyer(99), "A tow hook")
    first, second = verified(works, "first@example.test"), verified(works, "second@example.test")
    assert first.person_id == second.person_id
    vote(works, first, wanted)

    outcomes = at_once(*(partial(erase, works, one, lingering_seconds=0.3) for one in (first, second)))

    assert outcomes == [None, None]
    assert count(works, wanted) == 0


def test_an_account_that_was_erased_a_moment_ago_casts_no_vote(works: Works, room: PoolRoom) -> None:
    wanted = proposal(works, room.buyer(99), "A tow hook")
    actor = verified(works, "first@example.test")
    erase(works, actor)

    with pytest.raises(NotSignedIn):
        vote(works, actor, wanted)

    assert count(works, wanted) == 0


# --- places ----------------------------------------------------------------------------------------------------------


def test_an_account_that_was_erased_a_moment_ago_takes_no_place_and_the_others_do(room: PoolRoom) -> None:
    pool_id = room.open()
    actor = verified(room.works, "first@example.test")
    request, other = room.request(actor), room.request(room.buyer(2))
    erase(room.works, actor)

    refused, placed = room.place(request, other)

    assert refused == NotSignedIn()
    assert isinstance(placed, Placed)
    assert (room.count(pool_id), list(room.states())) == (1, [placed.pre_order_id])


@pytest.mark.parametrize("erased_first", [True, False])
def test_an_account_is_erased_or_takes_a_place_never_both(room: PoolRoom, erased_first: bool) -> None:
    pool_id = room.open()
    actor = verified(room.works, "first@example.test")
    request = room.request(actor)

    first_has_written = Event()

    @contextmanager
    def in_turn(who: Actor, *, is_first: bool) -> Iterator[Work]:
        """Open a change: the first one's stays open for a while after it has written, the other's begins then."""
        if not is_first:
            assert first_has_written.wait(30)
        with room.works.change(who) as work:
            yield work
            if is_first:
                first_has_written.set()
                time.sleep(0.5)

    def leave() -> None:
        with in_turn(actor, is_first=erased_first) as work:
            personal.erase_own_account(work, PARTS)

    def join() -> object:
        with in_turn(system(BRAND), is_first=not erased_first) as work:
            (outcome,) = place_pre_orders(work, room.providers, [request])
        return outcome

    left, joined = at_once(leave, join)

    if erased_first:
        assert (left, joined, room.count(pool_id)) == (None, NotSignedIn(), 0)
    else:
        assert isinstance(left, ErasureBlocked)
        assert isinstance(joined, Placed)
        assert room.count(pool_id) == 1
