"""Rounds of swaps and each order's change of cars: it makes nobody more days late, and a round saves its bound."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.exchanges.model import SWAP_TIMER, SwapOffer
from factory_orders.offers.tables import OfferKind, car_offers
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only

swap_rounds = Table(
    "swap_rounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("swapped", Integer, nullable=False),
    Column("saved_minor", BigInteger, nullable=False),
    Column("saved_at_most_minor", BigInteger, nullable=False),
    CheckConstraint("swapped BETWEEN 2 AND orders AND saved_minor > 0", name="worth_it"),
    CheckConstraint("saved_minor = saved_at_most_minor", name="proven_optimal"),
)
append_only(swap_rounds)
Index("ix_swap_rounds_brand", swap_rounds.c.brand_id, swap_rounds.c.id)

car_swaps = Table(
    "car_swaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("round_id", Id, ForeignKey("swap_rounds.id"), nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("from_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("to_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("days_late_before", Integer, nullable=False),
    Column("days_late_after", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("round_id", "order_id"),
    UniqueConstraint("round_id", "from_build_order_id"),
    UniqueConstraint("round_id", "to_build_order_id"),
    CheckConstraint("from_build_order_id <> to_build_order_id", name="another_car"),
    CheckConstraint("days_late_after BETWEEN 0 AND days_late_before", name="nobody_later"),
)
append_only(car_swaps)
Index("ix_car_swaps_brand", car_swaps.c.brand_id, car_swaps.c.id)
Index("ix_car_swaps_order", car_swaps.c.order_id)

swap_offers = car_offers(
    "swap_offers",
    Column("build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("with_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("passed_on", Date),
    CheckConstraint("build_order_id <> with_build_order_id", name="another_car"),
    car="with_build_order_id",
    rule="an answer to an offer of a swap stays",
)
Index("ix_swap_offers_build_order", swap_offers.c.build_order_id)
Index("ix_swap_offers_with", swap_offers.c.with_build_order_id)
SWAP = OfferKind(swap_offers, SwapOffer, SWAP_TIMER, "equal car", SwapOfferEnded)
