"""Use cases of appointments: a buyer books an hour of the store where the car stands, or moves it; many at once too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from factory_orders.deliveries.appointments import GivenHours, choose_place
from factory_orders.deliveries.handover_store import hold_handovers, insert_handovers, move_handover, open_handovers
from factory_orders.deliveries.model import (
    RECEIVED,
    Handover,
    HandoverState,
    Shipment,
    own_at_store,
)
from factory_orders.deliveries.queries import taken_places_of
from factory_orders.deliveries.shipment_store import ways_to_buyers
from factory_orders.errors import AppointmentUnavailable, HandoverNotPossible
from factory_orders.events import HandoverBooked
from factory_orders.hours.queries import given_hours_of
from factory_orders.planning.model import AtStoreOrder, Order
from factory_orders.planning.order_store import lock_orders
from factory_orders.policies import HandoverPolicy
from kernel import db, policy, registry
from kernel.actor import Actor, Permission
from kernel.errors import InvalidInput, Refusal
from kernel.outcomes import answers, only, outcome_of
from kernel.reasons import because
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Booking:
    """A buyer's wish to come: for which order, and in which full hour."""

    order_id: str
    appointment_at: datetime


def book_handover(work: Work, order_id: str, appointment_at: datetime) -> Handover:
    """Book the buyer's appointment at the store where the car stands.

    Asked again for the same time, it is the same one. Refuses another buyer's order (NotFound), a car that is not ready
    there (HandoverNotPossible) and a time the store cannot offer (AppointmentUnavailable with the next free one).
    """
    return only(book_handovers(work, [(work.actor, Booking(order_id, appointment_at))]))


def book_handovers(work: Work, bookings: Sequence[tuple[Actor, Booking]]) -> list[Handover | Refusal]:
    """Book for buyers of different orders, each answered as `book_handover` does; a refused one spoils no other.

    Who comes first in the list is first at an hour's places.
    """
    ids = [booking.order_id for _, booking in bookings]
    assert len(set(ids)) == len(ids), "one appointment an order"
    orders = lock_orders(work, ids)
    cars = [(order.terms, order.vin) for order in orders.values() if isinstance(order, AtStoreOrder)]
    ways, known = ways_to_buyers(work, cars), open_handovers(work, ids)
    outcomes: list[Handover | Refusal] = [
        outcome_of(partial(_judge, work, actor, booking, orders, ways.get(booking.order_id), known))
        for actor, booking in bookings
    ]
    fresh = [one for one in answers(outcomes) if one.order_id not in known]
    refused = _take_places(work, fresh)
    for one in fresh:
        if one.id not in refused:
            _tell_booked(work, one, orders[one.order_id].terms.account_id)
    return [one if isinstance(one, Refusal) else refused.get(one.id, one) for one in outcomes]


def _judge(
    work: Work,
    actor: Actor,
    booking: Booking,
    orders: Mapping[str, Order],
    way: Shipment | None,
    known: Mapping[str, Handover],
) -> Handover:
    """Return the appointment that is there already, or the one to be made."""
    actor.require(Permission.OWN_WRITE)
    order = own_at_store(orders.get(booking.order_id), actor.signed_in())
    if way is None or way.state not in RECEIVED:
        raise HandoverNotPossible("arrived", because("INSPECTION_NEEDED"))
    existing = known.get(booking.order_id)
    if existing is not None:
        if existing.state is HandoverState.BOOKED and existing.appointment_at == booking.appointment_at:
            return existing
        raise HandoverNotPossible(existing.state.value, because("END_NEEDED"))
    return Handover(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        order_id=booking.order_id,
        vin=order.vin,
        store_id=order.terms.store_id,
        appointment_at=booking.appointment_at,
        state=HandoverState.BOOKED,
        checklist=(),
        balance_payment_id=None,
        booked_at=work.now,
    )


def rebook_handover(work: Work, handover_id: str, appointment_at: datetime) -> Handover:
    """Move an appointment that has not begun to another time of the same store.

    Refuses one that has begun, and one that was rejected: another one is booked then (HandoverNotPossible).
    """
    work.actor.require(Permission.OWN_WRITE)
    handover, order = hold_handovers(work, [handover_id]).own(work.actor, handover_id)
    if handover.state is not HandoverState.BOOKED:
        needs = "BOOK_ANEW" if handover.state is HandoverState.REJECTED else "NOT_BEGUN"
        raise HandoverNotPossible(handover.state.value, because(needs))
    if handover.appointment_at == appointment_at:
        return handover
    moved = replace(handover, appointment_at=appointment_at)
    if not move_handover(work, moved, place=_look(work, [handover.store_id]).take(moved)):
        raise AppointmentUnavailable(because("TAKEN_JUST_NOW"), None)
    _tell_booked(work, moved, order.terms.account_id)
    return moved


def _tell_booked(work: Work, booked: Handover, account_id: str) -> None:
    work.record(
        HandoverBooked(booked.brand_id, booked.id, booked.order_id, account_id, booked.store_id, booked.appointment_at)
    )


# --- places ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hours:
    """What stores can offer: their places that are taken, and their own words on their hours."""

    now: datetime
    zone: ZoneInfo
    rules: HandoverPolicy
    taken: Mapping[str, dict[datetime, set[int]]]
    given: Mapping[str, Sequence[GivenHours]]

    def take(self, booked: Handover) -> int:
        """Choose a place for an appointment, for nobody else from then on; refuses AppointmentUnavailable."""
        if booked.appointment_at.tzinfo is None:
            raise InvalidInput("appointmentAt", because("ZONE_MISSING"))
        taken, given = self.taken[booked.store_id], self.given[booked.store_id]
        place = choose_place(
            booked.appointment_at, now=self.now, zone=self.zone, taken=taken, policy=self.rules, given=given
        )
        taken.setdefault(booked.appointment_at, set()).add(place)
        return place


def _look(work: Work, store_ids: Collection[str]) -> _Hours:
    """Look at stores' hours, alone: whoever gives or closes a store's hours takes turns with who books them."""
    stores = sorted(store_ids)
    db.take_turns(work.connection, *(f"hours:{store_id}" for store_id in stores))
    rules = policy.current(work).section(HandoverPolicy)
    until = work.now + timedelta(days=rules.days_ahead_max)
    return _Hours(
        work.now,
        registry.own_brand(work).zone,
        rules,
        taken_places_of(work, stores, since=work.now, until=until),
        given_hours_of(work, stores, since=work.now, until=until),
    )


def _take_places(work: Work, wanted: Sequence[Handover]) -> dict[str, Refusal]:
    """Write appointments into free places; returns the refusals of those that found none, by appointment."""
    refused: dict[str, Refusal] = {}
    # Somebody quicker may take the place just chosen; the next look sees that, until the hour is full.
    for _ in range(policy.current(work).section(HandoverPolicy).appointments_per_hour):
        if not wanted:
            break
        hours = _look(work, {one.store_id for one in wanted})
        chosen: list[tuple[Handover, int]] = []
        for one in wanted:
            place = outcome_of(partial(hours.take, one))
            if isinstance(place, Refusal):
                refused[one.id] = place
            else:
                chosen.append((one, place))
        written = insert_handovers(work, chosen)
        wanted = [one for one, _ in chosen if one.id not in written]
    return refused | {one.id: AppointmentUnavailable(because("TAKEN_JUST_NOW"), None) for one in wanted}
