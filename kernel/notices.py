"""Telling people: one notice per event, account and kind, in the account's language, sent by the worker once.

A notice is a kind and its facts; the sentence is made when it is read or sent, so it follows the person's language,
with money and times as people write them and in the brand's zone. Logs name notices, never people.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
    update,
)

from kernel import db
from kernel.db import Id, Instant, Json, metadata
from kernel.money import Money, format_money
from kernel.paging import Page, PageRequest, make_page
from kernel.registry import own_brand
from kernel.words import Count
from kernel.work import Work

log = structlog.get_logger(__name__)
ANSWER_SECONDS_MAX: Final = 15
"""A channel waits no longer than this for one answer of a server."""
SECRET_PLACE: Final = re.compile("⟦[^⟧]*⟧")
"""Where a message gets its one-time token as it leaves; who reads the notice here sees that it was sent."""
UNREADABLE: Final = (KeyError, ValueError, AssertionError)
"""What `render` raises where a notice is of a kind, or has facts, that this version does not know."""
_UNREADABLE_ZH: Final = ("有一条通知暂时无法显示", "这条通知由另一个版本写下，目前无法显示。请稍后再看。")
_UNREADABLE_EN: Final = (
    "A notice that cannot be shown now",
    "Another version wrote this notice, and it cannot be shown now. Please look again later.",
)
_NO_PLACES: Final = str.maketrans("⟦⟧", "[]")


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """The fact that a one-time token belongs here; no text that a person wrote can become one."""

    purpose: str
    token_id: str


Fact: TypeAlias = str | int | Money | datetime | date | TokenPlace

notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("facts", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", String(80)),
    Column("sent_at", Instant),
    Column("read_at", Instant),
    # False where its reader wants this kind outside the inbox only.
    Column("in_inbox", Boolean, nullable=False),
    UniqueConstraint("event_id", "account_id", "kind"),
)
Index("ix_notices_account_id", notices.c.account_id, notices.c.id)
Index("ix_notices_due_at", notices.c.due_at, postgresql_where=notices.c.due_at.isnot(None))


# What somebody does not want to be told, and where; no row means that it is wanted.
notice_preferences = Table(
    "notice_preferences",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("account_id", Id, primary_key=True),
    Column("kind", String(80), primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)


class Way(StrEnum):
    """How a notice comes to its reader: in the inbox here, and as a message to the address."""

    INBOX = "inbox"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a kind of notice says: `str.format` templates over its facts.

    `may_mute` where nothing is lost by not being told: no money, no contract, no deadline hangs on it.
    """

    zh_subject: str
    zh_body: str
    en_subject: str
    en_body: str
    may_mute: bool = False


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something that one account is to be told because of one event."""

    account_id: str
    kind: str
    facts: Mapping[str, Fact]
    event_id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as its reader sees it."""

    id: str
    kind: str
    subject: str
    body: str
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account is reached, and in which language."""

    email: str
    locale: str


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way; the same notice sent again has the same id."""

    notice_id: str
    to: str
    subject: str
    body: str
    locale: str
    at: datetime


class AddressBook(Protocol):
    """Looks up where accounts are reached at the moment of sending; those that are gone are left out."""

    def lookup(self, work: Work, account_ids: Sequence[str]) -> Mapping[str, Address]: ...


class Channel(Protocol):
    """A way to reach people: mail, the console, later text messages."""

    @property
    def name(self) -> str: ...

    def reaches(self, address: Address) -> bool:
        """Say whether this channel can use the address."""
        ...

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send messages; returns why it failed by notice id, in words without personal data."""
        ...


_TEXTS: Final[dict[str, NoticeText]] = {}


def register_notice(
    kind: str, zh_subject: str, zh_body: str, en_subject: str, en_body: str, *, may_mute: bool = False
) -> None:
    """Say what a kind of notice says in both languages; both languages use the same facts."""
    text = NoticeText(zh_subject, zh_body, en_subject, en_body, may_mute)
    assert _TEXTS.get(kind, text) == text, f"two texts for the notice {kind}"
    zh, en = _names(zh_subject) | _names(zh_body), _names(en_subject) | _names(en_body)
    assert zh == en, f"the languages of {kind} tell different facts: {sorted(zh ^ en)}"
    _TEXTS[kind] = text


def registered_notices() -> dict[str, NoticeText]:
    """Return every kind of notice with its texts."""
    return dict(_TEXTS)


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def notify(work: Work, account_id: str, kind: str, facts: Mapping[str, Fact], event_id: str) -> None:
    """Tell an account once about an event; telling again changes nothing."""
    notify_many(work, [NewNotice(account_id, kind, facts, event_id)])


def notify_many(work: Work, new: Sequence[NewNotice]) -> None:
    """Tell several accounts in two statements; the worker sends what is new, and nobody gets what they have muted."""
    rows = []
    muted = _muted(work, new)
    for one in new:
        text = _TEXTS[one.kind]
        missing = (_names(text.en_subject) | _names(text.en_body)) - set(one.facts)
        assert not missing, f"{one.kind} lacks {sorted(missing)}"
        silent = muted.get((one.account_id, one.kind), frozenset())
        if silent == frozenset(Way):
            continue
        rows.append(
            {
                "id": work.new_id(),
                "brand_id": work.actor.brand_id,
                "account_id": one.account_id,
                "event_id": one.event_id,
                "kind": one.kind,
                "facts": {name: _to_json(value) for name, value in one.facts.items()},
                "at": work.now,
                "due_at": None if Way.MESSAGE in silent else work.now,
                "in_inbox": Way.INBOX not in silent,
            }
        )
    rows.sort(key=lambda row: (row["event_id"], row["account_id"], row["kind"]))
    db.insert_new(work.connection, notices, rows, returning="id")


def _muted(work: Work, new: Sequence[NewNotice]) -> dict[tuple[str, str], frozenset[Way]]:
    """Return by account and kind the ways on which that is not wanted."""
    kinds = {one.kind for one in new if _TEXTS[one.kind].may_mute}
    if not kinds:
        return {}
    table = notice_preferences.c
    found = select(table.account_id, table.kind, table.channel).where(
        table.brand_id == work.actor.brand_id,
        db.among(table.account_id, {one.account_id for one in new}),
        db.among(table.kind, kinds),
        table.wanted.is_(False),
    )
    ways: dict[tuple[str, str], frozenset[Way]] = {}
    for row in work.connection.execute(found):
        key = (row.account_id, row.kind)
        ways[key] = ways.get(key, frozenset()) | {Way(row.channel)}
    return ways


# --- what a person reads ---


def notices_of(work: Work, page: PageRequest) -> Page[Notice]:
    """Return the actor's own notices, newest first, in the actor's language."""
    table = notices.c
    found = select(notices).where(
        table.account_id == work.actor.signed_in(), table.brand_id == work.actor.brand_id, table.in_inbox
    )
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings().all()
    zone = own_brand(work).zone if rows else ZoneInfo("UTC")
    return make_page([read_notice(row, work.actor.locale, zone) for row in rows], page, lambda notice: notice.id)


def unread_notices(work: Work) -> int:
    """Count the actor's own notices that were not read."""
    table = notices.c
    found = select(func.count()).where(
        table.account_id == work.actor.signed_in(),
        table.brand_id == work.actor.brand_id,
        table.read_at.is_(None),
        table.in_inbox,
    )
    return int(work.connection.execute(found).scalar_one())


def mark_read(work: Work, notice_ids: Sequence[str]) -> None:
    """Mark the actor's own notices as read; another's and made-up ids are passed over."""
    table = notices.c
    if notice_ids:
        work.connection.execute(
            update(notices)
            .where(
                db.among(table.id, notice_ids),
                table.account_id == work.actor.signed_in(),
                table.brand_id == work.actor.brand_id,
                table.read_at.is_(None),
            )
            .values(read_at=work.now)
        )


def read_notice(row: RowMapping, locale: str, zone: ZoneInfo) -> Notice:
    """Return a row of `notices` as its reader sees it; a one-time token stands in the message alone.

    What another version wrote and this one cannot read keeps its place and says so, and the rest of the page is shown.
    """
    chinese = locale.startswith("zh")
    try:
        subject, body = render(row["kind"], row["facts"], locale=locale, zone=zone)
    except UNREADABLE as error:
        log.error("notice_unreadable", notice_id=row["id"], kind=row["kind"], why=type(error).__name__)
        subject, body = _UNREADABLE_ZH if chinese else _UNREADABLE_EN
    elsewhere = "（见邮件）" if chinese else "(in the message)"
    return Notice(row["id"], row["kind"], subject, SECRET_PLACE.sub(elsewhere, body), row["at"], row["read_at"])


def render(kind: str, facts: Mapping[str, Any], *, locale: str, zone: ZoneInfo) -> tuple[str, str]:
    """Write a notice's subject and body in a language, from its stored facts; raises one of `UNREADABLE`."""
    text = _TEXTS[kind]
    chinese = locale.startswith("zh")
    written = {name: _write(_from_json(value), chinese=chinese, zone=zone) for name, value in facts.items()}
    subject, body = (text.zh_subject, text.zh_body) if chinese else (text.en_subject, text.en_body)
    return subject.format_map(written), body.format_map(written)


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _write(value: Fact, *, chinese: bool, zone: ZoneInfo) -> str | Count:
    """Write a fact as people do: `¥5,000`, `2026年11月23日 10:00`, `23 November 2026, 10:00 (UTC+08:00)`."""
    match value:
        case Money():
            return format_money(value)
        case datetime():
            local = value.astimezone(zone)
            if chinese:
                return f"{_write(local.date(), chinese=True, zone=zone)} {local:%H:%M}"
            return f"{_write(local.date(), chinese=False, zone=zone)}, {local:%H:%M} (UTC{local.isoformat()[-6:]})"
        case date():
            if chinese:
                return f"{value.year}年{value.month}月{value.day}日"
            return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
        case TokenPlace(purpose, token_id):
            return f"⟦{purpose}:{token_id}⟧"
        case int() if not chinese:
            return Count(value)
        case _:
            return str(value).translate(_NO_PLACES)


def _to_json(value: Fact) -> Any:
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case datetime():
            return {"at": value.astimezone(UTC).isoformat()}
        case date():
            return {"day": value.isoformat()}
        case TokenPlace(purpose, token_id):
            return {"token_for": purpose, "token_id": token_id}
        case _:
            assert isinstance(value, str | int), f"{type(value).__name__} is no fact of a notice"
            return value


def _from_json(value: Any) -> Fact:
    match value:
        case {"minor": int(minor), "currency": str(currency)}:
            return Money(minor, currency)
        case {"at": str(moment)}:
            return datetime.fromisoformat(moment)
        case {"day": str(day)}:
            return date.fromisoformat(day)
        case {"token_for": str(purpose), "token_id": str(token_id)}:
            return TokenPlace(purpose, token_id)
        case str() | int():
            return value
        case _:
            raise AssertionError("a stored fact of an unknown shape")
