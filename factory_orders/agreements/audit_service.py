"""What must hold of agreements on a live database: each follows the one before, and the plant builds the last one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import select

from demand.backing.lineage_queries import wished_options
from factory_orders.agreements.queries import agreements_of_orders
from factory_orders.agreements.tables import order_agreements
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.vehicles.tables import vehicles
from kernel import db
from kernel.soundness import Check
from kernel.work import Work

AT_ONCE: Final = 200


def _wrong_agreements(work: Work) -> Iterator[str]:
    """Follow each order's agreements from one to the next, and hold their sum and their end against the order."""
    table = orders.c
    amended = select(order_agreements.c.order_id).where(order_agreements.c.brand_id == work.actor.brand_id)
    found = select(table.id, table.options, table.agreed_minor, table.fees_minor).where(
        table.brand_id == work.actor.brand_id,
        (table.agreed_minor != 0) | (table.fees_minor != 0) | table.id.in_(amended),
    )
    rows = work.connection.execute(found.order_by(table.id)).all()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        agreed = agreements_of_orders(work, [row.id for row in some])
        for row in some:
            steps = agreed[row.id]
            sums = (sum(one.price_delta_minor for one in steps), sum(one.fee_minor for one in steps))
            follows = all(two.options_before == one.options_after for one, two in pairwise(steps))
            is_last = bool(steps) and steps[-1].options_after == tuple(row.options)
            if sums != (row.agreed_minor, row.fees_minor) or not (follows and is_last):
                yield f"order {row.id} has {row.agreed_minor} and {row.fees_minor}, what was agreed makes {sums}"


def _strange_builds(work: Work) -> Iterator[str]:
    """Hold what plants build, and the cars that are bound, against what is ordered by now."""
    own, built = orders.c, build_orders.c
    building = (
        select(own.id, own.options, built.options.label("built"))
        .join(build_orders, (built.order_id == own.id) & (built.stage != Stage.WITHDRAWN.value))
        .where(own.brand_id == work.actor.brand_id, own.state != "cancelled")
    )
    bound = (
        select(own.id, own.options, vehicles.c.options.label("built"))
        .join(vehicles, vehicles.c.vin == own.vin)
        .where(own.brand_id == work.actor.brand_id, own.state != "cancelled")
    )
    for found in (building, bound):
        for row in work.connection.execute(found.order_by(own.id)):
            if list(row.built) != list(row.options):
                yield f"order {row.id} is for another car than the one that is built"


def _strange_wishes(work: Work) -> Iterator[str]:
    """Look for cars that are said to carry a wish and do not have the option, or are of another catalogue version."""
    wished = wished_options(work)
    vins = sorted(wished)
    for start in range(0, len(vins), AT_ONCE):
        some: list[Any] = vins[start : start + AT_ONCE]
        found = (
            select(vehicles.c.vin, vehicles.c.options, build_orders.c.catalogue_version_id.label("version_id"))
            .join(build_orders, build_orders.c.id == vehicles.c.build_order_id)
            .where(db.among(vehicles.c.vin, some))
        )
        for row in work.connection.execute(found.order_by(vehicles.c.vin)):
            for option, _ in sorted(wished[row.vin] - {(own, row.version_id) for own in row.options}):
                yield f"car {row.vin} is said to carry {option} for a proposal"


CHECKS: Final = (
    Check(
        "what an order changed to, and what it costs more or less, is what its buyer agreed to", 7, _wrong_agreements
    ),
    Check("a plant builds the car that is ordered by now", 2, _strange_builds),
    Check("a car that is said to carry a wish has the option", 11, _strange_wishes),
)
