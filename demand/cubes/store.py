"""Writes facts and releases, and reads them back for the next release."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, select, update

from demand.cubes.model import Fact, Offering, PublishedCell
from demand.cubes.tables import cube_blocks, cube_cells, cube_offerings, cube_releases, demand_facts
from kernel import db
from kernel.work import Work


def insert_facts(work: Work, facts: Sequence[Fact]) -> None:
    """Write facts that are not known yet."""
    names = [name for name in Fact.__dataclass_fields__ if name != "options"]
    rows = [
        {name: getattr(fact, name) for name in names} | {"brand_id": work.actor.brand_id, "options": list(fact.options)}
        for fact in facts
    ]
    db.insert_new(work.connection, demand_facts, rows, returning="source_id")


def known_offerings(work: Work, weeks: Sequence[date]) -> set[Offering]:
    """Return which (version, region, model, week) have their offering kept."""
    table = cube_offerings.c
    found = select(table.version_id, table.region, table.model, table.week).where(
        table.brand_id == work.actor.brand_id, table.week.in_(set(weeks))
    )
    return {(row.version_id, row.region, row.model, row.week) for row in work.connection.execute(found)}


def insert_offerings(work: Work, new: Mapping[Offering, Mapping[str, Sequence[str]]]) -> None:
    """Keep what could be had; the first one kept counts."""
    rows = [
        {
            "brand_id": work.actor.brand_id,
            "version_id": version_id,
            "region": region,
            "model": model,
            "week": week,
            "options": {category: list(codes) for category, codes in options.items()},
        }
        for (version_id, region, model, week), options in new.items()
    ]
    db.insert_new(work.connection, cube_offerings, rows, returning="model")


def load_facts(work: Work) -> list[dict[str, Any]]:
    """Return all facts of the brand in the order they came."""
    table = demand_facts.c
    found = (
        select(
            table.serial,
            table.person,
            table.verified,
            table.version_id,
            table.region,
            table.model,
            table.week,
            table.options,
        )
        .where(table.brand_id == work.actor.brand_id)
        .order_by(table.serial)
    )
    return [dict(row) for row in work.connection.execute(found).mappings()]


def load_offerings(work: Work) -> dict[Offering, dict[str, list[str]]]:
    """Return what could be had, by version, region, model and week."""
    found = select(cube_offerings).where(cube_offerings.c.brand_id == work.actor.brand_id)
    return {
        (row["version_id"], row["region"], row["model"], row["week"]): row["options"]
        for row in work.connection.execute(found).mappings()
    }


def load_blocks(work: Work) -> dict[tuple[str, date, str], int]:
    """Return up to which serial each block has been released."""
    table = cube_blocks.c
    found = select(table.region, table.week, table.category, table.serial).where(table.brand_id == work.actor.brand_id)
    return {(row.region, row.week, row.category): row.serial for row in work.connection.execute(found)}


def save_blocks(work: Work, before: Mapping[tuple[str, date, str], int], after: Mapping[Any, int]) -> None:
    """Write how far blocks have been released."""
    new = {block: serial for block, serial in after.items() if block not in before}
    rows = [
        {"brand_id": work.actor.brand_id, "region": region, "week": week, "category": category, "serial": serial}
        for (region, week, category), serial in new.items()
    ]
    db.insert_many(work.connection, cube_blocks, rows)
    table = cube_blocks.c
    moved = [
        {"b_region": block[0], "b_week": block[1], "b_category": block[2], "b_serial": serial}
        for block, serial in after.items()
        if block in before and before[block] != serial
    ]
    if moved:
        work.connection.execute(
            update(cube_blocks)
            .where(
                table.brand_id == work.actor.brand_id,
                table.region == bindparam("b_region"),
                table.week == bindparam("b_week"),
                table.category == bindparam("b_category"),
            )
            .values(serial=bindparam("b_serial")),
            moved,
        )


def newest_release(work: Work) -> int:
    """Return the number of the brand's newest release; 0 before the first."""
    found = select(func.coalesce(func.max(cube_releases.c.number), 0)).where(
        cube_releases.c.brand_id == work.actor.brand_id
    )
    return int(work.connection.execute(found).scalar_one())


def insert_release(
    work: Work,
    number: int,
    cells: Sequence[PublishedCell],
    *,
    category_of: Mapping[str, str],
    k: int,
    rounding: int,
) -> bool:
    """Write a release; false where another worker wrote this number first."""
    row = {
        "brand_id": work.actor.brand_id,
        "number": number,
        "k": k,
        "rounding": rounding,
        "released_at": work.now,
    }
    if not db.insert_new(work.connection, cube_releases, [row], returning="number"):
        return False
    rows = [
        {
            "brand_id": work.actor.brand_id,
            "release": number,
            "option": cell.key.option,
            "region": cell.key.region,
            "week": cell.key.week,
            "category": category_of[cell.key.option],
            "chosen": cell.chosen,
            "offered": cell.offered,
        }
        for cell in cells
    ]
    db.insert_many(work.connection, cube_cells, rows)
    return True


def forget_persons(work: Work, persons: Sequence[str]) -> None:
    """Put chance in the place of persons' ids: counts stay, nobody can tell whose they were."""
    for person in persons:
        work.connection.execute(
            update(demand_facts)
            .where(demand_facts.c.person == person, demand_facts.c.brand_id == work.actor.brand_id)
            .values(person=secrets.token_hex(16))
        )
