"""Loads and saves hooks and messages; leases what is due, the first of each build order's only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, or_, select, update

from factory_orders.hooks.model import LEASE, HookMessage, MessageState, PlantHook
from factory_orders.hooks.rows import HOOK_FIELDS, MESSAGE_FIELDS, hook_from, message_from
from factory_orders.hooks.tables import plant_hooks, plant_messages
from kernel import db
from kernel.work import Work


def insert_hook(work: Work, hook: PlantHook) -> None:
    """Write a new hook."""
    work.connection.execute(plant_hooks.insert().values({name: getattr(hook, name) for name in HOOK_FIELDS}))


def save_hook(work: Work, hook: PlantHook) -> None:
    """Write a hook's state."""
    names = ("generation", "overlap_until", "revoked_at", "failures", "resume_at", "last_status")
    work.connection.execute(
        update(plant_hooks).where(plant_hooks.c.id == hook.id).values({name: getattr(hook, name) for name in names})
    )


def save_health(work: Work, hook: PlantHook) -> None:
    """Write how sending to a hook went; what an administrator changed meanwhile stays."""
    values = {name: getattr(hook, name) for name in ("failures", "resume_at", "last_status")}
    ended = {"revoked_at": hook.revoked_at} if hook.revoked_at is not None else {}
    work.connection.execute(update(plant_hooks).where(plant_hooks.c.id == hook.id).values(values | ended))


def lock_hook(work: Work, hook_id: str) -> PlantHook | None:
    """Load a live hook of the actor's brand and keep other changes to it waiting."""
    table = plant_hooks.c
    found = (
        select(plant_hooks)
        .where(table.id == hook_id, table.brand_id == work.actor.brand_id, table.revoked_at.is_(None))
        .with_for_update()
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else hook_from(row)


def live_hooks(work: Work, plant_ids: Sequence[str]) -> list[PlantHook]:
    """Return the live hooks of plants of the actor's brand."""
    table = plant_hooks.c
    found = (
        select(plant_hooks)
        .where(db.among(table.plant_id, plant_ids), table.brand_id == work.actor.brand_id, table.revoked_at.is_(None))
        .order_by(table.id)
    )
    return [hook_from(row) for row in work.connection.execute(found).mappings()]


def insert_messages(work: Work, new: Sequence[HookMessage]) -> None:
    """Write messages; one of an event that a hook has heard of is passed over."""
    rows = [{name: getattr(one, name) for name in MESSAGE_FIELDS} | {"state": one.state.value} for one in new]
    db.insert_new(work.connection, plant_messages, rows, returning="id")


def save_message(work: Work, message: HookMessage) -> None:
    """Write what became of an attempt."""
    names = ("attempts", "due_at", "last_status", "delivered_at")
    values = {name: getattr(message, name) for name in names} | {"state": message.state.value}
    work.connection.execute(update(plant_messages).where(plant_messages.c.id == message.id).values(values))


def something_is_due(work: Work) -> bool:
    """Say whether any brand's message is due; asked in a read, so that an idle worker keeps nobody from writing."""
    return work.connection.execute(_SOME_DUE, {"now": work.now}).first() is not None


def _select_due() -> Select[Any]:
    """Select the messages that may be sent `now`: due, of a live hook that does not rest, with none before them."""
    now = bindparam("now", type_=db.Instant)
    own, hook = plant_messages.c, plant_hooks.c
    earlier = plant_messages.alias("earlier")
    blocked = exists().where(
        earlier.c.hook_id == own.hook_id,
        earlier.c.build_order_id == own.build_order_id,
        earlier.c.event_id < own.event_id,
        earlier.c.state != MessageState.DELIVERED.value,
    )
    return (
        select(plant_messages)
        .join(plant_hooks, hook.id == own.hook_id)
        .where(
            own.due_at <= now,
            hook.revoked_at.is_(None),
            or_(hook.resume_at.is_(None), hook.resume_at <= now),
            ~blocked,
        )
    )


# Written once: an idle worker asks this several times a second, and writing it took longer than answering it.
_SOME_DUE: Final = _select_due().limit(1)


def lease_due(work: Work, limit: int) -> list[tuple[HookMessage, PlantHook]]:
    """Take what is due of every brand for a while; of each build order the first that was not taken, and no other."""
    own = plant_messages.c
    found = _select_due().order_by(own.event_id, own.id).limit(limit)
    found = found.with_for_update(skip_locked=True, of=plant_messages)
    messages = [message_from(row) for row in work.connection.execute(found, {"now": work.now}).mappings()]
    if messages:
        ids = [one.id for one in messages]
        work.connection.execute(update(plant_messages).where(db.among(own.id, ids)).values(due_at=work.now + LEASE))
    hooks = _hooks_by_id(work, {one.hook_id for one in messages})
    return [(one, hooks[one.hook_id]) for one in messages]


def _hooks_by_id(work: Work, hook_ids: set[str]) -> dict[str, PlantHook]:
    if not hook_ids:
        return {}
    found = select(plant_hooks).where(db.among(plant_hooks.c.id, hook_ids))
    return {row["id"]: hook_from(row) for row in work.connection.execute(found).mappings()}


def give_back(work: Work, message_ids: Sequence[str]) -> None:
    """End the lease of messages that were not sent."""
    if message_ids:
        table = plant_messages.c
        work.connection.execute(update(plant_messages).where(db.among(table.id, message_ids)).values(due_at=work.now))


def send_again(work: Work, hook_id: str, *, since: datetime) -> int:
    """Make every message of a hook since a moment due once more; returns how many.

    What was given up before is due as well: it would keep the later ones of its build order waiting for ever.
    """
    table = plant_messages.c
    done = work.connection.execute(
        update(plant_messages)
        .where(table.hook_id == hook_id, or_(table.created_at >= since, table.state == MessageState.GIVEN_UP.value))
        .values(state=MessageState.WAITING.value, attempts=0, due_at=work.now, delivered_at=None)
    )
    return done.rowcount
