"""What must hold of offers of free cars on a live database: proven, and a car that is offered is nobody else's."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_ROUNDS: Final = """
    SELECT early_rounds.id, early_rounds.offered, COUNT(early_offers.id) AS offers FROM early_rounds
    LEFT JOIN early_offers ON early_offers.round_id = early_rounds.id
    WHERE early_rounds.brand_id = :brand_id
    GROUP BY early_rounds.id, early_rounds.offered, early_rounds.saved_minor, early_rounds.saved_at_most_minor
    HAVING COUNT(early_offers.id) <> early_rounds.offered
        OR early_rounds.saved_minor <> early_rounds.saved_at_most_minor
"""
_TAKEN: Final = """
    SELECT early_offers.id FROM early_offers
    LEFT JOIN orders ON orders.id = early_offers.order_id AND orders.account_id = early_offers.account_id
    WHERE early_offers.brand_id = :brand_id AND (orders.id IS NULL
        OR (early_offers.state = 'open' AND EXISTS (SELECT 1 FROM allocations
            WHERE allocations.vin = early_offers.vin AND allocations.ended_at IS NULL))
        OR (early_offers.state = 'accepted' AND NOT EXISTS (SELECT 1 FROM allocations
            WHERE allocations.vin = early_offers.vin AND allocations.order_id = early_offers.order_id)))
"""

CHECKS: Final = (
    Check(
        "a round of offers of free cars is proven, and has the offers that it says",
        2,
        rows_violating(_ROUNDS, shape="round {id} says {offered}, there are {offers}"),
    ),
    Check(
        "a free car that is offered is bound to nobody, and one that was taken was bound to its buyer",
        2,
        rows_violating(_TAKEN, shape="offer {id}"),
    ),
)
