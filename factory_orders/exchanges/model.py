"""Which cars of orders could change places: identical, new, and still where a carrier has not loaded them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from factory_orders.plant.model import Stage

PROGRESS: Final = (Stage.QUEUED, Stage.PARTS_READY, Stage.BODY, Stage.PAINT, Stage.ASSEMBLY, Stage.REWORK, Stage.PASSED)

KIND_MAX: Final = 1_000
"""So many orders of one kind take part in a round at most: its work grows with their square."""


@dataclass(frozen=True, slots=True)
class CarOfOrder:
    """An order with its build order: the car's kind, when it has passed or should, and when it is due at its store.

    `vin` is set once the car has passed: then it stands at the plant and its carrier has not come. Days are ordinals;
    `due` is the day on which the car must leave the line's end for a store that lies next to it.
    """

    order_id: str
    account_id: str
    build_order_id: str
    kind: str
    plant_id: str
    store_id: str
    stage: Stage
    vin: str | None
    ready: int
    due: int


@dataclass(frozen=True, slots=True)
class SwapRound:
    """One look at the cars of orders: what changing places saved, and what nothing could save more than."""

    id: str
    brand_id: str
    made_at: datetime
    orders: int
    swapped: int
    saved_minor: int
    saved_at_most_minor: int


@dataclass(frozen=True, slots=True)
class CarSwap:
    """An order that got another car than it had; it is no later than before."""

    id: str
    brand_id: str
    round_id: str
    order_id: str
    from_build_order_id: str
    to_build_order_id: str
    days_late_before: int
    days_late_after: int
    at: datetime


def progress_of(stage: Stage) -> int:
    """Return how far a car is: an order that gains no day gets none that is further, since freeze points go with it."""
    return PROGRESS.index(stage)


def foremost(
    cars: Sequence[CarOfOrder], gain: Callable[[CarOfOrder], int], *, most: int = KIND_MAX
) -> list[CarOfOrder]:
    """Return of each kind at most so many cars: half are those of who has most to gain, the others the first ready."""
    by_kind: dict[str, list[CarOfOrder]] = {}
    for car in cars:
        by_kind.setdefault(car.kind, []).append(car)
    kept: set[str] = set()
    for own in by_kind.values():
        neediest = {car.order_id for car in sorted(own, key=lambda car: (-gain(car), car.order_id))[: most // 2]}
        first = sorted((car for car in own if car.order_id not in neediest), key=lambda car: (car.ready, car.order_id))
        kept |= neediest | {car.order_id for car in first[: most - len(neediest)]}
    return [car for car in cars if car.order_id in kept]


def kind_of(plant_id: str, version_id: str, model: str, options: Sequence[str]) -> str:
    """Return what cars have to have in common to be the same to their buyers: all of it."""
    return "/".join((plant_id, version_id, model, *sorted(options)))


def ready_day(stage: Stage, day: date, today: date) -> int:
    """Return the ordinal day on which a car has passed the line's end: today at the latest if it has, else after it."""
    return (today if stage is Stage.PASSED else max(day, date.fromordinal(today.toordinal() + 1))).toordinal()
