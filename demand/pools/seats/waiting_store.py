"""Finds those who rolled over and wait for a pool of a class, in the order in which they were funded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, exists, select, true

from demand.pools.model import FailureChoice, WaitingPreOrder
from demand.pools.rows import pre_order_from
from demand.pools.tables import pools, pre_order_changes, pre_orders
from kernel import db
from kernel.work import Work

Last: TypeAlias = tuple[datetime, str]
"""Who was looked at last of those who wait: when funded, and the pre-order's id."""


def waiting_for(
    work: Work,
    *,
    class_key: str,
    frozen_id: str | None,
    limit: int,
    after: Last | None = None,
) -> list[WaitingPreOrder]:
    """Return and lock those who rolled over and wait for a pool of this class, earliest funded first.

    Who agreed to every trim or chose to widen waits for the wider class as well (`model.takes_any_trim`). For the
    frozen pool `frozen_id` those alone are meant who agreed to stay in one, or whom it asked and who said nothing; with
    `after` those who stand behind that one.
    """
    table = pre_orders.c
    any_trim = table.accepts_wider_class.is_(True) | (table.failure_choice == FailureChoice.WIDEN.value)
    found = (
        select(pre_orders)
        .where(
            table.brand_id == work.actor.brand_id,
            table.state == "rolled_over",
            (table.class_l1 == class_key) | ((table.class_l2 == class_key) & any_trim),
            true() if frozen_id is None else table.accepts_frozen.is_(True) | _was_asked_by(frozen_id),
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


def _was_asked_by(pool_id: str) -> ColumnElement[bool]:
    changes = pre_order_changes.c
    return exists().where(changes.pre_order_id == pre_orders.c.id, changes.asked_by_pool_id == pool_id)


def asked_by(work: Work, pre_order_ids: Collection[str], pool_id: str) -> dict[str, datetime]:
    """Return whom of these who wait a pool asked whether they accept its costlier terms, and since when they wait.

    A pool asks once: who was in another one since, and waits again, may still answer until its freeze.
    """
    changes = pre_order_changes.c
    asked = (
        select(pre_orders.c.id, pre_orders.c.state_at)
        .join(pre_order_changes, changes.pre_order_id == pre_orders.c.id)
        .where(db.among(pre_orders.c.id, pre_order_ids), changes.asked_by_pool_id == pool_id)
    )
    return {row.id: row.state_at for row in work.connection.execute(asked)}


def may_answer_elsewhere(work: Work, pre_order_ids: Collection[str], pool_id: str, *, now: datetime) -> set[str]:
    """Return which of these were asked by another pool that nothing has ended and whose freeze has not come."""
    changes = pre_order_changes.c
    asked = (
        select(changes.pre_order_id)
        .join(pools, pools.c.id == changes.asked_by_pool_id)
        .where(
            db.among(changes.pre_order_id, pre_order_ids),
            changes.asked_by_pool_id != pool_id,
            pools.c.state == "open",
            pools.c.freeze_at > now,
        )
    )
    return set(work.connection.execute(asked).scalars())
