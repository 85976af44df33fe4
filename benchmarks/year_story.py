"""One simulated year of the demo brand in a process that may be killed at any moment, and goes on where it was.

What has happened is in the database; beside it lies only the day that the story is at, written before the day is lived.
Every step of a day may come twice: what is there already is left as it is.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from benchmarks.year_people import live_as_buyers
from benchmarks.year_plot import BEGINS_AT, PLOTS, Plot, environment
from benchmarks.year_trade import find_damage, live_as_trade, still_conduct
from configurator.model import PoolingClass, Tier
from demand.pools.model import FailureChoice
from demand.pools.queries import pools_for_classes
from demand.service import PoolPlan, place_pre_orders
from factory_orders.pools_service import open_pool
from kernel import db, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.identity.tables import accounts
from kernel.ids import BrandId, SeededIds
from kernel.work import Works
from muster import migrate
from muster.daily import wind_up
from muster.demo import seed
from muster.demo.activity import DESIGNS, Stage, Story, class_of, design_cars, set_stage
from muster.demo.crowd import Car, add_buyers
from muster.logs import set_up_logs
from muster.settings import read_settings

MINIMUM: Final = 20
TIERS: Final = (Tier(20, 0), Tier(40, 200))
CLASSES: Final = (("L5", ()), ("S6", ()), ("M7", ()), ("L5", ("PT_PHEV_18",)))


def story_of(number: int) -> Story:
    """Return the n-th pool: its cars and how many people come; about a third of the pools stays too small."""
    model, wanted = CLASSES[number % len(CLASSES)]
    chance = random.Random(number)
    failure = chance.choice((FailureChoice.ROLL, FailureChoice.REFUND))
    return Story(0, model, wanted, chance.randint(12, 34), failure=failure)


def read_state(folder: Path) -> dict[str, Any]:
    """Return where the story is; a new one is at its beginning."""
    file = folder / "state.json"
    if not file.exists():
        counts: dict[str, Any] = {"cars": {}, "messages": {}, "cpu_seconds": 0.0}
        return {"now": BEGINS_AT.isoformat(), "gathered": 0, "starts": 0} | counts
    state: dict[str, Any] = orjson.loads(file.read_bytes())
    return state


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Put the new state in the place of the old one in one step."""
    new = folder / "state.new"
    new.write_bytes(orjson.dumps(state))
    new.replace(folder / "state.json")


def open_stage(folder: Path, state: dict[str, Any], plot: Plot, *, url: str) -> Stage:
    """Open the installation, with its brand in it, at the moment where the story is; each start has ids of its own."""
    settings = read_settings(environment(folder, url))
    set_up_logs(settings.log_level)
    clock = FixedClock(datetime.fromisoformat(state["now"]))
    works = Works(db.open_engine(settings.database_url), clock=clock, ids=SeededIds(state["starts"]))
    migrate.upgrade(works.engine)
    if not seed.is_seeded(works):
        seed.add_brand(works, settings, seed.FOLDER / "qilan")
    with works.read(system(BrandId("platform"))) as work:
        brand = registry.brand_by_code(work, "qilan")
    stage = set_stage(works, clock, settings, brand, {})
    # The mornings of a demo's past are left out; here they are lived.
    stage.chores = replace(stage.chores, timers=stage.runtime.chores.timers)
    stage.conduct, stage.conducts = plot.conduct, still_conduct(plot)
    stage.find = partial(find_damage, plot)
    wind_up(works)
    return stage


def gather(stage: Stage, number: int) -> None:
    """Open the n-th pool and let its people come, those who are in it already left out."""
    story = story_of(number)
    stage.chance.seed(number)
    with stage.works.change(system(stage.brand.id)) as work:
        cls = class_of(work, story)
        known = pools_for_classes(work, [cls]).get(cls)
        pool_id = (
            known.id
            if known is not None
            else open_pool(work, PoolPlan(cls, capacity=60, minimum=MINIMUM, tiers=TIERS)).pool.head.id
        )
        missing = story.people - (known.members if known is not None else 0)
        stage.next_number = 1 + work.connection.execute(select(func.count()).select_from(accounts)).scalar_one()
    if missing <= 0:
        return
    cars = wanted_cars(stage, story, cls, number)[:missing]
    buyers = add_buyers(stage.runtime, stage.brand, cars, first_number=stage.next_number)
    with stage.works.change(system(stage.brand.id)) as work:
        requests = [replace(one.request(pool_id=pool_id), failure_choice=story.failure) for one in buyers]
        outcomes = place_pre_orders(work, stage.runtime.providers, requests)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert not refused, refused[0]


def wanted_cars(stage: Stage, story: Story, cls: PoolingClass, number: int) -> list[Car]:
    """Return what the n-th pool's people want: what sells of a class is the same all year, so equal cars meet."""
    stage.chance.seed(number % len(CLASSES))
    designs = design_cars(stage, story.model, cls, count=DESIGNS)
    stage.chance.seed(number)
    return [stage.chance.choice(designs) for _ in range(story.people)]


def live(folder: Path, plot: Plot, *, url: str = "") -> None:
    """Live the days that are left, one after the other."""
    state = read_state(folder)
    state["starts"] += 1
    write_state(folder, state)
    stage = open_stage(folder, state, plot, url=url)
    ends_at = BEGINS_AT + timedelta(days=plot.days)
    while stage.clock.now() < ends_at:
        began = time.process_time()
        now = datetime.fromisoformat(state["now"])
        number = (now - BEGINS_AT).days
        if state["gathered"] * plot.pool_every <= number <= plot.days - plot.last_pool_before_end:
            gather(stage, state["gathered"])
            state["gathered"] += 1
        live_as_buyers(stage, plot)
        live_as_trade(stage, plot, number)
        stage.live_a_day()
        _count(state, stage, time.process_time() - began)
        state["now"] = (now + timedelta(days=1)).isoformat()
        write_state(folder, state)
        stage.clock.set(now + timedelta(days=1))
    stage.runtime.identity.close()
    stage.works.engine.dispose()


def _count(state: dict[str, Any], stage: Stage, cpu_seconds: float) -> None:
    for stage_of_car, cars in stage.tally.cars.items():
        state["cars"][stage_of_car.value] = state["cars"].get(stage_of_car.value, 0) + cars
    for word, messages in stage.tally.messages.items():
        state["messages"][word] = state["messages"].get(word, 0) + messages
    stage.tally.cars.clear()
    stage.tally.messages.clear()
    state["cpu_seconds"] += cpu_seconds


def main() -> None:
    """Live a year in a folder, or what is left of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plot", choices=sorted(PLOTS), default="year")
    parser.add_argument("--days", type=int, help="shorter than the plot")
    parser.add_argument("--url", default="", help="the database, by default a file in the folder")
    chosen = parser.parse_args()
    plot = PLOTS[chosen.plot]
    live(chosen.folder, replace(plot, days=chosen.days or plot.days), url=chosen.url)


if __name__ == "__main__":
    main()
