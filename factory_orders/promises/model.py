"""A place in a pool's weeks that a promise rests on: which one is chosen, and how it is held (DOMAIN section 6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from factory_orders.planning.model import SLOT, WeekRoom


class HoldState(StrEnum):
    """A hold's life: held while its buyer orders, kept for a funded member, ended."""

    HELD = "held"
    KEPT = "kept"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Place:
    """A car's week in a pool. `from_held` was reserved for the pool before, `from_free` is reserved for it now.

    Both are empty for whoever waits: the pool holds no slot for one more car, so the last week is what can be said.
    """

    week: date
    from_held: tuple[str, ...] = ()
    from_free: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Say whether no slot stands behind this place."""
        return not self.from_held


@dataclass(frozen=True, slots=True)
class Hold:
    """A promise that nobody else can be given: until `expires_at`, or for good once `pre_order_id` is funded.

    Its days were made with the margins that were known at `dated_at`.
    """

    id: str
    brand_id: str
    account_id: str | None
    quote_id: str
    pre_order_id: str | None
    pool_id: str
    plant_id: str
    place: Place
    p50: date
    p90: date
    dated_at: datetime
    held_at: datetime
    expires_at: datetime
    state: HoldState


def choose_place(weeks: Sequence[WeekRoom], options: Sequence[str], *, not_before: date) -> Place | None:
    """Return the first week in which the pool has a slot left and the car's constrained options have room, or None.

    `weeks` are in order, `held` in them is what the pool holds and has promised to nobody. A constrained option that
    the pool holds none of any more comes out of what is free; a slot never does, for a pool builds no more cars than it
    reserved.
    """
    for week in weeks:
        if week.week < not_before or week.held.get(SLOT, 0) < 1:
            continue
        if all(week.room(option) > 0 for option in options):
            held = tuple(option for option in options if week.held.get(option, 0) > 0)
            return Place(week.week, (SLOT, *held), tuple(option for option in options if option not in held))
    return None


def after_taking(weeks: Sequence[WeekRoom], place: Place) -> list[WeekRoom]:
    """Return the weeks as they are once a place is taken."""
    return [_less(week, place) if week.week == place.week else week for week in weeks]


def _less(week: WeekRoom, place: Place) -> WeekRoom:
    held = {name: number - (name in place.from_held) for name, number in week.held.items()}
    free = {name: number - (name in place.from_free) for name, number in week.free.items()}
    return WeekRoom(week.week, free, held)
