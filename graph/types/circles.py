"""Circles: people around a model, a city or an interest; what they carry, and what a maker may learn of them."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry
from strawberry.types import Info

from configurator.errors import ModelUnknown
from demand import queries, service
from demand.circles.errors import (
    AlreadyInCircle,
    AlreadyOffered,
    CircleClosed,
    CirclesFull,
    InvitationNeeded,
    InvitationSpent,
    MessageTooSoon,
    NotInCircle,
)
from demand.errors import PersonNotVerified, PoolClosed
from demand.model import CircleAccess, CircleKind, Figure
from graph.access import input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import circle_owners as owners
from graph.types import pools, proposals
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(CircleKind, description="What a circle is around.")
strawberry.enum(CircleAccess, description="Who may join: every verified person, or whoever a member invites.")
strawberry.enum(Figure, name="CircleFigureKind", description="What a circle brings, in persons.")


@object_type(reads=Permission.PUBLIC_READ)
class CircleOffer:
    """A pool that the maker offers to a circle; the price is the pool's, the same for everybody in it."""

    id: strawberry.ID
    text: str
    made_at: datetime
    ends_at: datetime
    pool_id: strawberry.ID
    raw_pool: strawberry.Private[str]

    @resolved(about="The pool.")
    async def pool(self, info: Info[Request, None]) -> pools.Pool | None:
        """Load the pool."""
        return cast("pools.Pool | None", await info.context.load("pools", pools.load_pools, self.raw_pool))


@object_type(reads=Permission.PUBLIC_READ)
class Circle(Node):
    """People around a model, a city or an interest. Who is in it is nobody's business.

    `members` is counted once a day and rounded, and null while it would speak of fewer than ten persons.
    """

    id: strawberry.ID
    kind: CircleKind
    subject: str
    title: str
    text: str
    access: CircleAccess
    members: int | None
    is_member: bool
    founded_at: datetime
    closed_at: datetime | None
    raw: strawberry.Private[str]

    @resolved(about="The proposals that it carries, newest first.", at_most=50)
    async def proposals(self, info: Info[Request, None]) -> list[proposals.Proposal]:
        """Load the proposals."""
        found = await info.context.load("circle_proposals", load_carried, self.raw)
        return cast("list[proposals.Proposal]", found or [])

    @resolved(about="The pools that the maker offers to it now, newest first.", at_most=20)
    async def offers(self, info: Info[Request, None]) -> list[CircleOffer]:
        """Load the offers."""
        return cast("list[CircleOffer]", await info.context.load("circle_offers", load_offers, self.raw) or [])

    @resolved(about="The owners who let members drive their cars, newest first; for members.", at_most=50)
    async def hosts(self, info: Info[Request, None]) -> list[owners.CircleHost]:
        """Load the hosts."""
        found = await info.context.load("circle_hosts", owners.load_hosts, self.raw)
        return cast("list[owners.CircleHost]", found or [])

    @resolved(about="What members ask owners, newest first; for members.", at_most=50)
    async def questions(self, info: Info[Request, None]) -> list[owners.CircleQuestion]:
        """Load the questions."""
        found = await info.context.load("circle_questions", owners.load_questions, self.raw)
        return cast("list[owners.CircleQuestion]", found or [])


@object_type(reads=Permission.VOTE)
class CircleInvitation:
    """A code to hand on; it is shown this once. It opens the circle to `uses` persons until it expires."""

    code: str
    uses: int
    expires_at: datetime


@object_type(reads=Permission.DEMAND_READ)
class CircleFigure:
    """How many persons, as last released and rounded; null where that would speak of fewer than ten."""

    figure: Figure
    persons: int | None


@object_type(reads=Permission.POOL_MANAGE)
class CircleMessageSent:
    """The message is on its way to the members who agreed to hear from the maker."""

    id: strawberry.ID


@input_type(takes=Permission.VOTE)
class FoundCircleInput:
    """What the circle is around (a model's code, a city, an interest), its words, and who may join."""

    kind: CircleKind
    subject: str
    title: str
    text: str = ""
    access: CircleAccess = CircleAccess.OPEN


@input_type(takes=Permission.VOTE)
class JoinCircleInput:
    """A circle, and the invitation's code where you have one."""

    circle_id: strawberry.ID
    code: str | None = None


@input_type(takes=Permission.VOTE)
class CircleInput:
    """A circle."""

    circle_id: strawberry.ID


@input_type(takes=Permission.VOTE)
class ProposeInCircleInput:
    """A circle of yours, and a wish in your own words."""

    circle_id: strawberry.ID
    title: str
    text: str = ""


@input_type(takes=Permission.POOL_MANAGE)
class OfferToCircleInput:
    """A circle, the pool that it is offered, and what you say to it."""

    circle_id: strawberry.ID
    pool_id: strawberry.ID
    text: str


@input_type(takes=Permission.POOL_MANAGE)
class MessageCircleInput:
    """A circle, and what you say to those of its members who agreed to hear from you."""

    circle_id: strawberry.ID
    text: str


@input_type(takes=Permission.ACCOUNT_DISABLE)
class CloseCircleInput:
    """A circle, and why it is closed."""

    circle_id: strawberry.ID
    reason: str


def show_circle(view: queries.CircleView) -> Circle:
    """Return a circle."""
    one = view.circle
    return Circle(
        id=write_id("Circle", one.id),
        kind=one.kind,
        subject=one.subject,
        title=one.title,
        text=one.text,
        access=one.access,
        members=view.members,
        is_member=view.is_member,
        founded_at=one.founded_at,
        closed_at=one.closed_at,
        raw=one.id,
    )


def load_circles(work: Work, circle_ids: list[str]) -> dict[str, Circle]:
    """Return circles of the brand by id."""
    return {key: show_circle(view) for key, view in queries.circles_by_id(work, circle_ids).items()}


def load_carried(work: Work, circle_ids: list[str]) -> dict[str, list[proposals.Proposal]]:
    """Return the proposals of circles that this actor may see."""
    carried = queries.carried_proposals(work, circle_ids)
    seen = proposals.load_proposals(work, [one for own in carried.values() for one in own])
    return {key: [seen[one] for one in own if one in seen] for key, own in carried.items()}


def load_offers(work: Work, circle_ids: list[str]) -> dict[str, list[CircleOffer]]:
    """Return the offers to circles that have not ended."""
    return {
        key: [
            CircleOffer(
                id=write_id("CircleOffer", one.id),
                text=one.text,
                made_at=one.made_at,
                ends_at=one.ends_at,
                pool_id=write_id("Pool", one.pool_id),
                raw_pool=one.pool_id,
            )
            for one in own
        ]
        for key, own in queries.offers_of(work, circle_ids).items()
    }


def _now(work: Work, raw: str) -> Circle:
    found = load_circles(work, [raw]).get(raw)
    if found is None:
        raise NotFound("circle")
    return found


@query(reads=Permission.PUBLIC_READ)
def circles(
    work: Work, first: int, after: Cursor | None = None, kind: CircleKind | None = None, subject: str = ""
) -> Connection[Circle]:
    """The circles of the brand, newest first, of one kind or around one subject."""
    found = queries.list_circles(work, page_request(first, after), kind=kind, subject=subject)
    return show_page(found, show_circle)


@query(reads=Permission.PUBLIC_READ)
def circle(work: Work, id: strawberry.ID) -> Circle | None:  # noqa: A002  # the API's word
    """One circle."""
    raw = raw_id(id, "Circle")
    return load_circles(work, [raw]).get(raw)


@query(reads=Permission.DEMAND_READ, at_most=10)
def circle_figures(work: Work, circle_id: strawberry.ID) -> list[CircleFigure]:
    """What a circle brings, as released this morning; empty for one that is not the brand's."""
    raw = raw_id(circle_id, "Circle")
    if raw not in queries.circles_by_id(work, [raw]):
        return []
    return [CircleFigure(figure=one, persons=shown) for one, shown in queries.circle_figures_of(work, raw).items()]


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, ModelUnknown, CirclesFull), result="FoundCircleResult")
def found_circle(work: Work, input: FoundCircleInput) -> Circle:  # noqa: A002  # the API's word
    """Found a circle; you are its first member."""
    made = service.found_circle(
        work, kind=input.kind, subject=input.subject, title=input.title, text=input.text, access=input.access
    )
    return _now(work, made.id)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, CircleClosed, AlreadyInCircle, InvitationNeeded, InvitationSpent, CirclesFull),
    result="JoinCircleResult",
)
def join_circle(work: Work, input: JoinCircleInput) -> Circle:  # noqa: A002  # the API's word
    """Join a circle, with an invitation's code where it asks for one."""
    return _now(work, service.join_circle(work, raw_id(input.circle_id, "Circle"), code=input.code).id)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, NotInCircle), result="LeaveCircleResult")
def leave_circle(work: Work, input: CircleInput) -> Circle:  # noqa: A002  # the API's word
    """Leave a circle; nothing tells any more that you were in it."""
    return _now(work, service.leave_circle(work, raw_id(input.circle_id, "Circle")).id)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, NotInCircle, CircleClosed), result="InviteToCircleResult")
def invite_to_circle(work: Work, input: CircleInput) -> CircleInvitation:  # noqa: A002  # the API's word
    """Make a code that opens a circle of yours to some more persons."""
    made = service.invite_to_circle(work, raw_id(input.circle_id, "Circle"))
    return CircleInvitation(code=made.code, uses=made.uses, expires_at=made.expires_at)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, NotInCircle, CircleClosed), result="ProposeInCircleResult")
def propose_in_circle(work: Work, input: ProposeInCircleInput) -> proposals.Proposal:  # noqa: A002  # the API's word
    """Submit a proposal that your circle carries."""
    draft = service.propose_in_circle(work, raw_id(input.circle_id, "Circle"), title=input.title, text=input.text)
    return proposals.load_proposals(work, [draft.head.id])[draft.head.id]


@mutation(does=Permission.POOL_MANAGE, refuses=(CircleClosed, PoolClosed, AlreadyOffered), result="OfferToCircleResult")
def offer_to_circle(work: Work, input: OfferToCircleInput) -> Circle:  # noqa: A002  # the API's word
    """Offer a pool to a circle; those of its members who agreed to offers are told."""
    raw = raw_id(input.circle_id, "Circle")
    service.offer_to_circle(work, raw, pool_id=raw_id(input.pool_id, "Pool"), text=input.text)
    return _now(work, raw)


@mutation(does=Permission.POOL_MANAGE, refuses=(CircleClosed, MessageTooSoon), result="MessageCircleResult")
def message_circle(work: Work, input: MessageCircleInput) -> CircleMessageSent:  # noqa: A002  # the API's word
    """Write to those members of a circle who agreed to hear from the maker."""
    sent = service.message_circle(work, raw_id(input.circle_id, "Circle"), text=input.text)
    return CircleMessageSent(id=write_id("CircleMessage", sent))


@mutation(does=Permission.ACCOUNT_DISABLE, refuses=(CircleClosed,), result="CloseCircleResult")
def close_circle(work: Work, input: CloseCircleInput) -> Circle:  # noqa: A002  # the API's word
    """Close a circle for good, with a reason."""
    return _now(work, service.close_circle(work, raw_id(input.circle_id, "Circle"), reason=input.reason).id)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified,), result="StopHostingResult")
def stop_hosting(work: Work, input: CircleInput) -> Circle:  # noqa: A002  # the API's word
    """Host no test drives in a circle any more; what was asked of you there is gone."""
    raw = raw_id(input.circle_id, "Circle")
    service.stop_hosting(work, raw)
    return _now(work, raw)
