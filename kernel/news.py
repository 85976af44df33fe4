"""News as it waits: the rows that a change posts with its commit, and who has seen which.

A change knows this much and no more; `kernel.outbox` hands the news over and knows changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, String, Table

from kernel import db
from kernel.db import Id, Instant, Json, metadata
from kernel.events import Event, encode
from kernel.ids import IdMaker

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("payload", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant, nullable=True),
    Column("last_error", String(200)),
)
Index("ix_outbox_due_at", outbox.c.due_at, outbox.c.id, postgresql_where=outbox.c.due_at.isnot(None))

outbox_seen = Table(
    "outbox_seen",
    metadata,
    Column("event_id", Id, ForeignKey("outbox.id"), primary_key=True),
    Column("subscriber", String(80), primary_key=True),
)


def post(connection: Connection, news: Sequence[Event], *, now: datetime, ids: IdMaker) -> None:
    """Write news into the outbox; called by `Work` at its commit."""
    db.insert_many(
        connection,
        outbox,
        [
            {
                "id": ids.new(now),
                "brand_id": happened.brand_id,
                "kind": happened.kind,
                "payload": encode(happened),
                "at": now,
                "due_at": now,
            }
            for happened in news
        ],
    )
