"""What must hold of offers for a long wait on a live database, derived from the rows."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_CREDITS: Final = """
    SELECT wait_offers.id, wait_offers.order_id, wait_offers.credit_minor FROM wait_offers
    LEFT JOIN ledger_transfers ON ledger_transfers.kind = 'wait_credit'
        AND ledger_transfers.reference = wait_offers.order_id AND ledger_transfers.brand_id = wait_offers.brand_id
    WHERE wait_offers.brand_id = :brand_id AND COALESCE(ledger_transfers.amount_minor, 0) <>
        CASE WHEN wait_offers.credited_at IS NULL THEN 0 ELSE wait_offers.credit_minor END
"""
_DECLINED: Final = """
    SELECT wait_offers.id, orders.state FROM wait_offers JOIN orders ON orders.id = wait_offers.order_id
    WHERE wait_offers.brand_id = :brand_id AND wait_offers.state = 'declined' AND orders.state <> 'cancelled'
"""

CHECKS: Final = (
    Check(
        "who stayed for an offer is credited once the car is theirs, and nobody else",
        1,
        rows_violating(_CREDITS, shape="offer {id} of order {order_id}: not credited as it says ({credit_minor})"),
    ),
    Check(
        "who declined an offer has left",
        1,
        rows_violating(_DECLINED, shape="offer {id} is declined and its order is {state}"),
    ),
)
