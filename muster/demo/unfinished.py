"""Whether a demo's story was told to its end: one that was interrupted is not whole, and is not taken for that."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table, select

from kernel import db
from kernel.actor import system
from kernel.ids import BrandId
from kernel.work import Work, Works

# Its one row is there while a story is told.
demo_unfinished = Table(
    "demo_unfinished",
    db.metadata,
    Column("id", Integer, primary_key=True),
    Column("began_at", db.Instant, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)


def begin_story(work: Work) -> None:
    """Note that a story is told from now on; one that was interrupted before its first row is begun anew."""
    db.insert_new(work.connection, demo_unfinished, [{"id": 1, "began_at": work.now}], returning="id")


def end_story(work: Work) -> None:
    """Note that the story is told."""
    work.connection.execute(demo_unfinished.delete())


def is_unfinished(works: Works) -> bool:
    """Say whether a story was begun and not ended."""
    with works.read(system(BrandId("platform"))) as work:
        return work.connection.execute(select(demo_unfinished.c.id)).first() is not None
