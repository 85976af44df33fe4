"""Reads of backings: one's own, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from demand.backing.model import Backing, backing_state
from demand.backing.rows import backing_from
from demand.backing.tables import backings
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

OPEN = ("acknowledged", "held")


def own_backings(work: Work, page: PageRequest) -> Page[Backing]:
    """Return the signed-in account's backings, newest first."""
    work.actor.require(Permission.VOTE)
    table = backings.c
    found = select(backings).where(table.account_id == work.actor.signed_in(), table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([backing_from(row) for row in rows], page, lambda one: one.head.id)


def own_backings_by_id(work: Work, backing_ids: Sequence[str]) -> dict[str, Backing]:
    """Return backings of the signed-in account by id; another's reads as none."""
    work.actor.require(Permission.VOTE)
    table = backings.c
    found = select(backings).where(
        db.among(table.id, backing_ids),
        table.account_id == (work.actor.account_id or ""),
        table.brand_id == work.actor.brand_id,
    )
    return {row["id"]: backing_from(row) for row in work.connection.execute(found).mappings()}


def open_backing_state(work: Work, account_id: str) -> str | None:
    """Return the state of a backing of an account that holds money or waits for it, or None."""
    table = backings.c
    found = select(table.state).where(
        table.account_id == account_id, table.brand_id == work.actor.brand_id, table.state.in_(OPEN)
    )
    state: str | None = work.connection.execute(found.limit(1)).scalar()
    return state


def export_backings(work: Work, account_id: str) -> list[dict[str, Any]]:
    """Return everything kept about an account's backings, in JSON terms."""
    table = backings.c
    found = select(backings).where(table.account_id == account_id, table.brand_id == work.actor.brand_id)
    return [
        {
            "proposal_id": one.head.proposal_id,
            "model": one.head.model,
            "price_cap_minor": one.head.price_cap_minor,
            "deposit_minor": one.head.deposit_minor,
            "state": backing_state(one),
            "at": one.head.placed_at.isoformat(),
        }
        for one in map(backing_from, work.connection.execute(found.order_by(table.id)).mappings())
    ]
