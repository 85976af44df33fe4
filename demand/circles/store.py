"""Loads and saves circles, their members and what they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update

from demand.circles.errors import AlreadyInCircle, AlreadyOffered, InvitationSpent
from demand.circles.model import NOTHING_RELEASED, Circle, Figure, Released
from demand.circles.owners.store import delete_host, hide_drives
from demand.circles.rows import circle_from
from demand.circles.tables import (
    circle_counted,
    circle_figures,
    circle_invitations,
    circle_members,
    circle_messages,
    circle_offers,
    circle_proposals,
    circles,
)
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_circle(work: Work, circle: Circle, *, founded_by: str) -> None:
    """Write a new circle."""
    row = {
        "id": circle.id,
        "brand_id": circle.brand_id,
        "kind": circle.kind.value,
        "subject": circle.subject,
        "title": circle.title,
        "text": circle.text,
        "access": circle.access.value,
        "founded_by": founded_by,
        "founded_at": circle.founded_at,
    }
    db.insert_many(work.connection, circles, [row])


def lock_circle(work: Work, circle_id: str) -> Circle:
    """Lock and return a circle of the actor's brand, or refuse (NotFound)."""
    found = select(circles).where(circles.c.id == circle_id, circles.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update()).mappings().first()
    if row is None:
        raise NotFound("circle")
    return circle_from(row)


def hold_circles(work: Work, which: ColumnElement[bool]) -> None:
    """Keep some circles of the actor's brand as they are until this change ends."""
    own = select(circles.c.id).where(circles.c.brand_id == work.actor.brand_id, which).order_by(circles.c.id)
    work.connection.execute(own.with_for_update(key_share=True))


def close_row(work: Work, circle_id: str, *, reason: str) -> None:
    """Note that a circle is closed, and why."""
    work.connection.execute(
        update(circles).where(circles.c.id == circle_id).values(closed_at=work.now, closed_reason=reason)
    )


def founded_by(work: Work, account_id: str) -> int:
    """Count the circles that an account founded and that are not closed."""
    found = select(func.count()).where(circles.c.founded_by == account_id, circles.c.closed_at.is_(None))
    return int(work.connection.execute(found).scalar_one())


def joined_by(work: Work, person_id: str) -> int:
    """Count the circles that a person is in."""
    found = select(func.count()).where(circle_members.c.person_id == person_id)
    return int(work.connection.execute(found).scalar_one())


def is_member(work: Work, circle_id: str, person_id: str) -> bool:
    """Say whether a person is in a circle."""
    table = circle_members.c
    found = select(table.person_id).where(table.circle_id == circle_id, table.person_id == person_id)
    return work.connection.execute(found).first() is not None


def insert_member(work: Work, circle_id: str, *, person_id: str, account_id: str, invitation_id: str | None) -> None:
    """Write a member; refuses AlreadyInCircle."""
    row = {
        "circle_id": circle_id,
        "person_id": person_id,
        "brand_id": work.actor.brand_id,
        "account_id": account_id,
        "invitation_id": invitation_id,
        "joined_at": work.now,
    }
    if not db.insert_new(work.connection, circle_members, [row], returning="person_id"):
        raise AlreadyInCircle


def delete_member(work: Work, circle_id: str, person_id: str) -> bool:
    """Take a member out; says whether the person was in."""
    table = circle_members.c
    gone = delete(circle_members).where(table.circle_id == circle_id, table.person_id == person_id)
    return bool(work.connection.execute(gone).rowcount)


def insert_invitation(
    work: Work, circle_id: str, *, code_hash: str, made_by: str, uses_max: int, expires_at: datetime
) -> None:
    """Write an invitation; only its code's hash is kept."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "circle_id": circle_id,
        "code_hash": code_hash,
        "made_by": made_by,
        "uses": 0,
        "uses_max": uses_max,
        "expires_at": expires_at,
    }
    db.insert_many(work.connection, circle_invitations, [row])


def use_invitation(work: Work, circle_id: str, code_hash: str) -> str:
    """Use an invitation once and return its id; refuses InvitationSpent, also for the last use that two ask for."""
    table = circle_invitations.c
    using = (
        update(circle_invitations)
        .where(
            table.circle_id == circle_id,
            table.code_hash == code_hash,
            table.brand_id == work.actor.brand_id,
            table.uses < table.uses_max,
            table.expires_at > work.now,
        )
        .values(uses=table.uses + 1)
        .returning(table.id)
    )
    used: str | None = work.connection.execute(using).scalar()
    if used is None:
        raise InvitationSpent
    return used


def link_proposal(work: Work, circle_id: str, proposal_id: str) -> None:
    """Note that a circle carries a proposal."""
    db.insert_many(
        work.connection, circle_proposals, [{"proposal_id": proposal_id, "circle_id": circle_id, "at": work.now}]
    )


def insert_offer(work: Work, circle_id: str, *, pool_id: str, text: str, ends_at: datetime) -> str:
    """Write the offer of a pool and return its id; refuses AlreadyOffered."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "circle_id": circle_id,
        "pool_id": pool_id,
        "text": text,
        "made_by": work.actor.signed_in(),
        "made_at": work.now,
        "ends_at": ends_at,
    }
    if not db.insert_new(work.connection, circle_offers, [row], returning="id"):
        raise AlreadyOffered
    return str(row["id"])


def insert_message(work: Work, circle_id: str, text: str) -> str:
    """Write the maker's message and return its id."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "circle_id": circle_id,
        "text": text,
        "sent_by": work.actor.signed_in(),
        "sent_at": work.now,
    }
    db.insert_many(work.connection, circle_messages, [row])
    return str(row["id"])


def last_message_at(work: Work, circle_id: str) -> datetime | None:
    """Return when the maker last wrote to a circle."""
    found = select(func.max(circle_messages.c.sent_at)).where(circle_messages.c.circle_id == circle_id)
    at: datetime | None = work.connection.execute(found).scalar()
    return at


# --- figures ---------------------------------------------------------------------------------------------------------


def released_before(work: Work) -> dict[str, dict[Figure, Released]]:
    """Return what was released of every circle of the brand, with the persons behind it, in two statements."""
    persons: dict[tuple[str, str], set[str]] = {}
    counted = select(circle_counted).join(circles, circles.c.id == circle_counted.c.circle_id)
    for row in work.connection.execute(counted.where(circles.c.brand_id == work.actor.brand_id)):
        persons.setdefault((row.circle_id, row.figure), set()).add(row.person_id)
    found: dict[str, dict[Figure, Released]] = {}
    for row in work.connection.execute(select(circle_figures).where(circle_figures.c.brand_id == work.actor.brand_id)):
        behind = frozenset(persons.get((row.circle_id, row.figure), ()))
        found.setdefault(row.circle_id, {})[Figure(row.figure)] = Released(row.shown, behind)
    return found


def save_released(
    work: Work, circle_id: str, before: Mapping[Figure, Released], after: Mapping[Figure, Released]
) -> int:
    """Write what changed of a circle's figures; returns how many did."""
    changed = [one for one in after if after[one] != before.get(one, NOTHING_RELEASED)]
    for figure in changed:
        own = (circle_figures.c.circle_id == circle_id) & (circle_figures.c.figure == figure.value)
        work.connection.execute(delete(circle_figures).where(own))
        behind = (circle_counted.c.circle_id == circle_id) & (circle_counted.c.figure == figure.value)
        work.connection.execute(delete(circle_counted).where(behind))
    names = {"circle_id": circle_id}
    db.insert_many(
        work.connection,
        circle_figures,
        [
            names | {"figure": one.value, "brand_id": work.actor.brand_id, "shown": after[one].shown, "at": work.now}
            for one in changed
        ],
    )
    counted = [
        names | {"figure": one.value, "person_id": person} for one in changed for person in sorted(after[one].persons)
    ]
    db.insert_many(work.connection, circle_counted, counted)
    return len(changed)


def forget_in_circles(work: Work, *, person_id: str | None, account_id: str) -> None:
    """Take somebody out of every circle and out of what is counted; the circles that they founded stay nobody's."""
    members = circle_members.c
    gone = members.account_id == account_id
    if person_id is not None:
        gone = gone | (members.person_id == person_id)
    own = (members.brand_id == work.actor.brand_id) & gone
    counted = circle_counted.c.person_id == person_id
    # As who leaves does: nobody hosts or asks under another account of the same person in between, nor is one counted.
    theirs = select(members.circle_id).where(own).union(select(circle_counted.c.circle_id).where(counted))
    hold_circles(work, circles.c.id.in_(theirs))
    work.connection.execute(delete(circle_counted).where(counted))
    for row in work.connection.execute(select(members.circle_id, members.person_id).where(own)).all():
        # Also what was offered and asked under another account of the same person, who is in the circle no more.
        delete_host(work, row.circle_id, row.person_id)
        hide_drives(work, row.circle_id, row.person_id)
    work.connection.execute(delete(circle_members).where(own))
    for table, column in ((circles, circles.c.founded_by), (circle_invitations, circle_invitations.c.made_by)):
        work.connection.execute(
            update(table).where(table.c.brand_id == work.actor.brand_id, column == account_id).values({column: None})
        )


def export_circles(work: Work, account_id: str) -> list[dict[str, Any]]:
    """Return the circles that an account is in, in JSON terms."""
    found = (
        select(circles.c.title, circles.c.kind, circles.c.subject, circle_members.c.joined_at)
        .join(circle_members, circle_members.c.circle_id == circles.c.id)
        .where(circle_members.c.account_id == account_id, circles.c.brand_id == work.actor.brand_id)
        .order_by(circles.c.id)
    )
    rows: Sequence[Any] = work.connection.execute(found).all()
    return [
        {"title": row.title, "kind": row.kind, "subject": row.subject, "joinedAt": row.joined_at.isoformat()}
        for row in rows
    ]
