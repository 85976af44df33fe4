"""A build order's stages and the decision on what a plant reports: in order, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from factory_orders.errors import PlantEventFromFuture, PlantEventGap, PlantEventOutOfOrder
from kernel.words import ApiName


class Stage(StrEnum):
    """Where a build order stands (DOMAIN section 3); what a plant reports as scrapped is withdrawn from then on."""

    QUEUED = "queued"
    PARTS_READY = "parts_ready"
    BODY = "body"
    PAINT = "paint"
    ASSEMBLY = "assembly"
    REWORK = "rework"
    PASSED = "passed"
    SCRAPPED = "scrapped"
    WITHDRAWN = "withdrawn"


FOLLOWS: Final[Mapping[Stage, tuple[Stage, ...]]] = {
    Stage.QUEUED: (Stage.PARTS_READY,),
    Stage.PARTS_READY: (Stage.BODY,),
    Stage.BODY: (Stage.PAINT, Stage.SCRAPPED),
    Stage.PAINT: (Stage.ASSEMBLY, Stage.SCRAPPED),
    Stage.ASSEMBLY: (Stage.PASSED, Stage.REWORK, Stage.SCRAPPED),
    Stage.REWORK: (Stage.PASSED, Stage.SCRAPPED),
    Stage.PASSED: (),
    Stage.SCRAPPED: (),
    Stage.WITHDRAWN: (),
}
ENDED: Final = (Stage.PASSED, Stage.WITHDRAWN)
"""Where a plant has nothing to do any more; a scrapped car's build order is withdrawn in the same change."""
REPORTABLE: Final = tuple(stage for stage in Stage if stage not in (Stage.QUEUED, Stage.WITHDRAWN))
BEFORE_THE_LINE: Final = frozenset({Stage.QUEUED, Stage.PARTS_READY})


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """What the plant builds: one car with its exact options, its day and place on the line; no word of the buyer.

    `position` counts from 1 within the plant's day. `moved_at` is when the stage was reached, by the plant's clock.
    """

    id: str
    brand_id: str
    order_id: str
    batch_id: str
    plant_id: str
    week: date
    day: date
    position: int | None
    model: str
    options: tuple[str, ...]
    catalogue_version_id: str
    stage: Stage
    moved_at: datetime
    events: int
    released_at: datetime


@dataclass(frozen=True, slots=True)
class BuildQueue:
    """What a plant has to do now: how many build orders are open, when the last one came, and which are next."""

    plant_id: str
    open: int
    released_at: datetime | None
    next: tuple[BuildOrder, ...]


@dataclass(frozen=True, slots=True)
class PlantReport:
    """One message of a plant: its own id for it, the stage reached and when; `repair_minor` tells a rework's cost.

    `number` counts a car's reports from 1; a plant that gives it cannot have one overtaken by the next.
    """

    event_id: str
    stage: Stage
    occurred_at: datetime
    repair_minor: int = 0
    number: int | None = None


def take_report(order: BuildOrder, report: PlantReport, *, now: datetime, clock_ahead: timedelta) -> BuildOrder:
    """Move a build order on, or refuse what cannot follow and what lies in the future or before the last stage.

    Without its number a rework that is overtaken by the line's end would never be told: both may follow the assembly.
    """
    if report.number is not None and report.number != order.events + 1:
        raise PlantEventGap(order.events + 1, report.number)
    expected = FOLLOWS[order.stage]
    if report.stage not in expected:
        raise PlantEventOutOfOrder(
            ApiName(order.stage.name), ApiName(report.stage.name), tuple(ApiName(stage.name) for stage in expected)
        )
    if not order.moved_at - clock_ahead <= report.occurred_at <= now + clock_ahead:
        raise PlantEventFromFuture(report.occurred_at, order.moved_at - clock_ahead, now + clock_ahead)
    return replace(
        order,
        stage=report.stage,
        moved_at=max(order.moved_at, report.occurred_at),
        events=order.events + 1,
    )
