"""Prices, quotes, holds and purchases of stock cars; one live hold a car and a person, one purchase a hold.

A held car is bound to no order, and an order of a stock car has its purchase.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, text

from factory_orders.planning.tables import orders
from factory_orders.stock.model import PurchaseState
from factory_orders.vehicles.tables import allocations
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only, guard

stock_prices = Table(
    "stock_prices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("price_minor", Minor, nullable=False),
    # How many points had been disclosed of the car by then; so in quotes.
    Column("told", Integer, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("price_minor > 0", name="price_positive"),
)
append_only(stock_prices)
Index("ix_stock_prices_vin", stock_prices.c.vin, stock_prices.c.id)

stock_quotes = Table(
    "stock_quotes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("price_minor", Minor, nullable=False),
    Column("total_minor", Minor, nullable=False),
    Column("told", Integer, nullable=False),
    Column("document", Json, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("signature", String(120), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    CheckConstraint("price_minor > 0 AND issued_at < expires_at", name="sound"),
)
append_only(stock_quotes)

_HELD = text("ended_at IS NULL")
stock_holds = Table(
    "stock_holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("quote_id", Id, ForeignKey("stock_quotes.id"), nullable=False),
    Column("account_id", Id),
    Column("held_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("reason", String(20)),
    CheckConstraint("held_at < expires_at", name="in_order"),
    CheckConstraint("(ended_at IS NULL) = (reason IS NULL)", name="ended_for_a_reason"),
)
Index("uq_stock_holds_vin", stock_holds.c.vin, unique=True, postgresql_where=_HELD, sqlite_where=_HELD)
Index(
    "uq_stock_holds_account",
    stock_holds.c.brand_id,
    stock_holds.c.account_id,
    unique=True,
    postgresql_where=_HELD,
    sqlite_where=_HELD,
)
guard(
    stock_holds,
    "end_is_final",
    before="UPDATE",
    when="OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL",
    rule="a hold that has ended stays so",
)
guard(
    allocations,
    "held_for_nobody_else",
    before="INSERT",
    when="EXISTS (SELECT 1 FROM stock_holds WHERE stock_holds.vin = NEW.vin AND stock_holds.ended_at IS NULL)",
    rule="a stock car that is held is bound to no order",
)

_PURCHASES = ", ".join(f"'{state.value}'" for state in PurchaseState)
_OPEN = text("state = 'open'")
stock_purchases = Table(
    "stock_purchases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("quote_id", Id, ForeignKey("stock_quotes.id"), nullable=False),
    Column("hold_id", Id, ForeignKey("stock_holds.id"), nullable=False, unique=True),
    Column("account_id", Id, nullable=False),
    Column("person_id", Id),
    Column("deposit_minor", Minor, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("contract", Json, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("signature", String(120), nullable=False),
    Column("payment_id", Id, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("payable_until", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("ended_at", Instant),
    Column("reason", String(20)),
    CheckConstraint(f"state IN ({_PURCHASES})", name="state_known"),
    CheckConstraint("deposit_minor > 0", name="deposit_positive"),
    CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_when_it_is"),
    CheckConstraint("(state = 'dropped') = (reason IS NOT NULL)", name="dropped_for_a_reason"),
)
Index("uq_stock_purchases_open", stock_purchases.c.vin, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("ix_stock_purchases_account", stock_purchases.c.brand_id, stock_purchases.c.account_id, stock_purchases.c.id)
guard(
    stock_purchases,
    "end_is_final",
    before="UPDATE",
    when="OLD.state <> 'open' AND NEW.state <> OLD.state",
    rule="a purchase that was made or dropped stays so",
)
guard(
    orders,
    "stock_car_was_bought",
    before="INSERT",
    when="NEW.origin = 'stock' AND NOT EXISTS (SELECT 1 FROM stock_purchases WHERE stock_purchases.id = NEW.id"
    " AND stock_purchases.state = 'bought')",
    rule="an order of a stock car is that of a purchase whose deposit came",
)
