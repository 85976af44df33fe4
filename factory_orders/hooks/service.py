"""Use cases of hooks: an administrator names where a plant's system listens, and what is to be built is told there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from factory_orders.agreements.events import BuildOrderAmended
from factory_orders.errors import HookSignatureInvalid
from factory_orders.events import BuildOrderReleased, BuildOrderWithdrawn, LineDayMended
from factory_orders.hooks.model import (
    AMENDED,
    HOOKS_MAX,
    MOVED,
    OVERLAP_MAX,
    RELEASED,
    WITHDRAWN,
    HookMessage,
    PlantHook,
)
from factory_orders.hooks.rows import hook_from
from factory_orders.hooks.store import (
    insert_hook,
    insert_messages,
    live_hooks,
    lock_hook,
    save_hook,
    send_again,
)
from factory_orders.hooks.tables import plant_hooks
from factory_orders.plant.model import BuildOrder
from factory_orders.plant.rows import build_order_from
from factory_orders.plant.tables import build_orders
from kernel import db, registry
from kernel.actor import Actor, Permission, Role
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import AccountId, BrandId, PlantId
from kernel.outbox import Letter
from kernel.outward import Network, read_target
from kernel.reasons import because
from kernel.webhooks import Genuine, derive_secret, verify
from kernel.work import Work

WriteId = Callable[[str, str], str]
TOLD: Final = {
    BuildOrderReleased.kind: RELEASED,
    BuildOrderAmended.kind: AMENDED,
    BuildOrderWithdrawn.kind: WITHDRAWN,
    LineDayMended.kind: MOVED,
}
Told = BuildOrderReleased | BuildOrderAmended | BuildOrderWithdrawn | LineDayMended


@dataclass(frozen=True, slots=True)
class HookSecret:
    """A hook with its secret, which is told this once."""

    hook: PlantHook
    secret: str


def add_hook(work: Work, key: bytes, *, plant_id: str, url: str, allowed: Sequence[Network] = ()) -> HookSecret:
    """Let a plant's system hear at an address what it is to build from now on; what is open already it asks for.

    Refuses NotFound for another brand's plant, InvalidInput for an address inside, Conflict where it has five.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    read_target(url, allowed=allowed)
    if plant_id not in {plant.id for plant in registry.list_plants(work)}:
        raise NotFound("plant")
    # The database knows no most: two at once would both see room for one.
    db.take_turns(work.connection, f"hooks:{plant_id}")
    if len(live_hooks(work, [plant_id])) >= HOOKS_MAX:
        raise Conflict("hook", because("HOOKS_MOST", most=HOOKS_MAX))
    hook = PlantHook(
        id=work.new_id(), brand_id=work.actor.brand_id, plant_id=plant_id, url=url, generation=1, created_at=work.now
    )
    insert_hook(work, hook)
    return HookSecret(hook, derive_secret(key, hook_id=hook.id, generation=1))


def rotate_secret(work: Work, key: bytes, hook_id: str, *, overlap: timedelta) -> HookSecret:
    """Make a hook's next secret; messages carry the signature of the one before as well for `overlap`.

    Refuses NotFound, and InvalidInput for more than a week.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidInput("overlapHours", because("DAYS_MOST", most=OVERLAP_MAX.days))
    hook = _own(work, hook_id)
    turned = replace(hook, generation=hook.generation + 1, overlap_until=work.now + overlap)
    save_hook(work, turned)
    return HookSecret(turned, derive_secret(key, hook_id=hook.id, generation=turned.generation))


def revoke_hook(work: Work, hook_id: str) -> PlantHook:
    """Send nothing there any more. Refuses NotFound."""
    work.actor.require(Permission.STAFF_MANAGE)
    ended = replace(_own(work, hook_id), revoked_at=work.now)
    save_hook(work, ended)
    return ended


def replay_hook(work: Work, hook_id: str, *, since: datetime) -> int:
    """Send a hook's messages since a moment, and all that were given up, once more; returns how many.

    Refuses NotFound.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    if since.tzinfo is None:
        raise InvalidInput("since", because("ZONE_MISSING"))
    hook = _own(work, hook_id)
    save_hook(work, replace(hook, failures=0, resume_at=None))
    return send_again(work, hook.id, since=since)


def _own(work: Work, hook_id: str) -> PlantHook:
    hook = lock_hook(work, hook_id)
    if hook is None:
        raise NotFound("hook")
    return hook


def plant_behind(
    work: Work, key: bytes, hook_id: str, headers: Mapping[str, str], body: bytes
) -> tuple[Actor, Genuine]:
    """Return who sent a signed message to a hook's door: its plant's system, with the message's id.

    `headers` are in lower case. Refuses HookSignatureInvalid, for a hook that is not there as well.
    """
    found = select(plant_hooks).where(plant_hooks.c.id == hook_id, plant_hooks.c.revoked_at.is_(None))
    row = work.connection.execute(found).mappings().first()
    hook = None if row is None else hook_from(row)
    numbers = (0,) if hook is None else hook.generations(work.now)
    secrets = tuple(derive_secret(key, hook_id=hook_id, generation=number) for number in numbers)
    genuine = verify(secrets, headers, body, now=work.now)
    if hook is None or genuine is None:
        raise HookSignatureInvalid
    plant = PlantId(hook.plant_id)
    return Actor(BrandId(hook.brand_id), frozenset({Role.PLANT}), AccountId(hook.id), plant_id=plant), genuine


# --- news ------------------------------------------------------------------------------------------------------------


def tell_plants(work: Work, letters: Sequence[Letter], *, write_id: WriteId) -> None:
    """Write a message for each hook of the plant that a build order was released to, changed for or withdrawn from.

    Of a line that was mended every build order is told that stands at another place, with the one it has by now.
    `write_id` makes the ids by which the API knows things.
    """
    work.actor.require(Permission.SYSTEM)
    told = [(letter, letter.event) for letter in letters if isinstance(letter.event, Told)]
    hooks = live_hooks(work, sorted({event.plant_id for _, event in told}))
    if not hooks:
        return
    orders = _orders_by_id(work, sorted({one for _, event in told for one in _concerned(event)}))
    insert_messages(
        work,
        [
            _message(work, hook, letter, orders[one], write_id)
            for letter, event in told
            for one in _concerned(event)
            for hook in hooks
            if hook.plant_id == event.plant_id
        ],
    )


def _concerned(event: Told) -> tuple[str, ...]:
    return event.build_order_ids if isinstance(event, LineDayMended) else (event.build_order_id,)


def _orders_by_id(work: Work, build_order_ids: Sequence[str]) -> dict[str, BuildOrder]:
    table = build_orders.c
    found = select(build_orders).where(db.among(table.id, build_order_ids), table.brand_id == work.actor.brand_id)
    return {row["id"]: build_order_from(row) for row in work.connection.execute(found).mappings()}


def _message(work: Work, hook: PlantHook, letter: Letter, order: BuildOrder, write_id: WriteId) -> HookMessage:
    kind = TOLD[letter.event.kind]
    withdrawn = kind == WITHDRAWN
    return HookMessage(
        id=work.new_id(),
        brand_id=hook.brand_id,
        hook_id=hook.id,
        event_id=letter.event_id,
        build_order_id=order.id,
        kind=kind,
        body={
            "type": kind,
            "timestamp": letter.at.isoformat(),
            "data": {"buildOrderId": write_id("BuildOrder", order.id)} if withdrawn else _facts(order, write_id),
        },
        created_at=work.now,
        due_at=work.now,
    )


def _facts(order: BuildOrder, write_id: WriteId) -> dict[str, Any]:
    return {
        "buildOrderId": write_id("BuildOrder", order.id),
        "plantId": write_id("Plant", order.plant_id),
        "week": order.week.isoformat(),
        "day": order.day.isoformat(),
        "position": order.position,
        "model": order.model,
        "options": list(order.options),
    }
