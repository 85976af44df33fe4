"""Loads and saves learned margins, and the residuals they are learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, func, select

from configurator.quote_queries import load_quotes
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.tables import orders
from factory_orders.promises.learning import HALF_OF_WEEK_DAYS, NEVER, Margin
from factory_orders.promises.tables import promise_margins, promise_outcomes
from kernel import db, registry
from kernel.work import Work

AT_ONCE = 500


def margin_at(work: Work, plant_id: str, at: datetime) -> Margin | None:
    """Return the margins that a plant's promises had at a moment; None where nothing was learned by then."""
    table = promise_margins.c
    found = (
        select(table.p50_days, table.p90_days, table.observations)
        .where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id, table.released_at <= at)
        .order_by(table.released_at.desc())
        .limit(1)
    )
    row = work.connection.execute(found).first()
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


def planned_days(work: Work, dated: Sequence[OrderTerms]) -> Mapping[str, date]:
    """Return by order the day that its weeks alone gave: what was expected less the margin at the quote's moment."""
    expected = {terms.id: terms for terms in dated if terms.expected_on is not None}
    known: dict[tuple[str, datetime], Margin | None] = {}
    planned: dict[str, date] = {}
    chosen = list(expected.values())
    for start in range(0, len(chosen), AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        quotes = load_quotes(work, [terms.quote_id for terms in some])
        for terms in some:
            assert terms.expected_on is not None
            quote = quotes.get(terms.quote_id)
            at = terms.locked_at if quote is None else quote.signed.quote.facts.issued_at
            margin = _known_margin(work, known, terms.plant_id, at)
            added = HALF_OF_WEEK_DAYS if margin is None else margin.p50_days
            planned[terms.id] = terms.expected_on - timedelta(days=added)
    return planned


def margins_when_promised(work: Work, order_ids: Sequence[str]) -> dict[str, Margin | None]:
    """Return by order the margins that its accepted date was made with: at its quote's moment, or else at its lock.

    What was learned since makes no date later.
    """
    table = orders.c
    own = select(table.id, table.plant_id, table.quote_id, table.locked_at).where(table.brand_id == work.actor.brand_id)
    known: dict[tuple[str, datetime], Margin | None] = {}
    margins: dict[str, Margin | None] = {}
    for start in range(0, len(order_ids), AT_ONCE):
        rows = work.connection.execute(own.where(db.among(table.id, order_ids[start : start + AT_ONCE]))).all()
        quotes = load_quotes(work, [row.quote_id for row in rows])
        for row in rows:
            quote = quotes.get(row.quote_id)
            at = row.locked_at if quote is None else quote.signed.quote.facts.issued_at
            margins[row.id] = _known_margin(work, known, row.plant_id, at)
    return margins


def _known_margin(
    work: Work, known: dict[tuple[str, datetime], Margin | None], plant_id: str, at: datetime
) -> Margin | None:
    key = (plant_id, at)
    if key not in known:
        known[key] = margin_at(work, plant_id, at)
    return known[key]


@dataclass(frozen=True, slots=True)
class Residual:
    """How many days after its planned day a car stood ready, and whose it was."""

    days: int
    person: str


def decided_residuals(work: Work, plant_id: str, *, today: date, most: int) -> list[Residual]:
    """Return the residuals of a plant's latest orders, whole pools together.

    A pool counts once each of its cars stands ready, is due, or is nobody's any more: were quick cars counted before
    slow ones of the same pool, all would look quick. Who left while the car was not late yet teaches nothing; who left
    a late one teaches that it did not come.
    """
    outcome, order = promise_outcomes.alias("other"), orders.alias("other_order")
    waiting = (
        select(outcome.c.order_id)
        .join(order, order.c.id == outcome.c.order_id)
        .where(
            order.c.pool_id == orders.c.pool_id,
            outcome.c.ready_on.is_(None),
            outcome.c.promised_by >= today,
            order.c.state != "cancelled",
        )
        .exists()
    )
    table = promise_outcomes.c
    left = and_(orders.c.state == "cancelled", table.ready_on.is_(None))
    found = (
        select(
            table.planned_on,
            table.ready_on,
            table.promised_by,
            orders.c.ended_at,
            left.label("left"),
            func.coalesce(orders.c.person_id, orders.c.account_id).label("person"),
        )
        .join(orders, orders.c.id == table.order_id)
        .where(table.brand_id == work.actor.brand_id, table.plant_id == plant_id, ~waiting)
        .order_by(orders.c.locked_at.desc(), orders.c.id)
    )
    zone = registry.own_brand(work).zone
    limit = 2 * most
    while True:
        rows = work.connection.execute(found.limit(limit)).all()
        residuals = [
            Residual(NEVER if row.ready_on is None else (row.ready_on - row.planned_on).days, row.person)
            for row in rows
            if not (row.left and row.ended_at.astimezone(zone).date() <= row.promised_by)
        ]
        if len(residuals) >= most or len(rows) < limit:
            return residuals[:most]
        limit *= 2
