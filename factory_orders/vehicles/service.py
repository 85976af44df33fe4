"""Use cases of cars: a number after paint, built, allocated, disclosed, delivered; the passport has it all."""

from __future__ import annotations

from dataclasses import replace
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
    require_new,
)
from factory_orders.vehicles.passport import chain_of
from factory_orders.vehicles.store import (
    accept_disclosures,
    disclosed_minor,
    end_allocation,
    insert_allocation,
    insert_disclosure,
    insert_vehicle,
    lock_vehicle,
    next_serial,
    save_vehicle,
)
from factory_orders.vehicles.vin import descriptor, make_vin, plant_letter
from kernel import policy, record, registry
from kernel.errors import Conflict
from kernel.ids import PlantId
from kernel.reasons import because
from kernel.work import Work

POWERTRAIN = "Powertrain"
DETAIL_LENGTH_MAX = 400


def identify_vehicle(work: Work, order: BuildOrder, terms: OrderTerms) -> Vehicle:
    """Give a painted body its number: the next serial of the brand's plant and model year, with its check digit."""
    brand = registry.own_brand(work)
    plants = sorted(plant.id for plant in registry.list_plants(work))
    year = order.moved_at.astimezone(brand.zone).year
    vin = make_vin(
        wmi=brand.wmi,
        described=descriptor(order.model, _powertrain(work, order)),
        year=year,
        plant=plant_letter(plants.index(PlantId(order.plant_id))),
        serial=next_serial(work, plant_id=order.plant_id, year=year),
    )
    vehicle = Vehicle(
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
    insert_vehicle(work, vehicle)
    enter(work, vehicle, "identified", order.moved_at, model=order.model, options=list(order.options))
    work.record(VehicleIdentified(order.brand_id, vehicle.vin, order.id, terms.id, terms.account_id))
    return vehicle


def _powertrain(work: Work, order: BuildOrder) -> str:
    options = catalogue.list_options(work, VersionId(order.catalogue_version_id))
    own = set(order.options)
    return "+".join(option.code for option in options if option.category == POWERTRAIN and option.code in own)


def enter(work: Work, vehicle: Vehicle, kind: str, at: datetime, **facts: Any) -> None:
    """Append to the car's passport: what happened, when by its reporter's clock, and how new the car is now.

    A reporter's clock may be ahead of ours by minutes; nothing is written as later than it was heard of, else what
    follows it at once would stand before it.
    """
    body = {"vin": vehicle.vin, "at": min(at, work.now).isoformat(), "newness": vehicle.newness.word} | facts
    record.append(work, chain_of(vehicle.vin), kind, body)


def complete_vehicle(work: Work, vehicle: Vehicle, terms: OrderTerms | None, *, at: datetime) -> Vehicle:
    """Note that a car passed the line's end, and tell its buyer, if it has one still."""
    assert vehicle.state is VehicleState.PLANNED
    built = replace(vehicle, state=VehicleState.BUILT, built_at=at)
    save_vehicle(work, built)
    enter(work, built, "built", at)
    if terms is not None:
        work.record(VehicleBuilt(built.brand_id, built.vin, terms.id, terms.account_id, at))
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
) -> Vehicle:
    """Lower a car's newness for what happened to it and tell its buyer; past the threshold it is not new any more.

    The threshold is for all repairs of a car together: two scratches just below it are no new car.

    A car that is not new any more loses its allocation; what becomes of the order is the caller's. `terms` are those
    of the order that the car is for; a car that nobody waits for is told to nobody.
    """
    threshold = policy.current(work).section(PlantPolicy).repaired_from_minor
    repaired_minor = disclosed_minor(work, vehicle.vin) + repair_minor
    newness = descend(vehicle.newness, newness_after_repair(repaired_minor, repaired_from_minor=threshold))
    lowered = replace(vehicle, newness=newness)
    if newness > Newness.NEW_DISCLOSED and vehicle.state is VehicleState.ALLOCATED:
        end_allocation(work, vin=vehicle.vin, reason="not_new")
        lowered = replace(lowered, state=VehicleState.BUILT)
    save_vehicle(work, lowered)
    disclosure = Disclosure(
        work.new_id(), vehicle.vin, reason, detail.strip()[:DETAIL_LENGTH_MAX], repair_minor, work.now
    )
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
    """Bind a built car to its order; refuses a car that is not new and one that is bound already."""
    require_new(vehicle.newness)
    if vehicle.state is not VehicleState.BUILT:
        raise Conflict("vehicle", because("STANDS_AT", state=vehicle.state.value))
    if not insert_allocation(work, Allocation(work.new_id(), vehicle.vin, terms.id, work.now)):
        raise Conflict("allocation", because("BOUND"))
    bound = replace(vehicle, state=VehicleState.ALLOCATED)
    save_vehicle(work, bound)
    enter(work, bound, "allocated", work.now)
    work.record(VehicleAllocated(bound.brand_id, bound.vin, terms.id, terms.account_id, terms.store_id))
    return bound


def deliver_vehicle(work: Work, vin: str) -> Vehicle:
    """Hand an allocated car to its buyer; refuses a car that cannot be sold as new."""
    vehicle = lock_vehicle(work, vin)
    require_new(vehicle.newness)
    assert vehicle.state is VehicleState.ALLOCATED
    delivered = replace(vehicle, state=VehicleState.DELIVERED, delivered_at=work.now)
    save_vehicle(work, delivered)
    enter(work, delivered, "delivered", work.now)
    return delivered


def free_vehicle(work: Work, vin: str, *, reason: str) -> Vehicle:
    """End a car's allocation: its order was cancelled; the car becomes stock."""
    vehicle = lock_vehicle(work, vin)
    end_allocation(work, vin=vin, reason=reason)
    freed = replace(vehicle, state=VehicleState.BUILT)
    save_vehicle(work, freed)
    enter(work, freed, "freed", work.now)
    return freed


def lose_vehicle(work: Work, vehicle: Vehicle, *, why: Literal["scrapped", "lost"], at: datetime) -> None:
    """Note that a car is gone for good; whoever waits for it waits for another one."""
    end_allocation(work, vin=vehicle.vin, reason=why)
    gone = replace(vehicle, state=VehicleState.GONE)
    save_vehicle(work, gone)
    enter(work, gone, why, at)


def accept_what_was_disclosed(work: Work, vin: str) -> int:
    """Note the buyer's agreement to everything told about the car so far; returns how many points were open."""
    accepted = accept_disclosures(work, vin)
    if accepted:
        enter(work, lock_vehicle(work, vin), "disclosure_accepted", work.now, points=accepted)
    return accepted
