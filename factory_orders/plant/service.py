"""Use case of the plant's machine account: it reports a stage, and the order, the car and the buyer's news follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from factory_orders.deliveries.shipment_service import plan_shipment
from factory_orders.errors import PlantEventAltered
from factory_orders.events import BuildOrderWithdrawn, BuildStageReported
from factory_orders.planning.model import BatchState, BuiltOrder, CancelledOrder, ScheduledOrder
from factory_orders.planning.order_service import build_again
from factory_orders.planning.order_store import lock_order, move_batch, save_order
from factory_orders.plant.model import REPORTABLE, BuildOrder, PlantReport, Stage, take_report
from factory_orders.plant.store import (
    insert_event,
    known_event,
    lock_build_order,
    save_stage,
    unfinished_in_batch,
    withdraw,
)
from factory_orders.policies import PlantPolicy
from factory_orders.vehicles.model import DisclosureReason, Newness, Vehicle
from factory_orders.vehicles.service import (
    allocate_vehicle,
    complete_vehicle,
    disclose,
    identify_vehicle,
    lose_vehicle,
)
from factory_orders.vehicles.store import vehicle_of_build_order
from kernel import policy
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.work import Work

EVENT_ID_LENGTH_MAX = 80
REPAIR_MAX_MINOR = 10**10


@dataclass(frozen=True, slots=True)
class Reported:
    """A report's answer: the build order now, the car's number once it has one; `repeated` where it was known."""

    order: BuildOrder
    vin: str | None
    outcome: Literal["accepted", "repeated"]


def report_plant_event(work: Work, build_order_id: str, report: PlantReport) -> Reported:
    """Take a plant's report on one of its build orders; the same event again is answered the same and changes nothing.

    Refuses NotFound (no such build order, or another plant's), PlantEventOutOfOrder, PlantEventGap,
    PlantEventFromFuture and PlantEventAltered (an event id with another content).
    """
    work.actor.require(Permission.PLANT_REPORT)
    plant_id = work.actor.own_plant()
    _check(report)
    order = lock_build_order(work, build_order_id, plant_id=plant_id)
    if order is None:
        raise NotFound("build order")
    known = known_event(work, report.event_id, plant_id=plant_id)
    if known is not None:
        if known != (order.id, replace(report, number=report.number or known[1].number)):
            raise PlantEventAltered(report.event_id)
        return Reported(order, _vin(work, order), "repeated")
    ahead = timedelta(seconds=policy.current(work).section(PlantPolicy).clock_ahead_seconds)
    moved = take_report(order, report, now=work.now, clock_ahead=ahead)
    if not insert_event(work, moved, report):
        raise PlantEventAltered(report.event_id)
    save_stage(work, moved)
    return Reported(moved, _follow(work, moved, report), "accepted")


def _check(report: PlantReport) -> None:
    if not 1 <= len(report.event_id) <= EVENT_ID_LENGTH_MAX:
        raise InvalidInput("eventId", because("LENGTH", most=EVENT_ID_LENGTH_MAX))
    if report.stage not in REPORTABLE:
        raise InvalidInput("stage", because("STAGE", stages=tuple(stage.name for stage in REPORTABLE)))
    if not 0 <= report.repair_minor <= REPAIR_MAX_MINOR or (report.repair_minor and report.stage is not Stage.REWORK):
        raise InvalidInput("repairMinor", because("REPAIR_REWORK"))
    if report.number is not None and not 1 <= report.number <= len(Stage):
        raise InvalidInput("number", because("COUNT", least=1, most=len(Stage)))
    if report.occurred_at.tzinfo is None:
        raise InvalidInput("occurredAt", because("ZONE_MISSING"))


def _vin(work: Work, order: BuildOrder) -> str | None:
    vehicle = vehicle_of_build_order(work, order.id)
    return None if vehicle is None else vehicle.vin


def _follow(work: Work, order: BuildOrder, report: PlantReport) -> str | None:
    """Let the batch, the car and the order follow the stage; returns the car's number once it has one.

    A buyer may have left for lateness while the car was on the line: it is built all the same, for stock.
    """
    own = lock_order(work, order.order_id)
    assert isinstance(own, ScheduledOrder | CancelledOrder), "what is on the line is not built yet"
    waiting = own if isinstance(own, ScheduledOrder) else None
    move_batch(work, order.batch_id, BatchState.BUILDING, only_from=[BatchState.ACCEPTED, BatchState.RELEASED])
    work.record(
        BuildStageReported(
            order.brand_id,
            order.id,
            order.order_id,
            own.terms.account_id,
            order.plant_id,
            order.stage.value,
            order.moved_at,
        )
    )
    if order.stage is Stage.PAINT:
        return identify_vehicle(work, order, own.terms).vin
    vehicle = vehicle_of_build_order(work, order.id)
    if order.stage is Stage.SCRAPPED:
        _scrap(work, order, vehicle, waiting)
    elif order.stage is Stage.REWORK:
        assert vehicle is not None, "rework comes after the paint"
        disclose(
            work,
            vehicle,
            None if waiting is None else waiting.terms,
            reason=DisclosureReason.REWORK,
            detail="",
            repair_minor=report.repair_minor,
            at=report.occurred_at,
        )
    elif order.stage is Stage.PASSED:
        assert vehicle is not None, "and so does the end of the line"
        _pass(work, order, vehicle, waiting)
    return None if vehicle is None else vehicle.vin


def _scrap(work: Work, order: BuildOrder, vehicle: Vehicle | None, waiting: ScheduledOrder | None) -> None:
    """A car on the line is gone: another one is built for whoever waits for it."""
    if vehicle is not None:
        lose_vehicle(work, vehicle, why="scrapped", at=order.moved_at)
    if waiting is not None:
        build_again(work, waiting, vin=None if vehicle is None else vehicle.vin)
    else:
        withdraw(work, order.id)
        work.record(BuildOrderWithdrawn(order.brand_id, order.id, order.order_id, order.plant_id))
        _end_batch(work, order)


def _pass(work: Work, order: BuildOrder, vehicle: Vehicle, waiting: ScheduledOrder | None) -> None:
    """A car has passed: it goes to its own order, unless it is not new any more; then another one is built."""
    built = complete_vehicle(work, vehicle, None if waiting is None else waiting.terms, at=order.moved_at)
    _end_batch(work, order)
    if waiting is None:
        return
    if built.newness > Newness.NEW_DISCLOSED:
        build_again(work, waiting, vin=built.vin)
        return
    terms = waiting.terms
    save_order(work, BuiltOrder(terms, built.vin))
    plan_shipment(work, allocate_vehicle(work, built, terms), terms)


def _end_batch(work: Work, order: BuildOrder) -> None:
    if unfinished_in_batch(work, order.batch_id) == 0:
        move_batch(work, order.batch_id, BatchState.COMPLETE, only_from=[BatchState.BUILDING])
