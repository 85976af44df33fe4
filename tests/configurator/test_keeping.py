"""The cars that people keep: renamed, taken out, moved on by the smallest change, marked when a version breaks them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from configurator import configuration_service as keeping
from configurator import service
from configurator.catalogue import Catalogue, Condition, Rule, RuleKind
from configurator.configuration_queries import configurations_by_id, own_configurations
from configurator.errors import ModelUnknown, OptionExcluded
from configurator.events import ConfigurationBroken
from configurator.expressions import Feature, Not
from configurator.model import (
    DeletedConfiguration,
    MigratedConfiguration,
    SavedConfiguration,
    StaleConfiguration,
    StoredConfiguration,
    Text,
    VersionId,
)
from configurator.tables import configuration_changes
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotFound, NotSignedIn
from kernel.paging import PageRequest
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import (
    BRAND,
    GUEST,
    PLAIN_CAR,
    PLANNER,
    consumer,
    open_small_brand,
    small_catalogue,
)

ROOFED = (*PLAIN_CAR, "ROOF")
TODAY = date(2026, 11, 23)


def save(works: Works, *options: str, actor: Actor | None = None, model: str = "A1") -> SavedConfiguration:
    with works.change(actor or consumer()) as work:
        return keeping.save_configuration(work, model=model, options=options, region="east", name="mine")


def without_roof(*, effective_from: date = TODAY) -> Catalogue:
    """Return the next catalogue, which sells no roof in the east any more."""
    catalogue = small_catalogue()
    rule = Rule("R006", RuleKind.REGIONAL, Not(Feature("ROOF")), Condition(regions=("east",)), Text("无", "No roof."))
    return replace(catalogue, label="2026.2", rules=(*catalogue.rules, rule), effective_from=effective_from)


def publish(works: Works, catalogue: Catalogue) -> VersionId:
    with works.change(PLANNER) as work:
        return service.publish_catalogue(work, catalogue)


def mark(works: Works, version_id: VersionId) -> list[ConfigurationBroken]:
    """Mark what a version breaks and return the news of it."""
    with works.change(system(BRAND)) as work:
        keeping.mark_all_stale(work, version_id)
        return [one for one in work.news if isinstance(one, ConfigurationBroken)]


def found(works: Works, saved: SavedConfiguration) -> StoredConfiguration | None:
    with works.read(Actor(BRAND, frozenset({Role.AUDITOR}), PLANNER.account_id)) as work:
        return configurations_by_id(work, [saved.id]).get(saved.id)


def changes_of(works: Works, saved: SavedConfiguration) -> list[tuple[str, str]]:
    table = configuration_changes.c
    wanted = select(table.state, table.reason).where(table.configuration_id == saved.id).order_by(table.serial)
    with works.read(GUEST) as work:
        return [(row.state, row.reason) for row in work.connection.execute(wanted)]


# --- names, and taking out -------------------------------------------------------------------------------------------


def test_an_owner_renames_a_kept_car_and_the_change_is_noted_without_the_name(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)

    with works.change(consumer()) as work:
        renamed = keeping.rename_configuration(work, saved.id, name="  for the family ")

    assert renamed == replace(saved, name="for the family")
    assert changes_of(works, saved) == [("saved", "saved by its owner"), ("saved", "renamed by its owner")]


@pytest.mark.parametrize("name", ["x" * 81, "two\nlines", "a\x00b"])
def test_a_name_that_cannot_be_kept_is_refused(works: Works, name: str) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)

    with pytest.raises(InvalidInput), works.change(consumer()) as work:
        keeping.rename_configuration(work, saved.id, name=name)

    assert found(works, saved) == saved


def test_a_kept_car_that_is_taken_out_is_gone_for_its_owner_and_its_name_for_everybody(works: Works) -> None:
    open_small_brand(works)
    saved, other = save(works, *PLAIN_CAR), save(works, *ROOFED)

    with works.change(consumer()) as work:
        keeping.delete_configuration(work, saved.id)

    with works.read(consumer()) as work:
        assert own_configurations(work, PageRequest(10)).items == (other,)
        assert configurations_by_id(work, [saved.id]) == {}
    seen = found(works, saved)
    assert isinstance(seen, DeletedConfiguration)
    assert seen.saved == replace(saved, name="")
    assert changes_of(works, saved)[-1] == ("deleted", "its owner took it out")
    for use in (keeping.delete_configuration, keeping.repair_configuration, keeping.migrate_configuration):
        with pytest.raises(NotFound), works.change(consumer()) as work:
            use(work, saved.id)
    with pytest.raises(NotFound), works.change(consumer()) as work:
        keeping.rename_configuration(work, saved.id, name="back")


def test_a_migrated_car_and_what_it_moved_to_can_be_taken_out(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *ROOFED)
    mark(works, publish(works, without_roof()))
    with works.change(consumer()) as work:
        moved = keeping.migrate_configuration(work, saved.id)

    for one in (saved, moved):
        with works.change(consumer()) as work:
            keeping.delete_configuration(work, one.id)

    with works.read(consumer()) as work:
        assert own_configurations(work, PageRequest(10)).items == ()


def test_nobody_elses_kept_car_is_renamed_taken_out_mended_or_moved(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)

    for actor, refusal in ((consumer("d"), NotFound), (GUEST, NotSignedIn), (PLANNER, Forbidden)):
        with pytest.raises(refusal), works.change(actor) as work:
            keeping.rename_configuration(work, saved.id, name="mine now")
        for use in (keeping.delete_configuration, keeping.migrate_configuration):
            with pytest.raises(refusal), works.change(actor) as work:
                use(work, saved.id)
    with pytest.raises(NotFound), works.change(consumer("d")) as work:
        keeping.repair_configuration(work, saved.id)

    assert found(works, saved) == saved


# --- what a newer version makes of them ------------------------------------------------------------------------------


def test_the_owner_of_a_broken_car_is_told_the_smallest_change_and_what_it_costs(works: Works) -> None:
    open_small_brand(works)
    plain, roofed, twin = save(works, *PLAIN_CAR), save(works, *ROOFED), save(works, *ROOFED)
    version = publish(works, without_roof())

    news = mark(works, version)
    again = mark(works, version)

    assert news == [
        ConfigurationBroken(BRAND, one.id, "c" * 32, version, TODAY, "A1", 1, -500_000) for one in (roofed, twin)
    ]
    assert again == []
    assert found(works, plain) == plain


def test_a_stale_car_moves_on_by_the_smallest_change_where_its_owner_names_no_options(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *ROOFED)
    version = publish(works, without_roof())
    mark(works, version)

    with works.change(consumer()) as work:
        offered = keeping.repair_configuration(work, saved.id)
        moved = keeping.migrate_configuration(work, saved.id)

    assert offered.version_id == moved.car.version_id == version
    assert (offered.repair.left_out, offered.repair.added) == (("ROOF",), ())
    assert offered.repair.price_minor - offered.price_before_minor == -500_000
    assert (moved.car.options, moved.name) == (PLAIN_CAR, "mine")
    assert isinstance(found(works, saved), MigratedConfiguration)


def test_a_car_moves_on_to_a_version_whose_day_is_still_to_come(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    saved = save(works, *ROOFED)
    version = publish(works, without_roof(effective_from=date(2026, 12, 1)))
    mark(works, version)

    with works.change(consumer()) as work:
        moved = keeping.migrate_configuration(work, saved.id)
    other = save(works, *ROOFED)
    with pytest.raises(OptionExcluded), works.change(consumer()) as work:
        keeping.migrate_configuration(work, other.id, options=(*ROOFED, "HOOK"))

    assert (moved.car.version_id, moved.car.options) == (version, PLAIN_CAR)
    clock.set(datetime(2026, 12, 2, tzinfo=UTC))
    mark(works, version)
    assert found(works, moved) == moved
    assert isinstance(found(works, other), StaleConfiguration)


def test_what_is_kept_between_the_publication_and_its_day_is_looked_at_on_that_day(
    works: Works, clock: FixedClock
) -> None:
    open_small_brand(works)
    mark(works, publish(works, without_roof(effective_from=date(2026, 12, 1))))
    late = save(works, *ROOFED)

    clock.set(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    fire_due(works, keeping.TIMERS)
    before = found(works, late)
    clock.set(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    fire_due(works, keeping.TIMERS)

    assert before == late
    assert isinstance(found(works, late), StaleConfiguration)


def test_many_kept_cars_are_looked_through_a_batch_at_a_time_and_others_may_write_between(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "STALE_BATCH", 2)
    open_small_brand(works)
    roofed = [save(works, *ROOFED, actor=consumer(letter)) for letter in "cdefg"]
    version = publish(works, without_roof())

    at_once = mark(works, version)
    fired = [fire_due(works, keeping.TIMERS, timers_max=1) for _ in range(3)]

    assert len(at_once) == 2
    assert fired == [1, 1, 0]
    assert {type(found(works, saved)) for saved in roofed} == {StaleConfiguration}


def test_a_version_breaks_no_car_that_was_kept_under_a_newer_one(works: Works) -> None:
    open_small_brand(works)
    older = publish(works, without_roof())
    publish(works, replace(small_catalogue(), label="2026.3", effective_from=TODAY))
    saved = save(works, *ROOFED)

    assert mark(works, older) == []

    assert found(works, saved) == saved


def test_a_model_that_is_gone_has_no_repair_and_its_owner_is_told_so(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)
    catalogue = small_catalogue()
    models = tuple(replace(model, code="A2") if model.code == "A1" else model for model in catalogue.models)
    groups = tuple(
        replace(group, members=tuple("A2" if name == "A1" else name for name in group.members))
        for group in catalogue.groups
    )
    newer = replace(
        catalogue,
        label="2026.2",
        effective_from=TODAY,
        models=models,
        groups=groups,
        features=tuple("A2" if name == "A1" else name for name in catalogue.features),
        prices=tuple(replace(one, model="A2") if one.model == "A1" else one for one in catalogue.prices),
        parts=(),
    )

    (news,) = mark(works, publish(works, newer))

    assert (news.changes, news.price_difference_minor) == (None, None)
    for use in (keeping.repair_configuration, keeping.migrate_configuration):
        with pytest.raises(ModelUnknown) as refused, works.change(consumer()) as work:
            use(work, saved.id)
        assert refused.value == ModelUnknown("A1", ("A2", "B2"))
    stale = found(works, saved)
    assert isinstance(stale, StaleConfiguration)
    assert stale.broken_by == ("A1",)


def test_an_export_says_what_became_of_each_kept_car(works: Works) -> None:
    open_small_brand(works)
    saved, other = save(works, *ROOFED), save(works, *PLAIN_CAR)
    mark(works, publish(works, without_roof()))
    with works.change(consumer()) as work:
        keeping.delete_configuration(work, other.id)

    with works.read(system(BRAND)) as work:
        told = keeping.export_person(work, "c" * 32)["configurations"]

    assert [(one["id"], one["state"], one["name"]) for one in told] == [
        (saved.id, "stale", "mine"),
        (other.id, "deleted", ""),
    ]
