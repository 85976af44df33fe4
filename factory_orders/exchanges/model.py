"""Which cars of orders could change places: identical, new, and still where a carrier has not loaded them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from factory_orders.agreements.model import FreezePoint
from factory_orders.offers.model import CarOffer
from factory_orders.plant.model import BEFORE_THE_LINE, Stage

SWAP_TIMER: Final = "factory_orders.swap_offer"
"""When an offer of another order's car ends that nobody answered."""

PROGRESS: Final = (Stage.QUEUED, Stage.PARTS_READY, Stage.BODY, Stage.PAINT, Stage.ASSEMBLY, Stage.REWORK, Stage.PASSED)

KIND_MAX: Final = 1_000
"""So many orders of one kind take part in a round at most: its work grows with their square."""


@dataclass(frozen=True, slots=True)
class CarOfOrder:
    """An order with its build order: the car's kind, when it has passed or should, and when it is due at its store.

    `vin` is set once the car has passed: then it stands at the plant and its carrier has not come. Days are ordinals;
    `due` is the day on which the car must leave the line's end for a store that lies next to it; `passed` the one on
    which it passed. `planned` is the Friday of its planned week, from which dates are promised. What its buyer may
    still do follows `policy_version`.
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
    passed: int | None = None
    policy_version: int = 0
    planned: int = 0


@dataclass(frozen=True, slots=True)
class BuyersRights:
    """What a contract leaves a buyer by stage: what ending the order costs, and what of the car may still change.

    `leaving_bp` has the share of the earnest money that is kept, by the stages at which an order can be ended.
    """

    leaving_bp: Mapping[str, int]
    points: tuple[FreezePoint, ...]

    def end_with(self, kept: Stage, gets: Stage) -> bool:
        """Say whether a buyer whose car is at a stage loses something with one that is at another."""
        if self._leaving(gets) > self._leaving(kept):
            return True
        return any(point.is_open(kept.value) and not point.is_open(gets.value) for point in self.points)

    def _leaving(self, stage: Stage) -> int:
        """Return what ending costs, in basis points; more than all of it where nobody leaves any more."""
        return self.leaving_bp.get(stage.value, 10_000) if stage in BEFORE_THE_LINE else 10_001


def needs_word(own: CarOfOrder, gets: CarOfOrder, rights: BuyersRights, *, today: int, fresh_days: int) -> bool:
    """Say whether a buyer has to be asked before having another order's equal car (decision 023).

    Equal in plant, catalogue version, model and every option, new, with nothing told of it, not loaded yet: what is
    left to differ is how far it is built, and how long ago.
    """
    if rights.end_with(own.stage, gets.stage):
        return True
    if gets.passed is None or today - gets.passed <= fresh_days:
        return False
    return own.passed is None or own.passed > gets.passed


def keeps_date(order: CarOfOrder, gets: CarOfOrder, *, way_days: int, latest: int) -> bool:
    """Say whether an order's date still holds for nine in ten with another one's car (DOMAIN section 6.4).

    It does where that car comes no later than the own one, by its day and by its plan, or is there by the `latest` day
    (an ordinal, as `due`) before which the margin lies. The date is the contract's, or the earlier one that was
    accepted: by the same sum a plan is held against it when its buyer may leave.
    Where cars come sooner than planned that margin is less than nothing, and the car's own day must be in time as well.
    """
    if gets.ready <= order.ready and gets.planned <= order.planned:
        return True
    if gets.ready + way_days > order.due:
        return False
    return max(gets.ready, gets.planned) + way_days <= latest


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapOffer(CarOffer):
    """Another order's equal car for one that would be late; nobody keeps it until `answer_by`.

    `build_order_id` is the order's own car, `with_build_order_id` the one that it would have, which is at `stage` and
    left the line on `passed_on`, once it has.
    """

    build_order_id: str
    with_build_order_id: str
    stage: str
    passed_on: date | None


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
    """An order that got another car than it had; it is no later than before, or still in time for nine in ten."""

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
