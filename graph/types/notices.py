"""The inbox: what Muster told you, in your language."""

from __future__ import annotations

from datetime import datetime

import strawberry

from graph.access import input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel import notices
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import PAGE_SIZE_MAX, page_request
from kernel.reasons import because
from kernel.work import Work


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
