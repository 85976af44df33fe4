"""Loads and saves handovers and the balances that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from factory_orders.deliveries.balance import Balance
from factory_orders.deliveries.model import OPEN, Handover, HandoverState
from factory_orders.deliveries.rows import HANDOVER_FIELDS, handover_from
from factory_orders.deliveries.tables import handovers, late_credits, order_balances
from factory_orders.errors import HandoverNotPossible
from factory_orders.planning.model import AtStoreOrder, Order
from factory_orders.planning.order_store import lock_orders
from kernel import db
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.reasons import because
from kernel.work import Work

_OPEN = [state.value for state in OPEN]


def _row(handover: Handover) -> dict[str, Any]:
    return {name: getattr(handover, name) for name in HANDOVER_FIELDS} | {
        "state": handover.state.value,
        "checklist": [
            {"point": point.point, "fine": point.fine, "remark": point.remark} for point in handover.checklist
        ],
    }


def insert_handovers(work: Work, new: Sequence[tuple[Handover, int]]) -> set[str]:
    """Book places of stores' hours; returns the ids of those where neither place nor order is taken already."""
    rows = [_row(handover) | {"place": place} for handover, place in new]
    return db.insert_new(work.connection, handovers, rows, returning="id")


def move_handover(work: Work, handover: Handover, *, place: int) -> bool:
    """Write another time for an appointment; False where somebody else has just taken the place."""
    moved = (
        update(handovers)
        .where(handovers.c.id == handover.id)
        .values(appointment_at=handover.appointment_at, place=place)
    )
    try:
        with work.connection.begin_nested():
            work.connection.execute(moved)
    except IntegrityError:
        return False
    return True


def lock_handover(work: Work, handover_id: str) -> Handover:
    """Load a handover and keep other changes to it waiting; refuses NotFound."""
    found = lock_handovers(work, [handover_id]).get(handover_id)
    if found is None:
        raise NotFound("handover")
    return found


def lock_handovers(work: Work, handover_ids: Sequence[str]) -> dict[str, Handover]:
    """Load handovers of the actor's brand by id and keep other changes to them waiting."""
    found = (
        select(handovers)
        .where(db.among(handovers.c.id, handover_ids), handovers.c.brand_id == work.actor.brand_id)
        .order_by(handovers.c.id)
        .with_for_update()
    )
    return {row["id"]: handover_from(row) for row in work.connection.execute(found).mappings()}


@dataclass(frozen=True, slots=True)
class Held:
    """Handovers and their orders, as one change has locked them: a handover always before its order."""

    handovers: Mapping[str, Handover]
    orders: Mapping[str, Order]

    def of_buyer(self, actor: Actor, handover_id: str) -> Handover:
        """Return a buyer's own handover, wherever its order is by now, or refuse (NotFound)."""
        handover = self.handovers.get(handover_id)
        if handover is None or self.orders[handover.order_id].terms.account_id != actor.signed_in():
            raise NotFound("handover")
        return handover

    def own(self, actor: Actor, handover_id: str) -> tuple[Handover, AtStoreOrder]:
        """Return a buyer's own handover with its order, or refuse (NotFound, HandoverNotPossible)."""
        handover = self.of_buyer(actor, handover_id)
        order = self.orders[handover.order_id]
        if not isinstance(order, AtStoreOrder):
            needs = "NOTHING_MORE" if handover.state is HandoverState.SIGNED else "CAR_NEEDED"
            raise HandoverNotPossible(handover.state.value, because(needs))
        return handover, order


def hold_handovers(work: Work, handover_ids: Sequence[str]) -> Held:
    """Load handovers of the actor's brand with their orders and keep other changes to them waiting."""
    assert len(set(handover_ids)) == len(handover_ids), "a handover is asked about once"
    found = lock_handovers(work, handover_ids)
    return Held(found, lock_orders(work, [one.order_id for one in found.values()]))


def handover_by_payment(work: Work, payment_id: str) -> Handover | None:
    """Return the handover whose balance a payment pays."""
    found = select(handovers).where(
        handovers.c.balance_payment_id == payment_id, handovers.c.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found.with_for_update()).mappings().first()
    return None if row is None else handover_from(row)


def open_handover(work: Work, order_id: str) -> Handover | None:
    """Return the open handover of an order of the actor's brand."""
    return open_handovers(work, [order_id]).get(order_id)


def open_handovers(work: Work, order_ids: Sequence[str]) -> dict[str, Handover]:
    """Return by order the open handovers of orders of the actor's brand; an order has one at most."""
    found = select(handovers).where(
        db.among(handovers.c.order_id, order_ids),
        handovers.c.brand_id == work.actor.brand_id,
        handovers.c.state.in_(_OPEN),
    )
    return {row["order_id"]: handover_from(row) for row in work.connection.execute(found).mappings()}


def booked_meanwhile(work: Work, order_id: str) -> Handover | None:
    """Return, locked, an appointment made since one looked; for a change that has locked the order by now.

    Nobody books any more then. Elsewhere handovers are locked before orders: of two that meet one is decided anew.
    """
    known = open_handover(work, order_id)
    return None if known is None else lock_handover(work, known.id)


def save_handover(work: Work, handover: Handover) -> None:
    """Write where a handover stands."""
    save_handovers(work, [handover])


def save_handovers(work: Work, changed: Sequence[Handover]) -> None:
    """Write where handovers stand."""
    if not changed:
        return
    names = ("state", "checklist", "balance_payment_id", "inspected_at", "ended_at", "reason")
    statement = update(handovers).where(handovers.c.id == bindparam("b_id"))
    rows = [(handover.id, _row(handover)) for handover in changed]
    work.connection.execute(
        statement.values({name: bindparam(f"b_{name}") for name in names}),
        [{"b_id": own} | {f"b_{name}": row[name] for name in names} for own, row in rows],
    )


def write_balances(work: Work, asked: Sequence[tuple[Handover, Balance]], *, day: date, policy_version: int) -> None:
    """Keep the lines of what was asked for, and the policy that the third-party lines of the day follow."""
    rows = [
        {name: getattr(balance, name) for name in Balance.__dataclass_fields__}
        | {
            "handover_id": handover.id,
            "brand_id": handover.brand_id,
            "order_id": handover.order_id,
            "day": day,
            "policy_version": policy_version,
            "requested_at": work.now,
        }
        for handover, balance in asked
    ]
    db.insert_many(work.connection, order_balances, rows)


def balance_of(work: Work, handover_id: str) -> Balance | None:
    """Return the lines of what was asked for at a handover."""
    table = order_balances.c
    row = work.connection.execute(
        select(*(table[name] for name in Balance.__dataclass_fields__)).where(
            table.handover_id == handover_id, table.brand_id == work.actor.brand_id
        )
    ).first()
    return None if row is None else Balance(*row)


def write_late_credits(work: Work, order_id: str, amounts: dict[date, int]) -> dict[date, int]:
    """Write the credits of late days; returns those that were not there before."""
    rows = [
        {"order_id": order_id, "day": day, "brand_id": work.actor.brand_id, "amount_minor": amount, "at": work.now}
        for day, amount in sorted(amounts.items())
    ]
    fresh = db.insert_new(work.connection, late_credits, rows, returning="day")
    return {day: amount for day, amount in amounts.items() if day in fresh}


def late_credit_total(work: Work, order_id: str) -> int:
    """Return all that was credited for an order's late days, in fen."""
    return late_credit_totals(work, [order_id]).get(order_id, 0)


def late_credit_totals(work: Work, order_ids: Sequence[str]) -> dict[str, int]:
    """Return by order all that was credited for its late days, in fen; an order that was never late is left out."""
    table = late_credits.c
    found = (
        select(table.order_id, func.sum(table.amount_minor))
        .where(db.among(table.order_id, order_ids), table.brand_id == work.actor.brand_id)
        .group_by(table.order_id)
    )
    return {order_id: int(total) for order_id, total in work.connection.execute(found)}
