"""What the closing of a store and a change of store are refused for.

Refusal
  StoreHasCars             cars of buyers stand at the store: they are handed over before it closes
  StoreStillOpen           an order changes its store only where that has closed
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class StoreHasCars(Refusal):
    """Cars of `orders` buyers stand at the store or have just arrived there."""

    code = "STORE_HAS_CARS"
    en = (
        "{orders:car of a buyer stands|cars of buyers stand} at this store. Have them handed over, or their "
        "orders ended, before it closes."
    )
    zh = "该门店仍有{orders}辆客户车辆待交付，请完成交付或了结订单后再停业。"
    orders: int


@dataclass(unsafe_hash=True)
class StoreStillOpen(Refusal):
    """The order's own store receives its car."""

    code = "STORE_STILL_OPEN"
    en = "The store of this order is open and receives the car. Another one can be picked only once it has closed."
    zh = "该订单的交车门店仍在营业，仅在门店停业后可另选门店。"
