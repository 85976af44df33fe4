"""Loads and saves holds on promises, what became of dates, and published calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, select, update

from factory_orders.planning.capacity_store import load_weeks, promise_place
from factory_orders.planning.model import SLOT, OrderTerms
from factory_orders.planning.tables import orders
from factory_orders.promises.calibration import Calibration, Outcome
from factory_orders.promises.learning import left_in_time
from factory_orders.promises.model import Hold, HoldState
from factory_orders.promises.rows import hold_from
from factory_orders.promises.tables import LEFT_WITHOUT_CAR, promise_calibrations, promise_holds, promise_outcomes
from kernel import db, registry
from kernel.errors import NotFound
from kernel.timers import cancel_timer
from kernel.work import Work

OUTCOMES_MAX: Final = 200_000
HOLD_TIMER: Final = "factory_orders.promise_hold"


def insert_holds(work: Work, holds: Sequence[Hold]) -> None:
    """Write new holds."""
    names = [name for name in Hold.__dataclass_fields__ if name not in ("place", "state")]
    rows = [
        {name: getattr(hold, name) for name in names}
        | {"week": hold.place.week, "from_held": list(hold.place.from_held), "from_free": list(hold.place.from_free)}
        | {"state": hold.state.value}
        for hold in holds
    ]
    db.insert_many(work.connection, promise_holds, rows)


def lock_hold(work: Work, hold_id: str) -> Hold:
    """Load a hold and keep other changes to it waiting; refuses NotFound."""
    found = _holds(work).where(promise_holds.c.id == hold_id).with_for_update()
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("hold")
    return hold_from(row)


def live_hold_of_quote(work: Work, quote_id: str) -> Hold | None:
    """Return the hold that stands for a quote."""
    found = _holds(work).where(promise_holds.c.quote_id == quote_id, promise_holds.c.state != HoldState.ENDED.value)
    row = work.connection.execute(found).mappings().first()
    return None if row is None else hold_from(row)


def held_by_account(work: Work, account_id: str) -> Hold | None:
    """Return what somebody holds while ordering."""
    own = (promise_holds.c.account_id == account_id) & (promise_holds.c.state == HoldState.HELD.value)
    row = work.connection.execute(_holds(work).where(own)).mappings().first()
    return None if row is None else hold_from(row)


def live_holds(work: Work, *, quote_ids: Sequence[str], pre_order_ids: Sequence[str]) -> list[Hold]:
    """Return the holds that stand for these quotes or members."""
    table = promise_holds.c
    named = db.among(table.quote_id, quote_ids) | db.among(table.pre_order_id, pre_order_ids)
    found = _holds(work).where(table.state != HoldState.ENDED.value, named).order_by(table.id)
    return [hold_from(row) for row in work.connection.execute(found).mappings()]


def live_holds_of_pool(work: Work, pool_id: str) -> dict[str, Hold]:
    """Return a pool's live holds by quote; each quote has one at most."""
    table = promise_holds.c
    found = _holds(work).where(table.pool_id == pool_id, table.state != HoldState.ENDED.value)
    return {row["quote_id"]: hold_from(row) for row in work.connection.execute(found).mappings()}


def keep_holds(work: Work, members: Mapping[str, str]) -> None:
    """Keep holds for members, hold by pre-order."""
    for hold_id, pre_order_id in sorted(members.items()):
        work.connection.execute(
            update(promise_holds)
            .where(promise_holds.c.id == hold_id, promise_holds.c.state == HoldState.HELD.value)
            .values(state=HoldState.KEPT.value, pre_order_id=pre_order_id)
        )


def end_hold(work: Work, hold_id: str, *, reason: str) -> bool:
    """Write that a hold has ended; says whether it stood until now."""
    own = (promise_holds.c.id == hold_id) & (promise_holds.c.state != HoldState.ENDED.value)
    ending = update(promise_holds).where(own)
    done = work.connection.execute(ending.values(state=HoldState.ENDED.value, ended_at=work.now, reason=reason))
    return bool(done.rowcount)


def give_back(work: Work, hold: Hold, *, reason: str) -> None:
    """End a hold and let others have its place; one that has ended before changes nothing."""
    resources = sorted({SLOT, *hold.place.from_held, *hold.place.from_free})
    # The weeks first, as everybody else does.
    load_weeks(work, hold.plant_id, first=hold.place.week, pool_id=None, lock=True, resources=resources)
    if not end_hold(work, hold.id, reason=reason):
        return
    promise_place(work, hold.plant_id, hold.pool_id, hold.place, by=-1)
    cancel_timer(work, HOLD_TIMER, hold.id)


def end_holds_of_pool(work: Work, pool_id: str, *, reason: str) -> None:
    """Write that all holds of a pool have ended."""
    table = promise_holds.c
    own = (table.pool_id == pool_id) & (table.brand_id == work.actor.brand_id) & (table.state != HoldState.ENDED.value)
    ending = update(promise_holds).where(own)
    work.connection.execute(ending.values(state=HoldState.ENDED.value, ended_at=work.now, reason=reason))


def _holds(work: Work) -> Any:
    return select(promise_holds).where(promise_holds.c.brand_id == work.actor.brand_id)


# --- what became of dates --------------------------------------------------------------------------------------------


def insert_outcomes(
    work: Work,
    dated: Sequence[OrderTerms],
    planned: Mapping[str, date],
    dated_at: Mapping[str, datetime] = MappingProxyType({}),
) -> None:
    """Note the contract's dates of orders that have one; what is noted stays as it is.

    `planned` has by order the day that its weeks alone gave; an order that is missing there was planned for its date.
    `dated_at` has the moments whose margins made the dates that orders had before their weeks.
    """
    rows = [
        {
            "order_id": terms.id,
            "brand_id": terms.brand_id,
            "plant_id": terms.plant_id,
            "expected_on": min(terms.expected_on or terms.promised_by, terms.promised_by),
            "promised_by": terms.promised_by,
            "planned_on": planned.get(terms.id, terms.expected_on or terms.promised_by),
            "dated_at": dated_at.get(terms.id),
        }
        for terms in dated
        if terms.promised_by is not None
    ]
    db.insert_new(work.connection, promise_outcomes, rows, returning="order_id")


def write_ready(work: Work, order_ids: Sequence[str], ready_on: date | None) -> None:
    """Note the day orders' cars stood ready, or that the cars that did are not the buyers' any more."""
    own = db.among(promise_outcomes.c.order_id, order_ids)
    work.connection.execute(update(promise_outcomes).where(own).values(ready_on=ready_on))


def outcomes_until(work: Work, plant_id: str, *, after: date | None, until: date) -> list[Outcome]:
    """Return the promises of a plant that fell due after one day and until another.

    An order that ended before its car was late is nobody's promise any more and is left out.
    """
    table = promise_outcomes.c
    found = (
        select(
            table.expected_on,
            table.promised_by,
            table.ready_on,
            func.coalesce(orders.c.person_id, orders.c.account_id).label("person"),
            orders.c.ended_at,
            LEFT_WITHOUT_CAR.label("left_without_car"),
        )
        .join(orders, orders.c.id == table.order_id)
        .where(table.brand_id == work.actor.brand_id, table.plant_id == plant_id, table.promised_by <= until)
        .order_by(table.promised_by, table.order_id)
        .limit(OUTCOMES_MAX)
    )
    if after is not None:
        found = found.where(table.promised_by > after)
    zone = registry.own_brand(work).zone
    return [
        Outcome(row.expected_on, row.promised_by, row.ready_on, row.person)
        for row in work.connection.execute(found)
        if not left_in_time(row, zone)
    ]


def insert_calibration(work: Work, plant_id: str, released: Calibration) -> None:
    """Publish a calibration, once."""
    values = {name: getattr(released, name) for name in Calibration.__dataclass_fields__}
    own = {"id": work.new_id(), "plant_id": plant_id, "brand_id": work.actor.brand_id, "released_at": work.now}
    row = values | own
    db.insert_new(work.connection, promise_calibrations, [row], returning="last_day")


def last_calibrated_day(work: Work, plant_id: str) -> date | None:
    """Return the last day that a plant's published calibrations reach."""
    found = select(func.max(promise_calibrations.c.last_day)).where(promise_calibrations.c.plant_id == plant_id)
    latest: date | None = work.connection.execute(found).scalar()
    return latest
