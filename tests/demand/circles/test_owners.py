"""Owners in circles: who has got a car hosts test drives and answers questions, without a name, for members alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, event, select

from demand.circles.errors import (
    AlreadyHosting,
    AnsweredByYou,
    CircleClosed,
    DriveAnswered,
    DriveAsked,
    NotAnOwner,
    NotInCircle,
    TooManyQuestions,
)
from demand.circles.model import CircleAccess, CircleKind, Figure
from demand.circles.owners import queries as owner_queries
from demand.circles.owners.store import asked_since
from demand.circles.policy import CirclePolicy
from demand.circles.queries import persons_behind
from demand.circles.store import forget_in_circles
from demand.circles.tables import (
    car_owners,
    circle_answers,
    circle_drives,
    circle_hosts,
    circle_members,
    circle_questions,
)
from demand.queries import hosts_of, own_test_drives, questions_of
from demand.service import (
    DemandData,
    NewOwner,
    answer_as_owner,
    answer_test_drive,
    ask_for_test_drive,
    ask_owners,
    close_circle,
    found_circle,
    host_test_drives,
    join_circle,
    leave_circle,
    note_owners,
    remove_own_words,
    stop_hosting,
    take_down_words,
)
from kernel import db, outbox
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.consent import Purpose
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId, BrandId
from kernel.notices import notices
from kernel.paging import PageRequest
from kernel.work import Works
from muster.telling import TELLERS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.circles.test_circles import agree
from tests.demand.pool_room import PoolRoom, make_pool_room

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
OWNER, MEMBER, OTHER = 1, 2, 3


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    """Let the first of three persons have got the car that was pre-ordered."""
    room = make_pool_room(works, clock)
    owner = room.buyer(OWNER)
    assert owner.account_id is not None and owner.person_id is not None
    with works.change(system(BRAND)) as work:
        for _ in range(2):
            note_owners(work, [NewOwner("an order", owner.account_id, owner.person_id, "A1", work.now)])
    return room


@pytest.fixture
def circle_id(room: PoolRoom) -> str:
    with room.works.change(room.buyer(OWNER)) as work:
        made = found_circle(work, kind=CircleKind.MODEL, subject="A1", title="A1", text="", access=CircleAccess.OPEN).id
    with room.works.change(room.buyer(MEMBER)) as work:
        join_circle(work, made)
    return made


def host(room: PoolRoom, circle_id: str, name: int = OWNER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return host_test_drives(work, circle_id, text="Sundays by the lake")


def ask_drive(room: PoolRoom, host_id: str, name: int = MEMBER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return ask_for_test_drive(work, host_id, text="May I come at ten?")


def ask(room: PoolRoom, circle_id: str, name: int = MEMBER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return ask_owners(work, circle_id, text="How far in winter?")


def answer(room: PoolRoom, question_id: str, name: int = OWNER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return answer_as_owner(work, question_id, text="Some 380 km.")


def told(room: PoolRoom, name: int) -> list[str]:
    while outbox.deliver(room.works, TELLERS):
        pass
    with room.works.read(PLANNER) as work:
        mine = select(notices.c.kind).where(notices.c.account_id == room.buyer(name).account_id).order_by(notices.c.id)
        owners = ("test_drive_asked", "test_drive_agreed", "test_drive_declined", "owner_answered")
        return [kind for kind in work.connection.execute(mine).scalars() if kind in owners]


def rows(room: PoolRoom) -> list[int]:
    tables = (car_owners, circle_hosts, circle_drives, circle_questions, circle_answers)
    with room.works.read(PLANNER) as work:
        return [len(work.connection.execute(select(table)).all()) for table in tables]


# --- test drives -----------------------------------------------------------------------------------------------------


def test_a_member_drives_an_owners_car_and_only_both_read_what_they_agreed(room: PoolRoom, circle_id: str) -> None:
    drive_id = ask_drive(room, host(room, circle_id))

    with room.works.change(room.buyer(OWNER)) as work:
        answer_test_drive(work, drive_id, agrees=True, text="Ten it is, at the pier.")
        answer_test_drive(work, drive_id, agrees=True, text="Ten it is, at the pier.")
        with pytest.raises(DriveAnswered):
            answer_test_drive(work, drive_id, agrees=False, text="No.")

    seen = {}
    for name in (OWNER, MEMBER, OTHER):
        with room.works.read(room.buyer(name)) as work:
            seen[name] = [
                (one.state, one.model, one.answer, one.is_host) for one in own_test_drives(work, PageRequest(5)).items
            ]
    assert seen == {
        OWNER: [("agreed", "A1", "Ten it is, at the pier.", True)],
        MEMBER: [("agreed", "A1", "Ten it is, at the pier.", False)],
        OTHER: [],
    }
    assert (told(room, OWNER), told(room, MEMBER)) == (["test_drive_asked"], ["test_drive_agreed"])


def test_no_notice_holds_words_that_whoever_wrote_them_may_take_back(room: PoolRoom, circle_id: str) -> None:
    drive_id = ask_drive(room, host(room, circle_id))
    told(room, OWNER)
    with room.works.change(room.buyer(OWNER)) as work:
        answer_test_drive(work, drive_id, agrees=True, text="Ten it is, at the pier.")
    answer(room, ask(room, circle_id))

    assert (told(room, OWNER), told(room, MEMBER)) == (["test_drive_asked"], ["test_drive_agreed", "owner_answered"])
    with room.works.read(PLANNER) as work:
        of_circles = select(notices.c.facts).where(
            notices.c.kind.like("test_drive%") | (notices.c.kind == "owner_answered")
        )
        assert work.connection.execute(of_circles).scalars().all() == [{"circle": "A1"}] * 3


def test_hosts_are_shown_to_members_alone_by_their_model(room: PoolRoom, circle_id: str) -> None:
    host(room, circle_id)

    seen = {}
    for name in (OWNER, MEMBER, OTHER):
        with room.works.read(room.buyer(name)) as work:
            seen[name] = [(one.model, one.is_mine) for one in hosts_of(work, [circle_id]).get(circle_id, [])]
    assert seen == {OWNER: [("A1", True)], MEMBER: [("A1", False)], OTHER: []}


def test_who_has_no_car_is_no_member_or_hosts_already_is_refused(room: PoolRoom, circle_id: str) -> None:
    with pytest.raises(NotAnOwner):
        host(room, circle_id, MEMBER)
    with pytest.raises(NotInCircle):
        host(room, circle_id, OTHER)
    host_id = host(room, circle_id)

    with pytest.raises(AlreadyHosting):
        host(room, circle_id)
    with pytest.raises(NotInCircle):
        ask_drive(room, host_id, OTHER)
    with pytest.raises(DriveAsked):
        ask_drive(room, host_id, OWNER)
    drive_id = ask_drive(room, host_id)
    with pytest.raises(DriveAsked):
        ask_drive(room, host_id)
    with pytest.raises(NotFound), room.works.change(room.buyer(MEMBER)) as work:
        answer_test_drive(work, drive_id, agrees=True, text="Yes.")
    with pytest.raises(NotFound):
        ask_drive(room, "none")

    assert rows(room) == [1, 1, 1, 0, 0]


def test_whoever_stops_or_leaves_takes_the_offer_and_what_was_asked_of_it_away(room: PoolRoom, circle_id: str) -> None:
    ask_drive(room, host(room, circle_id))
    with room.works.change(room.buyer(OWNER)) as work:
        stop_hosting(work, circle_id)
        stop_hosting(work, circle_id)
    assert rows(room) == [1, 0, 0, 0, 0]
    ask_drive(room, host(room, circle_id))

    with room.works.change(room.buyer(MEMBER)) as work:
        leave_circle(work, circle_id)
    with room.works.read(room.buyer(OWNER)) as work:
        assert own_test_drives(work, PageRequest(5)).items == ()
        assert work.connection.execute(select(circle_drives.c.text)).scalars().all() == [""]
    with room.works.change(room.buyer(OWNER)) as work:
        leave_circle(work, circle_id)

    assert rows(room) == [1, 0, 0, 0, 0]
    # What was asked is gone before anybody was told of it.
    assert told(room, OWNER) == []


def test_nobody_asks_a_host_again_by_leaving_and_coming_back(room: PoolRoom, circle_id: str) -> None:
    host_id = host(room, circle_id)
    drive_id = ask_drive(room, host_id)
    with room.works.change(room.buyer(MEMBER)) as work:
        leave_circle(work, circle_id)
        join_circle(work, circle_id)

    with pytest.raises(DriveAsked):
        ask_drive(room, host_id)
    with pytest.raises(NotFound), room.works.change(room.buyer(OWNER)) as work:
        answer_test_drive(work, drive_id, agrees=True, text="Yes.")
    assert (told(room, OWNER), rows(room)) == ([], [1, 1, 1, 0, 0])


def test_an_offer_taken_back_while_somebody_asks_takes_along_what_was_asked(room: PoolRoom, circle_id: str) -> None:
    host_id = host(room, circle_id)

    def stop() -> None:
        with room.works.change(room.buyer(OWNER)) as work:
            stop_hosting(work, circle_id)

    with ThreadPoolExecutor(1) as hand:
        with room.works.change(room.buyer(MEMBER)) as work:
            ask_for_test_drive(work, host_id, text="May I come at ten?")
            stopped = hand.submit(stop)
            with pytest.raises(TimeoutError):
                stopped.result(timeout=0.2)
        stopped.result(timeout=20)

    assert rows(room) == [1, 0, 0, 0, 0]


def test_an_operator_takes_down_what_a_host_offers(room: PoolRoom, circle_id: str) -> None:
    host_id = host(room, circle_id)
    ask_drive(room, host_id)
    with pytest.raises(NotFound), room.works.change(room.buyer(OWNER)) as work:
        remove_own_words(work, host_id)

    with room.works.change(replace(OPERATOR, brand_id=BrandId("another"))) as work, pytest.raises(NotFound):
        take_down_words(work, host_id)
    with room.works.change(OPERATOR) as work:
        take_down_words(work, host_id)

    assert rows(room) == [1, 0, 0, 0, 0]


def test_drives_and_questions_of_one_person_are_found_by_an_index(room: PoolRoom) -> None:
    with room.works.read(room.buyer(MEMBER)) as work:
        asked: list[tuple[str, Any]] = []
        event.listen(work.connection, "before_cursor_execute", lambda *sent: asked.append(sent[2:4]))
        own_test_drives(work, PageRequest(5))
        asked_since(work, "a person", work.now)
        if not db.is_sqlite(work.connection):
            return
        plans = [
            row[3]
            for text, values in list(asked)
            for row in work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        ]

    assert any("ix_circle_drives_person_id" in one for one in plans)
    assert [one for one in plans if one.startswith("SCAN circle_")] == []


# --- questions -------------------------------------------------------------------------------------------------------


def test_an_owner_answers_a_question_once_and_members_read_it_without_a_name(room: PoolRoom, circle_id: str) -> None:
    question_id = ask(room, circle_id)
    answer(room, question_id)

    with pytest.raises(AnsweredByYou):
        answer(room, question_id)
    with pytest.raises(NotAnOwner):
        answer(room, question_id, MEMBER)
    with pytest.raises(NotInCircle):
        answer(room, question_id, OTHER)

    with room.works.read(room.buyer(MEMBER)) as work:
        (question,) = questions_of(work, [circle_id])[circle_id]
    with room.works.read(room.buyer(OTHER)) as work:
        assert questions_of(work, [circle_id]) == {}
    assert (question.text, question.is_mine) == ("How far in winter?", True)
    assert [(one.model, one.text, one.is_mine) for one in question.answers] == [("A1", "Some 380 km.", False)]
    assert told(room, MEMBER) == ["owner_answered"]


def test_who_left_the_circle_is_not_told_what_is_answered_in_it(room: PoolRoom, circle_id: str) -> None:
    question_id = ask(room, circle_id)
    with room.works.change(room.buyer(MEMBER)) as work:
        leave_circle(work, circle_id)

    answer(room, question_id)

    assert told(room, MEMBER) == []


def test_no_more_hosts_and_answers_are_read_than_shown(
    room: PoolRoom, circle_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_queries, "HOSTS_MAX", 0)
    monkeypatch.setattr(owner_queries, "ANSWERS_MAX", 0)
    host(room, circle_id)
    answer(room, ask(room, circle_id))

    with room.works.read(room.buyer(MEMBER)) as work:
        assert hosts_of(work, [circle_id]) == {}
        assert [one.answers for one in questions_of(work, [circle_id])[circle_id]] == [()]


def test_the_newest_questions_of_each_circle_are_shown(
    room: PoolRoom, circle_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_queries, "QUESTIONS_MAX", 2)
    with room.works.change(room.buyer(MEMBER)) as work:
        other = found_circle(work, kind=CircleKind.MODEL, subject="A1", title="B", text="", access=CircleAccess.OPEN).id
    _, second, third, gone = (ask(room, circle_id) for _ in range(4))
    alone = ask(room, other)
    with room.works.change(room.buyer(MEMBER)) as work:
        remove_own_words(work, gone)

    with room.works.read(room.buyer(MEMBER)) as work:
        seen = {one: [question.id for question in of] for one, of in questions_of(work, [circle_id, other]).items()}

    assert seen == {circle_id: [third, second], other: [alone]}


def test_a_day_has_room_for_some_questions(room: PoolRoom, circle_id: str) -> None:
    for _ in range(CirclePolicy().questions_a_day):
        ask(room, circle_id)
    with pytest.raises(TooManyQuestions):
        ask(room, circle_id)
    with pytest.raises(InvalidInput), room.works.change(room.buyer(OWNER)) as work:
        ask_owners(work, circle_id, text=" ")

    room.pass_time(days=1)

    ask(room, circle_id)
    assert rows(room)[3] == CirclePolicy().questions_a_day + 1


def test_the_questions_of_a_day_are_counted_over_circles_asked_in_at_once(room: PoolRoom, circle_id: str) -> None:
    with room.works.change(room.buyer(MEMBER)) as work:
        made = found_circle(work, kind=CircleKind.MODEL, subject="A1", title="B", text="", access=CircleAccess.OPEN)
    for _ in range(CirclePolicy().questions_a_day - 1):
        ask(room, circle_id)

    with ThreadPoolExecutor(1) as hand:
        with room.works.change(room.buyer(MEMBER)) as work:
            ask_owners(work, circle_id, text="How far in winter?")
            other = hand.submit(ask, room, made.id)
            with pytest.raises(TimeoutError):
                other.result(timeout=0.2)
        with pytest.raises(TooManyQuestions):
            other.result(timeout=20)

    assert rows(room)[3] == CirclePolicy().questions_a_day


def test_words_are_removed_by_their_author_or_by_an_operator(room: PoolRoom, circle_id: str) -> None:
    question_id = ask(room, circle_id)
    answer_id = answer(room, question_id)
    with pytest.raises(NotFound), room.works.change(room.buyer(MEMBER)) as work:
        remove_own_words(work, answer_id)
    with pytest.raises(Forbidden), room.works.change(room.buyer(OWNER)) as work:
        take_down_words(work, question_id)

    with room.works.change(room.buyer(OWNER)) as work:
        remove_own_words(work, answer_id)
    with room.works.read(OPERATOR) as work:
        (left,) = questions_of(work, [circle_id])[circle_id]
    with room.works.change(OPERATOR) as work:
        take_down_words(work, question_id)

    assert left.answers == ()
    with room.works.read(room.buyer(MEMBER)) as work:
        assert questions_of(work, [circle_id]) == {}
    with pytest.raises(NotFound):
        answer(room, question_id)
    assert told(room, MEMBER) == []


def test_a_closed_circle_takes_no_words(room: PoolRoom, circle_id: str) -> None:
    host_id = host(room, circle_id)
    question_id = ask(room, circle_id)
    with room.works.change(OPERATOR) as work:
        close_circle(work, circle_id, reason="It must go.")

    with pytest.raises(CircleClosed):
        ask(room, circle_id)
    with pytest.raises(CircleClosed):
        answer(room, question_id)
    with pytest.raises(CircleClosed):
        ask_drive(room, host_id)


# --- figures and erasing ---------------------------------------------------------------------------------------------


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


def test_a_host_who_is_no_member_counts_nowhere_and_stops_no_release(room: PoolRoom, circle_id: str) -> None:
    host(room, circle_id)
    with room.works.change(OPERATOR) as work:
        work.connection.execute(delete(circle_members))

    with room.works.read(system(BRAND)) as work:
        assert persons_behind(work) == {}
