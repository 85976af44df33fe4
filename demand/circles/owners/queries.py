"""Reads of what owners do in circles, many at a time: for members, without a name; a drive for its two sides alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, and_, func, or_, select

from demand.circles.model import DRIVE_GONE, DriveState
from demand.circles.tables import (
    circle_answers,
    circle_drives,
    circle_hosts,
    circle_members,
    circle_questions,
    circles,
)
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

HOSTS_MAX: Final = 50
QUESTIONS_MAX: Final = 50
ANSWERS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Host:
    """A member who lets others drive the car; `is_mine` for the host."""

    id: str
    model: str
    text: str
    since: datetime
    is_mine: bool


@dataclass(frozen=True, slots=True)
class OwnersAnswer:
    """What an owner of a model says."""

    id: str
    model: str
    text: str
    at: datetime
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What a member asks the owners, with their answers, oldest first."""

    id: str
    text: str
    asked_at: datetime
    is_mine: bool
    answers: tuple[OwnersAnswer, ...]


@dataclass(frozen=True, slots=True)
class TestDrive:
    """What somebody asks a host and what the host says; `is_host` where the reader is the host."""

    id: str
    circle_id: str
    model: str
    text: str
    asked_at: datetime
    state: str
    answer: str
    is_host: bool


def _own_circles(work: Work, circle_ids: Sequence[str]) -> list[str]:
    """Return those of the circles that the reader is in; operators read in all of the brand's."""
    if work.actor.may(Permission.ACCOUNT_DISABLE):
        table = circles.c
        found = select(table.id).where(db.among(table.id, circle_ids), table.brand_id == work.actor.brand_id)
    else:
        member = circle_members.c
        found = select(member.circle_id).where(
            db.among(member.circle_id, circle_ids),
            member.person_id == (work.actor.person_id or ""),
            member.brand_id == work.actor.brand_id,
        )
    return list(work.connection.execute(found).scalars())


def hosts_of(work: Work, circle_ids: Sequence[str]) -> dict[str, list[Host]]:
    """Return who hosts test drives in the circles that the reader is in, newest first."""
    table = circle_hosts.c
    found = select(circle_hosts).where(db.among(table.circle_id, _own_circles(work, circle_ids)))
    hosts: dict[str, list[Host]] = {}
    for row in _first_of_each(work, found, table.circle_id, table.id.desc(), most=HOSTS_MAX):
        shown = Host(row.id, row.model, row.text, row.since, _is_mine(work, row))
        hosts.setdefault(row.circle_id, []).append(shown)
    return hosts


def _first_of_each(
    work: Work, found: Select[Any], by: Column[str], order: ColumnElement[str], *, most: int
) -> Sequence[Any]:
    """Return rows in an order by id, of each group so many at most, however many there are."""
    place = func.row_number().over(partition_by=by, order_by=order).label("place")
    placed = found.add_columns(place).subquery()
    return work.connection.execute(
        select(placed).where(placed.c.place <= most).order_by(placed.c[by.key], placed.c.place)
    ).all()


def questions_of(work: Work, circle_ids: Sequence[str]) -> dict[str, list[Question]]:
    """Return what is asked in the circles that the reader is in, newest first, in three statements.

    Of each circle the oldest one to show is sought first, so that the index is read no further back than that.
    """
    table, newest = circle_questions.c, circle_questions.alias("newest")
    oldest = (
        select(newest.c.id)
        .where(newest.c.circle_id == circles.c.id, newest.c.removed_at.is_(None))
        .order_by(newest.c.id.desc())
        .offset(QUESTIONS_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    own = (
        select(circles.c.id, func.coalesce(oldest, "").label("oldest"))
        .where(db.among(circles.c.id, _own_circles(work, circle_ids)))
        .cte("own")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    found = (
        select(circle_questions)
        .join(own, (table.circle_id == own.c.id) & (table.id >= own.c.oldest))
        .where(table.removed_at.is_(None))
        .order_by(table.circle_id, table.id.desc())
    )
    rows = work.connection.execute(found).all()
    answers = _answers_of(work, [row.id for row in rows])
    questions: dict[str, list[Question]] = {}
    for row in rows:
        questions.setdefault(row.circle_id, []).append(
            Question(row.id, row.text, row.asked_at, _is_mine(work, row), tuple(answers.get(row.id, ())))
        )
    return questions


def _answers_of(work: Work, question_ids: Sequence[str]) -> dict[str, list[OwnersAnswer]]:
    table = circle_answers.c
    found = select(circle_answers).where(db.among(table.question_id, question_ids), table.removed_at.is_(None))
    answers: dict[str, list[OwnersAnswer]] = {}
    for row in _first_of_each(work, found, table.question_id, table.id.asc(), most=ANSWERS_MAX):
        shown = OwnersAnswer(row.id, row.model, row.text, row.at, _is_mine(work, row))
        answers.setdefault(row.question_id, []).append(shown)
    return answers


def _is_mine(work: Work, row: Any) -> bool:
    return row.person_id is not None and row.person_id == work.actor.person_id


def own_test_drives(work: Work, page: PageRequest) -> Page[TestDrive]:
    """Return the test drives that the reader asked for, or is asked for as a host, newest first."""
    work.actor.require(Permission.VOTE)
    person_id = work.actor.person_id or ""
    drive, host = circle_drives.c, circle_hosts.c
    # Asked apart, so that both sides of the `or` are read off an index.
    hosted = work.connection.execute(select(host.id).where(host.person_id == person_id)).scalars().all()
    found = (
        select(circle_drives, host.circle_id, host.model, host.person_id.label("host"))
        .join(circle_hosts, host.id == drive.host_id)
        .where(
            drive.brand_id == work.actor.brand_id,
            drive.state != DRIVE_GONE,
            or_(drive.person_id == person_id, db.among(drive.host_id, hosted)),
        )
    )
    if page.after is not None:
        found = found.where(drive.id < page.after)
    rows = work.connection.execute(found.order_by(drive.id.desc()).limit(page.size + 1)).all()
    drives = [
        TestDrive(
            row.id, row.circle_id, row.model, row.text, row.asked_at, row.state, row.answer, row.host == person_id
        )
        for row in rows
    ]
    return make_page(drives, page, lambda one: one.id)


# --- for telling and for figures -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Whom something is told, without the words: they stay where whoever wrote them can take them back."""

    account_id: str | None
    circle: str
    agreed: bool = False


def drive_to_tell(work: Work, drive_id: str, *, host: bool) -> Told | None:
    """Return what the host of a drive is told, or who asked for it; None where it was taken back."""
    work.actor.require(Permission.SYSTEM)
    found = (
        select(circle_drives, circles.c.title, circle_hosts.c.account_id.label("host_account"))
        .join(circle_hosts, circle_hosts.c.id == circle_drives.c.host_id)
        .join(circles, circles.c.id == circle_hosts.c.circle_id)
        .where(circle_drives.c.id == drive_id, circle_drives.c.state != DRIVE_GONE)
    )
    row = work.connection.execute(found).first()
    if row is None:
        return None
    if host:
        return Told(row.host_account, row.title)
    return Told(row.account_id, row.title, agreed=row.state == DriveState.AGREED)


def answer_to_tell(work: Work, answer_id: str) -> Told | None:
    """Return what who asked is told of an answer; None where it was removed, or who asked has left the circle."""
    work.actor.require(Permission.SYSTEM)
    question, answer = circle_questions.c, circle_answers.c
    found = (
        select(question.account_id, circles.c.title)
        .join(circle_questions, question.id == answer.question_id)
        .join(circles, circles.c.id == question.circle_id)
        .join(
            circle_members,
            and_(circle_members.c.circle_id == question.circle_id, circle_members.c.person_id == question.person_id),
        )
        .where(and_(answer.id == answer_id, answer.removed_at.is_(None)))
    )
    row = work.connection.execute(found).first()
    return None if row is None else Told(row.account_id, row.title)


def owners_active(work: Work) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return which members host and which answered, each as circle and person; for the release of figures."""
    work.actor.require(Permission.SYSTEM)
    brand_id = work.actor.brand_id
    hosting = (
        select(circle_hosts.c.circle_id, circle_hosts.c.person_id)
        .join(
            circle_members,
            (circle_members.c.circle_id == circle_hosts.c.circle_id)
            & (circle_members.c.person_id == circle_hosts.c.person_id),
        )
        .where(circle_hosts.c.brand_id == brand_id)
    )
    answered = (
        select(circle_questions.c.circle_id, circle_answers.c.person_id)
        .join(circle_questions, circle_questions.c.id == circle_answers.c.question_id)
        .join(
            circle_members,
            (circle_members.c.circle_id == circle_questions.c.circle_id)
            & (circle_members.c.person_id == circle_answers.c.person_id),
        )
        .where(circle_answers.c.brand_id == brand_id, circle_answers.c.removed_at.is_(None))
    )
    hosts, answerers = (
        {(row.circle_id, row.person_id) for row in work.connection.execute(found)} for found in (hosting, answered)
    )
    return hosts, answerers
