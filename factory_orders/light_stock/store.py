"""Saves plans of sales, rounds with their moves, and the ledger of fairness; locks an offered move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from factory_orders.light_stock.model import AllocationRound, FairnessLine, StockMove
from factory_orders.light_stock.rows import move_from
from factory_orders.light_stock.tables import (
    allocation_requests,
    allocation_rounds,
    fairness_lines,
    stock_moves,
    stock_plans,
)
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_plan(work: Work, store_id: str, model: str, weekly_milli: int) -> None:
    """Write how many stock cars of a model a store is expected to sell; the latest counts."""
    work.connection.execute(
        stock_plans.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            store_id=store_id,
            model=model,
            weekly_milli=weekly_milli,
            by_account_id=work.actor.account_id,
            at=work.now,
        )
    )


def ask_round(work: Work) -> None:
    """Ask for a sharing out of the brand's free cars; a request that waits already is the same one."""
    row = {"brand_id": work.actor.brand_id, "asked_at": work.now}
    db.insert_new(work.connection, allocation_requests, [row], returning="brand_id")


def take_request(work: Work) -> bool:
    """Take the request for a sharing out away; False where another worker was quicker."""
    gone = allocation_requests.delete().where(allocation_requests.c.brand_id == work.actor.brand_id)
    return work.connection.execute(gone).rowcount == 1


def insert_round(work: Work, one: AllocationRound, moves: Sequence[StockMove], lines: Sequence[FairnessLine]) -> None:
    """Write a sharing out with its moves and what it changed in what stores are owed."""
    work.connection.execute(allocation_rounds.insert().values(**_fields(one)))
    db.insert_many(work.connection, stock_moves, [_fields(move) | {"state": move.state.value} for move in moves])
    db.insert_many(work.connection, fairness_lines, [_fields(line) for line in lines])


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def lock_move(work: Work, move_id: str) -> StockMove:
    """Load a move and keep other answers to it waiting; refuses NotFound."""
    own = (stock_moves.c.id == move_id) & (stock_moves.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(stock_moves).where(own).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("stock move")
    return move_from(row)


def save_move(work: Work, move: StockMove) -> None:
    """Write how a move was answered."""
    work.connection.execute(
        update(stock_moves)
        .where(stock_moves.c.id == move.id)
        .values(state=move.state.value, answered_at=move.answered_at, shipment_id=move.shipment_id, reason=move.reason)
    )
