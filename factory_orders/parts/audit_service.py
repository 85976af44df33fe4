"""What must hold of parts on a live database, derived from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from factory_orders.parts.tables import part_moves, part_stocks
from kernel.soundness import Check, rows_violating
from kernel.work import Work


def _wrong_stocks(work: Work) -> Iterator[str]:
    """Add up anew what moved of each part."""
    moved: Counter[tuple[str, str]] = Counter()
    move, stock = part_moves.c, part_stocks.c
    for row in work.connection.execute(
        select(move.plant_id, move.part, func.sum(move.quantity).label("moved"))
        .where(move.brand_id == work.actor.brand_id)
        .group_by(move.plant_id, move.part)
    ):
        moved[row.plant_id, row.part] = int(row.moved)
    found = select(stock.plant_id, stock.part, stock.on_hand).where(stock.brand_id == work.actor.brand_id)
    for row in work.connection.execute(found.order_by(stock.plant_id, stock.part)):
        if moved.pop((row.plant_id, row.part), 0) != row.on_hand:
            yield f"plant {row.plant_id} has {row.on_hand} of {row.part}, and its movements come to another number"
    for plant_id, part in sorted(key for key, number in moved.items() if number):
        yield f"plant {plant_id} moved {part} and has none"


# What a car holds: what it took and, changed after that, exchanged.
_HELD: Final = """
    WITH held AS (SELECT reference, part, SUM(quantity) AS quantity FROM part_moves
        WHERE brand_id = :brand_id AND kind IN ('used', 'exchanged') GROUP BY reference, part)
"""
_RETURNED_WRONGLY: Final = """
    SELECT build_orders.id, returned.part FROM part_moves AS returned
    JOIN build_orders ON build_orders.id = returned.reference
    LEFT JOIN held ON held.reference = returned.reference AND held.part = returned.part
    WHERE returned.brand_id = :brand_id AND returned.kind = 'returned' AND (held.reference IS NULL
        OR held.quantity <> -returned.quantity OR build_orders.stage <> 'withdrawn'
        OR EXISTS (SELECT 1 FROM plant_events
            WHERE plant_events.build_order_id = build_orders.id AND plant_events.stage = 'body'))
"""
# While news of cars that left is on its way their parts may still be about to come back.
_NOT_RETURNED: Final = """
    SELECT build_orders.id, held.part FROM held
    JOIN build_orders ON build_orders.id = held.reference
    LEFT JOIN part_moves AS returned ON returned.kind = 'returned' AND returned.reference = held.reference
        AND returned.part = held.part
    WHERE held.quantity <> 0 AND returned.id IS NULL
        AND build_orders.stage = 'withdrawn' AND NOT EXISTS (SELECT 1 FROM plant_events
            WHERE plant_events.build_order_id = build_orders.id AND plant_events.stage = 'body')
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.brand_id = :brand_id AND outbox.due_at IS NOT NULL
            AND outbox.kind = 'factory_orders.build_order_withdrawn')
"""
_EXCHANGED_WRONGLY: Final = """
    SELECT held.reference AS id, held.part FROM held WHERE held.quantity > 0
"""


def _wrong_returns(work: Work) -> Iterator[str]:
    yield from rows_violating(
        _HELD + _RETURNED_WRONGLY, shape="build order {id} gave back {part} that it had not taken"
    )(work)
    yield from rows_violating(_HELD + _NOT_RETURNED, shape="build order {id} has left and keeps its {part}")(work)
    yield from rows_violating(
        _HELD + _EXCHANGED_WRONGLY, shape="build order {id} exchanged more {part} than it had taken"
    )(work)


CHECKS: Final = (
    Check("what a plant has of a part is what moved of it", 3, _wrong_stocks),
    Check("what a car took of a part comes back where it leaves before its body", 3, _wrong_returns),
)
