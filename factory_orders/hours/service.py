"""Use case of a store's hours: its manager gives an hour more places, fewer or none."""

from __future__ import annotations

from datetime import datetime, timedelta

from factory_orders.deliveries.appointments import GivenHours
from factory_orders.deliveries.queries import taken_places
from factory_orders.errors import HoursTaken
from factory_orders.hours.store import insert_hours
from factory_orders.hours.tables import PLACES_MAX
from kernel import db
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

STRETCH_MAX = timedelta(days=366)


def give_store_hours(work: Work, *, begins_at: datetime, ends_at: datetime, places: int) -> GivenHours:
    """Say how many people the own store receives in each hour of a stretch of time; none closes it.

    What was said last counts. Refuses fewer places than are booked in some hour (HoursTaken), and a stretch that is
    over, runs backwards, is longer than a year or does not begin and end at a full hour (InvalidInput).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    store_id = work.actor.own_store()
    _check(work.now, begins_at, ends_at, places)
    db.take_turns(work.connection, f"hours:{store_id}")
    taken = taken_places(work, store_id, since=max(begins_at, work.now), until=ends_at)
    for hour, own in sorted(taken.items()):
        if hour < ends_at and max(own) > places:
            raise HoursTaken(hour, len(own))
    given = GivenHours(begins_at, ends_at, places)
    insert_hours(work, store_id, given)
    return given


def _check(now: datetime, begins_at: datetime, ends_at: datetime, places: int) -> None:
    for name, moment in (("beginsAt", begins_at), ("endsAt", ends_at)):
        if moment.tzinfo is None:
            raise InvalidInput(name, because("ZONE_MISSING"))
        if (moment.minute, moment.second, moment.microsecond) != (0, 0, 0):
            raise InvalidInput(name, because("FULL_HOUR"))
    if not begins_at < ends_at or ends_at <= now or ends_at - begins_at > STRETCH_MAX:
        raise InvalidInput("endsAt", because("STRETCH"))
    if not 0 <= places <= PLACES_MAX:
        raise InvalidInput("places", because("COUNT", least=0, most=PLACES_MAX))
