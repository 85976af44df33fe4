"""Configuring under the version in force, reading it, and keeping cars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from configurator import configuration_service, queries, step_service, version_queries
from configurator.catalogue_files import read_catalogue
from configurator.completing import Goal
from configurator.configuration_queries import configurations_by_id, own_configurations
from configurator.configuring import Wishes
from configurator.errors import (
    ConfigurationIncomplete,
    ModelUnknown,
    OptionExcluded,
    OptionUnknown,
    RegionUnknown,
)
from configurator.expressions import Feature
from configurator.model import (
    Choice,
    MigratedConfiguration,
    OptionState,
    SavedConfiguration,
    StaleConfiguration,
    VersionId,
)
from configurator.service import buildable_car, list_price_minor, publish_catalogue
from configurator.step_service import NOTHING_KNOWN, ConfigureRequest, Nearness, complete
from configurator.tables import configuration_changes, configurations
from kernel.actor import Actor, system
from kernel.clock import FixedClock
from kernel.errors import InvalidInput, NotFound, NotSignedIn, Refusal
from kernel.paging import PageRequest
from kernel.work import Works
from tests.configurator.showroom import configure, counting, publish
from tests.configurator.small_brand import (
    BRAND,
    GUEST,
    PLAIN_CAR,
    PLANNER,
    consumer,
    copied_folder,
    found_brand,
    open_small_brand,
    small_catalogue,
)


def save(works: Works, *options: str, actor: Actor | None = None, region: str = "east") -> SavedConfiguration:
    with works.change(actor or consumer()) as work:
        return configuration_service.save_configuration(work, model="A1", options=options, region=region, name=" mine ")


def test_a_step_tells_every_options_state_the_price_and_the_cheapest_car(works: Works) -> None:
    open_small_brand(works)

    step = configure(works, "W19", "-HOOK").step

    states = {code: state.value for code, state in step.states.items()}
    assert states == {
        "RED": "open",
        "BLUE": "open",
        "GOLD": "open",
        "W17": "excluded",
        "W19": "chosen",
        "PT_SMALL": "excluded",
        "PT_BIG": "forced",
        "TR_BASE": "open",
        "TR_PLUS": "open",
        "HOOK": "refused",
        "ROOF": "open",
        "HEAT": "open",
    }
    assert step.options == ("W19", "PT_BIG")
    assert step.price.total_minor == 12_400_000
    assert (step.cheapest.options, step.cheapest.price_minor) == (("RED", "W19", "PT_BIG", "TR_BASE"), 12_400_000)
    assert not step.is_complete


def test_a_step_is_complete_once_nothing_more_is_needed(works: Works) -> None:
    open_small_brand(works)

    assert configure(works, *PLAIN_CAR).step.is_complete
    assert configure(works, *PLAIN_CAR, region="north").step.states["HEAT"] is not OptionState.OPEN
    assert configure(works, *PLAIN_CAR, region="north").step.options == (*PLAIN_CAR, "HEAT")


def test_rules_follow_region_plant_and_day(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)

    assert configure(works, region="east").step.states["HEAT"] is OptionState.OPEN
    assert configure(works, region="north").step.states["HEAT"] is OptionState.FORCED
    assert configure(works, model="A1").step.states["GOLD"] is OptionState.OPEN
    assert configure(works, model="B2").step.states["GOLD"] is OptionState.EXCLUDED
    assert configure(works, "TR_PLUS").step.states["BLUE"] is OptionState.FORCED
    clock.set(datetime(2027, 4, 1, tzinfo=UTC))
    assert configure(works, "TR_PLUS").step.states["BLUE"] is OptionState.OPEN
    assert configure(works).step.states["ROOF"] is OptionState.EXCLUDED


def test_an_excluded_option_is_explained_with_its_rule_and_the_repairs_prices(works: Works) -> None:
    open_small_brand(works)

    step = configure(works, "PT_SMALL", "ROOF", explain=("W19", "HOOK", "RED")).step

    wheels, hook, red = step.explanations
    assert wheels.because == ("PT_SMALL",)
    assert [rule.code for rule in wheels.rules] == ["G_Powertrain", "R001"]
    assert wheels.rules[1].en == "The 19 inch wheels need the big motor."
    assert [(offer.give_up, offer.price_difference_minor) for offer in wheels.repairs] == [(("PT_SMALL",), 2_400_000)]
    assert (hook.because, [rule.code for rule in hook.rules]) == (("ROOF",), ["R002"])
    assert [(offer.give_up, offer.price_difference_minor) for offer in hook.repairs] == [(("ROOF",), -300_000)]
    assert (red.because, red.rules, red.repairs) == ((), (), ())


def test_choices_that_exclude_each_other_are_refused_with_reason_and_repair(works: Works) -> None:
    open_small_brand(works)

    with pytest.raises(OptionExcluded) as refused:
        configure(works, "RED", "ROOF", "HOOK")

    refusal = refused.value
    assert (refusal.option, refusal.because, refusal.give_up) == ("HOOK", ("ROOF",), ("ROOF",))
    assert refusal.text("en") == (
        "Tow hook is not possible with Glass roof. Glass roof and tow hook do not go together. Give up: Glass roof."
    )
    assert refusal.text("zh-CN") == "拖钩与天窗同选时不可选。天窗与拖钩不能同选。可放弃：天窗。"


def test_what_nothing_but_another_model_would_help_is_no_repair(works: Works) -> None:
    open_small_brand(works)

    with pytest.raises(OptionExcluded) as refused:
        configure(works, "GOLD", model="B2")

    assert refused.value.give_up == ()


def test_near_a_pools_class_its_options_count_where_the_own_choice_says_otherwise(works: Works) -> None:
    open_small_brand(works)
    asked = ConfigureRequest("A1", (Choice("TR_PLUS"), Choice("W17")), "east")
    near = Nearness(class_key="F1/fir_north/PT_SMALL/-/TR_BASE")

    with works.read(GUEST) as work:
        found = complete(work, asked, Goal.NEAREST, outlook=NOTHING_KNOWN, near=near)

    assert "TR_BASE" in found.completed.options
    assert "W17" in found.completed.options


def test_an_option_that_the_day_alone_excludes_says_so(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    clock.set(datetime(2027, 4, 1, tzinfo=UTC))

    with pytest.raises(OptionExcluded) as refused:
        configure(works, "ROOF")

    assert refused.value.text("en") == (
        "Glass roof is not possible here and now. Glass roof can be ordered until 2027-03-31. Choose another option."
    )
    assert refused.value.text("zh-CN") == "天窗目前不可选。天窗仅可选至2027-03-31。请改选其他选装项。"


@pytest.mark.parametrize(
    ("model", "options", "refusal"),
    [
        ("Z9", (), ModelUnknown("Z9", ("A1", "B2"))),
        ("A1", ("SAIL", "RED", "KEEL"), OptionUnknown(("SAIL", "KEEL"))),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused_by_name(
    works: Works, model: str, options: tuple[str, ...], refusal: Exception
) -> None:
    open_small_brand(works)

    with pytest.raises(type(refusal)) as refused:
        configure(works, *options, model=model)

    assert refused.value == refusal


def test_without_a_circuit_no_car_is_drawn_and_that_is_the_answer(works: Works) -> None:
    open_small_brand(works)

    with works.read(PLANNER) as work:
        found = step_service.sample(work, ConfigureRequest("A1"), number=3, seed=1)

    assert found.cars is None
    with works.read(GUEST) as work, pytest.raises(NotSignedIn):
        step_service.sample(work, ConfigureRequest("A1"), number=3, seed=1)


def test_ten_thousand_choices_are_refused(works: Works) -> None:
    open_small_brand(works)

    with pytest.raises(InvalidInput):
        configure(works, *["RED"] * 10_000)


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 1), (3_600.0, 0)])
def test_a_configuration_step_takes_one_statement_and_none_where_that_was_asked_just_now(
    works: Works, monkeypatch: pytest.MonkeyPatch, seconds: float, count: int
) -> None:
    monkeypatch.setattr(step_service, "SECONDS_BEHIND_MAX", seconds)
    open_small_brand(works)
    configure(works)

    with works.read(GUEST) as work, counting(work) as statements:
        step_service.configure(work, ConfigureRequest("A1", (Choice("RED"),), "east", Wishes(("BLUE",))))

    assert len(statements) == count


def test_a_change_asks_once_which_versions_there_are_and_sees_what_it_publishes(works: Works) -> None:
    version_id = VersionId(open_small_brand(works))

    with works.change(PLANNER) as work:
        with counting(work) as statements:
            for _ in range(3):
                first = queries.version_by_id(work, version_id)
                in_force, _ = queries.version_in_force(work)
        today = queries.local_day(work)
        second_id = publish_catalogue(work, replace(first.catalogue, label="next"), effective_from=today)
        now_in_force, _ = queries.version_in_force(work)

    assert in_force == first
    assert len([text for text in statements if "FROM brands JOIN catalogue_versions" in text]) == 1
    assert len([text for text in statements if text.startswith("SELECT catalogue_versions.id")]) == 1
    assert (now_in_force.id, now_in_force.number) == (second_id, 2)


def test_models_come_with_their_buildable_options_and_prices_in_one_statement(works: Works) -> None:
    open_small_brand(works)

    with works.read(GUEST) as work:
        queries.list_models(work, region="east")
    with works.read(GUEST) as work, counting(work) as statements:
        first, second = queries.list_models(work, region="east")

    assert len(statements) == 1
    assert [category.code for category in first.categories] == ["Paint", "Wheels", "Powertrain", "Trim", "Extras"]
    assert (first.base_price_minor, first.from_price_minor, first.cheapest_options) == (
        10_000_000,
        10_000_000,
        PLAIN_CAR,
    )
    prices = {option.code: option.price_minor for category in second.categories for option in category.options}
    assert prices["PT_BIG"] == 3_000_000
    assert "GOLD" not in prices


def test_rules_and_parts_are_told_by_version(works: Works) -> None:
    version_id = VersionId(open_small_brand(works))

    with works.read(GUEST) as work:
        rules = queries.list_rules(work, version_id, option="HOOK")
        parts = queries.parts_of_car(work, version_id, model="A1", options=("W19", "RED"))

    assert [rule.code for rule in rules] == ["R002"]
    assert [(part.part, part.quantity) for part in parts] == [("FIR-BODY-A", 1), ("FIR-W19", 4)]


def test_what_a_catalogue_says_of_a_group_counts_for_every_car_with_an_option_of_it(works: Works) -> None:
    found_brand(works)
    small = small_catalogue()
    dearer = replace(small.price_rules[0], code="P002", when=Feature("Extras"), amount_minor=100_000)
    rail = replace(small.parts[0], feature="Extras", part="FIR-RAIL")
    with works.change(PLANNER) as work:
        publish_catalogue(work, replace(small, price_rules=(*small.price_rules, dearer), parts=(*small.parts, rail)))

    with works.read(PLANNER) as work:
        car = buildable_car(work, model="A1", options=(*PLAIN_CAR, "HOOK"), region="")
        listed = list_price_minor(work, car.version_id, model="A1", options=car.options)
        parts = queries.parts_of_car(work, car.version_id, model="A1", options=car.options)

    assert listed == car.price_minor
    assert [part.part for part in parts] == ["FIR-BODY-A", "FIR-RAIL"]


def test_a_kept_car_is_its_owners_alone(works: Works) -> None:
    open_small_brand(works)

    saved = save(works, "TR_BASE", "PT_SMALL", "W17", "RED")

    assert (saved.name, saved.car.options) == ("mine", PLAIN_CAR)
    with works.read(consumer()) as work:
        assert own_configurations(work, PageRequest(10)).items == (saved,)
        assert configurations_by_id(work, [saved.id]) == {saved.id: saved}
    with works.read(consumer("d")) as work:
        assert own_configurations(work, PageRequest(10)).items == ()
        assert configurations_by_id(work, [saved.id]) == {}


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("RED", "W17"), ConfigurationIncomplete(("Powertrain",), ("Powertrain",), ("动力",))),
        ((*PLAIN_CAR, "HOOK", "ROOF"), OptionExcluded),
        ((*PLAIN_CAR, "SAIL"), OptionUnknown(("SAIL",))),
    ],
)
def test_what_is_no_car_is_not_kept(
    works: Works, options: tuple[str, ...], refusal: Exception | type[Exception]
) -> None:
    open_small_brand(works)

    with pytest.raises(refusal if isinstance(refusal, type) else type(refusal)) as refused:
        save(works, *options)

    assert isinstance(refusal, type) or refused.value == refusal
    with works.read(GUEST) as work:
        assert work.connection.execute(select(func.count()).select_from(configurations)).scalar_one() == 0


@pytest.mark.parametrize(
    ("name", "region", "refusal"),
    [
        ("x" * 81, "east", InvalidInput),
        ("a\x00b", "east", InvalidInput),
        ("two\nlines", "east", InvalidInput),
        ("mine", "moon\x00", RegionUnknown),
        ("", "R" * 99, RegionUnknown),
    ],
)
def test_words_that_cannot_be_kept_are_refused(works: Works, name: str, region: str, refusal: type[Refusal]) -> None:
    open_small_brand(works)

    with pytest.raises(refusal), works.change(consumer()) as work:
        configuration_service.save_configuration(work, model="A1", options=PLAIN_CAR, region=region, name=name)

    with works.read(GUEST) as work:
        assert work.connection.execute(select(func.count()).select_from(configurations)).scalar_one() == 0


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "٣"])
def test_a_made_up_place_in_the_list_of_versions_breaks_nothing(works: Works, after: str) -> None:
    open_small_brand(works)

    with works.read(GUEST) as work:
        assert len(version_queries.list_versions(work, PageRequest(5, after)).items) in (0, 1)


def test_guests_keep_nothing(works: Works) -> None:
    open_small_brand(works)

    with pytest.raises(NotSignedIn):
        save(works, *PLAIN_CAR, actor=GUEST)


def test_a_newer_catalogue_makes_the_cars_it_breaks_stale_and_no_others(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    plain = save(works, *PLAIN_CAR)
    hooked = save(works, *PLAIN_CAR, "ROOF")
    catalogue, today = small_catalogue(), date(2026, 11, 23)
    options = tuple(
        replace(option, last_day=today) if option.code == "ROOF" else option for option in catalogue.options
    )
    newer = publish(works, replace(catalogue, label="2026.2", effective_from=today, options=options))
    clock.advance(timedelta(days=1))

    with works.change(system(BRAND)) as work:
        assert configuration_service.mark_stale(work, newer) is None
        assert configuration_service.mark_stale(work, newer) is None

    with works.read(consumer()) as work:
        found = configurations_by_id(work, [plain.id, hooked.id])
        changes = work.connection.execute(
            select(configuration_changes.c.state)
            .where(configuration_changes.c.configuration_id == hooked.id)
            .order_by(configuration_changes.c.serial)
        ).scalars()
        assert list(changes) == ["saved", "stale"]
    assert found[plain.id] == plain
    stale = found[hooked.id]
    assert isinstance(stale, StaleConfiguration)
    assert (stale.saved, stale.newer_version_id, stale.broken_by) == (hooked, newer, ("ROOF",))


def test_a_stale_car_moves_on_to_the_newer_version(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)

    with works.change(consumer()) as work:
        moved = configuration_service.migrate_configuration(work, saved.id, options=("BLUE", *PLAIN_CAR[1:]))

    with works.read(consumer()) as work:
        old = configurations_by_id(work, [saved.id])[saved.id]
    assert isinstance(old, MigratedConfiguration)
    assert (old.saved, old.moved_to) == (saved, moved.id)
    with pytest.raises(NotFound), works.change(consumer()) as work:
        configuration_service.migrate_configuration(work, saved.id, options=PLAIN_CAR)
    with pytest.raises(NotFound), works.change(consumer("d")) as work:
        configuration_service.migrate_configuration(work, moved.id, options=PLAIN_CAR)


def test_a_published_version_is_recomputed_from_the_database_as_it_was_read(works: Works, tmp_path: Path) -> None:
    version_id = VersionId(open_small_brand(works))

    with works.read(GUEST) as work:
        loaded = queries.version_by_id(work, version_id)

    assert loaded.catalogue == read_catalogue(copied_folder(tmp_path / "catalogue"))


def test_an_erased_persons_words_are_gone_and_the_cars_stay(works: Works) -> None:
    open_small_brand(works)
    saved = save(works, *PLAIN_CAR)

    with works.change(system(BRAND)) as work:
        told = configuration_service.export_person(work, "c" * 32)
        configuration_service.forget_person(work, "c" * 32)

    assert [one["name"] for one in told["configurations"]] == ["mine"]
    with works.read(consumer()) as work:
        left = configurations_by_id(work, [saved.id])[saved.id]
    assert left == replace(saved, name="")


def test_a_model_that_cannot_be_had_in_a_region_is_refused_with_the_rule_and_not_an_internal_error(
    works: Works, tmp_path: Path
) -> None:
    folder = copied_folder(tmp_path / "catalogue")
    for file, more in (
        ("options.uvl", "\t// R900\n\t!A1\n"),
        ("rules.csv", "R900,regional,south,,,,南方不售A1。,The A1 is not sold in the south.\n"),
    ):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + more, encoding="utf-8")
    found_brand(works)
    publish(works, read_catalogue(folder))

    assert configure(works, region="east").step.model == "A1"
    for options in ((), PLAIN_CAR):
        with pytest.raises(OptionExcluded) as refused:
            configure(works, *options, region="south")
        assert (refused.value.option, refused.value.rules_en) == ("A1", ("The A1 is not sold in the south.",))
