"""Use cases of cars: a number after paint, built, allocated, disclosed, delivered; the passport has it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from configurator import queries as catalogue
from configurator.model import VersionId
from factory_orders.events import VehicleAllocated, VehicleBuilt, VehicleDisclosed, VehicleIdentified
from factory_orders.planning.model import OrderTerms
from factory_orders.plant.model import BuildOrder
from factory_orders.policies import PlantPolicy
from factory_orders.vehicles.model import (
    Allocation,
    Disclosure,
    DisclosureReason,
    Newness,
    Vehicle,
    VehicleState,
    descend,
    newness_after_repair,
    require_sellable,
)
from factory_orders.vehicles.passport import chain_of
from factory_orders.vehicles.store import (
    accept_disclosures,
    disclosed_minor,
    end_allocation,
    insert_allocations,
    insert_disclosure,
    insert_vehicles,
    lock_vehicle,
    next_serials,
    save_vehicle,
    save_vehicles,
)
from factory_orders.vehicles.vin import descriptor, make_vin, plant_letter
from kernel import policy, record, registry
from kernel.errors import Conflict
from kernel.ids import PlantId
from kernel.reasons import because
from kernel.work import Work

POWERTRAIN = "Powertrain"
DETAIL_LENGTH_MAX = 400


def identify_vehicles(work: Work, painted: Sequence[tuple[BuildOrder, OrderTerms]]) -> dict[str, Vehicle]:
    """Give a plant's painted bodies their numbers: the next serials of its model year, each with its check digit.

    Returns the cars by build order.
    """
    zone = registry.own_brand(work).zone
    by_year: dict[int, list[tuple[BuildOrder, OrderTerms]]] = {}
    for order, terms in painted:
        by_year.setdefault(order.moved_at.astimezone(zone).year, []).append((order, terms))
    found: dict[str, Vehicle] = {}
    for year, of_year in sorted(by_year.items()):
        serials = next_serials(work, plant_id=of_year[0][0].plant_id, year=year, count=len(of_year))
        for (order, _), serial in zip(of_year, serials, strict=True):
            found[order.id] = _identified(work, order, year=year, serial=serial)
    insert_vehicles(work, list(found.values()))
    enter_all(
        work,
        [
            Step(found[order.id], "identified", order.moved_at, {"model": order.model, "options": list(order.options)})
            for order, _ in painted
        ],
    )
    work.record(
        *(
            VehicleIdentified(
                order.brand_id,
                found[order.id].vin,
                order.id,
                terms.id,
                terms.account_id,
                order.catalogue_version_id,
                order.options,
            )
            for order, terms in painted
        )
    )
    return found


def _identified(work: Work, order: BuildOrder, *, year: int, serial: int) -> Vehicle:
    plants = sorted(plant.id for plant in registry.list_plants(work))
    vin = make_vin(
        wmi=registry.own_brand(work).wmi,
        described=descriptor(order.model, _powertrain(work, order)),
        year=year,
        plant=plant_letter(plants.index(PlantId(order.plant_id))),
        serial=serial,
    )
    return Vehicle(
        vin=vin.text,
        brand_id=order.brand_id,
        plant_id=order.plant_id,
        build_order_id=order.id,
        model=order.model,
        options=order.options,
        state=VehicleState.PLANNED,
        newness=Newness.NEW,
        identified_at=work.now,
    )


def _powertrain(work: Work, order: BuildOrder) -> str:
    version_id = VersionId(order.catalogue_version_id)
    options = work.once(("options", version_id), lambda: catalogue.list_options(work, version_id))
    own = set(order.options)
    return "+".join(option.code for option in options if option.category == POWERTRAIN and option.code in own)


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a car, for its passport, and when by its reporter's clock."""

    vehicle: Vehicle
    kind: str
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)


def enter(work: Work, vehicle: Vehicle, kind: str, at: datetime, **facts: Any) -> None:
    """Append to the car's passport: what happened, when by its reporter's clock, and how new the car is now."""
    enter_all(work, [Step(vehicle, kind, at, facts)])


def enter_all(work: Work, steps: Sequence[Step]) -> None:
    """Append to the passports of cars, as `enter` does for one.

    A reporter's clock may be ahead of ours by minutes; nothing is written as later than it was heard of, else what
    follows it at once would stand before it.
    """
    record.append_many(work, [record.NewEntry(chain_of(one.vehicle.vin), one.kind, _body(work, one)) for one in steps])


def _body(work: Work, step: Step) -> dict[str, Any]:
    own = {"vin": step.vehicle.vin, "at": min(step.at, work.now).isoformat(), "newness": step.vehicle.newness.word}
    return own | dict(step.facts)


def complete_vehicles(work: Work, passed: Sequence[tuple[Vehicle, OrderTerms | None, datetime]]) -> list[Vehicle]:
    """Note which cars passed the line's end, and when, and tell the buyers of those that have one still."""
    assert all(vehicle.state is VehicleState.PLANNED for vehicle, _, _ in passed)
    built = [replace(vehicle, state=VehicleState.BUILT, built_at=at) for vehicle, _, at in passed]
    save_vehicles(work, built)
    enter_all(work, [Step(car, "built", at) for car, (_, _, at) in zip(built, passed, strict=True)])
    for car, (_, terms, at) in zip(built, passed, strict=True):
        if terms is not None:
            work.record(VehicleBuilt(car.brand_id, car.vin, terms.id, terms.account_id, at))
    return built


def disclose(
    work: Work,
    vehicle: Vehicle,
    terms: OrderTerms | None,
    *,
    reason: DisclosureReason,
    detail: str,
    repair_minor: int,
    at: datetime,
    shipment_id: str | None = None,
) -> Vehicle:
    """Lower a car's newness for what happened to it and tell its buyer; past the threshold it is not new any more.

    The threshold is for all repairs of a car together: two scratches just below it are no new car.

    A car that is not new any more loses its allocation; what becomes of the order is the caller's. `terms` are those
    of the order that the car is for; a car that nobody waits for is told to nobody. `shipment_id` is the way of
    transport damage, and of that alone.
    """
    threshold = policy.current(work).section(PlantPolicy).repaired_from_minor
    repaired_minor = disclosed_minor(work, vehicle.vin) + repair_minor
    newness = descend(vehicle.newness, newness_after_repair(repaired_minor, repaired_from_minor=threshold))
    lowered = replace(vehicle, newness=newness)
    # Who took the car repaired has agreed to all that was known, not to another repair.
    agreed = vehicle.consented_for is not None and repair_minor == 0
    if newness > Newness.NEW_DISCLOSED and vehicle.state is VehicleState.ALLOCATED and not agreed:
        end_allocation(work, vin=vehicle.vin, reason="not_new")
        lowered = replace(lowered, state=VehicleState.BUILT, consented_for=None)
    save_vehicle(work, lowered)
    told = detail.strip()[:DETAIL_LENGTH_MAX]
    disclosure = Disclosure(work.new_id(), vehicle.vin, reason, told, repair_minor, work.now, shipment_id=shipment_id)
    insert_disclosure(work, disclosure)
    # The reporter's words stay out of the chain: it holds no free text.
    enter(work, lowered, reason.value, at, repair_minor=repair_minor)
    if terms is not None:
        work.record(
            VehicleDisclosed(
                vehicle.brand_id, vehicle.vin, terms.id, terms.account_id, disclosure.id, newness.word, reason.value
            )
        )
    return lowered


def allocate_vehicle(work: Work, vehicle: Vehicle, terms: OrderTerms) -> Vehicle:
    """Bind a built car to its order; refuses a car that cannot be sold to its buyer and one that is bound already."""
    return allocate_vehicles(work, [(vehicle, terms)])[0]


def allocate_vehicles(work: Work, pairs: Sequence[tuple[Vehicle, OrderTerms]]) -> list[Vehicle]:
    """Bind built cars to their orders, all or none; refuses as `allocate_vehicle` does."""
    for vehicle, _ in pairs:
        require_sellable(vehicle)
        if vehicle.state is not VehicleState.BUILT:
            raise Conflict("vehicle", because("STANDS_AT", state=vehicle.state.value))
    new = [Allocation(work.new_id(), vehicle.vin, terms.id, work.now) for vehicle, terms in pairs]
    if len(insert_allocations(work, new)) < len(new):
        raise Conflict("allocation", because("BOUND"))
    bound = [replace(vehicle, state=VehicleState.ALLOCATED) for vehicle, _ in pairs]
    save_vehicles(work, bound)
    enter_all(work, [Step(car, "allocated", work.now) for car in bound])
    for car, (_, terms) in zip(bound, pairs, strict=True):
        work.record(VehicleAllocated(car.brand_id, car.vin, terms.id, terms.account_id, terms.store_id))
    return bound


def deliver_vehicles(work: Work, handed_over: Sequence[Vehicle]) -> list[Vehicle]:
    """Hand allocated cars to their buyers, locked by the caller; refuses a car that cannot be sold as new."""
    for vehicle in handed_over:
        require_sellable(vehicle)
        assert vehicle.state is VehicleState.ALLOCATED
    delivered = [replace(vehicle, state=VehicleState.DELIVERED, delivered_at=work.now) for vehicle in handed_over]
    save_vehicles(work, delivered)
    enter_all(work, [Step(vehicle, "delivered", work.now) for vehicle in delivered])
    return delivered


def free_vehicle(work: Work, vin: str, *, reason: str) -> Vehicle:
    """End a car's allocation: its order was cancelled; the car becomes stock."""
    vehicle = lock_vehicle(work, vin)
    end_allocation(work, vin=vin, reason=reason)
    freed = replace(vehicle, state=VehicleState.BUILT, consented_for=None)
    save_vehicle(work, freed)
    enter(work, freed, "freed", work.now)
    return freed


def lose_vehicle(work: Work, vehicle: Vehicle, *, why: Literal["scrapped", "lost"], at: datetime) -> Vehicle:
    """Note that a car is gone for good; whoever waits for it waits for another one."""
    end_allocation(work, vin=vehicle.vin, reason=why)
    gone = replace(vehicle, state=VehicleState.GONE, consented_for=None)
    save_vehicle(work, gone)
    enter(work, gone, why, at)
    return gone


def accept_what_was_disclosed(work: Work, vin: str) -> int:
    """Note the buyer's agreement to everything told about the car so far; returns how many points were open."""
    accepted = accept_disclosures(work, vin)
    if accepted:
        enter(work, lock_vehicle(work, vin), "disclosure_accepted", work.now, points=accepted)
    return accepted
