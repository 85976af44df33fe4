"""Use cases of the cars that people keep: save, rename, take out, move on to a newer version, mark what it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import partial
from typing import Any, Final, TypeVar, assert_never

from configurator import store
from configurator.breaking import BreakageSearch, BrokenCar, CarRepair, KeptCar, find_broken, kept_car, nearest_car
from configurator.configuration_queries import (
    changed_otherwise,
    configurations_of,
    load_configuration,
    saved_of,
    saved_under_older_versions,
)
from configurator.configuring import complete_car
from configurator.errors import ModelUnknown
from configurator.events import ConfigurationBroken, ConfigurationSaved
from configurator.model import (
    CHOICES_MAX,
    ConfigurationId,
    Context,
    DeletedConfiguration,
    MigratedConfiguration,
    SavedConfiguration,
    StaleConfiguration,
    StoredConfiguration,
    ValidConfiguration,
    VersionId,
)
from configurator.queries import LoadedVersion, check_region, local_day, open_showroom, version_by_id
from configurator.quotation import encode_quote
from configurator.quote_queries import quotes_of
from configurator.showroom import Showroom
from kernel import registry
from kernel.actor import Actor, Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.soundness import Check
from kernel.timers import Handler, set_timer
from kernel.work import Work

NAME_LENGTH_MAX: Final = 80
STALE_BATCH: Final = 500
EXPORTED_AT_ONCE: Final = 1_000
PartT = TypeVar("PartT")
STALE_TIMER: Final = "configurator.stale"
AFTER: Final = "after"


# --- what an owner does ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewConfiguration:
    """A complete car to keep, for a region, under a name."""

    model: str
    options: tuple[str, ...]
    region: str
    name: str = ""


def save_configuration(
    work: Work, *, model: str, options: Sequence[str], region: str, name: str = ""
) -> SavedConfiguration:
    """Keep a complete car for the signed-in person; refuses what is not buildable under the version in force."""
    return save_configurations(work, [(work.actor, NewConfiguration(model, tuple(options), region, name))])[0]


def save_configurations(work: Work, new: Sequence[tuple[Actor, NewConfiguration]]) -> list[SavedConfiguration]:
    """Keep complete cars for people of one brand, all or none; the same car is completed once."""
    cars: dict[NewConfiguration, ValidConfiguration] = {}
    saved: list[SavedConfiguration] = []
    for actor, wanted in new:
        actor.require(Permission.OWN_WRITE)
        car = replace(wanted, name="")
        _check_name(wanted.name)
        if car not in cars:
            _check_words(work, name="", region=car.region, options=car.options)
            cars[car] = _complete(*open_showroom(work, region=car.region), car)
        saved.append(
            SavedConfiguration(
                ConfigurationId(work.new_id()), actor.signed_in(), wanted.name.strip(), cars[car], work.now
            )
        )
    _keep(work, saved)
    return saved


def _complete(version: LoadedVersion, room: Showroom, wanted: NewConfiguration) -> ValidConfiguration:
    features = complete_car(room, model=wanted.model, options=wanted.options)
    ordered = tuple(option.code for option in version.catalogue.options if option.code in features)
    return ValidConfiguration(version.id, wanted.model, ordered, room.context.region)


def _keep(work: Work, saved: Sequence[SavedConfiguration]) -> None:
    store.insert_configurations(work, saved)
    for one in saved:
        car = one.car
        work.record(
            ConfigurationSaved(
                work.actor.brand_id, one.id, one.account_id, car.version_id, car.model, car.options, car.region
            )
        )


def _check_words(work: Work, *, name: str, region: str, options: Sequence[str]) -> None:
    _check_name(name)
    if len(options) > CHOICES_MAX:
        raise InvalidInput("options", because("COUNT_MOST", most=CHOICES_MAX))
    check_region(work, region)


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidInput("name", because("LENGTH_ONE_LINE", most=NAME_LENGTH_MAX))


def rename_configuration(work: Work, configuration_id: str, *, name: str) -> StoredConfiguration:
    """Give an own kept car another name, whatever its state."""
    work.actor.require(Permission.OWN_WRITE)
    _check_name(name)
    stored = load_configuration(work, configuration_id)
    store.write_name(work, saved_of(stored).id, name=name.strip())
    return load_configuration(work, configuration_id)


def delete_configuration(work: Work, configuration_id: str) -> DeletedConfiguration:
    """Take an own kept car out of the list, its name with it; a quote that was made for it keeps its car."""
    work.actor.require(Permission.OWN_WRITE)
    saved = saved_of(load_configuration(work, configuration_id))
    deleted = DeletedConfiguration(replace(saved, name=""), work.now)
    store.write_deleted(work, deleted)
    return deleted


@dataclass(frozen=True, slots=True)
class RepairedConfiguration:
    """The nearest car that the newest version allows instead of a kept one, and the price of the kept one then."""

    version_id: VersionId
    model: str
    repair: CarRepair
    price_before_minor: int


def repair_configuration(work: Work, configuration_id: str) -> RepairedConfiguration:
    """Find the smallest change by which an own kept car can be built; refuses a model that is gone (ModelUnknown).

    The version is the one that broke it, or the one in force where that is newer. A car that can be built as it is
    comes back unchanged.
    """
    work.actor.require(Permission.OWN_READ)
    stored = _movable(work, configuration_id)
    version, room = _next_showroom(work, stored)
    return _repaired(work, saved_of(stored), version, room)


def migrate_configuration(
    work: Work, configuration_id: str, *, options: Sequence[str] | None = None
) -> SavedConfiguration:
    """Move a kept car on to the newest version: with these options, or by the smallest change that makes it buildable.

    The old one stays as migrated.
    """
    work.actor.require(Permission.OWN_WRITE)
    stored = _movable(work, configuration_id)
    old = saved_of(stored)
    version, room = _next_showroom(work, stored)
    wanted = _repaired(work, old, version, room).repair.options if options is None else options
    _check_words(work, name=old.name, region=old.car.region, options=wanted)
    car = _complete(version, room, NewConfiguration(old.car.model, tuple(wanted), old.car.region))
    moved = SavedConfiguration(ConfigurationId(work.new_id()), work.actor.signed_in(), old.name, car, work.now)
    _keep(work, [moved])
    store.write_migrated(work, MigratedConfiguration(old, moved.id, work.now))
    return moved


def _movable(work: Work, configuration_id: str) -> SavedConfiguration | StaleConfiguration:
    stored = load_configuration(work, configuration_id)
    if isinstance(stored, MigratedConfiguration | DeletedConfiguration):
        raise NotFound("configuration")
    return stored


def _next_showroom(work: Work, stored: SavedConfiguration | StaleConfiguration) -> tuple[LoadedVersion, Showroom]:
    region = saved_of(stored).car.region
    version, room = open_showroom(work, region=region)
    if isinstance(stored, StaleConfiguration):
        newer = version_by_id(work, stored.newer_version_id)
        if newer.number > version.number:
            day = max(room.context.day, newer.effective_from)
            return newer, Showroom(newer.catalogue, newer.engine, Context(region, day))
    return version, room


def _repaired(work: Work, old: SavedConfiguration, version: LoadedVersion, room: Showroom) -> RepairedConfiguration:
    car = _kept(work, old)
    repair = nearest_car(room, car)
    if repair is None:
        raise ModelUnknown(car.model, tuple(version.catalogue.model_by_code))
    assert car.price_minor is not None, "a kept car has a price under its own version"
    return RepairedConfiguration(version.id, car.model, repair, car.price_minor)


def _kept(work: Work, saved: SavedConfiguration) -> KeptCar:
    return kept_car(saved, version_by_id(work, saved.car.version_id).catalogue)


# --- what a publication does -----------------------------------------------------------------------------------------


def mark_stale(work: Work, version_id: VersionId, *, after_id: str = "") -> str | None:
    """Mark the kept configurations that a version breaks, and say so; returns where to go on, None at the end.

    Cars that were kept under it, or a newer one, are left alone.
    """
    work.actor.require(Permission.SYSTEM)
    version = version_by_id(work, version_id)
    day = max(local_day(work), version.effective_from)
    batch = saved_under_older_versions(work, version.number, after_id=after_id, limit=STALE_BATCH)
    search = BreakageSearch(version.catalogue, version.engine, day)
    broken = {one.car.id: one for one in find_broken(search, [_kept(work, saved) for saved in batch])}
    stale = [
        StaleConfiguration(saved, version_id, broken[saved.id].broken_by, work.now)
        for saved in batch
        if saved.id in broken
    ]
    written = store.write_stale(work, stale)
    work.record(*(_news(work, version, one.saved, broken[one.saved.id]) for one in stale if one.saved.id in written))
    return batch[-1].id if len(batch) == STALE_BATCH else None


def _news(work: Work, version: LoadedVersion, saved: SavedConfiguration, broken: BrokenCar) -> ConfigurationBroken:
    repair = broken.repair
    return ConfigurationBroken(
        work.actor.brand_id,
        saved.id,
        saved.account_id,
        version.id,
        version.effective_from,
        saved.car.model,
        None if repair is None else len(repair.left_out) + len(repair.added),
        broken.price_difference_minor,
    )


def mark_all_stale(work: Work, version_id: VersionId, *, after_id: str = "") -> None:
    """Mark what a version breaks, a batch now and the others by a timer, so that nobody else waits to write for long.

    Where its day is still to come, once more then: cars are kept until that day.
    """
    after = mark_stale(work, version_id, after_id=after_id)
    if after is not None:
        set_timer(work, STALE_TIMER, version_id, work.now, {AFTER: after})
        return
    version = version_by_id(work, version_id)
    if version.effective_from > local_day(work):
        first_moment = datetime.combine(version.effective_from, time.min, registry.own_brand(work).zone)
        set_timer(work, STALE_TIMER, version_id, first_moment)


def on_stale_timer(work: Work, key: str, payload: Any) -> None:
    """Go on looking through the kept cars, or begin again on a version's first day."""
    mark_all_stale(work, VersionId(key), after_id=payload[AFTER] if payload else "")


TIMERS: Final[dict[str, Handler]] = {STALE_TIMER: on_stale_timer}


# --- personal data, and the audit ------------------------------------------------------------------------------------


def _all(read: Callable[..., list[PartT]], id_of: Callable[[PartT], str]) -> list[PartT]:
    """Read everything of a person, however much it is, a part at a time."""
    found: list[PartT] = []
    while True:
        part = read(after_id=id_of(found[-1]) if found else "", limit=EXPORTED_AT_ONCE)
        found += part
        if len(part) < EXPORTED_AT_ONCE:
            return found


def export_person(work: Work, account_id: str) -> dict[str, Any]:
    """Return what this room holds of a person, in JSON terms: kept configurations and quotes."""
    work.actor.require(Permission.SYSTEM)
    kept = _all(partial(configurations_of, work, account_id), lambda one: saved_of(one).id)
    quoted = _all(partial(quotes_of, work, account_id), lambda one: one.signed.quote.facts.id)
    return {
        "configurations": [
            {
                "id": saved.id,
                "name": saved.name,
                "state": state_of(stored),
                "model": saved.car.model,
                "options": list(saved.car.options),
                "region": saved.car.region,
                "saved_at": saved.saved_at.isoformat(),
            }
            for stored in kept
            for saved in (saved_of(stored),)
        ],
        "quotes": [encode_quote(one.signed.quote) for one in quoted],
    }


def forget_person(work: Work, account_id: str) -> None:
    """Take a person's own words out of this room; cars and quotes stay under the id of an empty account."""
    work.actor.require(Permission.SYSTEM)
    store.clear_names(work, account_id)


def state_of(stored: StoredConfiguration) -> str:
    """Return the stored word of a kept car's state."""
    match stored:
        case SavedConfiguration():
            return "saved"
        case StaleConfiguration():
            return "stale"
        case MigratedConfiguration():
            return "migrated"
        case DeletedConfiguration():
            return "deleted"
        case _:
            assert_never(stored)


def unsound_configurations(work: Work) -> Iterator[str]:
    """Yield a line for every kept car whose state is not its last noted change, or that moved to a stranger's."""
    for configuration_id, state, noted in changed_otherwise(work):
        yield f"configuration {configuration_id} is {state}, noted last is {noted}"


CHECKS: Final = (
    Check("a kept car's last noted change is its state, and it moved on within its account", 8, unsound_configurations),
)
