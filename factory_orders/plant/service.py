"""Use case of the plant's machine account: it reports a stage, and the order, the car and the buyer's news follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeAlias

from factory_orders.consents.offer_service import offer_repaired
from factory_orders.deliveries.shipment_service import plan_shipments, send_repaired, send_to_stock
from factory_orders.early_cars.tables import EARLY
from factory_orders.errors import PlantEventAltered
from factory_orders.events import BuildOrderWithdrawn, BuildStageReported
from factory_orders.offers.store import lapse_of_orders
from factory_orders.planning.model import BatchState, BuiltOrder, CancelledOrder, Order, OrderTerms, ScheduledOrder
from factory_orders.planning.order_service import build_again
from factory_orders.planning.order_store import lock_orders, move_batches, save_orders
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import REPORTABLE, BuildOrder, PlantReport, Stage, take_report
from factory_orders.plant.store import (
    hold_line,
    insert_events,
    known_events,
    lock_build_orders,
    save_stages,
    withdraw,
)
from factory_orders.policies import PlantPolicy
from factory_orders.vehicles.model import DisclosureReason, Newness, Vehicle
from factory_orders.vehicles.service import (
    allocate_vehicles,
    complete_vehicles,
    disclose,
    identify_vehicles,
    lose_vehicle,
)
from factory_orders.vehicles.store import vehicles_of_build_orders
from kernel import policy
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound, Refusal
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
    (outcome,) = report_plant_events(work, [(build_order_id, report)])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def report_plant_events(work: Work, reports: Sequence[tuple[str, PlantReport]]) -> list[Reported | Refusal]:
    """Take a plant's reports, each answered as `report_plant_event` does; a refused one changes and spoils nothing.

    A car's reports are taken in their order. Those of many cars share their statements, however many cars there are.
    """
    work.actor.require(Permission.PLANT_REPORT)
    _hold_line_for(work, work.actor.own_plant(), reports)
    outcomes: dict[int, Reported | Refusal] = {}
    left = list(enumerate(reports))
    while left:
        together, left = _part_off(left)
        outcomes |= _take(work, together)
    return [outcomes[index] for index in range(len(reports))]


_Numbered: TypeAlias = tuple[int, tuple[str, PlantReport]]


def _part_off(reports: Sequence[_Numbered]) -> tuple[list[_Numbered], list[_Numbered]]:
    """Part what can be taken together, one report a car and one an event id, from what has to wait for it."""
    together: list[_Numbered] = []
    later: list[_Numbered] = []
    seen: set[tuple[str, str]] = set()
    for one in reports:
        build_order_id, report = one[1]
        keys = {("car", build_order_id), ("event", report.event_id)}
        (later if keys & seen else together).append(one)
        seen |= keys
    return together, later


def _take(work: Work, reports: Sequence[_Numbered]) -> dict[int, Reported | Refusal]:
    """Judge reports of different cars, write those that are accepted and let everything follow; outcomes by number."""
    plant_id = work.actor.own_plant()
    orders = lock_build_orders(work, [build_order_id for _, (build_order_id, _) in reports], plant_id=plant_id)
    known = known_events(work, [report.event_id for _, (_, report) in reports], plant_id=plant_id)
    ahead = timedelta(seconds=policy.current(work).section(PlantPolicy).clock_ahead_seconds)
    outcomes: dict[int, Reported | Refusal] = {}
    moved: dict[int, tuple[BuildOrder, PlantReport]] = {}
    repeated: dict[int, BuildOrder] = {}
    for number, (build_order_id, report) in reports:
        order, before = orders.get(build_order_id), known.get(report.event_id)
        try:
            _check(report)
            if order is None:
                raise NotFound("build order")
            if before is None:
                moved[number] = take_report(order, report, now=work.now, clock_ahead=ahead), report
            elif before == (order.id, replace(report, number=report.number or before[1].number)):
                repeated[number] = order
            else:
                raise PlantEventAltered(report.event_id)
        except Refusal as refusal:
            outcomes[number] = refusal
    written = insert_events(work, list(moved.values()))
    for number in [number for number, (_, report) in moved.items() if report.event_id not in written]:
        outcomes[number] = PlantEventAltered(moved.pop(number)[1].event_id)
    cars = _follow(work, list(moved.values())) if moved else {}
    if repeated:
        cars |= vehicles_of_build_orders(work, [order.id for order in repeated.values()])
    for number, order in {**{number: order for number, (order, _) in moved.items()}, **repeated}.items():
        vin = cars[order.id].vin if order.id in cars else None
        outcomes[number] = Reported(order, vin, "repeated" if number in repeated else "accepted")
    return outcomes


def _hold_line_for(work: Work, plant_id: str, reports: Sequence[tuple[str, PlantReport]]) -> None:
    """Hold the line before the build orders (docs/decisions/027) where another car may have to be built for an order.

    That is for one that is scrapped, and for one that passes though its rework makes it no new car.
    """
    passing = [build_order_id for build_order_id, report in reports if report.stage is Stage.PASSED]
    cars = vehicles_of_build_orders(work, passing) if passing else {}
    if any(report.stage in (Stage.SCRAPPED, Stage.REWORK) for _, report in reports) or any(
        car.newness > Newness.NEW_DISCLOSED for car in cars.values()
    ):
        hold_line(work, plant_id)


def _check(report: PlantReport) -> None:
    if not 1 <= len(report.event_id) <= EVENT_ID_LENGTH_MAX:
        raise InvalidInput("eventId", because("LENGTH", most=EVENT_ID_LENGTH_MAX))
    if report.stage not in REPORTABLE:
        raise InvalidInput("stage", because("STAGE", stages=tuple(stage.name for stage in REPORTABLE)))
    if not 0 <= report.repair_minor <= REPAIR_MAX_MINOR or (report.repair_minor and report.stage is not Stage.REWORK):
        raise InvalidInput("repair", because("REPAIR_REWORK"))
    if report.number is not None and not 1 <= report.number <= len(Stage):
        raise InvalidInput("number", because("COUNT", least=1, most=len(Stage)))
    if report.occurred_at.tzinfo is None:
        raise InvalidInput("occurredAt", because("ZONE_MISSING"))


def _follow(work: Work, moved: Sequence[tuple[BuildOrder, PlantReport]]) -> dict[str, Vehicle]:
    """Let batches, cars and orders follow the stages; returns the cars that have a number by build order.

    A buyer may have left for lateness while the car was on the line: it is built all the same, for stock.
    """
    save_stages(work, [order for order, _ in moved])
    owners = lock_orders(work, [order.order_id for order, _ in moved])
    for owner in owners.values():
        assert isinstance(owner, ScheduledOrder | CancelledOrder), "what is on the line is not built yet"
    begun = sorted({order.batch_id for order, _ in moved})
    move_batches(work, begun, BatchState.BUILDING, only_from=[BatchState.ACCEPTED, BatchState.RELEASED])
    # A car that is there already can be taken until the own one is begun.
    lapse_of_orders(work, EARLY, [order.order_id for order, _ in moved if order.stage is Stage.BODY])
    work.record(*(_news(order, owners[order.order_id].terms) for order, _ in moved))
    painted = [(order, owners[order.order_id].terms) for order, _ in moved if order.stage is Stage.PAINT]
    others = [order.id for order, _ in moved if order.stage is not Stage.PAINT]
    cars = vehicles_of_build_orders(work, others) if others else {}
    if painted:
        cars |= identify_vehicles(work, painted)
    passed: list[tuple[BuildOrder, Vehicle, Order]] = []
    for order, report in moved:
        owner = owners[order.order_id]
        waiting = _waiting(owner)
        if order.stage is Stage.SCRAPPED:
            _scrap(work, order, cars.get(order.id), waiting)
        elif order.stage is Stage.REWORK:
            _rework(work, cars[order.id], waiting, report)
        elif order.stage is Stage.PASSED:
            passed.append((order, cars[order.id], owner))
    if passed:
        _pass(work, passed)
    return cars


def _news(order: BuildOrder, terms: OrderTerms) -> BuildStageReported:
    return BuildStageReported(
        order.brand_id,
        order.id,
        order.order_id,
        terms.account_id,
        order.plant_id,
        order.stage.value,
        order.moved_at,
    )


def _rework(work: Work, vehicle: Vehicle, waiting: ScheduledOrder | None, report: PlantReport) -> None:
    disclose(
        work,
        vehicle,
        _buyer_of(waiting),
        reason=DisclosureReason.REWORK,
        detail="",
        repair_minor=report.repair_minor,
        at=report.occurred_at,
    )


def _buyer_of(waiting: ScheduledOrder | None) -> OrderTerms | None:
    """Return the terms of who waits for a car and is told of it; a car for stock is told to nobody."""
    return waiting.terms if waiting is not None and waiting.terms.has_buyer else None


def _scrap(work: Work, order: BuildOrder, vehicle: Vehicle | None, waiting: ScheduledOrder | None) -> None:
    """A car on the line is gone: another one is built for whoever waits for it."""
    if vehicle is not None:
        lose_vehicle(work, vehicle, why="scrapped", at=order.moved_at)
    if waiting is not None:
        build_again(work, waiting, vin=None if vehicle is None else vehicle.vin)
    else:
        withdraw(work, order)
        work.record(BuildOrderWithdrawn(order.brand_id, order.id, order.order_id, order.plant_id))
        complete_batch(work, order.batch_id)


def _pass(work: Work, passed: Sequence[tuple[BuildOrder, Vehicle, Order]]) -> None:
    """Cars have passed: each goes to its own order, unless it is not new any more; then another one is built.

    A repaired car goes its way to the order's store all the same: its buyer may take it there, else it is sold from
    stock.
    """
    completed = complete_vehicles(
        work, [(car, _buyer_of(_waiting(owner)), order.moved_at) for order, car, owner in passed]
    )
    for batch_id in sorted({order.batch_id for order, _, _ in passed}):
        complete_batch(work, batch_id)
    ready: list[tuple[Vehicle, OrderTerms]] = []
    for_stock: list[tuple[Vehicle, OrderTerms]] = []
    repaired: list[tuple[Vehicle, OrderTerms]] = []
    for built, (_, _, owner) in zip(completed, passed, strict=True):
        waiting = _waiting(owner)
        if built.newness > Newness.NEW_DISCLOSED:
            repaired.append((built, owner.terms))
            if waiting is not None:
                build_again(work, waiting, vin=built.vin)
                if waiting.terms.has_buyer:
                    offer_repaired(work, waiting.terms, built)
        elif waiting is not None:
            (ready if waiting.terms.has_buyer else for_stock).append((built, waiting.terms))
    send_to_stock(work, for_stock)
    send_repaired(work, repaired)
    if ready:
        save_orders(work, [BuiltOrder(terms, built.vin) for built, terms in ready])
        bound = allocate_vehicles(work, ready)
        plan_shipments(work, [(car, terms) for car, (_, terms) in zip(bound, ready, strict=True)])


def _waiting(owner: Order) -> ScheduledOrder | None:
    return owner if isinstance(owner, ScheduledOrder) else None
