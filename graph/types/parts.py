"""Parts: what planned cars lack, what suppliers are asked for and answer, what a plant has."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from factory_orders import model, queries, service
from factory_orders.errors import CallOffEnded
from factory_orders.model import CallOffState
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(CallOffState, description="Where a call-off stands.")


@object_type(reads=Permission.PUBLIC_READ)
class CallOff:
    """Parts that a supplier is to bring for the cars of a week (its Monday); no word of any buyer."""

    id: strawberry.ID
    plant_id: strawberry.ID
    supplier: str
    part: str
    week: date
    call_off_by: date
    quantity: int
    state: CallOffState
    made_at: datetime
    arrives_on: date | None
    answered_at: datetime | None
    ended_at: datetime | None
    received: int | None


@object_type(reads=Permission.BATCH_READ)
class PartShortage:
    """What a week's cars lack of a part: `late` comes too late for them, `uncalled` has not been called off yet."""

    part: str
    supplier: str
    week: date
    needed: int
    missing: int
    late: int
    uncalled: int
    call_off_by: date


@object_type(reads=Permission.BATCH_READ)
class PartShortages:
    """A plant's shortages, soonest first, and the models of planned cars that have no part list."""

    shortages: list[PartShortage] = field(at_most=500)
    without_part_list: list[str] = field(at_most=60)


@object_type(reads=Permission.BATCH_READ)
class PartsCalledOff:
    """How many call-offs were made and withdrawn, and the models that have no part list."""

    made: int
    withdrawn: int
    without_part_list: list[str] = field(at_most=60)


@object_type(reads=Permission.PLANT_REPORT)
class PartCounted:
    """By how much a count differs from what was known."""

    part: str
    on_hand: int
    difference: int


@input_type(takes=Permission.BATCH_MANAGE)
class CallOffPartsInput:
    """A plant whose parts are to be called off."""

    plant_id: strawberry.ID


@input_type(takes=Permission.CALL_OFF_ANSWER)
class AnswerCallOffInput:
    """A call-off and the day on which the parts will be at the plant."""

    call_off_id: strawberry.ID
    arrives_on: date


@input_type(takes=Permission.PLANT_REPORT)
class ReceiveCallOffInput:
    """A call-off that has arrived; `quantity` where it is not all of it."""

    call_off_id: strawberry.ID
    quantity: int | None = None


@input_type(takes=Permission.PLANT_REPORT)
class CountPartInput:
    """A part and how many of it the plant has."""

    part: str
    on_hand: int


def show_call_off(one: model.CallOff) -> CallOff:
    """Return a call-off."""
    return CallOff(
        id=write_id("CallOff", one.id),
        plant_id=write_id("Plant", one.plant_id),
        supplier=one.supplier,
        part=one.part,
        week=one.week,
        call_off_by=one.call_off_by,
        quantity=one.quantity,
        state=one.state,
        made_at=one.made_at,
        arrives_on=one.arrives_on,
        answered_at=one.answered_at,
        ended_at=one.ended_at,
        received=one.received,
    )


def _show_shortage(one: model.Shortage) -> PartShortage:
    return PartShortage(
        part=one.part,
        supplier=one.supplier,
        week=one.week,
        needed=one.needed,
        missing=one.missing,
        late=one.late,
        uncalled=one.uncalled,
        call_off_by=one.call_off_by,
    )


@query(reads=Permission.BATCH_READ)
def part_shortages(work: Work, plant_id: strawberry.ID) -> PartShortages:
    """What the planned cars of a plant lack, on the days that its suppliers confirmed."""
    found, without = queries.part_shortages(work, raw_id(plant_id, "Plant"))
    return PartShortages(shortages=[_show_shortage(one) for one in found], without_part_list=list(without))


@query(reads=Permission.BATCH_READ)
def call_offs(
    work: Work,
    first: int,
    after: Cursor | None = None,
    plant_id: strawberry.ID | None = None,
    state: CallOffState | None = None,
) -> Connection[CallOff]:
    """The call-offs of the brand, newest first."""
    plant = raw_id(plant_id, "Plant") if plant_id is not None else None
    stands = None if state is None else state.value
    return show_page(
        queries.list_call_offs(work, page_request(first, after), plant_id=plant, state=stands), show_call_off
    )


@query(reads=Permission.CALL_OFF_ANSWER)
def supplier_call_offs(
    work: Work, first: int, after: Cursor | None = None, state: CallOffState | None = None
) -> Connection[CallOff]:
    """What you are asked for as a supplier, newest first."""
    stands = None if state is None else state.value
    return show_page(queries.supplier_call_offs(work, page_request(first, after), state=stands), show_call_off)


@mutation(does=Permission.BATCH_MANAGE, result="CallOffPartsResult")
def call_off_parts(work: Work, input: CallOffPartsInput) -> PartsCalledOff:  # noqa: A002  # the API's word
    """Ask suppliers for what planned cars lack and must be ordered soon; it happens each morning by itself."""
    done = service.call_off_parts(work, raw_id(input.plant_id, "Plant"))
    return PartsCalledOff(made=len(done.made), withdrawn=len(done.withdrawn), without_part_list=list(done.without_list))


@mutation(does=Permission.CALL_OFF_ANSWER, refuses=(CallOffEnded,), result="AnswerCallOffResult")
def answer_call_off(work: Work, input: AnswerCallOffInput) -> CallOff:  # noqa: A002  # the API's word
    """Name the day on which the parts will be at the plant; a later answer replaces it."""
    raw = raw_id(input.call_off_id, "CallOff")
    return show_call_off(service.answer_call_off(work, raw, arrives_on=input.arrives_on))


@mutation(does=Permission.PLANT_REPORT, refuses=(CallOffEnded,), result="ReceiveCallOffResult")
def receive_call_off(work: Work, input: ReceiveCallOffInput) -> CallOff:  # noqa: A002  # the API's word
    """Report as the plant that a call-off has arrived; the same report again is answered alike and counts once."""
    raw = raw_id(input.call_off_id, "CallOff")
    return show_call_off(service.receive_call_off(work, raw, quantity=input.quantity))


@mutation(does=Permission.PLANT_REPORT, result="CountPartResult")
def count_part(work: Work, input: CountPartInput) -> PartCounted:  # noqa: A002  # the API's word
    """Say as the plant how many of a part are there."""
    difference = service.count_part(work, input.part, on_hand=input.on_hand)
    return PartCounted(part=input.part, on_hand=input.on_hand, difference=difference)
