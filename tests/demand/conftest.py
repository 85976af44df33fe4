"""The small brand with its pool room that the tests of this room begin with."""

from __future__ import annotations

import pytest

from kernel.clock import FixedClock
from kernel.work import Works
from tests.demand.pool_room import PoolRoom, make_pool_room


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    """Return the small brand with its pool room, on a fresh database."""
    return make_pool_room(works, clock)
