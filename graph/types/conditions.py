"""A car's condition as it changes hands, and the damage cases that come of it; nothing of the buyer."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries, service
from factory_orders.conditions import model
from factory_orders.conditions.model import CaseState, Flaw, HandOver, Party, Place
from factory_orders.errors import ConditionKnown, DamageCaseClosed, OdometerBackwards, ShipmentOutOfOrder, VinInvalid
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(HandOver, name="CarHandOver", description="When a car changes hands on its way to a store.")
strawberry.enum(Place, name="MarkPlace", description="Where a mark is.")
strawberry.enum(Flaw, name="MarkFlaw", description="What a mark is.")
strawberry.enum(Party, name="DamageParty", description="Who had the car, or bears its repair.")
strawberry.enum(CaseState, name="DamageCaseState", description="Where a damage case stands.")


@object_type(reads=Permission.CONDITION_READ)
class ConditionMark:
    """One thing that is not as it should be."""

    place: Place
    flaw: Flaw


@object_type(reads=Permission.CONDITION_READ)
class ConditionCheck:
    """A car as it was seen when it changed hands; photos by their SHA-256."""

    id: strawberry.ID
    shipment_id: strawberry.ID
    vin: str
    hand_over: HandOver
    odometer_km: int
    photos: list[str] = field(at_most=24)
    marks: list[ConditionMark] = field(at_most=40)
    at: datetime


@object_type(reads=Permission.CONDITION_READ)
class DamageCase:
    """Marks that were not there at the hand-over before; `party` had the car in between."""

    id: strawberry.ID
    vin: str
    shipment_id: strawberry.ID
    party: Party
    marks: list[ConditionMark] = field(at_most=40)
    state: CaseState
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    borne_by: Party | None
    repair: Money | None


@input_type(takes=Permission.CONDITION_WRITE)
class ConditionMarkInput:
    """One thing that is not as it should be."""

    place: Place
    flaw: Flaw


@input_type(takes=Permission.CONDITION_WRITE)
class CheckConditionInput:
    """A shipment, the moment, and what is seen: the number read from the car, odometer, photos, marks."""

    shipment_id: strawberry.ID
    hand_over: HandOver
    vin: str
    odometer_km: int
    photos: list[str]
    marks: list[ConditionMarkInput]


@input_type(takes=Permission.SHIPMENT_WRITE)
class AnswerDamageCaseInput:
    """A damage case, and whether you answer for it."""

    case_id: strawberry.ID
    accepts: bool


@input_type(takes=Permission.BATCH_MANAGE)
class CloseDamageCaseInput:
    """A damage case, who bears the repair, and what it costs."""

    case_id: strawberry.ID
    borne_by: Party
    repair: MoneyInput


def _show_marks(marks: tuple[model.Mark, ...]) -> list[ConditionMark]:
    return [ConditionMark(place=mark.place, flaw=mark.flaw) for mark in marks]


def show_check(one: model.ConditionCheck) -> ConditionCheck:
    """Return a check."""
    return ConditionCheck(
        id=write_id("ConditionCheck", one.id),
        shipment_id=write_id("Shipment", one.shipment_id),
        vin=one.vin,
        hand_over=one.at_hand_over,
        odometer_km=one.seen.odometer_km,
        photos=list(one.seen.photos),
        marks=_show_marks(one.seen.marks),
        at=one.at,
    )


def show_case(one: model.DamageCase) -> DamageCase:
    """Return a damage case."""
    return DamageCase(
        id=write_id("DamageCase", one.id),
        vin=one.vin,
        shipment_id=write_id("Shipment", one.shipment_id),
        party=one.party,
        marks=_show_marks(one.marks),
        state=one.state,
        opened_at=one.opened_at,
        answered_at=one.answered_at,
        closed_at=one.closed_at,
        borne_by=None if one.borne_by is None else Party(one.borne_by),
        repair=None if one.repair_minor is None else show_minor(one.repair_minor),
    )


@query(reads=Permission.CONDITION_READ, at_most=3)
def shipment_conditions(work: Work, shipment_id: strawberry.ID) -> list[ConditionCheck]:
    """What was seen on a shipment's way: for its carrier, its store, and who plans."""
    return [show_check(one) for one in queries.conditions_of_shipment(work, raw_id(shipment_id, "Shipment"))]


@query(reads=Permission.CONDITION_READ)
def damage_cases(
    work: Work, first: int, after: Cursor | None = None, state: CaseState | None = None
) -> Connection[DamageCase]:
    """Damage cases, newest first: a carrier's and a store's own, all of the brand to who plans."""
    stands = None if state is None else state.value
    return show_page(queries.list_damage_cases(work, page_request(first, after), state=stands), show_case)


@mutation(
    does=Permission.CONDITION_WRITE,
    refuses=(OdometerBackwards, ConditionKnown, ShipmentOutOfOrder, VinInvalid),
    result="CheckConditionResult",
)
def check_condition(work: Work, input: CheckConditionInput) -> ConditionCheck:  # noqa: A002  # the API's word
    """Note as carrier or store how a car looks as it changes hands; the same again changes nothing."""
    marks = [model.Mark(one.place, one.flaw) for one in input.marks]
    seen = model.read_condition(odometer_km=input.odometer_km, photos=input.photos, marks=marks)
    raw = raw_id(input.shipment_id, "Shipment")
    return show_check(service.check_condition(work, raw, input.hand_over, vin=input.vin, seen=seen))


@mutation(does=Permission.SHIPMENT_WRITE, refuses=(DamageCaseClosed,), result="AnswerDamageCaseResult")
def answer_damage_case(work: Work, input: AnswerDamageCaseInput) -> DamageCase:  # noqa: A002  # the API's word
    """Say as the carrier whether you answer for what is new."""
    return show_case(service.answer_damage_case(work, raw_id(input.case_id, "DamageCase"), accepts=input.accepts))


@mutation(does=Permission.BATCH_MANAGE, refuses=(DamageCaseClosed,), result="CloseDamageCaseResult")
def close_damage_case(work: Work, input: CloseDamageCaseInput) -> DamageCase:  # noqa: A002  # the API's word
    """Say what the repair costs and who bears it."""
    repair = read_money(input.repair, "repair").minor
    raw = raw_id(input.case_id, "DamageCase")
    return show_case(service.close_damage_case(work, raw, borne_by=input.borne_by, repair_minor=repair))
