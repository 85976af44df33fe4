"""Telling people: one notice per event, account and kind, in the account's language, sent by the worker once.

A notice is a kind and its facts; the sentence is made when it is read or sent, so it follows the person's language,
with money and times as people write them and in the brand's zone. Logs name notices, never people.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
    bindparam,
    func,
    select,
    update,
)

from kernel import db
from kernel.actor import system
from kernel.db import Id, Instant, Json, metadata
from kernel.ids import BrandId
from kernel.money import Money, format_money
from kernel.paging import Page, PageRequest, make_page
from kernel.registry import own_brand
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 100
PART_MAX: Final = 10
"""So many are leased at once: a lease outlasts the slowest mail server, and a worker that died gives none back."""
ANSWER_SECONDS_MAX: Final = 15
"""A channel waits no longer than this for one answer of a server."""
MESSAGE_LEASE: Final = timedelta(seconds=4 * ANSWER_SECONDS_MAX)
"""What one message may take: a mail has a sender, a reader, a beginning and an end, and each is answered."""
CONNECTION_LEASE: Final = 2 * MESSAGE_LEASE
ATTEMPTS_MAX: Final = 12
PAUSE_MAX: Final = timedelta(hours=1)
SECRET_PLACE: Final = re.compile("⟦[^⟧]*⟧")
"""Where a message gets its one-time token as it leaves; who reads the notice here sees that it was sent."""
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
    """Looks up where an account is reached at the moment of sending; None for one that is gone."""

    def lookup(self, work: Work, account_id: str) -> Address | None: ...


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
    subject, body = render(row["kind"], row["facts"], locale=locale, zone=zone)
    elsewhere = "（见邮件）" if locale.startswith("zh") else "(in the message)"
    return Notice(row["id"], row["kind"], subject, SECRET_PLACE.sub(elsewhere, body), row["at"], row["read_at"])


def render(kind: str, facts: Mapping[str, Any], *, locale: str, zone: ZoneInfo) -> tuple[str, str]:
    """Write a notice's subject and body in a language, from its stored facts."""
    text = _TEXTS[kind]
    chinese = locale.startswith("zh")
    written = {name: _write(_from_json(value), chinese=chinese, zone=zone) for name, value in facts.items()}
    subject, body = (text.zh_subject, text.zh_body) if chinese else (text.en_subject, text.en_body)
    return subject.format_map(written), body.format_map(written)


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _write(value: Fact, *, chinese: bool, zone: ZoneInfo) -> str:
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


# --- what the worker sends ---


def send_due(works: Works, channels: Sequence[Channel], addresses: AddressBook, *, batch_max: int = BATCH_MAX) -> int:
    """Send what is due by the first channel that reaches the person; returns how many were sent.

    Nothing is sent inside a transaction. Notices are leased first, a few at a time, for as long as the slowest channel
    may take, so that no second worker sends them meanwhile. What fails is tried again after a pause that doubles up to
    an hour, at most 12 times; what a worker held that died is tried again when its lease ends. A mail sent again
    carries the same Message-ID.
    """
    sent = 0
    for start in range(0, batch_max, PART_MAX):
        leased = _lease(works, min(PART_MAX, batch_max - start))
        if not leased:
            break
        batches, failed = _address(works, leased, channels, addresses)
        for channel, messages in batches:
            failed |= channel.send(messages)
        sent += _settle(works, leased, failed)
    return sent


def _lease(works: Works, batch_max: int) -> Sequence[RowMapping]:
    table = notices.c
    with works.read(system(BrandId("platform"))) as work:
        if work.connection.execute(select(table.id).where(table.due_at <= work.now).limit(1)).first() is None:
            return []
    with works.change(system(BrandId("platform"))) as work:
        due = select(notices).where(table.due_at <= work.now).order_by(table.due_at, table.id).limit(batch_max)
        rows = work.connection.execute(due.with_for_update(skip_locked=True)).mappings().all()
        until = work.now + CONNECTION_LEASE + len(rows) * MESSAGE_LEASE
        values = [{"b_id": row["id"], "b_attempts": row["attempts"] + 1, "b_due": until} for row in rows]
        if values:
            work.connection.execute(
                update(notices)
                .where(table.id == bindparam("b_id"))
                .values(attempts=bindparam("b_attempts"), due_at=bindparam("b_due")),
                values,
            )
    return rows


_NO_ADDRESS: Final = "no address"


def _address(
    works: Works, leased: Sequence[RowMapping], channels: Sequence[Channel], addresses: AddressBook
) -> tuple[list[tuple[Channel, list[Message]]], dict[str, str]]:
    """Look up where each goes and write it out, grouped by channel; says who cannot be reached at all."""
    failed: dict[str, str] = {}
    batches: dict[str, tuple[Channel, list[Message]]] = {}
    with works.read(system(BrandId("platform"))) as work:
        zones: dict[str, ZoneInfo] = {}
        for row in leased:
            own = work.acting(system(BrandId(row["brand_id"])))
            address = addresses.lookup(own, row["account_id"])
            channel = next((one for one in channels if address is not None and one.reaches(address)), None)
            if address is None or channel is None:
                failed[row["id"]] = _NO_ADDRESS
                continue
            if row["brand_id"] not in zones:
                zones[row["brand_id"]] = own_brand(own).zone
            zone = zones[row["brand_id"]]
            subject, body = render(row["kind"], row["facts"], locale=address.locale, zone=zone)
            message = Message(row["id"], address.email, subject, body, address.locale, row["at"])
            batches.setdefault(channel.name, (channel, []))[1].append(message)
    return list(batches.values()), failed


def _settle(works: Works, leased: Sequence[RowMapping], failed: Mapping[str, str]) -> int:
    """Note what was sent; give up on what cannot be sent, and on what failed for the last time."""
    sent = [row["id"] for row in leased if row["id"] not in failed]
    table = notices.c
    with works.change(system(BrandId("platform"))) as work:
        if sent:
            work.connection.execute(
                update(notices).where(db.among(table.id, sent)).values(sent_at=work.now, due_at=None, last_error=None)
            )
        for row in leased:
            if row["id"] not in failed:
                continue
            why, attempts = failed[row["id"]][:80], row["attempts"] + 1
            given_up = why == _NO_ADDRESS or attempts >= ATTEMPTS_MAX
            pause = min(timedelta(seconds=30 * 2.0 ** row["attempts"]), PAUSE_MAX)
            values: dict[str, Any] = {"last_error": why, "due_at": None if given_up else work.now + pause}
            work.connection.execute(update(notices).where(table.id == row["id"]).values(**values))
            log.warning("notice_not_sent", notice_id=row["id"], why=why, attempts=attempts, given_up=given_up)
    return len(sent)
