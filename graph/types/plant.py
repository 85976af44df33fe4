"""The plant: what it builds and reports; its weeks, batches and line for those who plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import strawberry

from factory_orders import model, queries, service
from factory_orders.errors import (
    CapacityTaken,
    PlantEventAltered,
    PlantEventFromFuture,
    PlantEventGap,
    PlantEventOutOfOrder,
)
from factory_orders.line.errors import LineDayFixed, PaintRunImpossible
from factory_orders.model import Stage
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import MoneyInput, read_money
from graph.types.pages import Connection, Node, show_page
from kernel import registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import page_request
from kernel.work import Work

WEEKS_MAX = 60
strawberry.enum(Stage, name="BuildStageName", description="Where a build order stands.")


@object_type(reads=Permission.PUBLIC_READ)
class BuildOrder:
    """What the plant builds: one car, its day and its place on the line; no word of the buyer."""

    id: strawberry.ID
    plant_id: strawberry.ID
    week: date
    day: date
    position: int | None
    model: str
    options: list[str] = field(at_most=60)
    stage: Stage
    moved_at: datetime
    released_at: datetime
    order_id: strawberry.ID = field(reads=Permission.BATCH_READ, about="The order, for those who plan it.")


@object_type(reads=Permission.PLANT_REPORT)
class BuildQueue:
    """What your plant has to do now: how many build orders are open, when the last one came, and the next twenty.

    Once there is more, or another order of the next ones, `plantBuildOrders` has it all.
    """

    plant_id: strawberry.ID
    open: int
    released_at: datetime | None
    next: list[BuildOrder] = field(at_most=20)


@object_type(reads=Permission.PLANT_REPORT)
class BuildReported:
    """The build order after a report, and the car's number once it has one."""

    build_order: BuildOrder
    vin: str | None
    repeated: bool


@object_type(reads=Permission.BATCH_READ)
class Batch(Node):
    """Cars that a plant builds together; counts only."""

    id: strawberry.ID
    plant_id: strawberry.ID
    pool_id: strawberry.ID
    state: str
    size: int
    scheduled: int
    passed: int
    first_week: date | None
    last_week: date | None
    created_at: datetime


@object_type(reads=Permission.BATCH_READ)
class CapacityWeek:
    """One resource of a plant's week: `slot` for cars, an option's code for a constrained option."""

    week: date
    resource: str
    capacity: int
    reserved: int
    used: int


@object_type(reads=Permission.BATCH_READ)
class LineDay:
    """A day on the line, and what its order does not keep, over all cars that stand on it, begun or not.

    `excess` is by how much windows exceed their ratios in all; no order of the day's cars goes below `excessBound` and
    `paintChangesBound`. All three are null where the order breaks the longest paint run.
    """

    day: date
    cars: int
    run_violations: int
    ratio_violations: int
    paint_changes: int
    excess: int | None
    excess_bound: int | None
    paint_changes_bound: int | None


@object_type(reads=Permission.BATCH_READ)
class LineDayMended:
    """A day after its order was mended: how many cars changed places, and the day before and after."""

    moved: int
    before: LineDay
    after: LineDay


@object_type(reads=Permission.BATCH_READ)
class BatchScheduled:
    """How many cars of a batch have their week now."""

    scheduled: int


@input_type(takes=Permission.PLANT_REPORT)
class ReportBuildInput:
    """A stage that a build order has reached; `eventId` is the plant's own and makes a repetition harmless.

    `number` counts the reports on this build order from 1: with it no report can be overtaken by the next.
    """

    build_order_id: strawberry.ID
    event_id: str
    stage: Stage
    occurred_at: datetime
    repair: MoneyInput | None = None
    number: int | None = None


@input_type(takes=Permission.BATCH_MANAGE)
class ScheduleBatchInput:
    """A batch whose cars are to get their weeks."""

    batch_id: strawberry.ID


@input_type(takes=Permission.BATCH_MANAGE)
class MendLineDayInput:
    """A day of a plant's line, and the build orders of it whose parts come late, at most 100: they go to its end."""

    plant_id: strawberry.ID
    day: date
    late_build_order_ids: list[strawberry.ID] = strawberry.field(default_factory=list)


@input_type(takes=Permission.BATCH_MANAGE)
class ChangeCapacityInput:
    """A planned week of a plant, a resource of it (`slot`, or a constrained option), and how many cars it can take."""

    plant_id: strawberry.ID
    week: date
    resource: str
    capacity: int


@input_type(takes=Permission.PLANT_REPORT)
class ReportLineStopInput:
    """A day on which the line stood still, and how many cars its week takes in all, the built ones included."""

    day: date
    capacity: int


@object_type(reads=Permission.PLANT_REPORT)
class LineStopped:
    """The line stood still: its week takes so many cars, and `short` have it beyond those."""

    day: date
    capacity: int
    short: int


@object_type(reads=Permission.BATCH_READ)
class CapacityChanged:
    """The week's resource as it is now, and how much of it is left."""

    week: date
    resource: str
    capacity: int
    left: int


def show_build_order(one: model.BuildOrder) -> BuildOrder:
    """Return a build order."""
    return BuildOrder(
        id=write_id("BuildOrder", one.id),
        plant_id=write_id("Plant", one.plant_id),
        week=one.week,
        day=one.day,
        position=one.position,
        model=one.model,
        options=list(one.options),
        stage=one.stage,
        moved_at=one.moved_at,
        released_at=one.released_at,
        order_id=write_id("Order", one.order_id),
    )


def read_queues(work: Work, plant_ids: Sequence[str]) -> dict[str, BuildQueue]:
    """Return what plants have to do, by their ids."""
    return {
        key: BuildQueue(
            plant_id=write_id("Plant", one.plant_id),
            open=one.open,
            released_at=one.released_at,
            next=[show_build_order(order) for order in one.next],
        )
        for key, one in queries.build_queues(work, plant_ids).items()
    }


def show_batch(one: queries.BatchView) -> Batch:
    """Return a batch."""
    return Batch(
        id=write_id("Batch", one.id),
        plant_id=write_id("Plant", one.plant_id),
        pool_id=write_id("Pool", one.pool_id),
        state=one.state,
        size=one.size,
        scheduled=one.scheduled,
        passed=one.passed,
        first_week=one.first_week,
        last_week=one.last_week,
        created_at=one.created_at,
    )


def show_line_day(one: model.LineDayFigures) -> LineDay:
    """Return a day of the line."""
    return LineDay(
        day=one.day,
        cars=one.cars,
        run_violations=one.run_violations,
        ratio_violations=one.ratio_violations,
        paint_changes=one.paint_changes,
        excess=one.excess,
        excess_bound=one.excess_bound,
        paint_changes_bound=one.paint_changes_bound,
    )


def load_batches(work: Work, batch_ids: Sequence[str]) -> dict[str, Batch]:
    """Return batches by id."""
    return {key: show_batch(one) for key, one in queries.batches_by_id(work, batch_ids).items()}


@query(reads=Permission.PLANT_REPORT)
def plant_build_orders(
    work: Work, first: int, after: Cursor | None = None, first_day: date | None = None, open_only: bool = True
) -> Connection[BuildOrder]:
    """What your plant is to build, by day and place on the line."""
    page = page_request(first, after)
    found = queries.build_orders_for_plant(work, page, first_day=first_day, open_only=open_only)
    return show_page(found, show_build_order)


@query(reads=Permission.BATCH_READ)
def build_orders(
    work: Work,
    plant_id: strawberry.ID,
    first: int,
    after: Cursor | None = None,
    first_day: date | None = None,
    open_only: bool = False,
) -> Connection[BuildOrder]:
    """A plant's build orders, for those who plan it."""
    raw, page = raw_id(plant_id, "Plant"), page_request(first, after)
    found = queries.build_orders_of_plant(work, raw, page, first_day=first_day, open_only=open_only)
    return show_page(found, show_build_order)


@query(reads=Permission.BATCH_READ)
def batches(
    work: Work, first: int, after: Cursor | None = None, plant_id: strawberry.ID | None = None
) -> Connection[Batch]:
    """The batches of the brand, newest first."""
    plant = raw_id(plant_id, "Plant") if plant_id is not None else None
    return show_page(queries.list_batches(work, page_request(first, after), plant_id=plant), show_batch)


@query(reads=Permission.BATCH_READ, at_most=500)
def capacity_weeks(work: Work, plant_id: strawberry.ID, first_week: date, weeks: int = 26) -> list[CapacityWeek]:
    """A plant's weeks as counted, at most 60."""
    found = queries.plant_weeks(work, raw_id(plant_id, "Plant"), first=first_week, weeks=_bounded(weeks))
    return [
        CapacityWeek(week=one.week, resource=one.resource, capacity=one.capacity, reserved=one.reserved, used=one.used)
        for one in found
    ]


@query(reads=Permission.BATCH_READ, at_most=100)
def line_days(work: Work, plant_id: strawberry.ID, first_day: date, days: int = 28) -> list[LineDay]:
    """The line's days with what their sequences could not keep, at most 60."""
    found = queries.line_of_days(work, raw_id(plant_id, "Plant"), first=first_day, days=_bounded(days))
    return [show_line_day(one) for one in found]


def _bounded(number: int) -> int:
    return max(1, min(number, WEEKS_MAX))


@mutation(
    does=Permission.PLANT_REPORT,
    refuses=(PlantEventOutOfOrder, PlantEventGap, PlantEventFromFuture, PlantEventAltered),
    result="ReportBuildResult",
)
def report_build(work: Work, input: ReportBuildInput) -> BuildReported:  # noqa: A002  # the API's word
    """Report a stage as the plant; the same event again is answered the same and changes nothing."""
    repair = read_money(input.repair, "repair").minor if input.repair is not None else 0
    report = model.PlantReport(input.event_id, input.stage, input.occurred_at, repair, input.number)
    found = service.report_plant_event(work, raw_id(input.build_order_id, "BuildOrder"), report)
    return BuildReported(build_order=show_build_order(found.order), vin=found.vin, repeated=found.outcome == "repeated")


@mutation(does=Permission.BATCH_MANAGE, result="ScheduleBatchResult")
def schedule_batch(work: Work, input: ScheduleBatchInput) -> BatchScheduled:  # noqa: A002  # the API's word
    """Give the cars of a batch their weeks, build orders and places on the line."""
    raw = raw_id(input.batch_id, "Batch")
    if raw not in queries.batches_by_id(work, [raw]):
        raise NotFound("batch")
    return BatchScheduled(scheduled=service.schedule_batch(work, raw))


@mutation(does=Permission.BATCH_MANAGE, refuses=(LineDayFixed, PaintRunImpossible), result="MendLineDayResult")
def mend_line_day(work: Work, input: MendLineDayInput) -> LineDayMended:  # noqa: A002  # the API's word
    """Mend a day's order with few moves, after a breakdown or where parts come late; what is begun or next stays."""
    late = [raw_id(one, "BuildOrder") for one in input.late_build_order_ids]
    mended = service.mend_line_day(work, raw_id(input.plant_id, "Plant"), input.day, late=late)
    return LineDayMended(moved=mended.moved, before=show_line_day(mended.before), after=show_line_day(mended.after))


@mutation(does=Permission.PLANT_REPORT, result="ReportLineStopResult")
def report_line_stop(work: Work, input: ReportLineStopInput) -> LineStopped:  # noqa: A002  # the API's word
    """Say that the own plant's line stood still: the day is mended, the book planned anew. Said twice it is once."""
    stopped = service.report_line_stop(work, day=input.day, capacity=input.capacity)
    return LineStopped(day=stopped.day, capacity=stopped.capacity, short=stopped.short)


@mutation(does=Permission.BATCH_MANAGE, refuses=(CapacityTaken,), result="ChangeCapacityResult")
def change_capacity(work: Work, input: ChangeCapacityInput) -> CapacityChanged:  # noqa: A002  # the API's word
    """Set what a planned week can take of a resource, never less than is taken."""
    raw = raw_id(input.plant_id, "Plant")
    plant = next((one for one in registry.list_plants(work) if one.id == raw), None)
    if plant is None:
        raise NotFound("plant")
    left = service.change_capacity(work, plant.code, week=input.week, resource=input.resource, capacity=input.capacity)
    return CapacityChanged(week=input.week, resource=input.resource, capacity=input.capacity, left=left)
