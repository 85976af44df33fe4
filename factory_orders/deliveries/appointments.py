"""When a store receives a buyer: full hours while it is open, a few people an hour, some weeks ahead."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from factory_orders.errors import AppointmentUnavailable
from factory_orders.policies import HandoverPolicy
from kernel.reasons import because

HOUR = timedelta(hours=1)


def choose_place(
    wanted: datetime,
    *,
    now: datetime,
    zone: ZoneInfo,
    taken: Mapping[datetime, AbstractSet[int]],
    policy: HandoverPolicy,
) -> int:
    """Return the first free place of the wanted hour, or refuse with the next free time (AppointmentUnavailable)."""
    reason = _why_not(wanted, now=now, zone=zone, policy=policy)
    if reason is None:
        place = _free_place(taken.get(wanted, frozenset()), policy)
        if place is not None:
            return place
        reason = because("HOUR_FULL")
    raise AppointmentUnavailable(reason, next_free(now=now, after=wanted, zone=zone, taken=taken, policy=policy))


def _why_not(wanted: datetime, *, now: datetime, zone: ZoneInfo, policy: HandoverPolicy) -> str | None:
    local = wanted.astimezone(zone)
    if (local.minute, local.second, local.microsecond) != (0, 0, 0):
        return because("FULL_HOUR")
    if not now < wanted <= now + timedelta(days=policy.days_ahead_max):
        return because("DAYS_AHEAD", most=policy.days_ahead_max)
    if not policy.opens_at_hour <= local.hour < policy.closes_at_hour:
        return because("OPENING_HOURS", opens=policy.opens_at_hour, closes=policy.closes_at_hour)
    return None


def _free_place(taken: AbstractSet[int], policy: HandoverPolicy) -> int | None:
    return next((place for place in range(1, policy.appointments_per_hour + 1) if place not in taken), None)


def next_free(
    *,
    now: datetime,
    after: datetime,
    zone: ZoneInfo,
    taken: Mapping[datetime, AbstractSet[int]],
    policy: HandoverPolicy,
) -> datetime | None:
    """Return the first free hour after a moment (or after now, where that is later); None if all is full."""
    last = now + timedelta(days=policy.days_ahead_max)
    start = max(now, after) if after <= last else now
    # The zone's own full hours: not everywhere are they those of UTC.
    hour = start.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC) + HOUR
    while hour <= last:
        if (
            _why_not(hour, now=now, zone=zone, policy=policy) is None
            and _free_place(taken.get(hour, frozenset()), policy) is not None
        ):
            return hour
        hour += HOUR
    return None
