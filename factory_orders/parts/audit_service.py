"""What must hold of parts on a live database, derived from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from factory_orders.parts.tables import part_moves, part_stocks
from kernel.soundness import Check
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


CHECKS: Final = (Check("what a plant has of a part is what moved of it", 3, _wrong_stocks),)
