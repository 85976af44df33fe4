"""A plant that is not there: what a build order would cause, what becomes of each message; pure, one seed one story.

Its line stands still now and then, parts come late, some cars need rework or are spoilt, and its messages get lost,
come twice or late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from factory_orders.plant.model import PlantReport, Stage

STEPS: tuple[tuple[Stage, timedelta], ...] = (
    (Stage.PARTS_READY, timedelta(hours=2)),
    (Stage.BODY, timedelta(hours=9)),
    (Stage.PAINT, timedelta(hours=11)),
    (Stage.ASSEMBLY, timedelta(hours=14)),
)
FINAL_CHECK = timedelta(hours=2)
REWORK_TIME = timedelta(hours=6)
WEEK: Final = timedelta(weeks=1)
STOP_HOURS_MAX: Final = 120
"""A stop ends with its week, so that every week has working hours."""
PART_DAYS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Stop:
    """The line stands still from one moment to another."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PlantConduct:
    """How well a simulated plant works, in percent: of its cars, of its weeks, of its messages.

    A message can be lost on its way, have its answer lost, come twice, or be held up so that later ones overtake it.
    In a week with a late part every second car waits for it, up to `part_days_max` days. `still` is one long stop, such
    as after a flood: until it is over nothing moves at all.
    """

    rework_percent: int = 4
    repair_minor: int = 60_000
    scrapped_percent: int = 0
    stopped_percent: int = 0
    stop_hours_max: int = 48
    late_part_percent: int = 0
    part_days_max: int = 10
    still: Stop | None = None
    lost_percent: int = 0
    unanswered_percent: int = 0
    repeated_percent: int = 0
    late_percent: int = 0

    def __post_init__(self) -> None:
        shares = (self.rework_percent + self.scrapped_percent, self.stopped_percent, self.late_part_percent)
        messages = self.lost_percent + self.unanswered_percent + self.repeated_percent + self.late_percent
        assert all(0 <= share <= 100 for share in (*shares, messages)), "a share is 0 to 100 percent"
        assert self.lost_percent + self.late_percent < 100, "a plant none of whose messages arrives builds nothing"
        assert 1 <= self.stop_hours_max <= STOP_HOURS_MAX, f"a stop takes 1 to {STOP_HOURS_MAX} hours"
        assert 1 <= self.part_days_max <= PART_DAYS_MAX, f"a part is late by 1 to {PART_DAYS_MAX} days"


FAULTLESS: Final = PlantConduct()


class Fate(StrEnum):
    """What becomes of one message of a plant."""

    ARRIVES = "arrives"
    LOST = "lost"
    UNANSWERED = "unanswered"
    REPEATED = "repeated"
    LATE = "late"


def simulate_build(
    build_order_id: str, *, starts_at: datetime, conduct: PlantConduct = FAULTLESS, seed: int = 0, plant: str = ""
) -> Iterator[PlantReport]:
    """Yield the reports of one build order in order; up to a quarter of each step's time is left to chance.

    Nothing moves while the plant stands still, nor before a part is there. Event ids are the same for the same seed.
    """
    digest = _chance(seed, build_order_id)
    if digest[12] % 2:
        starts_at += timedelta(days=part_days_late(plant, starts_at.date(), conduct=conduct, seed=seed))
    happened = _happenings(digest, starts_at, plant, conduct, seed)
    for number, (stage, moment) in enumerate(happened, start=1):
        repair = conduct.repair_minor if stage is Stage.REWORK else 0
        yield PlantReport(f"sim-{seed}-{build_order_id}-{stage.value}", stage, moment, repair, number)


def _happenings(
    digest: bytes, moment: datetime, plant: str, conduct: PlantConduct, seed: int
) -> Iterator[tuple[Stage, datetime]]:
    for number, (stage, takes) in enumerate(STEPS):
        moment = _worked(moment, takes + takes * digest[number] // 1024, plant, conduct, seed)
        yield stage, moment
    moment = _worked(moment, FINAL_CHECK, plant, conduct, seed)
    drawn = int.from_bytes(digest[8:12], "big") % 100
    if drawn >= 100 - conduct.scrapped_percent:
        yield Stage.SCRAPPED, moment
        return
    if drawn < conduct.rework_percent:
        yield Stage.REWORK, moment
        moment = _worked(moment, REWORK_TIME, plant, conduct, seed)
    yield Stage.PASSED, moment


def stop_of_week(plant: str, day: date, *, conduct: PlantConduct, seed: int) -> Stop | None:
    """Return when a plant stands still in the week (Monday 0:00 UTC on) of a day, if it does."""
    monday = day - timedelta(days=day.weekday())
    digest = _chance(seed, f"{plant}:{monday.isoformat()}")
    if digest[0] * 100 >= conduct.stopped_percent * 256:
        return None
    hours = 1 + int.from_bytes(digest[1:3], "big") % conduct.stop_hours_max
    latest = int(WEEK / timedelta(hours=1)) - hours
    begins_at = datetime.combine(monday, time(), UTC) + timedelta(hours=int.from_bytes(digest[3:5], "big") % latest)
    return Stop(begins_at, begins_at + timedelta(hours=hours))


def part_days_late(plant: str, day: date, *, conduct: PlantConduct, seed: int) -> int:
    """Return by how many days a part is late for half of a plant's cars of a day's week; 0 where all come in time."""
    digest = _chance(seed, f"{plant}:part:{(day - timedelta(days=day.weekday())).isoformat()}")
    if digest[0] * 100 >= conduct.late_part_percent * 256:
        return 0
    return 1 + int.from_bytes(digest[1:3], "big") % conduct.part_days_max


def fate_of(event_id: str, attempt: int, *, conduct: PlantConduct, seed: int) -> Fate:
    """Return what becomes of a message at its first, second, … attempt."""
    drawn = int.from_bytes(_chance(seed, f"{event_id}#{attempt}")[:4], "big") % 100
    shares = (
        (Fate.LOST, conduct.lost_percent),
        (Fate.UNANSWERED, conduct.unanswered_percent),
        (Fate.REPEATED, conduct.repeated_percent),
        (Fate.LATE, conduct.late_percent),
    )
    for fate, share in shares:
        if drawn < share:
            return fate
        drawn -= share
    return Fate.ARRIVES


def _worked(moment: datetime, takes: timedelta, plant: str, conduct: PlantConduct, seed: int) -> datetime:
    """Return when work of this length that begins at a moment is done, stops left out."""
    left = takes
    while True:
        day = moment.astimezone(UTC).date()
        week_ends_at = datetime.combine(day - timedelta(days=day.weekday()), time(), UTC) + WEEK
        stops = (stop_of_week(plant, day, conduct=conduct, seed=seed), conduct.still)
        ahead = [stop for stop in stops if stop is not None and moment < stop.ends_at and stop.begins_at < week_ends_at]
        stop = min(ahead, key=lambda one: one.begins_at, default=None)
        goes_on_until = week_ends_at if stop is None else stop.begins_at
        if moment + left <= goes_on_until:
            return moment + left
        left -= max(goes_on_until - moment, timedelta())
        moment = week_ends_at if stop is None else stop.ends_at.astimezone(moment.tzinfo)


def _chance(seed: int, about: str) -> bytes:
    return hashlib.sha256(f"{seed}:{about}".encode()).digest()
