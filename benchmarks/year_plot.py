"""What happens in a simulated year beside the plan, how often and when; chance is drawn from what it is about alone.

Nobody's lot depends on when it is drawn, so a story that was killed goes on as it would have gone on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from factory_orders.plant.simulation import PlantConduct, Stop
from muster.demo import seed

BEGINS_AT: Final = datetime(2026, 1, 5, 10, tzinfo=seed.ZONE)


def day_of(number: int) -> date:
    """Return a day of the story; the first is 0."""
    return (BEGINS_AT + timedelta(days=number)).date()


def drawn(what: str, who: object, among: int) -> int:
    """Return the lot of somebody or something: 0 up to one less than `among`."""
    digest = hashlib.sha256(f"{what}:{who}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % among


def falls(what: str, who: object, per_mille: int) -> bool:
    """Say whether it falls to somebody; to so many of a thousand it does."""
    return drawn(what, who, 1_000) < per_mille


@dataclass(frozen=True, slots=True)
class Rates:
    """How many of a thousand buyers, cars, weeks or days it falls to."""

    withdraws: int = 40
    leaves_after_lock: int = 40
    leaves_on_build_day: int = 8
    pays_after_second_notice: int = 30
    never_pays: int = 15
    takes_repaired_car: int = 600
    declines_repaired_car: int = 200
    takes_offer: int = 850
    picks_store_late: int = 200
    scratched: int = 25
    dented: int = 8
    wrecked: int = 2
    carrier_disputes: int = 300
    store_refuses_car: int = 100
    store_answers_not: int = 150
    shown: int = 100
    sold_a_day: int = 40
    held_only: int = 150
    leaves_stock_car: int = 50


@dataclass(frozen=True, slots=True)
class Plot:
    """A year's plan and its mishaps: days are counted from its first, `pool_every` and the like in days.

    From `store_closes` on a store closes as soon as none of its cars waits for a buyer; `still_plant` stands still
    for `still_days` from `stands_still` on.
    """

    days: int = 365
    pool_every: int = 7
    last_pool_before_end: int = 140
    stock_every: int = 14
    stock_stores: int = 8
    store_closes: int = 150
    still_plant: str = "xiangyang"
    stands_still: int = 246
    still_days: int = 9
    conduct: PlantConduct = field(
        default_factory=lambda: PlantConduct(
            rework_percent=6,
            scrapped_percent=2,
            stopped_percent=25,
            stop_hours_max=96,
            late_part_percent=8,
            lost_percent=5,
            unanswered_percent=5,
            repeated_percent=5,
            late_percent=5,
        )
    )
    rates: Rates = field(default_factory=Rates)


YEAR: Final = Plot()
# Some months in which everything happens, and often enough for a few pools to meet it.
SAMPLE: Final = Plot(
    days=126,
    pool_every=7,
    last_pool_before_end=105,
    store_closes=45,
    still_plant="changzhou",
    stands_still=64,
    still_days=5,
    stock_every=7,
    conduct=PlantConduct(
        rework_percent=6,
        # Which cars it falls to depends on their ids, so on the kills: that it falls to none of over a hundred has to
        # be out of the question.
        scrapped_percent=15,
        stopped_percent=25,
        stop_hours_max=96,
        late_part_percent=40,
        lost_percent=5,
        unanswered_percent=5,
        repeated_percent=5,
        late_percent=5,
    ),
    rates=Rates(
        withdraws=80,
        leaves_after_lock=80,
        leaves_on_build_day=40,
        never_pays=60,
        pays_after_second_notice=60,
        scratched=120,
        dented=80,
        wrecked=30,
        sold_a_day=120,
        leaves_stock_car=150,
    ),
)
PLOTS: Final = {"year": YEAR, "sample": SAMPLE}


def still_plant_stop(plot: Plot) -> Stop:
    """Return when the plant of a plot stands still."""
    begins_at = BEGINS_AT + timedelta(days=plot.stands_still)
    return Stop(begins_at, begins_at + timedelta(days=plot.still_days))


def environment(folder: Path, url: str = "") -> dict[str, str]:
    """Return the settings of the year's own installation; without an address its database is a file in the folder."""
    return {
        "MUSTER_DEMO": "1",
        "MUSTER_DATABASE_URL": url or f"sqlite:///{folder / 'year.db'}",
        "MUSTER_LOG_LEVEL": "ERROR",
    }
