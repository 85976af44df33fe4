"""A circle of an owner and a member."""

from __future__ import annotations

import pytest

from demand.circles.model import CircleAccess, CircleKind
from demand.service import (
    NewOwner,
    found_circle,
    join_circle,
    note_owners,
)
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.work import Works
from tests.configurator.small_brand import BRAND
from tests.demand.circles.owners_room import MEMBER, OWNER
from tests.demand.pool_room import PoolRoom, make_pool_room


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    """Let the first of three persons have got the car that was pre-ordered."""
    room = make_pool_room(works, clock)
    owner = room.buyer(OWNER)
    assert owner.account_id is not None and owner.person_id is not None
    with works.change(system(BRAND)) as work:
        for _ in range(2):
            note_owners(
                work, [NewOwner("an order", "L0LL50C11VA000125", owner.account_id, owner.person_id, "A1", work.now)]
            )
    return room


@pytest.fixture
def circle_id(room: PoolRoom) -> str:
    with room.works.change(room.buyer(OWNER)) as work:
        made = found_circle(work, kind=CircleKind.MODEL, subject="A1", title="A1", text="", access=CircleAccess.OPEN).id
    with room.works.change(room.buyer(MEMBER)) as work:
        join_circle(work, made)
    return made
