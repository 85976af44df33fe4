"""The end of a batch: when its last car has left the line, or was taken off it."""

from __future__ import annotations

from sqlalchemy import select

from factory_orders.planning.model import BatchState
from factory_orders.planning.order_store import lock_batch, move_batch
from factory_orders.plant.tables import IS_OPEN, build_orders
from kernel.work import Work


def complete_batch(work: Work, batch_id: str) -> None:
    """Complete a batch once each of its build orders has passed the line's end or was withdrawn.

    The batch is held before it is looked at: of two last cars that pass at once each would see the other on the line.
    """
    lock_batch(work, batch_id)
    table = build_orders.c
    left = select(table.id).where(table.batch_id == batch_id, IS_OPEN).limit(1)
    if work.connection.execute(left).first() is None:
        move_batch(work, batch_id, BatchState.COMPLETE, only_from=[BatchState.BUILDING])
