"""A plant's hook and its messages: in order for each build order, again after growing pauses, given up at an end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

HOOKS_MAX: Final = 5
RELEASED: Final = "build_order.released"
WITHDRAWN: Final = "build_order.withdrawn"
AMENDED: Final = "build_order.amended"
MOVED: Final = "build_order.moved"
GONE: Final = 410
LEASE: Final = timedelta(minutes=2)
OVERLAP_MAX: Final = timedelta(days=7)
# In all some four days, as the specification proposes; then the message waits for a replay.
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 86_400, 86_400, 86_400)
)


class MessageState(StrEnum):
    """Where a message stands; one that was given up keeps those behind it waiting, so that their order holds."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class PlantHook:
    """Where a plant's system listens. Its secret is the `generation`-th; the one before counts until `overlap_until`.

    After a failure nothing is sent before `resume_at`; `failures` counts those in a row.
    """

    id: str
    brand_id: str
    plant_id: str
    url: str
    generation: int
    created_at: datetime
    overlap_until: datetime | None = None
    revoked_at: datetime | None = None
    failures: int = 0
    resume_at: datetime | None = None
    last_status: str | None = None

    def generations(self, now: datetime) -> tuple[int, ...]:
        """Return which secrets sign now, the newest first."""
        older = self.overlap_until is not None and now < self.overlap_until
        return (self.generation, self.generation - 1) if older else (self.generation,)


@dataclass(frozen=True, slots=True)
class HookMessage:
    """One message; `id` stays the same however often it is sent, `body` is its data."""

    id: str
    brand_id: str
    hook_id: str
    event_id: str
    build_order_id: str
    kind: str
    body: dict[str, Any]
    created_at: datetime
    state: MessageState = MessageState.WAITING
    attempts: int = 0
    due_at: datetime | None = None
    last_status: str | None = None
    delivered_at: datetime | None = None


def pause_after(attempts: int) -> timedelta | None:
    """Return how long to wait after the n-th failed attempt; None where it was the last."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def taken(message: HookMessage, hook: PlantHook, *, status: str, now: datetime) -> tuple[HookMessage, PlantHook]:
    """Note that a receiver took a message."""
    done = replace(
        message,
        state=MessageState.DELIVERED,
        attempts=message.attempts + 1,
        due_at=None,
        last_status=status,
        delivered_at=now,
    )
    return done, replace(hook, failures=0, resume_at=None, last_status=status)


def failed(message: HookMessage, hook: PlantHook, *, status: str, now: datetime) -> tuple[HookMessage, PlantHook]:
    """Note that a receiver did not take it: again after a pause, or never; one that is gone gets nothing any more."""
    attempts = message.attempts + 1
    pause = pause_after(attempts)
    again = replace(
        message,
        attempts=attempts,
        last_status=status,
        state=MessageState.WAITING if pause is not None else MessageState.GIVEN_UP,
        due_at=now + pause if pause is not None else None,
    )
    if status == str(GONE):
        return again, replace(hook, revoked_at=now, last_status=status)
    failures = hook.failures + 1
    rest = pause_after(min(failures, 5))
    assert rest is not None, "the pauses are more than five"
    return again, replace(hook, failures=failures, resume_at=now + rest, last_status=status)
