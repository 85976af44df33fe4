"""Reads of hooks: each plant's, with what waits, and the messages of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from factory_orders.hooks.model import HookMessage, MessageState, PlantHook
from factory_orders.hooks.rows import hook_from, message_from
from factory_orders.hooks.tables import plant_hooks, plant_messages
from kernel import db
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

HOOKS_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class HookView:
    """A hook with how many messages wait and how many were given up."""

    hook: PlantHook
    waiting: int
    given_up: int


def list_hooks(work: Work) -> list[HookView]:
    """Return the hooks of the brand's plants, newest first, those that ended too."""
    work.actor.require(Permission.STAFF_MANAGE)
    found = (
        select(plant_hooks)
        .where(plant_hooks.c.brand_id == work.actor.brand_id)
        .order_by(plant_hooks.c.id.desc())
        .limit(HOOKS_SHOWN_MAX)
    )
    hooks = [hook_from(row) for row in work.connection.execute(found).mappings()]
    counts = _counts(work, [one.id for one in hooks])
    return [
        HookView(one, counts.get((one.id, MessageState.WAITING), 0), counts.get((one.id, MessageState.GIVEN_UP), 0))
        for one in hooks
    ]


def _counts(work: Work, hook_ids: Sequence[str]) -> dict[tuple[str, MessageState], int]:
    table = plant_messages.c
    found = (
        select(table.hook_id, table.state, func.count())
        .where(db.among(table.hook_id, hook_ids), table.state != MessageState.DELIVERED.value)
        .group_by(table.hook_id, table.state)
    )
    return {(row[0], MessageState(row[1])): int(row[2]) for row in work.connection.execute(found)}


def messages_of_hook(work: Work, hook_id: str, page: PageRequest) -> Page[HookMessage]:
    """Return a hook's messages, newest first. Refuses NotFound for a hook that is not the brand's."""
    work.actor.require(Permission.STAFF_MANAGE)
    own = select(plant_hooks.c.id).where(plant_hooks.c.id == hook_id, plant_hooks.c.brand_id == work.actor.brand_id)
    if work.connection.execute(own).first() is None:
        raise NotFound("hook")
    table = plant_messages.c
    found = select(plant_messages).where(table.hook_id == hook_id).order_by(table.id.desc()).limit(page.size + 1)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = [message_from(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda message: message.id)
