"""What must hold of stock cars, their holds and their purchases on a live database, derived from the rows."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_TAKEN_TWICE: Final = """
    SELECT stock_holds.vin FROM stock_holds JOIN allocations ON allocations.vin = stock_holds.vin
        AND allocations.ended_at IS NULL
    WHERE stock_holds.brand_id = :brand_id AND stock_holds.ended_at IS NULL
"""
_OTHER_TERMS: Final = """
    SELECT stock_purchases.id FROM stock_purchases
    JOIN stock_quotes ON stock_quotes.id = stock_purchases.quote_id
    LEFT JOIN orders ON orders.id = stock_purchases.id AND orders.origin = 'stock'
    WHERE stock_purchases.brand_id = :brand_id AND (
        (stock_purchases.state = 'bought') <> (orders.id IS NOT NULL)
        OR stock_quotes.vin <> stock_purchases.vin
        OR orders.price_minor <> stock_quotes.price_minor OR orders.guaranteed_other_minor <> 0
        OR orders.account_id <> stock_purchases.account_id OR orders.quote_id <> stock_purchases.quote_id
        OR orders.vin <> stock_purchases.vin
        OR stock_purchases.deposit_minor * 5 > stock_quotes.price_minor
    )
"""
_OVERDUE: Final = """
    SELECT stock_purchases.id FROM stock_purchases JOIN stock_holds ON stock_holds.id = stock_purchases.hold_id
    WHERE stock_purchases.brand_id = :brand_id
        AND (stock_purchases.state = 'open') <> (stock_holds.ended_at IS NULL)
"""

CHECKS: Final = (
    Check("a stock car that somebody holds is bound to no order", 2, rows_violating(_TAKEN_TWICE, shape="{vin}")),
    Check(
        "a stock car that was bought has one order, at its quote's price and for its buyer",
        7,
        rows_violating(_OTHER_TERMS, shape="purchase {id}"),
    ),
    Check(
        "a purchase is open exactly as long as its car is held",
        2,
        rows_violating(_OVERDUE, shape="purchase {id}"),
    ),
)
