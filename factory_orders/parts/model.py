"""Call-offs by state, and the netting of needs against stock and what comes (material requirements planning)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

WEEK = timedelta(days=7)


class CallOffState(StrEnum):
    """A call-off's life: the supplier has not answered, has confirmed a day, the plant has it; or nobody needs it."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    RECEIVED = "received"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CallOff:
    """So many of a part that a supplier is to bring for the cars of a week (its Monday), ordered by `call_off_by`."""

    id: str
    brand_id: str
    plant_id: str
    supplier: str
    part: str
    week: date
    call_off_by: date
    quantity: int
    state: CallOffState
    made_at: datetime
    arrives_on: date | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    received: int | None = None

    @property
    def comes_on(self) -> date:
        """Return the day it can be built in from: the confirmed one, before an answer the one that was asked for."""
        return self.arrives_on or self.week


@dataclass(frozen=True, slots=True)
class PartDemand:
    """What the planned cars of a week take of a part, and the last day to call it off."""

    week: date
    quantity: int
    call_off_by: date


@dataclass(frozen=True, slots=True)
class Coming:
    """So many that can be built in from a day on."""

    on: date
    quantity: int


@dataclass(frozen=True, slots=True)
class PartSupply:
    """What a plant has of a part for cars of a week and those behind it (below nothing: others lack it), what comes."""

    on_hand: int
    coming: tuple[Coming, ...]


def net(demands: Sequence[PartDemand], *, on_hand: int, coming: Iterable[Coming]) -> dict[date, int]:
    """Return how many each week lacks, earliest first: lot for lot, what is there goes to the earliest cars.

    What comes after a week's Monday does not help that week; what a week lacks stays lacking and takes nothing from
    the later ones.
    """
    arrivals = sorted(coming, key=lambda one: one.on)
    there, next_one = on_hand, 0
    lacking: dict[date, int] = {}
    for demand in sorted(demands, key=lambda one: one.week):
        while next_one < len(arrivals) and arrivals[next_one].on <= demand.week:
            there += arrivals[next_one].quantity
            next_one += 1
        missing = max(demand.quantity - there, 0)
        there = max(there - demand.quantity, 0)
        if missing:
            lacking[demand.week] = missing
    return lacking


def surplus(demands: Sequence[PartDemand], *, on_hand: int, coming: Iterable[Coming]) -> int:
    """Return how many of what is there and comes no planned car takes."""
    there = on_hand + sum(one.quantity for one in coming)
    return max(there - sum(demand.quantity for demand in demands), 0)


def to_withdraw(unanswered: Sequence[CallOff], spare: int) -> list[CallOff]:
    """Return unanswered call-offs that nobody needs any more, the latest first, whole ones within what is spare."""
    chosen = []
    for one in sorted(unanswered, key=lambda call_off: (call_off.week, call_off.id), reverse=True):
        if one.quantity <= spare:
            chosen.append(one)
            spare -= one.quantity
    return chosen


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a week's cars lack of a part: `uncalled` was not called off yet, `late` comes too late for them."""

    plant_id: str
    part: str
    supplier: str
    week: date
    needed: int
    missing: int
    uncalled: int
    call_off_by: date

    @property
    def late(self) -> int:
        """Return how many are called off and come too late."""
        return self.missing - self.uncalled


def shortages(
    plant_id: str,
    part: tuple[str, str],
    demands: Sequence[PartDemand],
    *,
    on_hand: int,
    call_offs: Sequence[CallOff],
) -> list[Shortage]:
    """Return what a part (its code and its supplier) lacks week by week, on the days that suppliers confirmed."""
    name, supplier = part
    asked = net(demands, on_hand=on_hand, coming=[Coming(one.week, one.quantity) for one in call_offs])
    real = net(demands, on_hand=on_hand, coming=[Coming(one.comes_on, one.quantity) for one in call_offs])
    return [
        Shortage(
            plant_id=plant_id,
            part=name,
            supplier=supplier,
            week=demand.week,
            needed=demand.quantity,
            missing=real[demand.week],
            uncalled=min(asked.get(demand.week, 0), real[demand.week]),
            call_off_by=demand.call_off_by,
        )
        for demand in sorted(demands, key=lambda one: one.week)
        if demand.week in real
    ]


Demands = Mapping[tuple[str, str], Sequence[PartDemand]]
"""Demands by part: its code and its supplier."""
