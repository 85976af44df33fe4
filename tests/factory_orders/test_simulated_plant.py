"""A simulated plant: rework, spoilt cars, a line that stands still, messages that get lost; in the end all is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from factory_orders.errors import PlantEventGap, PlantEventOutOfOrder
from factory_orders.model import BuildOrder, PlantReport, Stage
from factory_orders.plant.model import FOLLOWS, take_report
from factory_orders.plant.simulation import (
    FAULTLESS,
    Fate,
    PlantConduct,
    Stop,
    fate_of,
    part_days_late,
    simulate_build,
    stop_of_week,
)
from factory_orders.plant.tables import build_orders, plant_events
from kernel.errors import Refusal
from muster.demo.client import Unanswered
from muster.demo.plant import Outcome, OwnDoor, SimulatedPlant, Tally, ToBuild, report_each
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import PLANT_MACHINE, SYSTEM, Trade

MONDAY = date(2026, 11, 23)
SIX = datetime(2026, 11, 23, 6, tzinfo=UTC)
BAD_DAYS = PlantConduct(rework_percent=30, scrapped_percent=10, stopped_percent=60, stop_hours_max=120)
BAD_LINE = PlantConduct(lost_percent=20, unanswered_percent=20, repeated_percent=20, late_percent=20)
STILL = Stop(SIX + timedelta(hours=20), SIX + timedelta(days=9))
conducts = st.builds(
    PlantConduct,
    rework_percent=st.integers(0, 50),
    scrapped_percent=st.integers(0, 50),
    stopped_percent=st.integers(0, 100),
    stop_hours_max=st.integers(1, 120),
    late_part_percent=st.integers(0, 100),
    part_days_max=st.integers(1, 10),
    still=st.sampled_from([None, STILL]),
    lost_percent=st.integers(0, 40),
    unanswered_percent=st.integers(0, 20),
    repeated_percent=st.integers(0, 20),
    late_percent=st.integers(0, 20),
)


class MemoryDoor:
    """Takes reports as the room does, in memory; now and then no answer comes although the report was taken."""

    def __init__(self, cars: int, *, deaf_every: int = 0) -> None:
        self.orders = {f"{number:032x}": _queued(f"{number:032x}") for number in range(cars)}
        self.taken: dict[str, tuple[str, PlantReport]] = {}
        self.deaf_every = deaf_every
        self.calls = 0

    def now(self) -> datetime:
        return SIX + timedelta(weeks=5)

    def to_build(self, last_day: date) -> Iterator[ToBuild]:
        for one in self.orders.values():
            if one.day <= last_day:
                yield ToBuild(one.id, one.plant_id, one.day, one.stage, one.moved_at)

    def report_all(self, reports: Iterable[tuple[str, PlantReport]]) -> Iterator[Outcome | None]:
        return report_each(self.report, reports)

    def report(self, build_order_id: str, report: PlantReport) -> Outcome:
        self.calls += 1
        known = self.taken.get(report.event_id)
        if known is not None:
            assert known == (build_order_id, report), "what is sent again says the same"
            return "repeated"
        try:
            moved = take_report(self.orders[build_order_id], report, now=self.now(), clock_ahead=timedelta(minutes=5))
        except Refusal as refusal:
            return "out_of_order" if isinstance(refusal, PlantEventOutOfOrder | PlantEventGap) else "refused"
        self.orders[build_order_id] = moved
        self.taken[report.event_id] = (build_order_id, report)
        if self.deaf_every and self.calls % self.deaf_every == 0:
            raise Unanswered("no answer")
        return "accepted"


def _queued(build_order_id: str) -> BuildOrder:
    return BuildOrder(
        id=build_order_id,
        brand_id=BRAND,
        order_id=build_order_id,
        batch_id="c" * 32,
        plant_id="p" * 32,
        week=MONDAY,
        day=MONDAY,
        position=1,
        model="A1",
        options=(),
        catalogue_version_id="v" * 32,
        stage=Stage.QUEUED,
        moved_at=SIX - timedelta(days=30),
        events=0,
        released_at=SIX - timedelta(days=30),
    )


# --- what happens on the line ----------------------------------------------------------------------------------------


@given(conducts, st.integers(0, 10_000))
def test_whatever_its_conduct_a_car_goes_through_its_stages_in_order_and_comes_to_an_end(
    conduct: PlantConduct, seed: int
) -> None:
    reports = list(simulate_build(f"{seed:032x}", starts_at=SIX, conduct=conduct, seed=seed, plant="p"))

    stages = [Stage.QUEUED, *(report.stage for report in reports)]
    assert all(after in FOLLOWS[before] for before, after in pairwise(stages))
    assert stages[-1] in (Stage.PASSED, Stage.SCRAPPED)
    assert all(before.occurred_at < after.occurred_at for before, after in pairwise(reports))


@given(conducts, st.integers(0, 10_000))
def test_nothing_is_finished_while_the_line_stands_still(conduct: PlantConduct, seed: int) -> None:
    for report in simulate_build(f"{seed:032x}", starts_at=SIX, conduct=conduct, seed=seed, plant="p"):
        stop = stop_of_week("p", report.occurred_at.date(), conduct=conduct, seed=seed)
        assert stop is None or not stop.begins_at < report.occurred_at < stop.ends_at
        assert conduct.still is None or not STILL.begins_at < report.occurred_at < STILL.ends_at


def test_a_stop_makes_the_cars_late_that_it_meets_by_its_length_and_no_other() -> None:
    conduct = PlantConduct(rework_percent=0, stopped_percent=100, stop_hours_max=120)
    later = Counter[bool]()

    for seed in range(200):
        stop = stop_of_week("p", MONDAY, conduct=conduct, seed=seed)
        assert stop is not None
        plain = list(simulate_build("a" * 32, starts_at=SIX, conduct=FAULTLESS, seed=seed, plant="p"))
        stopped = list(
            simulate_build(
                "a" * 32,
                starts_at=SIX,
                conduct=replace(FAULTLESS, stopped_percent=100, stop_hours_max=120),
                seed=seed,
                plant="p",
            )
        )
        met = stop.begins_at < plain[-1].occurred_at and stop.ends_at > SIX
        late = stopped[-1].occurred_at - plain[-1].occurred_at
        later[met] += 1
        assert late == (stop.ends_at - max(stop.begins_at, SIX) if met else timedelta())

    assert later[True] > 20
    assert later[False] > 20


def test_while_a_plant_stands_still_for_days_its_cars_wait_and_go_on_where_they_were() -> None:
    plain = list(simulate_build("a" * 32, starts_at=SIX, conduct=FAULTLESS, plant="p"))
    waiting = list(simulate_build("a" * 32, starts_at=SIX, conduct=replace(FAULTLESS, still=STILL), plant="p"))

    length = STILL.ends_at - STILL.begins_at
    assert [later.occurred_at - before.occurred_at for later, before in zip(waiting, plain, strict=True)] == [
        timedelta() if before.occurred_at <= STILL.begins_at else length for before in plain
    ]
    assert plain[0].occurred_at < STILL.begins_at < plain[-1].occurred_at


def test_a_late_part_keeps_every_second_car_of_its_week_waiting_by_its_days() -> None:
    conduct = replace(FAULTLESS, late_part_percent=50, part_days_max=6)
    weeks = [MONDAY + timedelta(weeks=week) for week in range(400)]
    days = [part_days_late("p", week + timedelta(days=3), conduct=conduct, seed=1) for week in weeks]

    assert days == [part_days_late("p", week, conduct=conduct, seed=1) for week in weeks]
    assert set(days) == set(range(7))
    assert 150 < sum(day > 0 for day in days) < 250
    late = next(week for week, day in zip(weeks, days, strict=True) if day)
    starts_at = datetime.combine(late, SIX.time(), UTC)
    waits = Counter(
        (
            next(simulate_build(one, starts_at=starts_at, conduct=conduct, seed=1, plant="p")).occurred_at
            - next(simulate_build(one, starts_at=starts_at, conduct=FAULTLESS, seed=1, plant="p")).occurred_at
        ).days
        for one in (f"{number:032x}" for number in range(1_000))
    )
    assert set(waits) == {0, days[weeks.index(late)]}
    assert 400 < waits[0] < 600


def test_shares_are_those_that_were_asked_for() -> None:
    ends = Counter(
        tuple(report.stage for report in simulate_build(f"{number:032x}", starts_at=SIX, conduct=BAD_DAYS))[-2:]
        for number in range(2_000)
    )
    weeks = [stop_of_week("p", MONDAY + timedelta(weeks=week), conduct=BAD_DAYS, seed=3) for week in range(1_000)]
    fates = Counter(fate_of(f"{number}", 1, conduct=BAD_LINE, seed=3) for number in range(2_000))

    assert 540 < ends[(Stage.REWORK, Stage.PASSED)] < 660
    assert 150 < ends[(Stage.ASSEMBLY, Stage.SCRAPPED)] < 250
    assert 540 < sum(stop is not None for stop in weeks) < 660
    assert all(340 < fates[fate] < 460 for fate in Fate)


@pytest.mark.parametrize(
    "words",
    [
        {"lost_percent": 60, "late_percent": 40},
        {"rework_percent": 60, "scrapped_percent": 60},
        {"stop_hours_max": 121},
        {"late_part_percent": 101},
        {"part_days_max": 0},
    ],
)
def test_a_conduct_that_cannot_be_is_none(words: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        PlantConduct(**words)


# --- what is told ----------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(conducts, st.integers(0, 1_000), st.sampled_from([0, 3, 7]), st.booleans())
def test_however_bad_the_messages_everything_is_told_once(
    conduct: PlantConduct, seed: int, deaf_every: int, ahead: bool
) -> None:
    door = MemoryDoor(6, deaf_every=deaf_every)
    plant = SimulatedPlant(door, UTC, conduct, seed=seed, ahead=ahead)

    tally = plant.work_until_now()

    expected = sum(
        len(list(simulate_build(one, starts_at=SIX, conduct=conduct, seed=seed, plant="p" * 32))) for one in door.orders
    )
    assert tally.messages["unheard"] == 0
    assert len(door.taken) == expected
    assert {order.stage for order in door.orders.values()} <= {Stage.PASSED, Stage.SCRAPPED}


def test_a_plant_that_is_run_again_tells_only_what_is_new() -> None:
    door = MemoryDoor(3)
    SimulatedPlant(door, UTC, BAD_LINE).work_until_now()
    told = dict(door.taken)

    again = SimulatedPlant(door, UTC, BAD_LINE).work_until_now()

    assert door.taken == told
    assert again.cars == Counter()


# --- at the room's own door ------------------------------------------------------------------------------------------


def build_all(trade: Trade, conduct: PlantConduct) -> Tally:
    """Let four weeks pass and the plant work each day, then once more."""
    tally = Tally()
    for _ in range(40):
        trade.clock.advance(timedelta(days=1))
        with trade.works.change(PLANT_MACHINE) as work:
            tally.add(SimulatedPlant(OwnDoor(work), UTC, conduct).work_until_now())
    return tally


def test_through_a_bad_line_the_room_comes_to_the_same_cars(trade: Trade) -> None:
    trade.lock(12)
    conduct = replace(BAD_LINE, rework_percent=20, stopped_percent=30)

    tally = build_all(trade, conduct)

    with trade.works.read(SYSTEM) as work:
        stages = [row.stage for row in work.connection.execute(select(build_orders.c.stage))]
        events = work.connection.execute(select(plant_events.c.event_id)).scalars().all()
    assert stages == [Stage.PASSED.value] * 12
    assert len(set(events)) == len(events) == sum(tally.cars.values())
    assert tally.messages["lost"] > 0
    assert tally.messages["out_of_order"] > 0
    assert tally.messages["repeated"] > 0


def test_a_spoilt_car_is_built_again(trade: Trade) -> None:
    trade.lock(12)

    tally = build_all(trade, PlantConduct(rework_percent=0, scrapped_percent=50))

    assert tally.cars[Stage.SCRAPPED] > 0
    with trade.works.read(SYSTEM) as work:
        stages = Counter(row.stage for row in work.connection.execute(select(build_orders.c.stage)))
    assert stages[Stage.WITHDRAWN.value] == tally.cars[Stage.SCRAPPED]
    assert stages.total() == 12 + tally.cars[Stage.SCRAPPED]
