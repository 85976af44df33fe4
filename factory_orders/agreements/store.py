"""Loads and saves agreements, and what they make of an order."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update

from factory_orders.agreements.model import Agreement
from factory_orders.agreements.rows import FIELDS, agreement_from
from factory_orders.agreements.tables import order_agreements
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.tables import orders
from kernel.work import Work


def agreements_of(work: Work, order_id: str) -> list[Agreement]:
    """Return what was agreed on an order, in order; the caller has locked it or only reads."""
    table = order_agreements.c
    own = (table.order_id == order_id) & (table.brand_id == work.actor.brand_id)
    found = select(order_agreements).where(own).order_by(table.number)
    return [agreement_from(row) for row in work.connection.execute(found).mappings()]


def save_agreement(work: Work, terms: OrderTerms, agreed: Agreement) -> OrderTerms:
    """Write an agreement and what it makes of its order; returns the order's terms from now on."""
    row = {name: getattr(agreed, name) for name in FIELDS}
    lists = {name: list(row[name]) for name in ("options_before", "options_after")}
    work.connection.execute(order_agreements.insert().values(**(row | lists | {"kind": agreed.kind.value})))
    amended = replace(
        terms,
        options=agreed.options_after,
        agreed_minor=terms.agreed_minor + agreed.price_delta_minor,
        fees_minor=terms.fees_minor + agreed.fee_minor,
    )
    work.connection.execute(
        update(orders)
        .where(orders.c.id == terms.id)
        .values(options=list(amended.options), agreed_minor=amended.agreed_minor, fees_minor=amended.fees_minor)
    )
    return amended
