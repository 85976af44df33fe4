"""What is done once a day for each brand, early in its morning: released statistics, and the root over the record."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import select

from demand.service import release_cubes
from kernel import record, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.registry import Brand
from kernel.timers import set_timer, timers
from kernel.work import Work, Works

DAILY_TIMER: Final = "muster.daily"
AT: Final = time(3)


def next_morning(brand: Brand, now: datetime) -> datetime:
    """Return the next three o'clock in the morning in a brand's zone, in UTC."""
    day = now.astimezone(brand.zone).date()
    today = datetime.combine(day, AT, brand.zone)
    return (today if today > now else datetime.combine(day + timedelta(days=1), AT, brand.zone)).astimezone(UTC)


def wind_up(works: Works) -> None:
    """Set each brand's daily timer where there is none; a worker does so when it starts."""
    with works.change(system(BrandId("platform"))) as work:
        known = set(work.connection.execute(select(timers.c.key).where(timers.c.kind == DAILY_TIMER)).scalars())
        for brand in registry.all_brands(work):
            if brand.id not in known:
                set_timer(work.acting(system(brand.id)), DAILY_TIMER, brand.id, next_morning(brand, work.now))


def each_morning(work: Work, brand_id: str, _payload: Any) -> None:
    """Release the cubes, seal yesterday, and come again tomorrow."""
    brand = registry.own_brand(work)
    release_cubes(work)
    yesterday = work.now.astimezone(brand.zone).date() - timedelta(days=1)
    if record.day_root(work, brand, yesterday) is None:
        record.seal_day(work, brand, yesterday)
    set_timer(work, DAILY_TIMER, brand_id, next_morning(brand, work.now))
