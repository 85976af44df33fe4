"""When a store receives a buyer: full hours while it is open, a few people an hour, some weeks ahead.

The store itself may give an hour more places, fewer or none; what it said last of an hour counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from factory_orders.errors import AppointmentUnavailable
from factory_orders.policies import HandoverPolicy
from kernel.reasons import because

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class GivenHours:
    """A store's own word on its hours from a moment to another: how many people it receives in each; none closes it."""

    begins_at: datetime
    ends_at: datetime
    places: int


def places_of(hour: datetime, *, zone: ZoneInfo, policy: HandoverPolicy, given: Sequence[GivenHours]) -> int:
    """Return how many people a store receives in an hour; `given` are its own words, the latest last."""
    for one in reversed(given):
        if one.begins_at <= hour < one.ends_at:
            return one.places
    is_open = policy.opens_at_hour <= hour.astimezone(zone).hour < policy.closes_at_hour
    return policy.appointments_per_hour if is_open else 0


def choose_place(
    wanted: datetime,
    *,
    now: datetime,
    zone: ZoneInfo,
    taken: Mapping[datetime, AbstractSet[int]],
    policy: HandoverPolicy,
    given: Sequence[GivenHours] = (),
) -> int:
    """Return the first free place of the wanted hour, or refuse with the next free time (AppointmentUnavailable)."""
    reason = _why_not(wanted, now=now, zone=zone, policy=policy, given=given)
    if reason is None:
        most = places_of(wanted, zone=zone, policy=policy, given=given)
        place = _free_place(taken.get(wanted, frozenset()), most)
        if place is not None:
            return place
        reason = because("HOUR_FULL")
    raise AppointmentUnavailable(
        reason, next_free(now=now, after=wanted, zone=zone, taken=taken, policy=policy, given=given)
    )


def _why_not(
    wanted: datetime, *, now: datetime, zone: ZoneInfo, policy: HandoverPolicy, given: Sequence[GivenHours]
) -> str | None:
    local = wanted.astimezone(zone)
    if (local.minute, local.second, local.microsecond) != (0, 0, 0):
        return because("FULL_HOUR")
    if not now < wanted <= now + timedelta(days=policy.days_ahead_max):
        return because("DAYS_AHEAD", most=policy.days_ahead_max)
    if places_of(wanted, zone=zone, policy=policy, given=given) > 0:
        return None
    if any(one.begins_at <= wanted < one.ends_at for one in given):
        return because("HOURS_CLOSED")
    return because("OPENING_HOURS", opens=policy.opens_at_hour, closes=policy.closes_at_hour)


def _free_place(taken: AbstractSet[int], most: int) -> int | None:
    return next((place for place in range(1, most + 1) if place not in taken), None)


def next_free(
    *,
    now: datetime,
    after: datetime,
    zone: ZoneInfo,
    taken: Mapping[datetime, AbstractSet[int]],
    policy: HandoverPolicy,
    given: Sequence[GivenHours] = (),
) -> datetime | None:
    """Return the first free hour after a moment (or after now, where that is later); None if all is full."""
    last = now + timedelta(days=policy.days_ahead_max)
    start = max(now, after) if after <= last else now
    # The zone's own full hours: not everywhere are they those of UTC.
    hour = start.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC) + HOUR
    while hour <= last:
        if (
            _why_not(hour, now=now, zone=zone, policy=policy, given=given) is None
            and _free_place(taken.get(hour, frozenset()), places_of(hour, zone=zone, policy=policy, given=given))
            is not None
        ):
            return hour
        hour += HOUR
    return None


def free_hours(
    *,
    now: datetime,
    after: datetime,
    until: datetime,
    zone: ZoneInfo,
    taken: Mapping[datetime, AbstractSet[int]],
    policy: HandoverPolicy,
    given: Sequence[GivenHours] = (),
) -> Iterator[datetime]:
    """Yield the full hours after a moment, up to another, in which the store can receive somebody more."""
    hour = after.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC) + HOUR
    while hour <= until:
        if _why_not(hour, now=now, zone=zone, policy=policy, given=given) is None:
            most = places_of(hour, zone=zone, policy=policy, given=given)
            if _free_place(taken.get(hour, frozenset()), most) is not None:
                yield hour
        hour += HOUR
