"""Loads and saves pools; a pool that may change is loaded with its row locked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final, assert_never

from sqlalchemy import ColumnElement, Update, bindparam, select, update

from demand.errors import PoolAlreadyOpen
from demand.pools.events import PoolFroze
from demand.pools.model import (
    CancelledPool,
    FailedPool,
    FrozenPool,
    LockedPool,
    OpenPool,
    Pool,
    PoolHead,
    PoolTerms,
    RolledPool,
    ScheduledPool,
    state_of,
)
from demand.pools.rows import StoredPool, pool_from
from demand.pools.tables import pool_changes, pool_clearings, pools
from kernel import db, record
from kernel.errors import NotFound
from kernel.sending import write
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

OPEN_TIMER: Final = "demand.pool_open"
NEAR_TIMER: Final = "demand.pool_freeze_near"
FREEZE_TIMER: Final = "demand.pool_freeze"
CLEAR_TIMER: Final = "demand.pool_clear"
WELCOME_TIMER: Final = "demand.pool_welcome"
ROLLED_TIMER: Final = "demand.pool_rolled"
ANSWER_TIMER: Final = "demand.pool_answer"


def insert_pool(work: Work, pool: ScheduledPool | OpenPool) -> None:
    """Write a new pool; refuses a second open one of the class (PoolAlreadyOpen)."""
    head = pool.head
    row = {
        "id": head.id,
        "brand_id": head.brand_id,
        "level": head.level.value,
        "class_key": head.class_key,
        "plant_code": head.plant_code,
        "minimum": head.terms.minimum,
        "capacity": head.terms.capacity,
        "member_limit": head.terms.member_limit,
        "tiers": [[tier.members, tier.discount_bp] for tier in head.terms.tiers],
        "deposit_minor": head.terms.deposit_minor,
        "freeze_hours": head.terms.freeze_hours,
        "policy_version": head.policy_version,
        "opens_at": head.opens_at,
        "joined": 0,
    } | _changing(work, StoredPool(pool, 0))
    if not db.insert_new(work.connection, pools, [row], returning="id"):
        raise PoolAlreadyOpen(head.class_key)
    note_pool_changes(work, [(pool, "opened" if isinstance(pool, OpenPool) else "scheduled")])


def _changing(work: Work, stored: StoredPool) -> dict[str, Any]:
    """Return the columns that change over a pool's life."""
    head = stored.pool.head
    locked = stored.pool if isinstance(stored.pool, LockedPool) else None
    return {
        "freeze_at": head.freeze_at,
        "deadline": head.deadline,
        "state": state_of(stored.pool),
        "state_at": work.now,
        "members": head.members,
        "reaching_minimum": head.reaching[0],
        "reaching": list(head.reaching),
        "joined": stored.joined,
        "cleared": locked and locked.cleared,
        "discount_bp": locked and locked.discount_bp,
    }


def lock_pools(work: Work, pool_ids: Sequence[str], class_keys: Sequence[str] = ()) -> dict[str, StoredPool]:
    """Lock and return pools by id, and those of the classes that take members, in the order of their ids.

    Everybody locks in this order, so nobody waits in a circle; then the rows say what is true until the commit.
    """
    wanted: list[ColumnElement[bool]] = []
    if pool_ids:
        wanted.append(db.among(pools.c.id, pool_ids))
    if class_keys:
        wanted.append(db.among(pools.c.class_key, class_keys) & pools.c.state.in_(("open", "frozen")))
    if not wanted:
        return {}
    either = wanted[0] if len(wanted) == 1 else wanted[0] | wanted[1]
    found = select(pools).where(pools.c.brand_id == work.actor.brand_id, either).order_by(pools.c.id).with_for_update()
    return {row["id"]: pool_from(row) for row in work.connection.execute(found).mappings()}


def lock_pool(work: Work, pool_id: str) -> StoredPool:
    """Lock and return one pool of the actor's brand, or refuse (NotFound)."""
    stored = lock_pools(work, [pool_id]).get(pool_id)
    if stored is None:
        raise NotFound("pool")
    return stored


def save_pools(work: Work, changed: Sequence[tuple[StoredPool, StoredPool]]) -> None:
    """Save pools before and after in one statement; a change of state is noted, timed and told of."""
    rows = [{"b_id": after.pool.head.id} | _changing(work, after) for _, after in changed]
    if not rows:
        return
    names = tuple(name for name in rows[0] if name not in ("b_id", "state_at"))
    for row, (before, after) in zip(rows, changed, strict=True):
        if type(before.pool) is type(after.pool):
            del row["state_at"]
    moved = [(row, pair) for row, pair in zip(rows, changed, strict=True) if "state_at" in row]
    still = [row for row in rows if "state_at" not in row]
    for group, columns in ((still, names), ([row for row, _ in moved], (*names, "state_at"))):
        if group:
            write(work.connection, _update_of(columns), group)
    for _, (before, after) in moved:
        if isinstance(after.pool, FrozenPool):
            note_pool_changes(work, [(after.pool, "frozen")])
            tell_frozen(work, after.pool)
        elif isinstance(before.pool, ScheduledPool):
            note_pool_changes(work, [(after.pool, "opened")])


@cache
def _update_of(columns: tuple[str, ...]) -> Update:
    """Return the statement once made: a busy pool is saved many times a second."""
    return update(pools).where(pools.c.id == bindparam("b_id")).values({name: bindparam(name) for name in columns})


def tell_frozen(work: Work, pool: FrozenPool) -> None:
    """Move the clearing to the pool's deadline and tell of the freeze.

    Those who wait are looked at once more: from now on nobody accepts costlier terms, and the silent wait no longer.
    That has a timer of its own, since the welcome is moved whenever somebody rolls over.
    """
    head = pool.head
    set_timer(work, ANSWER_TIMER, head.id, work.now)
    cancel_timer(work, NEAR_TIMER, head.id)
    cancel_timer(work, FREEZE_TIMER, head.id)
    set_timer(work, CLEAR_TIMER, head.id, head.deadline)
    record.append(
        work, f"pool:{head.id}", "pool.frozen", {"members": head.members, "deadline": head.deadline.isoformat()}
    )
    work.record(PoolFroze(head.brand_id, head.id, head.members, head.deadline))


def note_pool_changes(work: Work, changed: Sequence[tuple[Pool, str]]) -> None:
    """Append what became of pools."""
    db.insert_many(
        work.connection,
        pool_changes,
        [
            {
                "pool_id": pool.head.id,
                "state": state_of(pool),
                "reason": reason,
                "by": work.actor.account_id,
                "at": work.now,
            }
            for pool, reason in changed
        ],
    )


def end_pool(work: Work, stored: StoredPool, ended: LockedPool | FailedPool | RolledPool | CancelledPool) -> None:
    """Write a pool's last state; its members' places have been decided on."""
    match ended:
        case LockedPool():
            reason = "cleared"
        case FailedPool() | RolledPool():
            reason = "not_enough_members"
        case CancelledPool():
            reason = "cancelled"
        case _:
            assert_never(ended)
    work.connection.execute(
        update(pools).where(pools.c.id == ended.head.id).values(_changing(work, StoredPool(ended, stored.joined)))
    )
    note_pool_changes(work, [(ended, reason)])
    cancel_timer(work, NEAR_TIMER, ended.head.id)
    cancel_timer(work, FREEZE_TIMER, ended.head.id)
    cancel_timer(work, CLEAR_TIMER, ended.head.id)


def insert_clearing(work: Work, head: PoolHead, *, root: str) -> None:
    """Write what everybody may know of a clearing; `head` is as it stood at the deadline."""
    row = {
        "pool_id": head.id,
        "brand_id": head.brand_id,
        "members": head.members,
        "reached": list(head.reaching),
        "root": root,
        "at": work.now,
    }
    db.insert_many(work.connection, pool_clearings, [row])


def set_pool_timers(work: Work, pool: ScheduledPool | OpenPool, *, notice_hours: int) -> None:
    """Set what is due for a new pool: its opening, a word before its freeze, its freeze, its clearing."""
    head = pool.head
    near = head.freeze_at - timedelta(hours=notice_hours)
    if near > head.opens_at:
        set_timer(work, NEAR_TIMER, head.id, near)
    if isinstance(pool, ScheduledPool):
        set_timer(work, OPEN_TIMER, head.id, head.opens_at)
    set_timer(work, FREEZE_TIMER, head.id, head.freeze_at)
    set_timer(work, CLEAR_TIMER, head.id, head.deadline)


def open_pool_ids(work: Work, class_keys: Collection[str]) -> list[str]:
    """Return the pools of these classes that take members, in the order of their ids."""
    table = pools.c
    found = (
        select(table.id)
        .where(
            table.brand_id == work.actor.brand_id,
            db.among(table.class_key, class_keys),
            table.state.in_(("open", "frozen")),
        )
        .order_by(table.id)
    )
    return list(work.connection.execute(found).scalars())


def has_open_pool(work: Work, class_key: str) -> bool:
    """Say whether a pool of this class is open now; a frozen one is none."""
    table = pools.c
    found = select(table.id).where(
        table.brand_id == work.actor.brand_id, table.class_key == class_key, table.state == "open"
    )
    return work.connection.execute(found).first() is not None


def terms_of(work: Work, pool_ids: Collection[str]) -> dict[str, PoolTerms]:
    """Return the terms of pools by id; terms never change, so nothing is locked."""
    found = select(pools).where(db.among(pools.c.id, pool_ids), pools.c.brand_id == work.actor.brand_id)
    return {row["id"]: pool_from(row).pool.head.terms for row in work.connection.execute(found).mappings()}
