"""Owners who answer questions in a circle, without a name, for its members alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from demand.circles.errors import (
    AnsweredByYou,
    CircleClosed,
    NotAnOwner,
    NotInCircle,
    TooManyQuestions,
)
from demand.circles.model import CircleAccess, CircleKind
from demand.circles.owners import queries as owner_queries
from demand.circles.policy import CirclePolicy
from demand.queries import hosts_of, questions_of
from demand.service import (
    ask_owners,
    close_circle,
    found_circle,
    leave_circle,
    remove_own_words,
    take_down_words,
)
from kernel.errors import Forbidden, InvalidInput, NotFound
from tests.demand.circles.owners_room import MEMBER, OPERATOR, OTHER, OWNER, answer, ask, ask_drive, host, rows, told
from tests.demand.pool_room import PoolRoom


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
