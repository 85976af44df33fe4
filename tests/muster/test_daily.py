"""Each morning: statistics are released, missed days sealed, and what is over swept; one that fails stops no other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from demand.cubes.tables import cube_cells
from kernel import db, news, outbox, record, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.idempotency import idempotency_keys
from kernel.identity.model import IdentitySettings
from kernel.identity.tables import throttles
from kernel.ids import BrandId
from kernel.timers import fire_due, set_timer, timers
from kernel.work import Work, Works
from muster.audit import CHECKS
from muster.daily import CUBES_TIMER, DAILY_TIMER, SEAL_TIMER, SWEEP_TIMER, morning_timers, wind_up
from tests.configurator.small_brand import BRAND, found_brand, open_small_brand
from tests.support.sound_world import make_sound_world

OTHER = BrandId("c" * 32)
SETTINGS = IdentitySettings(identity_key=b"k" * 32)
TIMERS = morning_timers(SETTINGS)


@pytest.fixture
def brands(works: Works) -> Works:
    """Return two brands; at ten in the morning their workers start."""
    open_small_brand(works)
    found_brand(works, brand_id=OTHER, code="pine")
    wind_up(works)
    return works


def fire(works: Works) -> None:
    while fire_due(works, TIMERS):
        pass


def due(works: Works) -> dict[tuple[str, str], Any]:
    with works.read(system(BRAND)) as work:
        return {(row.kind, row.key): row.due_at for row in work.connection.execute(select(timers))}


def roots(works: Works, brand_id: BrandId) -> list[date]:
    with works.read(system(brand_id)) as work:
        days = select(record.record_days.c.day).where(record.record_days.c.brand_id == brand_id)
        return list(work.connection.execute(days.order_by(record.record_days.c.day)).scalars())


def test_a_brand_whose_zone_is_none_keeps_no_other_from_its_mornings(works: Works) -> None:
    open_small_brand(works)
    found_brand(works, brand_id=OTHER, code="pine")
    with works.change(system(BRAND)) as work:
        work.connection.execute(
            registry.brands.update().where(registry.brands.c.id == BRAND).values(timezone="Mars/One")
        )

    wind_up(works)

    assert set(due(works)) == {(DAILY_TIMER, OTHER)}


def test_at_three_in_the_morning_yesterday_is_sealed_for_every_brand(brands: Works, clock: FixedClock) -> None:
    with brands.change(system(BRAND)) as work:
        record.append(work, "vin:1", "test.made", {})
    clock.advance(timedelta(hours=16, minutes=59))
    fire(brands)
    before = roots(brands, BRAND)
    clock.advance(timedelta(minutes=1))

    fire(brands)
    wind_up(brands)

    assert (before, roots(brands, BRAND), roots(brands, OTHER)) == ([], [date(2026, 11, 23)], [date(2026, 11, 23)])
    tomorrow = clock.now() + timedelta(days=1)
    assert due(brands) == {(DAILY_TIMER, BRAND): tomorrow, (DAILY_TIMER, OTHER): tomorrow}


def test_days_without_a_worker_are_sealed_when_one_is_back(brands: Works, clock: FixedClock) -> None:
    with brands.change(system(BRAND)) as work:
        record.append(work, "vin:1", "test.made", {})
    clock.advance(timedelta(days=70))

    fire(brands)

    assert roots(brands, BRAND) == [date(2026, 11, 23) + timedelta(days=number) for number in range(70)]
    with brands.read(system(BRAND)) as work:
        brand = registry.own_brand(work)
        first = record.day_root(work, brand, date(2026, 11, 23))
        last = record.day_root(work, brand, date(2027, 1, 31))
    assert first is not None
    assert last is not None
    assert first.root == last.root


def test_what_is_over_is_swept_in_as_many_turns_as_it_takes(brands: Works, clock: FixedClock) -> None:
    now = clock.now()
    with brands.change(system(BRAND)) as work:
        db.insert_many(work.connection, idempotency_keys, [key_row(work, number) for number in range(5)])
        work.connection.execute(insert(throttles).values(key="k", attempts=[], changed_at=now))
        old = work.connection.execute(select(func.count()).select_from(news.outbox)).scalar_one()
    while outbox.deliver(brands, []):
        pass
    clock.advance(timedelta(days=31))

    while fire_due(brands, morning_timers(SETTINGS, rows_max=2)):
        pass

    assert old > 0
    with brands.read(system(BRAND)) as work:
        left = [
            work.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (idempotency_keys, throttles, news.outbox)
        ]
    assert left[:2] == [0, 0]
    assert left[2] == fresh_letters(brands, clock)
    assert (SWEEP_TIMER, "platform") not in due(brands)


def key_row(work: Work, number: int) -> dict[str, Any]:
    return {
        "account_id": "1" * 32,
        "key": f"key-{number:08}",
        "token": work.new_id(),
        "request_hash": "0" * 64,
        "outcome": None,
        "at": work.now,
    }


def fresh_letters(works: Works, clock: FixedClock) -> int:
    """Count what the morning's own work has told."""
    with works.read(system(BRAND)) as work:
        found = select(func.count()).select_from(news.outbox).where(news.outbox.c.at == clock.now())
        return int(work.connection.execute(found).scalar_one())


def test_statistics_that_cannot_be_released_hold_up_nothing_else(brands: Works, clock: FixedClock) -> None:
    def fail(_work: Work, _key: str, _payload: Any) -> None:
        raise RuntimeError("no pandas today")

    clock.advance(timedelta(days=1))
    while fire_due(brands, TIMERS | {CUBES_TIMER: fail}):
        pass

    assert roots(brands, BRAND) == [date(2026, 11, 23)]
    left = due(brands)
    assert {(DAILY_TIMER, BRAND), (CUBES_TIMER, BRAND)} <= set(left)
    assert (SEAL_TIMER, BRAND) not in left
    clock.advance(timedelta(hours=2))
    fire(brands)
    assert (CUBES_TIMER, BRAND) not in due(brands)
    with brands.read(system(BRAND)) as work:
        assert work.connection.execute(select(func.count()).select_from(cube_cells)).scalar_one() == 0


def test_a_brand_whose_old_keys_are_swept_is_sound(works: Works, clock: FixedClock) -> None:
    make_sound_world(works, clock)
    clock.advance(timedelta(days=40))
    with works.change(system(BRAND)) as work:
        set_timer(work, SWEEP_TIMER, "platform", work.now)

    fire(works)

    with works.read(system(BRAND)) as work:
        assert work.connection.execute(select(func.count()).select_from(idempotency_keys)).scalar_one() == 0
        (check,) = (one for one in CHECKS if "each pre-order has one" in one.name)
        assert list(check.look(work)) == []
