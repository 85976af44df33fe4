"""Loads and saves learned margins, and the residuals they are learned from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select

from factory_orders.planning.model import OrderTerms
from factory_orders.planning.tables import orders
from factory_orders.promises.learning import HALF_OF_WEEK_DAYS, NEVER, Margin, left_in_time
from factory_orders.promises.tables import LEFT_WITHOUT_CAR, promise_margins, promise_outcomes
from kernel import db, registry
from kernel.work import Work

DOUBLINGS_MAX: Final = 6
"""So often is it looked twice as far for cars that teach something: at most 64 orders for each."""
RELEASES_MAX: Final = 20_000
"""A plant learns once a day at most: ten plants' five years."""


# Written once: every promise asks.
_MARGIN: Final = (
    select(promise_margins.c.p50_days, promise_margins.c.p90_days, promise_margins.c.observations)
    .where(
        promise_margins.c.plant_id == bindparam("plant"),
        promise_margins.c.brand_id == bindparam("brand"),
        promise_margins.c.released_at <= bindparam("moment"),
    )
    .order_by(promise_margins.c.released_at.desc())
    .limit(1)
)


def margin_at(work: Work, plant_id: str, at: datetime) -> Margin | None:
    """Return the margins that a plant's promises had at a moment; None where nothing was learned by then."""
    asked = {"plant": plant_id, "brand": work.actor.brand_id, "moment": at}
    row = work.connection.execute(_MARGIN, asked).first()
    return None if row is None else Margin(*row)


def insert_margin(work: Work, plant_id: str, margin: Margin) -> None:
    """Let a plant's promises have these margins from now on."""
    work.connection.execute(
        promise_margins.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            plant_id=plant_id,
            p50_days=margin.p50_days,
            p90_days=margin.p90_days,
            observations=margin.observations,
            released_at=work.now,
        )
    )


def planned_days(work: Work, dated: Sequence[OrderTerms], dated_at: Mapping[str, datetime]) -> Mapping[str, date]:
    """Return by order the day that its weeks alone gave: what was expected less the margin that this was made with.

    That is the one known at the moment in `dated_at`; a date without one there was made at the lock.
    """
    learned = _learned(work, [terms.plant_id for terms in dated])
    planned: dict[str, date] = {}
    for terms in dated:
        if terms.expected_on is not None:
            margin = learned.at(terms.plant_id, dated_at.get(terms.id, terms.locked_at))
            added = HALF_OF_WEEK_DAYS if margin is None else margin.p50_days
            planned[terms.id] = terms.expected_on - timedelta(days=added)
    return planned


def promised_days(work: Work, order_ids: Sequence[str]) -> dict[str, int | None]:
    """Return by order how many days behind its planned day the contract's date was set; None if the buffer was added.

    A date that the quote or a kept place gave was made with what was known at its moment; one that came with the week
    has its distance. What was learned since makes no date later.
    """
    table, outcome = orders.c, promise_outcomes.c
    own = (
        select(table.id, table.plant_id, outcome.promised_by, outcome.planned_on, outcome.dated_at)
        .outerjoin_from(orders, promise_outcomes, outcome.order_id == table.id)
        .where(table.brand_id == work.actor.brand_id)
    )
    rows = work.connection.execute(own.where(db.among(table.id, order_ids))).all()
    learned = _learned(work, [row.plant_id for row in rows])
    days: dict[str, int | None] = {}
    for row in rows:
        if row.promised_by is not None and row.dated_at is None:
            days[row.id] = (row.promised_by - row.planned_on).days
            continue
        margin = None if row.dated_at is None else learned.at(row.plant_id, row.dated_at)
        days[row.id] = None if margin is None else margin.p90_days
    return days


@dataclass(frozen=True, slots=True)
class _Learned:
    """What was learned of plants, oldest first: by plant the moments and the margins since each."""

    by_plant: Mapping[str, Sequence[tuple[datetime, Margin]]]

    def at(self, plant_id: str, at: datetime) -> Margin | None:
        """Return the margins that were known of a plant at a moment."""
        releases = self.by_plant.get(plant_id, ())
        known = bisect_right(releases, at, key=lambda release: release[0])
        return releases[known - 1][1] if known else None


def _learned(work: Work, plant_ids: Iterable[str]) -> _Learned:
    """Read the latest margins of plants in one statement; whatever is older than all of them counts as unknown."""
    table = promise_margins.c
    found = (
        select(table.plant_id, table.released_at, table.p50_days, table.p90_days, table.observations)
        .where(db.among(table.plant_id, sorted(set(plant_ids))), table.brand_id == work.actor.brand_id)
        .order_by(table.released_at.desc())
        .limit(RELEASES_MAX)
    )
    by_plant: dict[str, list[tuple[datetime, Margin]]] = {}
    for plant_id, released_at, *margin in reversed(work.connection.execute(found).all()):
        by_plant.setdefault(plant_id, []).append((released_at, Margin(*margin)))
    return _Learned(by_plant)


@dataclass(frozen=True, slots=True)
class Residual:
    """How many days after its planned day a car stood ready, and whose it was."""

    days: int
    person: str


def decided_residuals(work: Work, plant_id: str, *, today: date, most: int) -> list[Residual]:
    """Return the residuals of a plant's latest orders, whole pools together.

    A pool counts once each of its cars stands ready, is due, or is nobody's any more: were quick cars counted before
    slow ones of the same pool, all would look quick. One that has no date yet is waited for. Who left while the car was
    not late yet teaches nothing; who left a late one teaches that it did not come. Where nearly all left in time, fewer
    than `most` may be found.
    """
    outcome, order = promise_outcomes.alias("other"), orders.alias("other_order")
    waiting = (
        select(order.c.id)
        .outerjoin_from(order, outcome, outcome.c.order_id == order.c.id)
        .where(
            order.c.pool_id == orders.c.pool_id,
            outcome.c.ready_on.is_(None),
            outcome.c.order_id.is_(None) | (outcome.c.promised_by >= today),
            order.c.state != "cancelled",
        )
        .exists()
    )
    table = promise_outcomes.c
    found = (
        select(
            table.planned_on,
            table.ready_on,
            table.promised_by,
            orders.c.ended_at,
            LEFT_WITHOUT_CAR.label("left_without_car"),
            func.coalesce(orders.c.person_id, orders.c.account_id).label("person"),
        )
        .join(orders, orders.c.id == table.order_id)
        .where(table.brand_id == work.actor.brand_id, table.plant_id == plant_id, ~waiting)
        .order_by(orders.c.locked_at.desc(), orders.c.id)
    )
    zone = registry.own_brand(work).zone
    residuals: list[Residual] = []
    for doublings in range(DOUBLINGS_MAX):
        limit = 2 * most << doublings
        rows = work.connection.execute(found.limit(limit)).all()
        residuals = [
            Residual(NEVER if row.ready_on is None else (row.ready_on - row.planned_on).days, row.person)
            for row in rows
            if not left_in_time(row, zone)
        ]
        if len(residuals) >= most or len(rows) < limit:
            break
    return residuals[:most]
