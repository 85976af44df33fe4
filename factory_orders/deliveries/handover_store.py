"""Loads and saves handovers and the balances that were asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from factory_orders.deliveries.balance import Balance
from factory_orders.deliveries.model import OPEN, Handover
from factory_orders.deliveries.rows import HANDOVER_FIELDS, handover_from
from factory_orders.deliveries.tables import handovers, late_credits, order_balances
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work

_OPEN = [state.value for state in OPEN]


def _row(handover: Handover) -> dict[str, Any]:
    return {name: getattr(handover, name) for name in HANDOVER_FIELDS} | {
        "state": handover.state.value,
        "checklist": [
            {"point": point.point, "fine": point.fine, "remark": point.remark} for point in handover.checklist
        ],
    }


def insert_handover(work: Work, handover: Handover, *, place: int) -> bool:
    """Book a place of the store's hour; False where the place, or the order, has an open handover already."""
    row = _row(handover) | {"place": place}
    return bool(db.insert_new(work.connection, handovers, [row], returning="id"))


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
    found = (
        select(handovers)
        .where(handovers.c.id == handover_id, handovers.c.brand_id == work.actor.brand_id)
        .with_for_update()
    )
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("handover")
    return handover_from(row)


def handover_by_payment(work: Work, payment_id: str) -> Handover | None:
    """Return the handover whose balance a payment pays."""
    found = select(handovers).where(
        handovers.c.balance_payment_id == payment_id, handovers.c.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found.with_for_update()).mappings().first()
    return None if row is None else handover_from(row)


def open_handover(work: Work, order_id: str) -> Handover | None:
    """Return the open handover of an order of the actor's brand."""
    found = select(handovers).where(
        handovers.c.order_id == order_id,
        handovers.c.brand_id == work.actor.brand_id,
        handovers.c.state.in_(_OPEN),
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else handover_from(row)


def booked_meanwhile(work: Work, order_id: str) -> Handover | None:
    """Return, locked, an appointment made since one looked; for a change that has locked the order by now.

    Nobody books any more then. Elsewhere handovers are locked before orders: of two that meet one is decided anew.
    """
    known = open_handover(work, order_id)
    return None if known is None else lock_handover(work, known.id)


def save_handover(work: Work, handover: Handover) -> None:
    """Write where a handover stands."""
    names = ("state", "checklist", "balance_payment_id", "inspected_at", "ended_at", "reason")
    row = _row(handover)
    work.connection.execute(
        update(handovers).where(handovers.c.id == handover.id).values(**{name: row[name] for name in names})
    )


def write_balance(work: Work, handover: Handover, balance: Balance, *, day: date, policy_version: int) -> None:
    """Keep the lines of what was asked for, and the policy that the third-party lines of the day follow."""
    work.connection.execute(
        order_balances.insert().values(
            handover_id=handover.id,
            brand_id=handover.brand_id,
            order_id=handover.order_id,
            day=day,
            policy_version=policy_version,
            vehicle_minor=balance.vehicle_minor,
            guaranteed_other_minor=balance.guaranteed_other_minor,
            third_party_minor=balance.third_party_minor,
            earnest_minor=balance.earnest_minor,
            late_credit_minor=balance.late_credit_minor,
            agreed_minor=balance.agreed_minor,
            requested_at=work.now,
        )
    )


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
    found = select(func.coalesce(func.sum(late_credits.c.amount_minor), 0)).where(
        late_credits.c.order_id == order_id, late_credits.c.brand_id == work.actor.brand_id
    )
    return int(work.connection.execute(found).scalar_one())
