"""Loads and saves what owners do in circles: who has a car, who hosts, who asks, what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from demand.circles.errors import AlreadyHosting, AnsweredByYou, DriveAsked
from demand.circles.model import DRIVE_GONE
from demand.circles.tables import car_owners, circle_answers, circle_drives, circle_hosts, circle_questions
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_owners(work: Work, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write who has got a car; what is told twice is written once."""
    db.insert_new(work.connection, car_owners, list(rows), returning="order_id")


def model_owned(work: Work, person_id: str) -> str | None:
    """Return the model of the newest car that a person has got, or None."""
    table = car_owners.c
    found = select(table.model).where(table.brand_id == work.actor.brand_id, table.person_id == person_id)
    model: str | None = work.connection.execute(found.order_by(table.since.desc(), table.order_id).limit(1)).scalar()
    return model


def insert_host(work: Work, circle_id: str, *, person_id: str, model: str, text: str) -> str:
    """Write that a member hosts and return the offer's id; refuses AlreadyHosting."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "circle_id": circle_id,
        "person_id": person_id,
        "account_id": work.actor.signed_in(),
        "model": model,
        "text": text,
        "since": work.now,
    }
    if not db.insert_new(work.connection, circle_hosts, [row], returning="id"):
        raise AlreadyHosting
    return str(row["id"])


def delete_host(work: Work, circle_id: str, person_id: str) -> bool:
    """Take a host's offer back with all that was asked of it."""
    hosts = circle_hosts.c
    return _take_back(work, select(hosts.id).where(hosts.circle_id == circle_id, hosts.person_id == person_id))


def hide_drives(work: Work, circle_id: str, person_id: str) -> None:
    """Take away what a person asked of others in a circle; that they were asked stays, so that nobody asks twice."""
    drives = circle_drives.c
    in_circle = select(circle_hosts.c.id).where(circle_hosts.c.circle_id == circle_id)
    work.connection.execute(
        update(circle_drives)
        .where(drives.person_id == person_id, drives.host_id.in_(in_circle))
        .values(state=DRIVE_GONE, text="", answer="", answered_at=work.now)
    )


def remove_host(work: Work, host_id: str) -> bool:
    """Take somebody's offer back with all that was asked of it; says whether there was one."""
    hosts = circle_hosts.c
    return _take_back(work, select(hosts.id).where(hosts.id == host_id, hosts.brand_id == work.actor.brand_id))


def _take_back(work: Work, offers: Select[tuple[str]]) -> bool:
    """Take offers away with what was asked of them. They are locked first: nobody asks for a drive in between."""
    own = work.connection.execute(offers.order_by(circle_hosts.c.id).with_for_update()).scalars().all()
    work.connection.execute(delete(circle_drives).where(db.among(circle_drives.c.host_id, own)))
    return bool(work.connection.execute(delete(circle_hosts).where(db.among(circle_hosts.c.id, own))).rowcount)


def find_host(work: Work, host_id: str, *, locked: bool = False) -> Any:
    """Return a host's offer, `locked` where nobody may take it back meanwhile, or refuse (NotFound).

    Who locks the circle as well does so before.
    """
    found = select(circle_hosts).where(circle_hosts.c.id == host_id, circle_hosts.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update() if locked else found).first()
    if row is None:
        raise NotFound("host")
    return row


def insert_drive(work: Work, host_id: str, *, person_id: str, text: str) -> str:
    """Write that somebody asks for a drive; refuses DriveAsked."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "host_id": host_id,
        "person_id": person_id,
        "account_id": work.actor.signed_in(),
        "text": text,
        "asked_at": work.now,
        "state": "asked",
        "answer": "",
    }
    if not db.insert_new(work.connection, circle_drives, [row], returning="id"):
        raise DriveAsked
    return str(row["id"])


def lock_drive(work: Work, drive_id: str, *, host: str) -> Any:
    """Lock a drive that a person is asked for, or refuse (NotFound)."""
    found = (
        select(circle_drives)
        .join(circle_hosts, circle_hosts.c.id == circle_drives.c.host_id)
        .where(
            circle_drives.c.id == drive_id,
            circle_drives.c.brand_id == work.actor.brand_id,
            circle_drives.c.state != DRIVE_GONE,
            circle_hosts.c.person_id == host,
        )
    )
    row = work.connection.execute(found.with_for_update(of=circle_drives)).first()
    if row is None:
        raise NotFound("test_drive")
    return row


def save_drive(work: Work, drive_id: str, *, state: str, answer: str) -> None:
    """Write what the host says."""
    work.connection.execute(
        update(circle_drives)
        .where(circle_drives.c.id == drive_id)
        .values(state=state, answer=answer, answered_at=work.now)
    )


# --- questions -------------------------------------------------------------------------------------------------------


def asked_since(work: Work, person_id: str, since: datetime) -> int:
    """Count the questions that a person asked since a time."""
    table = circle_questions.c
    found = select(func.count()).where(
        table.brand_id == work.actor.brand_id, table.person_id == person_id, table.asked_at > since
    )
    return int(work.connection.execute(found).scalar_one())


def insert_question(work: Work, circle_id: str, *, person_id: str, text: str) -> str:
    """Write a question and return its id."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "circle_id": circle_id,
        "person_id": person_id,
        "account_id": work.actor.signed_in(),
        "text": text,
        "asked_at": work.now,
    }
    db.insert_many(work.connection, circle_questions, [row])
    return str(row["id"])


def circle_of_question(work: Work, question_id: str) -> str:
    """Return the circle in which a question was asked that was not removed, or refuse (NotFound)."""
    table = circle_questions.c
    found = select(table.circle_id).where(
        table.id == question_id, table.brand_id == work.actor.brand_id, table.removed_at.is_(None)
    )
    circle_id: str | None = work.connection.execute(found).scalar()
    if circle_id is None:
        raise NotFound("question")
    return circle_id


def insert_answer(work: Work, question_id: str, *, person_id: str, model: str, text: str) -> str:
    """Write an owner's answer; refuses AnsweredByYou."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "question_id": question_id,
        "person_id": person_id,
        "account_id": work.actor.signed_in(),
        "model": model,
        "text": text,
        "at": work.now,
    }
    if not db.insert_new(work.connection, circle_answers, [row], returning="id"):
        raise AnsweredByYou
    return str(row["id"])


def remove_words(work: Work, words_id: str, *, author: str | None) -> bool:
    """Remove a question or an answer, of one author or whoever's; says whether there was one to remove."""
    for table in (circle_questions, circle_answers):
        mine = (
            table.c.id == words_id,
            table.c.brand_id == work.actor.brand_id,
            table.c.removed_at.is_(None),
            *(() if author is None else (table.c.person_id == author,)),
        )
        if work.connection.execute(update(table).where(*mine).values(removed_at=work.now)).rowcount:
            return True
    return False


def forget_owner(work: Work, *, person_id: str | None, account_id: str) -> None:
    """Forget whose car it is, what somebody hosts and asked for; what they said stays, and is nobody's."""
    brand_id = work.actor.brand_id

    def own(table: Any) -> Any:
        mine = table.c.account_id == account_id
        return (table.c.brand_id == brand_id) & (mine if person_id is None else mine | (table.c.person_id == person_id))

    _take_back(work, select(circle_hosts.c.id).where(own(circle_hosts)))
    for table in (circle_drives, car_owners):
        work.connection.execute(delete(table).where(own(table)))
    for table in (circle_questions, circle_answers):
        work.connection.execute(update(table).where(own(table)).values(person_id=None, account_id=None))


def export_owner(work: Work, account_id: str) -> dict[str, Any]:
    """Return what an account said, hosts and asked for in circles, in JSON terms."""

    def rows(table: Any, *names: str, of: Any = None) -> list[dict[str, Any]]:
        columns = [table.c[name] for name in names]
        mine = table.c.account_id == account_id if of is None else of
        told = work.connection.execute(
            select(*columns).where(mine, table.c.brand_id == work.actor.brand_id).order_by(*columns)
        )
        return [dict(zip(names, map(_plain, row), strict=True)) for row in told]

    hosted = circle_drives.c.host_id.in_(select(circle_hosts.c.id).where(circle_hosts.c.account_id == account_id))

    return {
        "cars": rows(car_owners, "since", "vin", "model"),
        "hosting": rows(circle_hosts, "since", "model", "text"),
        "testDrives": rows(circle_drives, "asked_at", "text", "state", "answer"),
        "testDrivesHosted": rows(circle_drives, "asked_at", "state", "answer", of=hosted),
        "questions": rows(circle_questions, "asked_at", "text"),
        "answers": rows(circle_answers, "at", "text"),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
