"""The open brand that the tests of this room begin with."""

from __future__ import annotations

import pytest

from kernel.clock import FixedClock
from kernel.work import Works
from tests.factory_orders.trade import Trade, open_trade


@pytest.fixture
def trade(works: Works, clock: FixedClock) -> Trade:
    """Return the small brand, open, on a fresh database."""
    return open_trade(works, clock)
