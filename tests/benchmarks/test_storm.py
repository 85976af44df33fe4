"""The storm's benchmark runs from end to end in small; what it measures is no matter here, what it checks is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from benchmarks.scene import opened
from benchmarks.storm import PARTS, SMALLEST, SQLITE, NotSound, check_sound, run_benchmark, table_of
from benchmarks.storm_scene import prepare_storm
from demand.service import Placed, place_pre_orders
from kernel.actor import system
from kernel.ids import BrandId
from kernel.money import Money
from muster.audit import audit


def test_a_crowd_made_in_bulk_is_sound_and_whoever_is_missing_is_noticed(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/storm.db"
    with opened(url) as runtime:
        storm = prepare_storm(runtime, places=100, buyers=3, pools=1, buyers_each=2)
        requests = [one.request(pool_id=storm.hot.pool_id) for one in storm.hot.buyers]
        requests += [one.request(pool_id=storm.spread[0].pool_id) for one in storm.spread[0].buyers]
        placed = runtime.works.run(
            system(BrandId("platform")),
            lambda work: place_pre_orders(work.acting(system(storm.brand.id)), runtime.providers, requests),
        )
        ids = [one.pre_order_id for one in placed if isinstance(one, Placed)]
        findings = [
            line for brand in audit(runtime.works, runtime.checks) for one in brand.findings for line in one.violations
        ]

        check_sound(url, ids)
        with pytest.raises(NotSound):
            check_sound(url, [*ids, "f" * 32])
        with runtime.works.engine.begin() as connection:
            connection.execute(text("UPDATE pools SET members = members + 1 WHERE members = 3"))
        with pytest.raises(NotSound):
            check_sound(url, ids)

    assert len(ids) == 5
    assert findings == []
    assert all(one.pre_order.head.deposit_minor == Money(500_000).minor for one in placed if isinstance(one, Placed))


def test_joins_on_sqlite_are_measured() -> None:
    lines = list(run_benchmark(replace(SMALLEST, parts=(SQLITE,), joins=120), say=lambda _: None))

    assert [line.reached is None for line in lines] == [False, True]
    assert "CPU" in table_of(lines)


@pytest.mark.prove
@pytest.mark.postgres
def test_every_part_of_the_storm_is_measured() -> None:
    lines = list(run_benchmark(SMALLEST, say=lambda _: None))

    assert len(lines) == 2 + 2 + 1 + 1 + 1
    assert len(PARTS) == 5
    assert "0 missed" in lines[-1].showed
