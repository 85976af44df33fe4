"""What the closing of a store means to others."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("factory_orders.order_store_closed")
@dataclass(frozen=True, slots=True)
class OrderStoreClosed(Event):
    """The store that an order's car would go to has closed; its buyer picks another one, at the same price."""

    order_id: str
    account_id: str
    store_id: str


@event("factory_orders.pre_order_store_closed")
@dataclass(frozen=True, slots=True)
class PreOrderStoreClosed(Event):
    """The store that a pre-order is bound to has closed before its pool locks."""

    pre_order_id: str
    account_id: str
    store_id: str


@event("factory_orders.order_store_changed")
@dataclass(frozen=True, slots=True)
class OrderStoreChanged(Event):
    """A buyer has picked another store."""

    order_id: str
    account_id: str
    from_store_id: str
    store_id: str
