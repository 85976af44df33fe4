"""Owners who host test drives in a circle, for its members alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select

from demand.circles.errors import (
    AlreadyHosting,
    DriveAnswered,
    DriveAsked,
    NotAnOwner,
    NotInCircle,
)
from demand.circles.owners.store import asked_since
from demand.circles.tables import (
    circle_drives,
)
from demand.queries import hosts_of, own_test_drives
from demand.service import (
    answer_test_drive,
    ask_for_test_drive,
    join_circle,
    leave_circle,
    remove_own_words,
    stop_hosting,
    take_down_words,
)
from kernel import db
from kernel.errors import NotFound
from kernel.ids import BrandId
from kernel.notices import notices
from kernel.paging import PageRequest
from tests.configurator.small_brand import PLANNER
from tests.demand.circles.owners_room import MEMBER, OPERATOR, OTHER, OWNER, answer, ask, ask_drive, host, rows, told
from tests.demand.pool_room import PoolRoom


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
