"""What must hold of promises on a live database, derived from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from sqlalchemy import select

from demand.model import PooledPreOrder
from demand.pools.queries import pre_orders_seen
from factory_orders.planning.tables import pool_reservations
from factory_orders.promises.model import HoldState
from factory_orders.promises.tables import promise_holds
from kernel.soundness import Check, rows_violating
from kernel.work import Work

AT_ONCE: Final = 500


def _wrong_promises(work: Work) -> Iterator[str]:
    """Count anew what live holds take of what pools hold."""
    taken: Counter[tuple[str, date, str]] = Counter()
    holds, own = promise_holds.c, pool_reservations.c
    live = select(holds.pool_id, holds.week, holds.from_held, holds.from_free).where(
        holds.brand_id == work.actor.brand_id, holds.state != HoldState.ENDED.value
    )
    for row in work.connection.execute(live):
        taken.update((row.pool_id, row.week, resource) for resource in (*row.from_held, *row.from_free))
    found = select(own.pool_id, own.week, own.resource, own.promised).where(own.brand_id == work.actor.brand_id)
    for row in work.connection.execute(found.order_by(own.pool_id, own.week, own.resource)):
        holding = taken.pop((row.pool_id, row.week, row.resource), 0)
        if holding != row.promised:
            yield f"{row.resource} of pool {row.pool_id} in {row.week}: {row.promised} promised, {holding} held"
    for pool_id, week, resource in sorted(taken):
        yield f"{resource} of pool {pool_id} in {week} is held and counted nowhere"


def _elsewhere(work: Work) -> Iterator[str]:
    """Look for members whose place is kept in another pool than theirs."""
    holds = promise_holds.c
    kept = select(holds.pre_order_id, holds.pool_id).where(
        holds.brand_id == work.actor.brand_id, holds.state == HoldState.KEPT.value
    )
    rows = work.connection.execute(kept.order_by(holds.pre_order_id)).all()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        members = pre_orders_seen(work, [row.pre_order_id for row in some])
        for row in some:
            member = members.get(row.pre_order_id)
            if isinstance(member, PooledPreOrder) and member.pool_id != row.pool_id:
                yield f"the place of {row.pre_order_id} is kept in pool {row.pool_id}, not in {member.pool_id}"


_UNDATED: Final = """
    SELECT orders.id FROM orders LEFT JOIN promise_outcomes ON promise_outcomes.order_id = orders.id
    WHERE orders.brand_id = :brand_id AND orders.promised_by IS NOT NULL
        AND (promise_outcomes.order_id IS NULL OR promise_outcomes.promised_by <> orders.promised_by)
"""

# A pool that has locked gives back what its orders did not take, once none of them waits for a week.
_HELD_FOR_NOBODY: Final = """
    SELECT pool_reservations.pool_id, SUM(pool_reservations.held) AS held FROM pool_reservations
    JOIN pool_plans ON pool_plans.pool_id = pool_reservations.pool_id AND pool_plans.closed_at IS NOT NULL
    WHERE pool_reservations.brand_id = :brand_id AND pool_reservations.held > 0 AND NOT EXISTS (
        SELECT 1 FROM orders
        LEFT JOIN build_orders ON build_orders.order_id = orders.id AND build_orders.stage <> 'withdrawn'
        WHERE orders.pool_id = pool_reservations.pool_id AND orders.state = 'scheduled' AND build_orders.id IS NULL
    )
    GROUP BY pool_reservations.pool_id
"""

CHECKS: Final = (
    Check("what pools have promised is what holds and members take of it", 3, _wrong_promises),
    Check("a member's place is kept in the pool that they are in", 3, _elsewhere),
    Check(
        "a pool that is over holds nothing but for its orders that wait for a week",
        3,
        rows_violating(_HELD_FOR_NOBODY, shape="pool {pool_id} holds {held}"),
    ),
    Check(
        "each order with a contract's date counts towards the calibration of promises by that date",
        7,
        rows_violating(_UNDATED, shape="order {id}"),
    ),
)
