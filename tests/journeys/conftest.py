"""The journeys run on both databases: one installation each, with the small demo brand, and the large one on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from kernel.work import Works
from muster.logs import set_up_logs
from tests.journeys.town import House, Town, add_town, open_house
from tests.support.databases import Database


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Log as the server does, errors only."""
    set_up_logs("ERROR")


@pytest.fixture
def house(works: Works, clock: FixedClock, database: Database) -> Iterator[House]:
    """Return an installation without any brand."""
    with open_house(works, clock, database.url) as made:
        yield made


@pytest.fixture
def borealis(house: House) -> Town:
    """Return the small demo brand."""
    return add_town(house, "borealis")


@pytest.fixture
def qilan(house: House) -> Town:
    """Return the large demo brand."""
    return add_town(house, "qilan")
