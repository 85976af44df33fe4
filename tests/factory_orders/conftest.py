"""The open brand that the tests of this room begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel import db
from kernel.clock import FixedClock
from kernel.work import Works
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.factory_orders.trade import Trade, open_trade


@pytest.fixture
def trade(works: Works, clock: FixedClock) -> Trade:
    """Return the small brand, open, on a fresh database."""
    return open_trade(works, clock)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    """Return the small brand with its pool room, on a fresh database."""
    return make_pool_room(works, clock)


@pytest.fixture
def postgres_trade(postgres_url: str, clock: FixedClock) -> Iterator[Trade]:
    """Return the small brand, open, on a fresh database of PostgreSQL."""
    engine = db.open_engine(postgres_url)
    yield open_trade(Works(engine, clock=clock), clock)
    engine.dispose()
