"""What owners bring a circle, and what stays of them when they leave or are erased."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import delete, select

from demand.circles.model import Figure
from demand.circles.queries import persons_behind
from demand.circles.store import forget_in_circles
from demand.circles.tables import (
    circle_answers,
    circle_counted,
    circle_members,
    circle_questions,
)
from demand.queries import hosts_of, questions_of
from demand.service import (
    DemandData,
    answer_test_drive,
    host_test_drives,
    release_circles,
)
from kernel.actor import system
from kernel.consent import Purpose
from kernel.errors import NotFound
from kernel.ids import AccountId
from kernel.work import Work
from tests.configurator.small_brand import BRAND
from tests.demand.circles.owners_room import MEMBER, OPERATOR, OWNER, answer, ask, ask_drive, host, rows
from tests.demand.circles.test_circles import agree, join
from tests.demand.pool_room import PoolRoom


def test_a_circle_brings_hosts_and_owners_who_answer(room: PoolRoom, circle_id: str) -> None:
    host(room, circle_id)
    answer(room, ask(room, circle_id))

    with room.works.read(system(BRAND)) as work:
        behind = persons_behind(work)[circle_id]

    owner = {room.buyer(OWNER).person_id}
    assert (behind[Figure.HOSTING], behind[Figure.ANSWERED]) == (owner, owner)


def test_an_erased_owner_is_nobody_and_what_was_said_stays(room: PoolRoom, circle_id: str) -> None:
    agree(room, Purpose.CIRCLE_OFFERS, OWNER, MEMBER)
    drive_id = ask_drive(room, host(room, circle_id))
    with room.works.change(room.buyer(OWNER)) as work:
        answer_test_drive(work, drive_id, agrees=True, text="Ten it is, at the pier.")
    answer(room, ask(room, circle_id, OWNER))
    account_id = room.buyer(OWNER).account_id
    assert account_id is not None
    with room.works.read(room.buyer(OWNER)) as work:
        kept = DemandData().export(work, account_id)["asOwner"]

    with room.works.change(room.buyer(OWNER)) as work:
        DemandData().erase(work, account_id)

    assert orjson.loads(orjson.dumps(kept)) == kept
    assert [len(kept[name]) for name in ("cars", "hosting", "testDrives", "questions", "answers")] == [1, 1, 0, 1, 1]
    assert [(one["state"], one["answer"]) for one in kept["testDrivesHosted"]] == [
        ("agreed", "Ten it is, at the pier.")
    ]
    assert rows(room) == [0, 0, 0, 1, 1]
    with room.works.read(room.buyer(MEMBER)) as work:
        (question,) = questions_of(work, [circle_id])[circle_id]
        said = [work.connection.execute(select(one.c.account_id, one.c.person_id)).one() for one in
                (circle_questions, circle_answers)]  # fmt: skip
    assert (question.text, len(question.answers)) == ("How far in winter?", 1)
    assert [tuple(one) for one in said] == [(None, None), (None, None)]


def test_who_is_in_a_circle_no_more_hosts_there_under_no_other_account_either(room: PoolRoom, circle_id: str) -> None:
    owner = room.buyer(OWNER)
    assert owner.account_id is not None
    with room.works.change(replace(owner, account_id=AccountId("e" * 32))) as work:
        host_id = host_test_drives(work, circle_id, text="Sundays by the lake")

    with room.works.change(owner) as work:
        forget_in_circles(work, person_id=None, account_id=owner.account_id)

    with room.works.read(room.buyer(MEMBER)) as work:
        assert hosts_of(work, [circle_id]) == {}
    with pytest.raises(NotFound):
        ask_drive(room, host_id)


def test_who_hosts_under_another_account_while_erased_hosts_nowhere(room: PoolRoom, circle_id: str) -> None:
    owner = room.buyer(OWNER)
    account_id = owner.account_id
    assert account_id is not None

    def erase() -> None:
        with room.works.change(owner) as work:
            forget_in_circles(work, person_id=None, account_id=account_id)

    with ThreadPoolExecutor(1) as hand:
        with room.works.change(replace(owner, account_id=AccountId("e" * 32))) as work:
            host_test_drives(work, circle_id, text="Sundays by the lake")
            erased = hand.submit(erase)
            with pytest.raises(TimeoutError):
                erased.result(timeout=0.2)
        erased.result(timeout=20)

    assert rows(room)[1] == 0


@pytest.mark.parametrize("erased_first", [False, True])
def test_who_is_erased_while_figures_are_released_is_counted_nowhere(
    room: PoolRoom, circle_id: str, erased_first: bool
) -> None:
    join(room, circle_id, *range(20, 32))
    gone = room.buyer(20)
    account_id = gone.account_id
    assert account_id is not None

    def erase(work: Work) -> None:
        forget_in_circles(work, person_id=gone.person_id, account_id=account_id)

    def release(work: Work) -> None:
        release_circles(work.acting(system(BRAND)))

    def run(decide: Callable[[Work], None]) -> None:
        with room.works.change(gone) as work:
            decide(work)

    first, second = (erase, release) if erased_first else (release, erase)
    with ThreadPoolExecutor(1) as hand:
        with room.works.change(gone) as work:
            first(work)
            waiting = hand.submit(run, second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        waiting.result(timeout=20)

    with room.works.read(system(BRAND)) as work:
        counted = work.connection.execute(select(circle_counted.c.person_id)).scalars().all()
    assert len(counted) >= 11
    assert gone.person_id not in counted


def test_a_host_who_is_no_member_counts_nowhere_and_stops_no_release(room: PoolRoom, circle_id: str) -> None:
    host(room, circle_id)
    with room.works.change(OPERATOR) as work:
        work.connection.execute(delete(circle_members))

    with room.works.read(system(BRAND)) as work:
        assert persons_behind(work) == {}
