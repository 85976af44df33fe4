"""Finds those who rolled over and wait for a pool of a class, in the order in which they were funded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, exists, select, true

from demand.pools.model import FailureChoice, WaitingPreOrder
from demand.pools.rows import pre_order_from
from demand.pools.tables import pre_order_changes, pre_orders
from kernel import db
from kernel.work import Work

TERMS_OFFERED: Final = "terms_offered"
Last: TypeAlias = tuple[datetime, str]
"""Who was looked at last of those who wait: when funded, and the pre-order's id."""


def waiting_for(
    work: Work,
    *,
    class_key: str,
    frozen_from: datetime | None,
    limit: int,
    after: Last | None = None,
) -> list[WaitingPreOrder]:
    """Return and lock those who rolled over and wait for a pool of this class, earliest funded first.

    Who agreed to every trim or chose to widen waits for the wider class as well (`model.takes_any_trim`). Of a frozen
    pool, which opened at `frozen_from`, those alone are meant who agreed to stay in one, or who were asked since then
    and said nothing; with `after` those who stand behind that one.
    """
    table = pre_orders.c
    any_trim = table.accepts_wider_class.is_(True) | (table.failure_choice == FailureChoice.WIDEN.value)
    found = (
        select(pre_orders)
        .where(
            table.brand_id == work.actor.brand_id,
            table.state == "rolled_over",
            (table.class_l1 == class_key) | ((table.class_l2 == class_key) & any_trim),
            true() if frozen_from is None else table.accepts_frozen.is_(True) | _was_asked(frozen_from),
            true() if after is None else _follows(*after),
        )
        .order_by(table.funded_at, table.id)
        .limit(limit)
        .with_for_update()
    )
    waiting = [pre_order_from(row) for row in work.connection.execute(found).mappings()]
    return [one for one in waiting if isinstance(one, WaitingPreOrder)]


def _follows(funded_at: datetime, pre_order_id: str) -> ColumnElement[bool]:
    table = pre_orders.c
    return (table.funded_at > funded_at) | ((table.funded_at == funded_at) & (table.id > pre_order_id))


def _was_asked(since: datetime) -> ColumnElement[bool]:
    changes = pre_order_changes.c
    return exists().where(changes.pre_order_id == pre_orders.c.id, changes.reason == TERMS_OFFERED, changes.at >= since)


def asked_since(work: Work, pre_order_ids: Collection[str], since: datetime) -> set[str]:
    """Return which of these were asked since then whether they accept costlier terms: nobody is asked twice."""
    changes = pre_order_changes.c
    asked = select(changes.pre_order_id).where(
        db.among(changes.pre_order_id, pre_order_ids), changes.reason == TERMS_OFFERED, changes.at >= since
    )
    return set(work.connection.execute(asked).scalars())
