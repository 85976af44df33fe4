"""Seeds the demo brands: the same rows every time for one `--as-of`, but for secrets, which nobody may guess.

The story is told by the rooms' own use cases on a clock of its own, so nothing in it could not have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from configurator.catalogue import Catalogue
from configurator.catalogue_files import read_catalogue
from configurator.service import publish_catalogue
from kernel import db, registry
from kernel.actor import system
from kernel.clock import Clock, FixedClock, SystemClock
from kernel.identity.model import IdentitySettings
from kernel.identity.passwords import Hasher
from kernel.ids import AccountId, BrandId, SeededIds
from kernel.registry import Brand
from kernel.work import Works
from muster.brands import BrandFolder, add_brand_from_folder
from muster.demo.people import add_cast, read_cast
from muster.demo.unfinished import begin_story, end_story
from muster.demo.weeks_plan import FULL, FULL_WEEKS, Volumes
from muster.garbage import collecting_rarely
from muster.settings import SettingError, Settings

FOLDER: Final = Path(__file__).parent
BRANDS: Final = ("qilan", "borealis")
WEEKS: Final = 13
SEED: Final = 20_260_101
TEN: Final = 10
ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class SeededBrand:
    """A demo brand that is in: its folder, and its people's accounts by address."""

    folder: Path
    brand: Brand
    accounts: dict[str, AccountId]


def is_seeded(works: Works) -> bool:
    """Say whether any brand is in the database."""
    with works.read(system(BrandId("platform"))) as work:
        return bool(work.connection.execute(select(func.count()).select_from(registry.brands)).scalar_one())


def monday(clock: Clock | None = None) -> datetime:
    """Return this week's Monday at ten in the morning in Shanghai, the origin of a demo unless told otherwise."""
    now = (clock or SystemClock()).now().astimezone(ZONE)
    day = now.date() - timedelta(days=now.weekday())
    start = datetime.combine(day, time(TEN), ZONE)
    return start if start <= now else start - timedelta(weeks=1)


def seed(settings: Settings, *, as_of: datetime | None = None, show: Console | None = None) -> None:
    """Fill an empty database with the demo brands and their last weeks up to `as_of`.

    Raises SettingError for a story that would begin before there is a catalogue.
    """
    from muster.demo.activity import play
    from muster.demo.light_stock import begin_beside

    origin = as_of or monday()
    clock = FixedClock(origin - timedelta(weeks=WEEKS))
    with collecting_rarely(), _hasty_works(settings, clock) as own, _Steps(show) as steps:
        brands = []
        for code in BRANDS:
            steps.say(f"{code}: stores, plants, catalogue, people")
            brands.append(add_brand(own, settings, FOLDER / code))
        first = brands[0]
        play(own, clock, settings, first.brand, first.accounts, until=origin, say=steps.say, beside=begin_beside)


def seed_full(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    volumes: Volumes = FULL,
    show: Console | None = None,
) -> None:
    """Fill an empty database with the demo brands and all their weeks up to `as_of` (DOMAIN section 7).

    Raises SettingError for a story that would begin before there is a catalogue.
    """
    from muster.demo.weeks import play_weeks
    from muster.demo.weeks_wishes import withhold

    origin = as_of or monday()
    clock = FixedClock(origin - timedelta(weeks=volumes.weeks))
    later = origin.date() + timedelta(weeks=FULL_WEEKS)
    with collecting_rarely(), _hasty_works(settings, clock) as own, _Steps(show) as steps:
        steps.say(f"{BRANDS[0]}: stores, plants, catalogue, people")
        first = add_brand(own, settings, FOLDER / BRANDS[0], change=lambda catalogue: withhold(catalogue, until=later))
        steps.say(f"{BRANDS[1]}: stores, plants, catalogue, people")
        add_brand(own, settings, FOLDER / BRANDS[1])
        play_weeks(own, clock, settings, first.brand, first.accounts, until=origin, say=steps.say, volumes=volumes)


@contextmanager
def _hasty_works(settings: Settings, clock: Clock) -> Iterator[Works]:
    """Open the database for telling a story: half of a seed's time went into waiting for the disk at every commit."""
    engine = db.open_engine(settings.database_url, waits_for_disk=False)
    works, platform = Works(engine, clock=clock, ids=SeededIds(SEED)), system(BrandId("platform"))
    try:
        with works.change(platform) as work:
            begin_story(work)
        yield works
        with works.change(platform) as work:
            end_story(work)
        db.settle_on_disk(engine)
    finally:
        engine.dispose()


def _as_it_is(catalogue: Catalogue) -> Catalogue:
    return catalogue


def add_brand(
    works: Works, settings: Settings, folder: Path, *, change: Callable[[Catalogue], Catalogue] = _as_it_is
) -> SeededBrand:
    """Add a demo brand with its catalogue, which may be changed before, and its people, in one change.

    Raises SettingError, and adds nothing, where the catalogue is not in force yet.
    """
    identity = IdentitySettings(identity_key=settings.secrets.identity)
    hasher = Hasher(identity.password_cost, at_once=1, queue_max=1)
    with works.change(system(BrandId("platform"))) as work:
        brand = add_brand_from_folder(work, BrandFolder(folder))
        catalogue = change(read_catalogue(folder / "catalogue"))
        _require_in_force(catalogue, work.now.astimezone(brand.zone).date())
        publish_catalogue(work.acting(system(brand.id)), catalogue)
        accounts = add_cast(work.acting(system(brand.id)), read_cast(folder), identity, hasher)
    return SeededBrand(folder, brand, accounts)


def _require_in_force(catalogue: Catalogue, begins_on: date) -> None:
    if begins_on < catalogue.effective_from:
        raise SettingError(
            f"the demo's first catalogue is in force from {catalogue.effective_from} on, and this story would begin on "
            f"{begins_on}: give a later --as-of (days that are missing: {(catalogue.effective_from - begins_on).days})"
        )


class _Steps:
    """Shows what is being seeded: a moving line on a terminal, a line for each step elsewhere."""

    def __init__(self, show: Console | None) -> None:
        self._lines = show if show is not None and not show.is_terminal else None
        self._bar = (
            Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=show, transient=True
            )
            if show is not None and show.is_terminal
            else None
        )

    def __enter__(self) -> _Steps:
        if self._bar is not None:
            self._bar.start()
            self._bar.add_task("Seeding the demo brands …", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Show the step that begins."""
        if self._lines is not None:
            self._lines.print(f"  {text}", markup=False)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=text)
