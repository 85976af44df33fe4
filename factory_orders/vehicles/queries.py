"""Reads about cars: one by its number, its passport, its disclosures; who said what of a car stays with that buyer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, exists, select

from factory_orders.deliveries.tables import handovers
from factory_orders.planning.tables import orders
from factory_orders.vehicles.epcis import write_epcis
from factory_orders.vehicles.model import Disclosure, DisclosureReason, Vehicle
from factory_orders.vehicles.passport import WORDS, Passport, PassportEntry, chain_of, newness_of
from factory_orders.vehicles.rows import disclosure_from, vehicle_from
from factory_orders.vehicles.tables import vehicle_disclosures, vehicles
from factory_orders.vehicles.vin import read_vin
from kernel import db, record, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work

OWN_FACTS = frozenset({"vin", "at", "newness"})


def vehicles_by_vin(work: Work, vins: Sequence[str]) -> dict[str, Vehicle]:
    """Return cars of the actor's brand by number, in one statement."""
    found = select(vehicles).where(vehicles.c.brand_id == work.actor.brand_id, db.among(vehicles.c.vin, vins))
    return {row["vin"]: vehicle_from(row) for row in work.connection.execute(found).mappings()}


def passport(work: Work, text: str) -> Passport:
    """Return a car's passport to anybody who has its number; refuses a number that is none (VinInvalid)."""
    work.actor.require(Permission.PUBLIC_READ)
    vin = read_vin(text).text
    entries = record.entries_of(work, chain_of(vin))
    if not entries:
        raise NotFound("vehicle")
    read = tuple(
        PassportEntry(
            entry.sequence,
            entry.kind,
            datetime.fromisoformat(entry.body["at"]),
            entry.at,
            WORDS[entry.body["newness"]],
            {name: value for name, value in entry.body.items() if name not in OWN_FACTS},
            entry.previous_hash,
            entry.hash,
        )
        for entry in entries
    )
    return Passport(vin, newness_of(read), read, record.verify(entries) is None)


def passport_document(work: Work, text: str) -> dict[str, Any]:
    """Return a car's passport as a document of EPCIS 2.0; refuses VinInvalid and NotFound."""
    found = passport(work, text)
    return write_epcis(found, now=work.now, zone=registry.own_brand(work).zone)


def disclosures_of(work: Work, vins: Sequence[str]) -> dict[str, list[Disclosure]]:
    """Return what has to be told about cars of the actor's brand, oldest first; the caller checks whose they are.

    What a buyer wrote as a handover was rejected is read by them, and by who may read every order: to anybody else
    who buys the car its `detail` is empty, and reason and day say that it was not taken.
    """
    table = vehicle_disclosures.c
    found = (
        select(vehicle_disclosures)
        .where(table.brand_id == work.actor.brand_id, db.among(table.vin, vins))
        .order_by(table.vin, table.number)
    )
    if not work.actor.may(Permission.AUDIT_READ):
        own_words = exists().where(
            handovers.c.vin == table.vin,
            handovers.c.ended_at == table.at,
            orders.c.id == handovers.c.order_id,
            orders.c.account_id == work.actor.account_id,
        )
        of_a_person = table.reason == DisclosureReason.REJECTED_HANDOVER.value
        found = found.add_columns(case((of_a_person & ~own_words, ""), else_=table.detail).label("shown"))
    told: dict[str, list[Disclosure]] = {vin: [] for vin in vins}
    for row in work.connection.execute(found).mappings():
        told[row["vin"]].append(disclosure_from(dict(row) | {"detail": row.get("shown", row["detail"])}))
    return told
