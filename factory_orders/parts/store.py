"""Loads and saves call-offs and stocks of parts; who plans a plant's parts locks the plant first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select, update

from factory_orders.parts.model import CallOff, CallOffState
from factory_orders.parts.rows import FIELDS, call_off_from
from factory_orders.parts.tables import call_offs, part_moves, part_stocks, part_takings
from kernel import db, registry
from kernel.errors import NotFound
from kernel.work import Work


def lock_plant(work: Work, plant_id: str) -> None:
    """Let nobody else move the plant's parts until this change is over; refuses NotFound."""
    own = (registry.plants.c.id == plant_id) & (registry.plants.c.brand_id == work.actor.brand_id)
    if work.connection.execute(select(registry.plants.c.id).where(own).with_for_update()).first() is None:
        raise NotFound("plant")


def insert_call_offs(work: Work, made: Sequence[CallOff]) -> None:
    """Write new call-offs."""
    rows = [{name: getattr(one, name) for name in FIELDS} | {"state": one.state.value} for one in made]
    db.insert_many(work.connection, call_offs, rows)


def lock_call_off(work: Work, call_off_id: str) -> CallOff:
    """Load a call-off and keep other changes to it waiting; refuses NotFound."""
    own = (call_offs.c.id == call_off_id) & (call_offs.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(call_offs).where(own).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("call-off")
    return call_off_from(row)


def save_call_off(work: Work, changed: CallOff) -> None:
    """Write where a call-off stands."""
    names = ("arrives_on", "answered_at", "ended_at", "received")
    values = {name: getattr(changed, name) for name in names} | {"state": changed.state.value}
    work.connection.execute(update(call_offs).where(call_offs.c.id == changed.id).values(**values))


def withdraw_open(work: Work, call_off_ids: Sequence[str]) -> set[str]:
    """Withdraw those of the call-offs that nobody has answered; returns their ids."""
    table = call_offs.c
    done = work.connection.execute(
        update(call_offs)
        .where(db.among(table.id, call_off_ids), table.state == CallOffState.OPEN.value)
        .values(state=CallOffState.WITHDRAWN.value, ended_at=work.now)
        .returning(table.id)
    )
    return set(done.scalars())


def move_stock(
    work: Work, plant_id: str, quantities: Mapping[str, int], *, kind: str, reference: str, only_counted: bool = False
) -> None:
    """Add to what a plant has of parts, never below nothing, and note what moved.

    A plant that uses more than it counted had more than it counted. With `only_counted` parts that it never counted nor
    received stay out.
    """
    table = part_stocks.c
    if not only_counted:
        rows = [
            {"plant_id": plant_id, "part": part, "brand_id": work.actor.brand_id, "on_hand": 0} for part in quantities
        ]
        db.insert_new(work.connection, part_stocks, rows, returning="part")
    found = select(table.part, table.on_hand).where(table.plant_id == plant_id, db.among(table.part, quantities))
    moves = []
    for row in work.connection.execute(found.order_by(table.part).with_for_update()).all():
        quantity = max(quantities[row.part], -row.on_hand)
        own = (table.plant_id == plant_id) & (table.part == row.part)
        work.connection.execute(update(part_stocks).where(own).values(on_hand=row.on_hand + quantity))
        moves.append(
            {
                "id": work.new_id(),
                "plant_id": plant_id,
                "part": row.part,
                "brand_id": work.actor.brand_id,
                "quantity": quantity,
                "kind": kind,
                "reference": reference,
                "by_account_id": work.actor.account_id,
                "at": work.now,
            }
        )
    db.insert_many(work.connection, part_moves, moves)


def parts_used(work: Work, build_order_id: str) -> dict[str, int]:
    """Return how many of each counted part a build order holds: what it took, and what it exchanged since."""
    table = part_moves.c
    own = (table.reference == build_order_id) & table.kind.in_(["used", "exchanged"])
    found = select(table.part, func.sum(table.quantity).label("moved")).where(own).group_by(table.part)
    return {row.part: -int(row.moved) for row in work.connection.execute(found) if row.moved}


def has_taken(work: Work, build_order_ids: Sequence[str]) -> set[str]:
    """Return those of the build orders of which it is noted that they have taken their parts, or take none any more."""
    found = select(part_takings.c.build_order_id).where(db.among(part_takings.c.build_order_id, build_order_ids))
    return set(work.connection.execute(found).scalars())


def note_takings(work: Work, build_order_ids: Sequence[str]) -> set[str]:
    """Note that build orders have taken their parts, or take none any more; returns those of which neither was noted.

    Who comes second waits for the first one's change to end.
    """
    row = {"brand_id": work.actor.brand_id, "at": work.now}
    rows = [row | {"build_order_id": one} for one in sorted(build_order_ids)]
    return db.insert_new(work.connection, part_takings, rows, returning="build_order_id")
