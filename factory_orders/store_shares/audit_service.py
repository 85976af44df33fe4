"""What must hold of stores' parts on a live database: each handover has one, and the ledger has what it says."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_SHARES: Final = """
    SELECT orders.id FROM orders LEFT JOIN store_shares ON store_shares.order_id = orders.id
    WHERE orders.brand_id = :brand_id AND (
        (orders.state = 'delivered') <> (store_shares.order_id IS NOT NULL)
        OR store_shares.store_id <> orders.store_id OR store_shares.vin <> orders.vin
        OR (store_shares.kind = 'stock') <> (orders.origin = 'stock')
        OR (store_shares.kind = 'stock'
            AND store_shares.sold_minor <> orders.price_minor + orders.agreed_minor + orders.guaranteed_other_minor)
        OR (store_shares.kind = 'fee' AND store_shares.sold_minor > orders.guaranteed_other_minor)
        OR store_shares.share_minor <> COALESCE((SELECT SUM(CASE WHEN ledger_transfers.kind = 'store_share'
            THEN ledger_transfers.amount_minor ELSE -ledger_transfers.amount_minor END) FROM ledger_transfers
            WHERE ledger_transfers.reference = orders.id
            AND ledger_transfers.kind IN ('store_share', 'store_shortfall')), 0)
    )
"""

CHECKS: Final = (
    Check(
        "a store has its part of each car that was signed for, as the ledger has it",
        1,
        rows_violating(_SHARES, shape="order {id}"),
    ),
)
