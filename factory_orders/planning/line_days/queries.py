"""Reads which cars of a week a part comes too late for."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from factory_orders.parts.queries import part_supplies
from factory_orders.planning.queries import car_facts
from factory_orders.plant.model import Stage
from factory_orders.plant.rows import build_order_from
from factory_orders.plant.tables import build_orders
from kernel import registry
from kernel.work import Work


def lacking_part(work: Work, plant_id: str, part: str, *, week: date) -> list[tuple[date, str]]:
    """Return the queued cars of a week that a part has not come for by their day, each with that day.

    What is there and comes goes to the cars in the order of the line, and then to those that have no place on it yet.
    """
    supply = part_supplies(work, plant_id, first=week).get(part)
    if supply is None:
        return []
    zone = registry.own_brand(work).zone
    table = build_orders.c
    own = (table.plant_id == plant_id) & (table.brand_id == work.actor.brand_id)
    found = select(build_orders).where(own, table.week == week, table.stage == Stage.QUEUED.value)
    lacking, used = [], 0
    for row in work.connection.execute(found.order_by(table.day, table.position.nulls_last(), table.id)).mappings():
        car = build_order_from(row)
        facts = car_facts(work, car.catalogue_version_id)
        features = facts.features.of((car.model, *car.options))
        needed = facts.parts_of(features, car.released_at.astimezone(zone).date())[part]
        there = supply.on_hand + sum(one.quantity for one in supply.coming if one.on <= car.day)
        if used + needed <= there:
            used += needed
        elif needed:
            lacking.append((car.day, car.id))
    return lacking
