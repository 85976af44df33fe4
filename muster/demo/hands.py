"""Plants, carriers, stores and buyers of the demo at work: what is due is built, shipped, received and handed over.

Each acts as itself, through the same use cases that the API calls; a day of a brand is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import select

from factory_orders import service
from factory_orders.deliveries.queries import carrier_shipments, handovers_of_orders
from factory_orders.errors import AppointmentUnavailable
from factory_orders.model import CheckedPoint, Handover, HandoverState, Shipment, ShipmentState
from factory_orders.planning.tables import orders
from factory_orders.plant.simulation import FAULTLESS, PlantConduct
from factory_orders.policies import HandoverPolicy
from kernel import registry
from kernel.actor import Actor, Role, system
from kernel.errors import InvalidInput, Refusal
from kernel.ids import AccountId, StoreId
from kernel.outcomes import answers
from kernel.paging import PageRequest
from kernel.registry import Brand, Plant
from kernel.sandbox import Sandbox
from kernel.work import Work, Works
from muster.demo.plant import OwnDoor, SimulatedPlant, Tally

AnswerT = TypeVar("AnswerT")
ON_THE_ROAD: Final = timedelta(days=3)
HANDOVER_HOUR: Final = 10
ROUNDS_MAX: Final = 30
AUTHORISED_FOR: Final = timedelta(hours=1)
PLANT_SYSTEM: Final = AccountId("0" * 31 + "a")
CARRIER: Final = AccountId("0" * 31 + "b")
ADVISER: Final = AccountId("0" * 31 + "c")
Finding: TypeAlias = Callable[[Work, Shipment], service.Damage | None]
"""What a store finds on a car that has come, None where it is as it left the plant; the work is the adviser's."""


def nothing_found(_work: Work, _shipment: Shipment) -> None:
    """Find every car as it should be."""


def work_a_day(
    works: Works,
    sandbox: Sandbox,
    brand: Brand,
    *,
    waiting: frozenset[str] = frozenset(),
    conduct: PlantConduct = FAULTLESS,
    conducts: Mapping[str, PlantConduct] = MappingProxyType({}),
    find: Finding = nothing_found,
    aside: frozenset[str] = frozenset(),
) -> Tally:
    """Do what is due now; buyers whose account is in `waiting` let their car stand at the store.

    A plant whose code is in `conducts` works by that one; build orders that are `aside` go no further than the body.
    Returns what the plants came to.
    """
    tally = Tally()
    with works.read(system(brand.id)) as work:
        plants = registry.list_plants(work)
    for plant in plants:
        tally.add(_build(works, brand, plant, conducts.get(plant.code, conduct), aside))
    _carry(works, brand, find)
    _hand_over(works, sandbox, brand, waiting)
    return tally


# --- the plant -------------------------------------------------------------------------------------------------------


def _build(works: Works, brand: Brand, plant: Plant, conduct: PlantConduct, aside: frozenset[str]) -> Tally:
    """Report what the line has done since yesterday, in one change."""
    machine = Actor(brand.id, frozenset({Role.PLANT}), PLANT_SYSTEM, plant_id=plant.id)
    with works.change(machine) as work:
        return SimulatedPlant(OwnDoor(work), brand.zone, conduct, aside=aside).work_until_now()


# --- the road --------------------------------------------------------------------------------------------------------


def _carry(works: Works, brand: Brand, find: Finding) -> None:
    carrier = Actor(brand.id, frozenset({Role.CARRIER}), CARRIER)
    with works.change(carrier) as work:
        under_way = list(_on_the_way(work))
        planned = [one for one in under_way if one.state is ShipmentState.PLANNED]
        arrived = [
            one
            for one in under_way
            if one.state is not ShipmentState.PLANNED and work.now - (one.loaded_at or work.now) >= ON_THE_ROAD
        ]
        for leg in (ShipmentState.LOADED, ShipmentState.IN_TRANSIT):
            _must(service.report_shipments(work, [service.Leg(one.id, leg, work.now) for one in planned]))
        by_store: dict[str, list[service.Arrival]] = {}
        for one in _bring(work, arrived):
            found = find(work.acting(_adviser(brand, one.store_id)), one)
            by_store.setdefault(one.store_id, []).append(service.Arrival(one.id, one.vin, found))
        # In the carrier's change: were the process to die in between, no store would look these cars over any more.
        for store_id, arrivals in sorted(by_store.items()):
            _must(service.inspect_arrivals(work.acting(_adviser(brand, store_id)), arrivals))


def _bring(work: Work, due: Sequence[Shipment]) -> list[Shipment]:
    """Bring what is due and return it; a car whose store has closed waits until its buyer has picked another one."""
    outcomes = service.report_shipments(work, [service.Leg(one.id, ShipmentState.ARRIVED, work.now) for one in due])
    return _must([outcome for outcome in outcomes if not isinstance(outcome, InvalidInput)])


def _must(outcomes: Sequence[AnswerT | Refusal]) -> list[AnswerT]:
    """Raise the first refusal: what is done here by the rules is refused to nobody."""
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            raise outcome
    return answers(outcomes)


def _on_the_way(work: Work) -> Iterator[Shipment]:
    after: str | None = None
    while True:
        page = carrier_shipments(work, PageRequest(100, after))
        yield from page.items
        if not page.has_next:
            return
        after = page.items[-1].id


def _adviser(brand: Brand, store_id: str) -> Actor:
    return Actor(brand.id, frozenset({Role.DEALER}), ADVISER, store_id=StoreId(store_id))


# --- the store -------------------------------------------------------------------------------------------------------


def _hand_over(works: Works, sandbox: Sandbox, brand: Brand, waiting: frozenset[str]) -> None:
    """Let buyers whose car stands at the store book for tomorrow, and hand over what was booked for today."""
    with works.change(system(brand.id)) as work:
        buyers = {
            row.id: Actor(brand.id, frozenset({Role.CONSUMER}), AccountId(row.account_id))
            for row in work.connection.execute(
                select(orders.c.id, orders.c.account_id)
                .where(orders.c.brand_id == brand.id, orders.c.state == "at_store")
                .order_by(orders.c.id)
            )
            if row.account_id not in waiting
        }
        booked = _booked(work, list(buyers))
        _book(work, brand, {order_id: buyer for order_id, buyer in buyers.items() if order_id not in booked})
        due = [one for one in booked.values() if one.appointment_at <= work.now]
        if due:
            _finish(work, sandbox, [(buyers[one.order_id], one) for one in due])


def _booked(work: Work, order_ids: list[str]) -> Mapping[str, Handover]:
    found = handovers_of_orders(work, order_ids)
    return {order_id: own[-1] for order_id, own in found.items() if own and own[-1].state is not HandoverState.REJECTED}


def _book(work: Work, brand: Brand, buyers: Mapping[str, Actor]) -> None:
    """Book tomorrow at ten for everybody; whom the store cannot receive then takes the hour that it names.

    An hour that is named to more than it has places for is named anew to the rest, for so long.
    """
    tomorrow = work.now.astimezone(brand.zone).date() + timedelta(days=1)
    wanted = dict.fromkeys(buyers, datetime.combine(tomorrow, time(HANDOVER_HOUR), brand.zone))
    for _ in range(ROUNDS_MAX if wanted else 0):
        asked = [(buyers[order_id], service.Booking(order_id, at)) for order_id, at in wanted.items()]
        outcomes = service.book_handovers(work, asked)
        named = {
            order_id: outcome.next_free
            for order_id, outcome in zip(wanted, outcomes, strict=True)
            if isinstance(outcome, AppointmentUnavailable)
        }
        _must([outcome for outcome in outcomes if not isinstance(outcome, AppointmentUnavailable)])
        wanted = {order_id: hour for order_id, hour in named.items() if hour is not None}
        if not wanted:
            return


def _finish(work: Work, sandbox: Sandbox, due: Sequence[tuple[Actor, Handover]]) -> None:
    """Let stores and buyers go through the cars that are due, and buyers pay and sign."""
    brand = registry.own_brand(work)
    points = [CheckedPoint(point, fine=True) for point in HandoverPolicy().checklist]
    checked = [(_adviser(brand, one.store_id), service.CheckedCar(one.id, one.vin, points)) for _, one in due]
    _must(service.inspect_handovers(work, checked))
    _must(service.accept_disclosures_of(work, [(buyer, one.order_id) for buyer, one in due]))
    asked = [(buyer, one.id) for buyer, one in due]
    expected = _must(service.request_balances(work, asked))
    paid = []
    for (buyer, handover_id), payment in zip(asked, expected, strict=True):
        token = sandbox.authorise(
            account_id=buyer.signed_in(),
            amount=payment.amount,
            reference=payment.id,
            wallet=f"wallet of {buyer.account_id}",
            expires_at=work.now + AUTHORISED_FOR,
        )
        paid.append((buyer, service.BalancePayment(handover_id, sandbox.read_authorisation(token))))
    _must(service.pay_balances(work, paid))
    _must(service.sign_handovers(work, asked))
