"""Reads of circles, many at a time. Who is in one is told to nobody; figures are the released ones alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from demand.circles.model import Circle, CircleKind, Figure
from demand.circles.owners.queries import owners_active
from demand.circles.rows import circle_from
from demand.circles.tables import (
    circle_figures,
    circle_members,
    circle_messages,
    circle_offers,
    circle_proposals,
    circles,
)
from demand.pools.tables import pre_orders
from demand.votes.tables import held_votes, proposals
from kernel import db
from kernel.actor import Permission
from kernel.consent import Purpose, who_gave
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

CARRIED_MAX: Final = 50
"""Proposals of a circle that are shown with it, the newest ones."""
OFFERS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class CircleView:
    """A circle as anybody may see it; `members` is the released figure, None while it is about too few persons."""

    circle: Circle
    members: int | None
    is_member: bool


@dataclass(frozen=True, slots=True)
class CircleOffer:
    """A pool that the maker offers to a circle."""

    id: str
    circle_id: str
    pool_id: str
    text: str
    made_at: datetime
    ends_at: datetime


def list_circles(
    work: Work, page: PageRequest, *, kind: CircleKind | None = None, subject: str = ""
) -> Page[CircleView]:
    """Return the brand's circles that are not closed, newest first, of one kind or around one subject."""
    work.actor.require(Permission.PUBLIC_READ)
    table = circles.c
    found = select(circles).where(table.brand_id == work.actor.brand_id, table.closed_at.is_(None))
    if kind is not None:
        found = found.where(table.kind == kind.value)
    if subject:
        found = found.where(table.subject == subject)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings().all()
    return make_page(_views(work, [circle_from(row) for row in rows]), page, lambda view: view.circle.id)


def circles_by_id(work: Work, circle_ids: Sequence[str]) -> dict[str, CircleView]:
    """Return circles of the brand by id, closed ones too."""
    work.actor.require(Permission.PUBLIC_READ)
    found = select(circles).where(circles.c.brand_id == work.actor.brand_id, db.among(circles.c.id, circle_ids))
    rows = work.connection.execute(found).mappings().all()
    return {view.circle.id: view for view in _views(work, [circle_from(row) for row in rows])}


def _views(work: Work, found: Sequence[Circle]) -> list[CircleView]:
    ids = [one.id for one in found]
    shown = select(circle_figures.c.circle_id, circle_figures.c.shown).where(
        db.among(circle_figures.c.circle_id, ids), circle_figures.c.figure == Figure.MEMBERS.value
    )
    members = {row.circle_id: row.shown for row in work.connection.execute(shown)}
    mine: set[str] = set()
    if work.actor.person_id is not None:
        own = select(circle_members.c.circle_id).where(
            db.among(circle_members.c.circle_id, ids), circle_members.c.person_id == work.actor.person_id
        )
        mine = set(work.connection.execute(own).scalars())
    return [CircleView(one, members.get(one.id), one.id in mine) for one in found]


def carried_proposals(work: Work, circle_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the proposals that circles carry, newest first."""
    table = circle_proposals.c
    found = (
        select(table.circle_id, table.proposal_id)
        .where(db.among(table.circle_id, circle_ids))
        .order_by(table.proposal_id.desc())
    )
    carried: dict[str, list[str]] = {}
    for row in work.connection.execute(found):
        own = carried.setdefault(row.circle_id, [])
        if len(own) < CARRIED_MAX:
            own.append(row.proposal_id)
    return carried


def offers_of(work: Work, circle_ids: Sequence[str]) -> dict[str, list[CircleOffer]]:
    """Return the offers to circles that have not ended, newest first."""
    table = circle_offers.c
    found = (
        select(circle_offers)
        .where(db.among(table.circle_id, circle_ids), table.brand_id == work.actor.brand_id, table.ends_at > work.now)
        .order_by(table.id.desc())
    )
    offers: dict[str, list[CircleOffer]] = {}
    for row in work.connection.execute(found):
        own = offers.setdefault(row.circle_id, [])
        if len(own) < OFFERS_MAX:
            own.append(CircleOffer(row.id, row.circle_id, row.pool_id, row.text, row.made_at, row.ends_at))
    return offers


def circle_figures_of(work: Work, circle_id: str) -> dict[Figure, int | None]:
    """Return what a circle brings, as it was last released; for planners. A figure of too few persons is None."""
    work.actor.require(Permission.DEMAND_READ)
    table = circle_figures.c
    found = select(table.figure, table.shown).where(table.circle_id == circle_id, table.brand_id == work.actor.brand_id)
    shown = {row.figure: row.shown for row in work.connection.execute(found)}
    return {figure: shown.get(figure.value) for figure in Figure}


# --- for telling -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToTell:
    """What members are told, and the accounts of those who agreed to it."""

    title: str
    text: str
    account_ids: tuple[str, ...]
    ends_at: datetime | None = None


def offer_to_tell(work: Work, offer_id: str) -> ToTell:
    """Return an offer with the members who agreed to circles' offers; for the system."""
    work.actor.require(Permission.SYSTEM)
    found = select(circles.c.title, circle_offers).join(circles, circles.c.id == circle_offers.c.circle_id)
    row = work.connection.execute(found.where(circle_offers.c.id == offer_id)).one()
    return ToTell(row.title, row.text, _agreeing(work, row.circle_id, Purpose.CIRCLE_OFFERS), row.ends_at)


def message_to_tell(work: Work, message_id: str) -> ToTell:
    """Return a message with the members who agreed to hear from the maker; for the system."""
    work.actor.require(Permission.SYSTEM)
    found = select(circles.c.title, circle_messages).join(circles, circles.c.id == circle_messages.c.circle_id)
    row = work.connection.execute(found.where(circle_messages.c.id == message_id)).one()
    return ToTell(row.title, row.text, _agreeing(work, row.circle_id, Purpose.MAKER_CONTACT))


def _agreeing(work: Work, circle_id: str, purpose: Purpose) -> tuple[str, ...]:
    table = circle_members.c
    found = select(table.account_id).where(table.circle_id == circle_id, table.brand_id == work.actor.brand_id)
    return tuple(sorted(who_gave(work, list(work.connection.execute(found).scalars()), purpose)))


def persons_behind(work: Work) -> dict[str, dict[Figure, set[str]]]:
    """Return by circle the persons behind each figure as of now; for the release, in few statements."""
    work.actor.require(Permission.SYSTEM)
    member, brand_id = circle_members.c, work.actor.brand_id
    behind: dict[str, dict[Figure, set[str]]] = {}
    accounts: dict[str, list[tuple[str, str]]] = {}
    for row in work.connection.execute(select(circle_members).where(member.brand_id == brand_id)):
        own = behind.setdefault(row.circle_id, {figure: set() for figure in Figure})
        own[Figure.MEMBERS].add(row.person_id)
        if row.invitation_id is not None:
            own[Figure.INVITED].add(row.person_id)
        accounts.setdefault(row.account_id, []).append((row.circle_id, row.person_id))
    for account_id in who_gave(work, list(accounts), Purpose.MAKER_CONTACT):
        for circle_id, person_id in accounts[account_id]:
            behind[circle_id][Figure.REACHABLE].add(person_id)
    voted = (
        select(member.circle_id, member.person_id)
        .join(circle_proposals, circle_proposals.c.circle_id == member.circle_id)
        .join(proposals, proposals.c.id == circle_proposals.c.proposal_id)
        .join(
            held_votes,
            (held_votes.c.proposal_id == func.coalesce(proposals.c.merged_into, proposals.c.id))
            & (held_votes.c.person_id == member.person_id),
        )
        .where(member.brand_id == brand_id)
    )
    for row in work.connection.execute(voted):
        behind[row.circle_id][Figure.VOTED].add(row.person_id)
    ordered = (
        select(member.circle_id, member.person_id, pre_orders.c.state, circle_offers.c.id.label("offer_id"))
        .join(pre_orders, (pre_orders.c.person_id == member.person_id) & (pre_orders.c.placed_at >= member.joined_at))
        .outerjoin(
            circle_offers,
            (circle_offers.c.circle_id == member.circle_id)
            & (circle_offers.c.pool_id == pre_orders.c.pool_id)
            & (pre_orders.c.placed_at >= circle_offers.c.made_at),
        )
        .where(member.brand_id == brand_id, pre_orders.c.state.in_(("pooled", "rolled_over", "locked")))
    )
    for row in work.connection.execute(ordered):
        own = behind[row.circle_id]
        own[Figure.PRE_ORDERED].add(row.person_id)
        if row.state == "locked":
            own[Figure.LOCKED].add(row.person_id)
        if row.offer_id is not None:
            own[Figure.TOOK_OFFER].add(row.person_id)
    for figure, active in zip((Figure.HOSTING, Figure.ANSWERED), owners_active(work), strict=True):
        for circle_id, person_id in active:
            behind[circle_id][figure].add(person_id)
    return behind
