"""What must hold of orders for stock on a live database: they are light, have their cars, and bind nobody."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_CARS: Final = """
    SELECT stock_orders.id, stock_orders.cars, COUNT(orders.id) AS found FROM stock_orders
    LEFT JOIN orders ON orders.pool_id = stock_orders.id AND orders.origin = 'store'
        AND orders.store_id = stock_orders.store_id AND orders.account_id = stock_orders.store_id
        AND orders.price_minor = stock_orders.price_minor
    WHERE stock_orders.brand_id = :brand_id
    GROUP BY stock_orders.id, stock_orders.cars, stock_orders.had, stock_orders.most
    HAVING COUNT(orders.id) <> stock_orders.cars OR stock_orders.had + stock_orders.cars > stock_orders.most
"""
_FOR_NOBODY: Final = """
    SELECT orders.id, orders.state FROM orders
    LEFT JOIN allocations ON allocations.order_id = orders.id AND allocations.ended_at IS NULL
    LEFT JOIN build_orders ON build_orders.order_id = orders.id AND build_orders.stage = 'passed'
    LEFT JOIN vehicles ON vehicles.vin = orders.vin AND vehicles.build_order_id = build_orders.id
    WHERE orders.brand_id = :brand_id AND (
        (orders.origin = 'store') <> (orders.account_id = orders.store_id)
        OR (orders.origin = 'store' AND (allocations.id IS NOT NULL OR orders.promised_by IS NOT NULL
            OR (orders.state = 'stocked') <> (vehicles.vin IS NOT NULL)))
    )
"""

CHECKS: Final = (
    Check(
        "a stock order has as many cars as it says, and was within what its store may have",
        3,
        rows_violating(_CARS, shape="stock order {id} says {cars}, there are {found}"),
    ),
    Check(
        "a car that was ordered for stock is bound to nobody and promised to nobody",
        2,
        rows_violating(_FOR_NOBODY, shape="order {id} is {state}"),
    ),
)
