"""What must hold of light inventory on a live database: rounds are proven, the ledger of fairness replays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from factory_orders.light_stock.tables import fairness_lines
from kernel.soundness import Check, rows_violating
from kernel.work import Work

_ROUNDS: Final = """
    SELECT allocation_rounds.id, allocation_rounds.moved, COUNT(stock_moves.id) AS moves FROM allocation_rounds
    LEFT JOIN stock_moves ON stock_moves.round_id = allocation_rounds.id
    WHERE allocation_rounds.brand_id = :brand_id
    GROUP BY allocation_rounds.id, allocation_rounds.moved, allocation_rounds.cost_minor, allocation_rounds.bound_minor
    HAVING COUNT(stock_moves.id) <> allocation_rounds.moved
        OR allocation_rounds.cost_minor <> allocation_rounds.bound_minor
"""
_WAYS: Final = """
    SELECT stock_moves.id FROM stock_moves LEFT JOIN shipments ON shipments.id = stock_moves.shipment_id
    WHERE stock_moves.brand_id = :brand_id AND stock_moves.state = 'accepted' AND (shipments.id IS NULL
        OR shipments.vin <> stock_moves.vin OR shipments.store_id <> stock_moves.store_id
        OR shipments.order_id IS NOT NULL)
"""


def _wrong_lines(work: Work) -> Iterator[str]:
    """Replay what each store is owed of each model; over all stores it comes to nothing after each round."""
    table = fairness_lines.c
    owed: dict[tuple[str, str], int] = {}
    sums: Counter[tuple[str, str]] = Counter()
    found = select(fairness_lines).where(table.brand_id == work.actor.brand_id).order_by(table.id)
    for row in work.connection.execute(found):
        key = (row.store_id, row.model)
        if row.owed_before != owed.get(key, 0):
            yield f"line {row.id} begins at {row.owed_before}, the one before ended at {owed.get(key, 0)}"
        if row.owed_after != row.owed_before + row.entitled - row.received * 1_000:
            yield f"line {row.id} does not add up"
        owed[key] = row.owed_after
        sums[row.round_id, row.model] += row.entitled - row.received * 1_000
    for (round_id, model), total in sorted(sums.items()):
        if total:
            yield f"round {round_id} shares {total} thousandths of {model} too many or too few"


CHECKS: Final = (
    Check(
        "a sharing out of stock cars is proven, and has the moves that it says",
        2,
        rows_violating(_ROUNDS, shape="round {id} says {moved}, there are {moves}"),
    ),
    Check("a stock car that was sent goes its way to that store", 2, rows_violating(_WAYS, shape="move {id}")),
    Check("what stores are owed of stock cars replays from its lines and adds up to nothing", 2, _wrong_lines),
)
