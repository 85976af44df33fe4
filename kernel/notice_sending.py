"""What the worker sends of notices: leased a few at a time, by the first channel that reaches the person, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import RowMapping, bindparam, select, update

from kernel import db
from kernel.actor import system
from kernel.ids import BrandId
from kernel.notices import ANSWER_SECONDS_MAX, UNREADABLE, Address, AddressBook, Channel, Message, notices, render
from kernel.registry import own_brand
from kernel.work import Works

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 100
PART_MAX: Final = 10
"""So many are leased at once: a lease outlasts the slowest mail server, and a worker that died gives none back."""
MESSAGE_LEASE: Final = timedelta(seconds=4 * ANSWER_SECONDS_MAX)
"""What one message may take: a mail has a sender, a reader, a beginning and an end, and each is answered."""
CONNECTION_LEASE: Final = 2 * MESSAGE_LEASE
ATTEMPTS_MAX: Final = 12
PAUSE_MAX: Final = timedelta(hours=1)


def send_due(
    works: Works,
    channels: Sequence[Channel],
    addresses: AddressBook,
    *,
    batch_max: int = BATCH_MAX,
    part_max: int = PART_MAX,
) -> int:
    """Send what is due by the first channel that reaches the person; returns how many were sent.

    Nothing is sent inside a transaction. Notices are leased first, a few at a time, for as long as the slowest channel
    may take, so that no second worker sends them meanwhile; `part_max` at once where no channel waits for anybody.
    What fails is tried again after a pause that doubles up to an hour, at most 12 times; what a worker held that died
    is tried again when its lease ends. A mail sent again carries the same Message-ID.
    """
    sent = 0
    for start in range(0, batch_max, part_max):
        leased = _lease(works, min(part_max, batch_max - start))
        if not leased:
            break
        batches, failed = _address(works, leased, channels, addresses)
        for channel, messages in batches:
            failed |= channel.send(messages)
        sent += _settle(works, leased, failed)
    return sent


# Written once: an idle worker asks this several times a second, and writing it took longer than answering it.
_SOME_DUE: Final = select(notices.c.id).where(notices.c.due_at <= bindparam("now", type_=db.Instant)).limit(1)


def _lease(works: Works, batch_max: int) -> Sequence[RowMapping]:
    table = notices.c
    with works.read(system(BrandId("platform"))) as work:
        if work.connection.execute(_SOME_DUE, {"now": work.now}).first() is None:
            return []
    with works.change(system(BrandId("platform"))) as work:
        due = select(notices).where(table.due_at <= work.now).order_by(table.due_at, table.id).limit(batch_max)
        rows = work.connection.execute(due.with_for_update(skip_locked=True)).mappings().all()
        until = work.now + CONNECTION_LEASE + len(rows) * MESSAGE_LEASE
        if rows:
            work.connection.execute(
                update(notices)
                .where(db.among(table.id, [row["id"] for row in rows]))
                .values(attempts=table.attempts + 1, due_at=until)
            )
    return rows


_NO_ADDRESS: Final = "no address"
_UNREADABLE_NOW: Final = "unreadable"


def _address(
    works: Works, leased: Sequence[RowMapping], channels: Sequence[Channel], addresses: AddressBook
) -> tuple[list[tuple[Channel, list[Message]]], dict[str, str]]:
    """Look up where each goes and write it out, grouped by channel; says who cannot be reached at all."""
    failed: dict[str, str] = {}
    batches: dict[str, tuple[Channel, list[Message]]] = {}
    with works.read(system(BrandId("platform"))) as work:
        zones: dict[str, ZoneInfo] = {}
        known: dict[str, Mapping[str, Address]] = {}
        for row in leased:
            own = work.acting(system(BrandId(row["brand_id"])))
            if row["brand_id"] not in known:
                of_brand = [one["account_id"] for one in leased if one["brand_id"] == row["brand_id"]]
                known[row["brand_id"]] = addresses.lookup(own, of_brand)
            address = known[row["brand_id"]].get(row["account_id"])
            channel = next((one for one in channels if address is not None and one.reaches(address)), None)
            if address is None or channel is None:
                failed[row["id"]] = _NO_ADDRESS
                continue
            if row["brand_id"] not in zones:
                zones[row["brand_id"]] = own_brand(own).zone
            zone = zones[row["brand_id"]]
            try:
                subject, body = render(row["kind"], row["facts"], locale=address.locale, zone=zone)
            except UNREADABLE as error:
                # A newer version wrote it, and its worker will send it; the others of this part go out.
                log.error("notice_unreadable", notice_id=row["id"], kind=row["kind"], why=type(error).__name__)
                failed[row["id"]] = _UNREADABLE_NOW
                continue
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
