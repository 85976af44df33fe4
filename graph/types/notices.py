"""The inbox: what Muster told you, in your language."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from graph.access import input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel import notice_preferences as preferences
from kernel import notices
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.notice_preferences import NoticeEssential
from kernel.notices import Way
from kernel.paging import PAGE_SIZE_MAX, page_request
from kernel.reasons import because
from kernel.work import Work

strawberry.enum(Way, name="NoticeWay", description="How a notice comes: in the inbox here, or as a message.")
PREFERENCES_MAX: Final = 200


@object_type(reads=Permission.OWN_READ)
class Notice:
    """One notice."""

    id: strawberry.ID
    kind: str
    subject: str
    body: str
    at: datetime
    read_at: datetime | None


@object_type(reads=Permission.OWN_READ)
class NoticesRead:
    """How many of your notices are unread now."""

    unread: int


@input_type(takes=Permission.OWN_READ)
class MarkNoticesReadInput:
    """Up to 100 of your notices."""

    notice_ids: list[strawberry.ID]


def show_notice(found: notices.Notice) -> Notice:
    """Return a notice."""
    return Notice(
        id=write_id("Notice", found.id),
        kind=found.kind,
        subject=found.subject,
        body=found.body,
        at=found.at,
        read_at=found.read_at,
    )


@query(reads=Permission.OWN_READ)
def my_notices(work: Work, first: int, after: Cursor | None = None) -> Connection[Notice]:
    """Your notices, newest first."""
    return show_page(notices.notices_of(work, page_request(first, after)), show_notice)


@object_type(reads=Permission.ACCOUNT_OWN)
class NoticePreference:
    """Whether a kind of notice comes on a way; what `mayMute` does not allow is always sent."""

    kind: str
    title: str
    way: Way
    wanted: bool
    may_mute: bool


@input_type(takes=Permission.ACCOUNT_OWN)
class NoticePreferenceInput:
    """A kind of notice, a way, and whether you want it there."""

    kind: str
    way: Way
    wanted: bool


def show_preference(one: preferences.NoticePreference) -> NoticePreference:
    """Return a preference."""
    return NoticePreference(kind=one.kind, title=one.title, way=one.way, wanted=one.wanted, may_mute=one.may_mute)


@query(reads=Permission.ACCOUNT_OWN, at_most=PREFERENCES_MAX)
def notice_preferences(work: Work) -> list[NoticePreference]:
    """What you want to be told, by kind of notice and by the way it comes."""
    return [show_preference(one) for one in preferences.own_preferences(work)]


@mutation(does=Permission.ACCOUNT_OWN, refuses=(NoticeEssential,), result="SetNoticePreferenceResult")
def set_notice_preference(work: Work, input: NoticePreferenceInput) -> NoticePreference:  # noqa: A002  # the API's word
    """Want a kind of notice on a way, or not, from now on."""
    return show_preference(preferences.set_preference(work, input.kind, input.way, wanted=input.wanted))


@query(reads=Permission.OWN_READ)
def unread_notices(work: Work) -> int:
    """How many of your notices you have not read."""
    return notices.unread_notices(work)


@mutation(does=Permission.OWN_READ, result="MarkNoticesReadResult")
def mark_notices_read(
    work: Work,
    request: Request,
    input: MarkNoticesReadInput,  # noqa: A002  # the API's word
) -> NoticesRead:
    """Mark notices as read."""
    if len(input.notice_ids) > PAGE_SIZE_MAX:
        raise InvalidInput("noticeIds", because("COUNT_MOST", most=PAGE_SIZE_MAX))
    request.actor.signed_in()
    notices.mark_read(work, [raw_id(one, "Notice") for one in input.notice_ids])
    return NoticesRead(unread=notices.unread_notices(work))
