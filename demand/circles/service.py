"""Use cases of circles: found, join, leave, invite, propose; the maker's offer and message; closing one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from configurator.errors import ModelUnknown
from configurator.queries import open_showroom
from demand.circles.errors import CircleClosed, CirclesFull, InvitationNeeded, MessageTooSoon, NotInCircle
from demand.circles.events import CircleFounded, CircleMessaged, CircleOffered, CircleShut
from demand.circles.model import (
    MESSAGE_LENGTH_MAX,
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    Circle,
    CircleAccess,
    CircleId,
    CircleKind,
)
from demand.circles.owners.store import delete_host, hide_drives
from demand.circles.policy import CirclePolicy
from demand.circles.store import (
    close_row,
    delete_member,
    founded_by,
    insert_circle,
    insert_invitation,
    insert_member,
    insert_message,
    insert_offer,
    is_member,
    joined_by,
    last_message_at,
    link_proposal,
    lock_circle,
    use_invitation,
)
from demand.errors import PersonNotVerified, PoolClosed
from demand.pools.model import FrozenPool, OpenPool
from demand.pools.queries import pool_progress
from demand.votes.model import DraftProposal
from demand.votes.service import submit_proposal
from kernel import policy
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.identity.queries import hold_own_account
from kernel.reasons import because
from kernel.work import Work

CODE_BYTES = 15
REASON_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code to hand on: it opens one circle to so many persons until it expires. Only its hash is kept."""

    code: str
    uses: int
    expires_at: datetime


def acting_person(work: Work) -> str:
    """Return the verified person who acts, or refuse."""
    work.actor.require(Permission.VOTE)
    work.actor.signed_in()
    if work.actor.person_id is None:
        raise PersonNotVerified
    return work.actor.person_id


def open_circle(work: Work, circle_id: str) -> Circle:
    """Lock a circle that takes something still, or refuse."""
    circle = lock_circle(work, circle_id)
    if circle.closed_at is not None:
        raise CircleClosed
    return circle


def check_text(field: str, value: str, *, least: int, most: int) -> str:
    """Return words without the blanks around them, or refuse too few or too many."""
    written = value.strip()
    if not least <= len(written) <= most:
        raise InvalidInput(field, because("LENGTH" if least else "LENGTH_MOST", most=most))
    return written


def found_circle(work: Work, *, kind: CircleKind, subject: str, title: str, text: str, access: CircleAccess) -> Circle:
    """Found a circle and be its first member.

    Refuses broken texts, a model that the brand does not have (ModelUnknown), and more circles than one may found or be
    in.
    """
    person_id = acting_person(work)
    account_id = hold_own_account(work)
    rules = policy.current(work).section(CirclePolicy)
    if founded_by(work, account_id) >= rules.founded_max:
        raise CirclesFull(rules.founded_max)
    subject = check_text("subject", subject, least=1, most=SUBJECT_LENGTH_MAX)
    models = open_showroom(work, region="")[0].catalogue.model_by_code if kind is CircleKind.MODEL else {}
    if kind is CircleKind.MODEL and subject not in models:
        raise ModelUnknown(subject, tuple(models))
    circle = Circle(
        id=CircleId(work.new_id()),
        brand_id=work.actor.brand_id,
        kind=kind,
        subject=subject,
        title=check_text("title", title, least=1, most=TITLE_LENGTH_MAX),
        text=check_text("text", text, least=0, most=TEXT_LENGTH_MAX),
        access=access,
        founded_at=work.now,
    )
    insert_circle(work, circle, founded_by=account_id)
    _take_in(work, circle, person_id, account_id, invitation_id=None, rules=rules)
    work.record(CircleFounded(circle.brand_id, circle.id))
    return circle


def join_circle(work: Work, circle_id: str, *, code: str | None = None) -> Circle:
    """Join a circle, with an invitation's code where it asks for one.

    Refuses a closed circle, a second membership, an invitation that is missing, over or used up, and more circles
    than one may be in.
    """
    person_id = acting_person(work)
    account_id = hold_own_account(work)
    circle = open_circle(work, circle_id)
    if code is None and circle.access is CircleAccess.INVITED:
        raise InvitationNeeded
    invitation_id = None if code is None else use_invitation(work, circle.id, _hashed(code))
    rules = policy.current(work).section(CirclePolicy)
    _take_in(work, circle, person_id, account_id, invitation_id=invitation_id, rules=rules)
    return circle


def _take_in(
    work: Work, circle: Circle, person_id: str, account_id: str, *, invitation_id: str | None, rules: CirclePolicy
) -> None:
    if joined_by(work, person_id) >= rules.joined_max:
        raise CirclesFull(rules.joined_max)
    insert_member(work, circle.id, person_id=person_id, account_id=account_id, invitation_id=invitation_id)


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def leave_circle(work: Work, circle_id: str) -> Circle:
    """Leave a circle, a closed one too; nobody reads any more what one offered or asked hosts. Refuses NotInCircle."""
    person_id = acting_person(work)
    circle = lock_circle(work, circle_id)
    if not delete_member(work, circle.id, person_id):
        raise NotInCircle
    delete_host(work, circle.id, person_id)
    hide_drives(work, circle.id, person_id)
    return circle


def invite_to_circle(work: Work, circle_id: str) -> Invitation:
    """Make a code that opens a circle to some more persons; for its members, who hand it on themselves."""
    person_id = acting_person(work)
    circle = open_circle(work, circle_id)
    require_member(work, circle, person_id)
    rules = policy.current(work).section(CirclePolicy)
    made = Invitation(
        secrets.token_urlsafe(CODE_BYTES), rules.invitation_uses, work.now + timedelta(days=rules.invitation_days)
    )
    insert_invitation(
        work,
        circle.id,
        code_hash=_hashed(made.code),
        made_by=work.actor.signed_in(),
        uses_max=made.uses,
        expires_at=made.expires_at,
    )
    return made


def propose_in_circle(work: Work, circle_id: str, *, title: str, text: str) -> DraftProposal:
    """Submit a proposal that the circle carries; everybody votes on it as on any other."""
    person_id = acting_person(work)
    circle = open_circle(work, circle_id)
    require_member(work, circle, person_id)
    draft = submit_proposal(work, title=title, text=text)
    link_proposal(work, circle.id, draft.head.id)
    return draft


def require_member(work: Work, circle: Circle, person_id: str) -> None:
    """Refuse who is not in a circle."""
    if not is_member(work, circle.id, person_id):
        raise NotInCircle


# --- the maker -------------------------------------------------------------------------------------------------------


def offer_to_circle(work: Work, circle_id: str, *, pool_id: str, text: str) -> str:
    """Offer a pool that takes members to a circle, until the pool's deadline; returns the offer's id.

    Members who agreed to circles' offers are told. The price is the pool's: everybody in it gets the same tier.
    Refuses a closed circle, a pool that takes nobody (PoolClosed) and one that is offered already.
    """
    work.actor.require(Permission.POOL_MANAGE)
    circle = open_circle(work, circle_id)
    words = check_text("text", text, least=1, most=MESSAGE_LENGTH_MAX)
    view = pool_progress(work, pool_id)
    if not isinstance(view.pool, OpenPool | FrozenPool) or work.now >= view.head.deadline:
        raise PoolClosed(view.state)
    offer_id = insert_offer(work, circle.id, pool_id=view.id, text=words, ends_at=view.head.deadline)
    work.record(CircleOffered(circle.brand_id, circle.id, offer_id))
    return offer_id


def message_circle(work: Work, circle_id: str, *, text: str) -> str:
    """Write to the members of a circle who agreed to hear from the maker; returns the message's id.

    The maker learns neither who they are nor, here, how many. Refuses a closed circle, and a second message within
    some days (MessageTooSoon).
    """
    work.actor.require(Permission.POOL_MANAGE)
    circle = open_circle(work, circle_id)
    words = check_text("text", text, least=1, most=MESSAGE_LENGTH_MAX)
    rules = policy.current(work).section(CirclePolicy)
    last = last_message_at(work, circle.id)
    again_at = None if last is None else last + timedelta(days=rules.message_every_days)
    if again_at is not None and work.now < again_at:
        raise MessageTooSoon(again_at)
    message_id = insert_message(work, circle.id, words)
    work.record(CircleMessaged(circle.brand_id, circle.id, message_id))
    return message_id


def close_circle(work: Work, circle_id: str, *, reason: str) -> Circle:
    """Close a circle for good, with a reason; for operators. Its members may still leave."""
    work.actor.require(Permission.ACCOUNT_DISABLE)
    circle = open_circle(work, circle_id)
    close_row(work, circle.id, reason=check_text("reason", reason, least=1, most=REASON_LENGTH_MAX))
    work.record(CircleShut(circle.brand_id, circle.id))
    return lock_circle(work, circle.id)
