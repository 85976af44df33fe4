"""The worker's part: what is due goes out, none of it inside a transaction; what is not taken comes again later."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import structlog

from factory_orders.hooks.model import HookMessage, PlantHook, failed, taken
from factory_orders.hooks.store import give_back, lease_due, save_health, save_message, something_is_due
from kernel.actor import system
from kernel.ids import BrandId
from kernel.outward import Answer, Send
from kernel.webhooks import derive_secret, sign, signed_headers
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
BATCH_MAX = 20


def send_messages(works: Works, *, key: bytes, send: Send, batch_max: int = BATCH_MAX) -> int:
    """Send what is due, in order for each build order; returns how many were taken.

    After a hook's first failure it is left alone for this turn. A worker that dies in between has only leased them:
    they are sent again under the same id.
    """
    with works.read(system(BrandId("platform"))) as work:
        if not something_is_due(work):
            return 0
    with works.change(system(BrandId("platform"))) as work:
        leased = lease_due(work, batch_max)
    if not leased:
        return 0
    hooks = {hook.id: hook for _, hook in leased}
    done: list[HookMessage] = []
    unsent: list[str] = []
    resting: set[str] = set()
    for message, _ in leased:
        hook = hooks[message.hook_id]
        if hook.id in resting:
            unsent.append(message.id)
            continue
        now = works.clock.now()
        answer = _send(hook, message, key, send, works)
        decide = taken if answer.is_taken else failed
        settled, hooks[hook.id] = decide(message, hook, status=str(answer.status or answer.why), now=now)
        done.append(settled)
        if not answer.is_taken:
            resting.add(hook.id)
            log.warning("plant_hook_failed", hook_id=hook.id, status=answer.status, why=answer.why)
    with works.change(system(BrandId("platform"))) as work:
        _settle(work, done, hooks)
        give_back(work, unsent)
    return sum(one.delivered_at is not None for one in done)


def _send(hook: PlantHook, message: HookMessage, key: bytes, send: Send, works: Works) -> Answer:
    now = works.clock.now()
    body = orjson.dumps(message.body)
    newest, *older = (
        derive_secret(key, hook_id=hook.id, generation=generation) for generation in hook.generations(now)
    )
    headers = signed_headers(newest, message_id=message.id, at=now, body=body)
    also = [sign(secret, message_id=message.id, at=now, body=body) for secret in older]
    headers["webhook-signature"] = " ".join((headers["webhook-signature"], *also))
    return send(hook.url, headers | {"content-type": "application/json", "user-agent": "muster"}, body)


def _settle(work: Work, done: list[HookMessage], hooks: Mapping[str, PlantHook]) -> None:
    for message in done:
        save_message(work, message)
    for hook_id in {message.hook_id for message in done}:
        save_health(work, hooks[hook_id])
