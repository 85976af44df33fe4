"""Offers of repaired cars: one open an order, and an answer is final."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table

from factory_orders.offers.tables import answer_columns, answered_once, one_open
from kernel.db import Id, Minor, metadata

repair_offers = Table(
    "repair_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("repair_minor", Minor, nullable=False),
    Column("reduction_minor", Minor, nullable=False),
    *answer_columns(),
    CheckConstraint("reduction_minor > 0", name="worth_an_answer"),
)
one_open(repair_offers, "order_id")
Index("ix_repair_offers_vin", repair_offers.c.vin)
answered_once(repair_offers, "an answer to an offer of a repaired car stays")
