"""What must hold of orders whose store has changed on a live database."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_CHANGED: Final = """
    SELECT store_changes.id FROM store_changes JOIN orders ON orders.id = store_changes.order_id
    WHERE store_changes.brand_id = :brand_id AND (orders.account_id <> store_changes.account_id
        OR (orders.store_id <> store_changes.to_store_id AND NOT EXISTS (SELECT 1 FROM store_changes AS later
            WHERE later.order_id = orders.id AND later.id > store_changes.id)))
"""

CHECKS: Final = (
    Check(
        "an order's car goes to the store that its buyer picked last",
        7,
        rows_violating(_CHANGED, shape="change {id}"),
    ),
)
