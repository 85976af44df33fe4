"""What the database itself holds of pools, whoever writes: a frozen offer stays, a locked price never rises."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from demand.pools.tables import pools, pre_orders
from kernel.actor import system
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom

CAP = 12_000_000


def frozen_member(room: PoolRoom) -> str:
    room.open(days=21)
    (member, *_) = room.join(1, 2, 3, cap=CAP)
    room.pass_time(days=18, hours=1)
    with room.works.read(system(BRAND)) as work:
        assert work.connection.execute(select(pools.c.state)).scalar_one() == "frozen"
    return member.pre_order_id


def write(room: PoolRoom, pre_order_id: str, **values: Any) -> None:
    with room.works.change(system(BRAND)) as work:
        work.connection.execute(update(pre_orders).where(pre_orders.c.id == pre_order_id).values(**values))


@pytest.mark.parametrize(
    "weaker",
    [
        {"state": "withdrawn"},
        {"price_cap_minor": CAP - 1},
        {"vehicle_price_minor": pre_orders.c.vehicle_price_minor + 2, "price_cap_minor": CAP + 1},
    ],
)
def test_the_database_lets_nobody_leave_a_frozen_pool_or_offer_less(room: PoolRoom, weaker: dict[str, Any]) -> None:
    member = frozen_member(room)

    with pytest.raises(IntegrityError, match="frozen pool"):
        write(room, member, **weaker)


@pytest.mark.parametrize("state", ["removed", "refunded"])
def test_a_removal_and_the_end_of_a_frozen_pool_are_let_through(room: PoolRoom, state: str) -> None:
    member = frozen_member(room)

    write(room, member, price_cap_minor=CAP + 1)
    write(room, member, vehicle_price_minor=pre_orders.c.vehicle_price_minor + 2, price_cap_minor=CAP + 3)
    write(room, member, state=state)

    assert room.states()[member] == state


def test_the_database_lets_no_locked_price_rise(room: PoolRoom) -> None:
    room.open(days=21)
    (member, *_) = room.join(1, 2, 3, cap=CAP)
    room.pass_time(days=21)
    assert room.states()[member.pre_order_id] == "locked"

    with pytest.raises(IntegrityError, match="locked price never rises"):
        write(room, member.pre_order_id, price_minor=pre_orders.c.price_minor + 1)

    write(room, member.pre_order_id, price_minor=pre_orders.c.price_minor - 1)
