"""A pool as large as a launch, with more members than a statement has parameters, ends like every other one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import ColumnElement, Table, func, select, text, update

import muster.notice_texts as _texts  # noqa: F401 - the kinds of notices are known
from configurator.model import Tier
from configurator.tables import quotes
from demand.pools.clearing_service import cancel_pool, clear_pool
from demand.pools.model import FailureChoice
from demand.pools.queries import locked_members, member_accounts
from demand.pools.tables import pools, pre_orders
from kernel import db
from kernel.actor import system
from kernel.ledger import ledger_transfers
from kernel.notices import Fact, NewNotice, notices, notify_many
from kernel.payments.tables import payments
from kernel.work import Work
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom

MEMBERS: Final = 66_000
CAPACITY: Final = 90_000
AT_ONCE: Final = 6_000


@pytest.mark.prove
def test_a_large_pool_can_be_cancelled(room: PoolRoom) -> None:
    pool_id = crowded(room)

    with room.works.change(PLANNER) as work:
        cancel_pool(work, pool_id, reason="the plant burnt down")

    assert room.count(pool_id, "refunded") == MEMBERS


@pytest.mark.prove
def test_a_large_pool_that_fails_gives_everybody_the_money_back(room: PoolRoom) -> None:
    pool_id = crowded(room, minimum=CAPACITY)
    room.clock.advance(timedelta(days=22))

    with room.works.change(system(BRAND)) as work:
        clear_pool(work, pool_id)

    assert room.count(pool_id, "refunded") == MEMBERS


@pytest.mark.prove
def test_the_members_of_a_large_pool_are_told_and_become_orders(room: PoolRoom) -> None:
    pool_id = crowded(room)

    with room.works.change(system(BRAND)) as work:
        facts: dict[str, Fact] = {"members": MEMBERS, "deadline": work.now}
        notify_many(work, [NewNotice(one, "pool_frozen", facts, "e" * 32) for one in member_accounts(work, pool_id)])
        told = work.connection.execute(select(func.count()).select_from(notices)).scalar_one()
        locked = {"state": "locked", "price_minor": pre_orders.c.vehicle_price_minor}
        work.connection.execute(update(pre_orders).where(pre_orders.c.pool_id == pool_id).values(locked))
        members = locked_members(work, pool_id)

    assert (told, len(members)) == (MEMBERS, MEMBERS)


WAITING: Final = 10_400
"""More than the change that opens a pool looks at."""


@pytest.mark.prove
def test_of_more_who_wait_than_one_change_takes_in_nobody_is_forgotten(room: PoolRoom) -> None:
    room.open(tiers=[Tier(3, 0)])
    (first,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    names = ("id", "quote_id", "payment_id", "person_id", "account_id")
    with room.works.change(system(BRAND)) as work:
        which = quotes.c.id == first.pre_order.head.quote_id
        copy(work, quotes, which, lambda n: {"id": f"{n:032x}"}, until=WAITING)
        which = payments.c.id == first.payment_id
        copy(work, payments, which, _copied, until=WAITING)
        which = pre_orders.c.id == first.pre_order_id
        copy(work, pre_orders, which, lambda n: dict.fromkeys(names, f"{n:032x}"), until=WAITING)

    pool_id = room.open(capacity=12_000, tiers=[Tier(3, 0)])
    at_the_opening = room.head(pool_id).members
    (newcomer,) = room.join(900_000)
    room.pass_time(seconds=1)

    assert at_the_opening == 10_000
    assert room.head(pool_id).members == WAITING + 1
    assert set(room.states().values()) == {"pooled"}
    with room.works.read(system(BRAND)) as work:
        places = select(pre_orders.c.id).where(pre_orders.c.pool_id == pool_id).order_by(pre_orders.c.place_number)
        found = list(work.connection.execute(places).scalars())
    # By the time of funding, which decides who is in, the newcomer comes after them all.
    assert found.index(newcomer.pre_order_id) == 10_000


def crowded(room: PoolRoom, *, minimum: int = 3) -> str:
    """Open a pool, let one person join and copy that member, with quote and deposit, until there are MEMBERS."""
    pool_id = room.open(capacity=CAPACITY, tiers=[Tier(minimum, 0)])
    (member,) = room.join(1)
    room.settle()
    head = member.pre_order.head
    with room.works.change(system(BRAND)) as work:
        copy(work, quotes, quotes.c.id == head.quote_id, lambda n: {"id": f"{n:032x}"})
        copy(
            work,
            payments,
            payments.c.id == member.payment_id,
            _copied,
        )
        copy(
            work,
            pre_orders,
            pre_orders.c.id == member.pre_order_id,
            lambda n: (
                dict.fromkeys(("id", "quote_id", "payment_id", "person_id", "account_id"), f"{n:032x}")
                | {"place_number": n}
            ),
        )
        copy(
            work,
            ledger_transfers,
            ledger_transfers.c.reference == member.payment_id,
            lambda n: {"id": f"{n:032x}", "reference": f"{n:032x}", "credit_account": f"deposit:{n:032x}"},
        )
        full = {"members": MEMBERS, "joined": MEMBERS, "reaching_minimum": MEMBERS, "reaching": [MEMBERS]}
        work.connection.execute(update(pools).where(pools.c.id == pool_id).values(full))
    with room.works.engine.connect() as connection:
        # As the server does by itself a little later: plans for a table of one row look at all of them each time.
        connection.execute(text("ANALYZE"))
        connection.commit()
    return pool_id


def _copied(number: int) -> dict[str, Any]:
    return {"id": f"{number:032x}", "subject_id": f"{number:032x}", "provider_reference": f"copy-{number}"}


def copy(
    work: Work,
    table: Table,
    which: ColumnElement[bool],
    changes: Callable[[int], dict[str, Any]],
    *,
    until: int = MEMBERS,
) -> None:
    """Write one row again for the second member up to the last."""
    row = dict(work.connection.execute(select(table).where(which)).mappings().one())
    for start in range(2, until + 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, until + 1))
        db.insert_many(work.connection, table, [row | changes(number) for number in numbers])
