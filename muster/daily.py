"""What is done once a day for each brand, early in its morning: released statistics, roots over the record, a sweep.

Each part has a timer of its own, so that one that fails holds up no other, and what is much comes in bounded batches.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

import structlog
from sqlalchemy import select

import factory_orders.service
from demand.service import CIRCLES_TIMER, make_digest, release_circles, release_cubes
from factory_orders.planning.weekly.service import plan_all_books
from factory_orders.service import call_off_all, learn_margins, release_calibration
from factory_orders.waiting.service import offer_long_waits
from kernel import idempotency, outbox, record, registry
from kernel.actor import system
from kernel.identity import account_service
from kernel.identity.model import IdentitySettings
from kernel.ids import BrandId
from kernel.registry import Brand
from kernel.timers import Handler, set_timer, timers
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
DAILY_TIMER: Final = "muster.daily"
CUBES_TIMER: Final = "muster.cubes"
DIGEST_TIMER: Final = "muster.digest"
SEAL_TIMER: Final = "muster.seal"
SWEEP_TIMER: Final = "muster.sweep"
PARTS_TIMER: Final = "muster.parts"
CALIBRATION_TIMER: Final = "muster.calibration"
STOCK_TIMER: Final = "muster.stock"
PLATFORM: Final = BrandId("platform")
AT: Final = time(3)
ROWS_MAX: Final = 2_000


def morning_timers(settings: IdentitySettings, *, rows_max: int = ROWS_MAX) -> dict[str, Handler]:
    """Return what the worker fires, by the timer's kind; a turn of the sweep takes `rows_max` of each kind of row."""
    return {
        DAILY_TIMER: each_morning,
        CUBES_TIMER: _release,
        DIGEST_TIMER: _digest,
        CIRCLES_TIMER: _release_circles,
        SEAL_TIMER: _seal,
        CALIBRATION_TIMER: _calibrate,
        PARTS_TIMER: call_off_all,
        STOCK_TIMER: factory_orders.service.ask_for_round,
        SWEEP_TIMER: partial(_sweep, settings, rows_max),
    }


def next_morning(brand: Brand, now: datetime) -> datetime:
    """Return the next three o'clock in the morning in a brand's zone, in UTC."""
    day = now.astimezone(brand.zone).date()
    today = datetime.combine(day, AT, brand.zone)
    return (today if today > now else datetime.combine(day + timedelta(days=1), AT, brand.zone)).astimezone(UTC)


def wind_up(works: Works) -> None:
    """Set each brand's daily timer where there is none; a worker does so when it starts.

    A brand for which that fails is logged and left out: it must not keep the worker from all others.
    """
    with works.change(system(PLATFORM)) as work:
        known = set(work.connection.execute(select(timers.c.key).where(timers.c.kind == DAILY_TIMER)).scalars())
        for brand in registry.all_brands(work):
            if brand.id in known:
                continue
            try:
                begin_mornings(work, brand)
            except (ValueError, OSError, ZoneInfoNotFoundError) as error:
                log.error("brand_without_mornings", brand=brand.code, timezone=brand.timezone, exc_info=error)


def begin_mornings(work: Work, brand: Brand) -> None:
    """Set a brand's daily timer; a brand that is added while workers run has its first morning tomorrow as well."""
    set_timer(work.acting(system(brand.id)), DAILY_TIMER, brand.id, next_morning(brand, work.now))


def each_morning(work: Work, brand_id: str, _payload: Any) -> None:
    """Set the morning's parts going, and come again tomorrow. The sweep is one for all brands."""
    set_timer(work, STOCK_TIMER, brand_id, work.now)
    set_timer(work, CUBES_TIMER, brand_id, work.now)
    # After the release, of which it tells.
    set_timer(work, DIGEST_TIMER, brand_id, work.now)
    set_timer(work, CIRCLES_TIMER, brand_id, work.now)
    set_timer(work, SEAL_TIMER, brand_id, work.now)
    set_timer(work, CALIBRATION_TIMER, brand_id, work.now)
    set_timer(work, PARTS_TIMER, brand_id, work.now)
    plan_all_books(work)
    offer_long_waits(work)
    set_timer(work.acting(system(PLATFORM)), SWEEP_TIMER, PLATFORM, work.now)
    set_timer(work, DAILY_TIMER, brand_id, next_morning(registry.own_brand(work), work.now))


def _release(work: Work, _brand_id: str, _payload: Any) -> None:
    release_cubes(work)


def _calibrate(work: Work, _brand_id: str, _payload: Any) -> None:
    """Publish how many promises of the months that are over were kept, and learn from them for the next ones."""
    release_calibration(work)
    learn_margins(work)


def _digest(work: Work, _brand_id: str, _payload: Any) -> None:
    make_digest(work)


def _release_circles(work: Work, _brand_id: str, _payload: Any) -> None:
    release_circles(work)


def _seal(work: Work, brand_id: str, _payload: Any) -> None:
    """Seal what is over, also the days on which no worker ran; a long absence takes several turns."""
    if len(record.seal_due(work, registry.own_brand(work))) == record.DAYS_MAX:
        set_timer(work, SEAL_TIMER, brand_id, work.now)


def _sweep(settings: IdentitySettings, rows_max: int, work: Work, key: str, _payload: Any) -> None:
    """Delete a batch of what is over: sessions and tokens, keys, settled letters; and again while there is some."""
    swept = account_service.sweep(work, settings)
    swept += idempotency.sweep(work, rows_max=rows_max)
    swept += outbox.sweep(work, rows_max=rows_max)
    if swept:
        set_timer(work, SWEEP_TIMER, key, work.now)
