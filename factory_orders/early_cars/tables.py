"""Offers of free cars: one open an order and a car, an answer is final, and a car that is offered is nobody else's."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from factory_orders.deliveries.tables import shipments
from factory_orders.early_cars.errors import EarlyOfferEnded
from factory_orders.early_cars.model import EARLY_TIMER, EarlyOffer
from factory_orders.offers.tables import OfferKind, car_offers
from factory_orders.stock.tables import stock_holds
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

early_rounds = Table(
    "early_rounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    Column("saved_minor", BigInteger, nullable=False),
    Column("saved_at_most_minor", BigInteger, nullable=False),
    CheckConstraint("offered >= 0 AND offered <= cars AND offered <= orders", name="counted"),
    CheckConstraint("saved_minor = saved_at_most_minor", name="proven_optimal"),
)
append_only(early_rounds)
Index("ix_early_rounds_brand", early_rounds.c.brand_id, early_rounds.c.id)

early_offers = car_offers(
    "early_offers",
    Column("round_id", Id, ForeignKey("early_rounds.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("from_order_id", Id, ForeignKey("orders.id")),
    CheckConstraint("from_order_id IS NULL OR state = 'accepted'", name="taken_from_whom"),
    car="vin",
    rule="an answer to an offer of a car that is there stays",
)
Index("ix_early_offers_from_order", early_offers.c.from_order_id)
EARLY = OfferKind(early_offers, EarlyOffer, EARLY_TIMER, "early car", EarlyOfferEnded)
_OFFERED = "EXISTS (SELECT 1 FROM early_offers WHERE early_offers.vin = NEW.vin AND early_offers.state = 'open')"
guard(
    stock_holds,
    "not_while_offered",
    before="INSERT",
    when=_OFFERED,
    rule="a car that is offered to a waiting buyer is held by nobody",
)
guard(
    shipments,
    "not_while_offered",
    before="INSERT",
    when=f"NEW.order_id IS NULL AND {_OFFERED}",
    rule="a car that is offered to a waiting buyer is not moved for stock",
)
