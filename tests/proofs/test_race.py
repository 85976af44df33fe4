"""N places and some times as many buyers at 64 callers, through HTTP: N members, and the others kept their money."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from benchmarks.processes import serving
from demand.pools.tables import pools, pre_orders
from kernel.actor import system
from kernel.ledger import ledger_transfers
from kernel.payments.tables import payments
from tests.support.databases import Database
from tests.support.launch import prepare_launch
from tests.support.site import each, go, mark_migrated, surroundings, unsound, wire_here

PLACES = 60
CALLERS = 64


def processes_of(database: Database) -> int:
    """Return how many server processes race: two where the database can be shared."""
    return 2 if database.engine.dialect.name == "postgresql" else 1


@pytest.mark.parametrize("times", [2, pytest.param(6, marks=pytest.mark.prove)])
def test_as_many_get_a_place_as_there_are_and_the_others_keep_their_money(database: Database, times: int) -> None:
    mark_migrated(database.engine)
    runtime = wire_here(database.url, database.engine)
    launch = prepare_launch(runtime, buyers=times * PLACES, capacity=PLACES, member_limit=PLACES)

    with serving(surroundings(database.url, processes=processes_of(database)), "--no-worker") as running:
        answers = go(
            lambda site: each(launch.buyers, lambda buyer: site.place(buyer, launch.pool_id), callers=CALLERS),
            port=running.port,
            callers=CALLERS,
        )

    assert [answer for answer in answers if "errors" in answer] == []
    told = Counter(answer["data"]["placePreOrder"]["__typename"] for answer in answers)
    assert told == {"PreOrder": PLACES, "PoolFull": (times - 1) * PLACES}
    with runtime.works.read(system(launch.brand.id)) as work:
        connection = work.connection
        members = set(
            connection.execute(select(pre_orders.c.account_id).where(pre_orders.c.state == "pooled")).scalars()
        )
        assert len(members) == PLACES
        assert connection.execute(select(pools.c.members, pools.c.joined)).all() == [(PLACES, PLACES)]
        assert set(connection.execute(select(payments.c.account_id)).scalars()) == members
        assert connection.execute(select(func.count()).select_from(pre_orders)).scalar_one() == PLACES
        assert connection.execute(select(func.count()).select_from(ledger_transfers)).scalar_one() == PLACES
    assert unsound(runtime) == []
