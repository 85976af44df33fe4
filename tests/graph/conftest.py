"""What the tests of the API share: both demo brands in a real database, and the server over it.

Most tests are about the API and run on SQLite, on copies of one file; `town` takes turns on both databases where a
test asks for `town_on_both`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from configurator import service as configurator_service
from configurator.queries import version_in_force
from configurator.quote_service import QuoteDesk
from configurator.signing import QuoteKey
from demand.service import DEPOSIT_PURPOSE, fund_pre_order
from factory_orders.service import BALANCE_PURPOSE, receive_balance
from graph.app import build_app
from graph.services import Services
from kernel import db, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId, SeededIds
from kernel.registry import Brand
from kernel.sandbox import Sandbox
from kernel.work import Works
from muster.brands import BrandFolder, add_brand_from_folder
from muster.doors import pre_order_door
from muster.logs import set_up_logs
from tests.configurator.small_brand import PLANNER, found_brand
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import make_pool_room
from tests.factory_orders.trade import SYSTEM, Trade
from tests.graph.client import Http, open_http
from tests.graph.counter import Counter
from tests.graph.support import Passes
from tests.support.databases import copy_sqlite

DEMO: Final = Path(__file__).resolve().parents[2] / "muster" / "demo"
QUOTE_SEED: Final = b"a seed of the tests, thirty-two bytes or more"


@dataclass(frozen=True, slots=True)
class Town:
    """Two brands side by side; the second one must never be seen from the first."""

    works: Works
    brand: Brand
    foreign: Brand


def settle(works: Works) -> Town:
    """Set up both demo brands with their catalogues."""
    brands = []
    for name in ("qilan", "borealis"):
        folder = BrandFolder(DEMO / name)
        with works.change(system(BrandId(""))) as work:
            brands.append(add_brand_from_folder(work, folder))
        with works.change(system(brands[-1].id)) as work:
            configurator_service.publish_folder(work, folder.catalogue)
    return Town(works, *brands)


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Log as the server does, errors only."""
    set_up_logs("ERROR")


@pytest.fixture(scope="session")
def town_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the file with both brands that tests get copies of."""
    path = tmp_path_factory.mktemp("town") / "town.db"
    engine = db.open_engine(copy_sqlite(sqlite_template, path))
    settle(Works(engine, clock=FixedClock(MONDAY_MORNING), ids=SeededIds(seed=2)))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def town(town_file: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Town]:
    """Return both brands in a fresh SQLite database."""
    engine = db.open_engine(copy_sqlite(town_file, tmp_path / "town.db"))
    works = Works(engine, clock=clock, ids=SeededIds(seed=3))
    with works.read(system(BrandId(""))) as work:
        brands = [registry.brand_by_code(work, code) for code in ("qilan", "borealis")]
    yield Town(works, *brands)
    engine.dispose()


@pytest.fixture
def passes() -> Passes:
    """Return what stands where sign-in stands in tests of everything else."""
    return Passes()


@pytest.fixture
def services(town: Town, passes: Passes) -> Iterator[Services]:
    """Return what the doors are made of, with bugs failing loudly."""
    made = make_services(town, passes)
    yield made
    close(made)


def close(services: Services) -> None:
    """Stop the thread of the door."""
    assert services.pre_order_door is not None
    services.pre_order_door.close()


def make_services(town: Town, identity: object) -> Services:
    """Return the services of a town."""
    sandbox = Sandbox(town.works.engine, b"a secret of the tests", clock=town.works.clock)
    providers = {sandbox.name: sandbox}
    return Services(
        works=town.works,
        pre_order_door=pre_order_door(town.works, providers),
        providers=providers,
        payment_uses={DEPOSIT_PURPOSE: fund_pre_order},
        default_brand=town.brand.code,
        quote_desk=QuoteDesk(QuoteKey.from_seed(QUOTE_SEED)),
        identity=identity,
        demo=True,
        strict=True,
    )


@pytest.fixture
def http(services: Services) -> Iterator[Http]:
    """Return a client of the server."""
    with open_http(build_app(services)) as client:
        yield client


@pytest.fixture
def town_on_both(works: Works) -> Town:
    """Return both brands on SQLite, then on PostgreSQL."""
    return settle(works)


@pytest.fixture
def http_on_both(town_on_both: Town, passes: Passes) -> Iterator[Http]:
    """Return a client of a server on SQLite, then on PostgreSQL."""
    services = make_services(town_on_both, passes)
    with open_http(build_app(services)) as client:
        yield client
    close(services)


@pytest.fixture
def counter(works: Works, clock: FixedClock, passes: Passes) -> Iterator[Counter]:
    """Return the counter of the small brand, with another brand beside it, on SQLite, then on PostgreSQL."""
    room = make_pool_room(works, clock)
    found_brand(works, brand_id=BrandId("c" * 32), code="pine")
    with works.read(SYSTEM) as work:
        town = Town(works, *(registry.brand_by_code(work, code) for code in ("fir", "pine")))
    uses = {DEPOSIT_PURPOSE: fund_pre_order, BALANCE_PURPOSE: receive_balance}
    with works.read(PLANNER) as work:
        version, _ = version_in_force(work)
    services = replace(make_services(town, passes), payment_uses=uses)
    with open_http(build_app(services)) as http:
        yield Counter(http, room, Trade(works, clock, room.sandbox, version.id), passes)
    close(services)
