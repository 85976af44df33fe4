"""What orders for stock are refused for.

Refusal
  LightStockFull           a store may have no more cars of a model: how many it has, and may
  StockOrderBegun          every car of a stock order is begun or built: it comes to the store
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class LightStockFull(Refusal):
    """The store has, or will have, `had` cars of the model of the `most` that light inventory allows."""

    code = "LIGHT_STOCK_FULL"
    en = (
        "The store has {had:car|cars} of this model, there or to come, and may have {most}: {room} more can be ordered."
    )
    zh = "该门店此车型现车及在途共{had}辆，轻库存上限为{most}辆，还可订{room}辆。"
    had: int
    most: int
    room: int


@dataclass(unsafe_hash=True)
class StockOrderBegun(Refusal):
    """Every car of the order is begun; `state` says where the first is."""

    code = "STOCK_ORDER_BEGUN"
    en = "Every car of this order is begun, the first is at {state}. They come to the store, to be sold or moved."
    zh = "该现车订单的车辆均已开工，首辆当前为{state}，无法取消。到店后可销售或调配。"
    state: str
