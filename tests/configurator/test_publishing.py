"""Catalogue versions: published once, immutable, in force from their day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from configurator import queries, service, step_service, version_queries
from configurator.catalogue import Catalogue
from configurator.errors import (
    CatalogueFaulty,
    CatalogueOfOtherBrand,
    VersionNotInForce,
    VersionTaken,
)
from configurator.events import CataloguePublished
from configurator.model import (
    VersionId,
)
from configurator.step_service import ConfigureRequest
from configurator.tables import catalogue_versions
from kernel import db
from kernel.actor import Actor
from kernel.clock import FixedClock
from kernel.errors import Forbidden, NotFound, NotSignedIn
from kernel.ids import BrandId
from kernel.paging import PageRequest
from kernel.work import Works
from tests.configurator.showroom import configure, counting, publish
from tests.configurator.small_brand import (
    BRAND,
    GUEST,
    PLANNER,
    consumer,
    copied_folder,
    found_brand,
    open_small_brand,
    small_catalogue,
)
from tests.support.databases import Database


def version_count(works: Works) -> int:
    with works.read(GUEST) as work:
        return work.connection.execute(select(func.count()).select_from(catalogue_versions)).scalar_one()


def without(catalogue: Catalogue, option: str) -> Catalogue:
    """Return a later catalogue that sells an option no more."""
    options = tuple(
        replace(one, last_day=date(2026, 1, 31)) if one.code == option else one for one in catalogue.options
    )
    return replace(catalogue, label="2026.2", effective_from=date(2026, 2, 1), options=options)


def dearer(catalogue: Catalogue) -> Catalogue:
    models = tuple(replace(model, base_price_minor=model.base_price_minor + 100) for model in catalogue.models)
    return replace(catalogue, label="2026.2", effective_from=date(2026, 11, 23), models=models)


def test_versions_are_numbered_and_the_newest_in_force_answers(works: Works, clock: FixedClock) -> None:
    first = open_small_brand(works)
    later = replace(dearer(small_catalogue()), effective_from=date(2026, 12, 1))

    second = publish(works, later)

    assert configure(works).version_id == first
    clock.set(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    assert configure(works).version_id == first
    clock.set(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    assert configure(works).version_id == second
    with works.read(GUEST) as work:
        page = version_queries.list_versions(work, PageRequest(1))
        rest = version_queries.list_versions(work, PageRequest(5, "2"))
    assert [(one.number, one.label) for one in page.items] == [(2, "2026.2")]
    assert page.has_next
    assert [one.number for one in rest.items] == [1]


def test_what_binds_nobody_may_miss_what_another_process_published_just_now(database: Database, works: Works) -> None:
    first = open_small_brand(works)
    with works.read(GUEST) as work:
        queries.version_in_force(work)
    elsewhere = db.open_engine(database.url)
    second = publish(Works(elsewhere, clock=works.clock), dearer(small_catalogue()))
    elsewhere.dispose()

    with works.read(GUEST) as work, counting(work) as statements:
        behind, _ = queries.open_showroom(work, region="", seconds_old_max=3_600)
        asked, _ = queries.open_showroom(work, region="")

    assert (behind.id, asked.id) == (first, second)
    assert len([one for one in statements if "document" not in one]) == 1


def test_a_read_that_began_before_a_publication_hides_it_from_nobody(works: Works) -> None:
    open_small_brand(works)
    with works.read(GUEST) as slow:
        slow.connection.execute(select(func.count()).select_from(catalogue_versions))
        second = publish(works, dearer(small_catalogue()))
        with works.read(GUEST) as work:
            queries.version_in_force(work)

        queries.version_in_force(slow)

    with works.read(GUEST) as work:
        behind, _ = queries.open_showroom(work, region="", seconds_old_max=3_600)
    assert behind.id == second


def test_whoever_publishes_sees_it_at_once(works: Works) -> None:
    open_small_brand(works)
    configure(works)

    second = publish(works, dearer(small_catalogue()))

    assert configure(works).version_id == second


def test_publishing_is_news(works: Works) -> None:
    found_brand(works)

    with works.change(PLANNER) as work:
        version_id = service.publish_catalogue(work, small_catalogue())
        news = list(work.news)

    assert news == [
        CataloguePublished(BRAND, version_id, 1, date(2026, 1, 1), news[0].content_hash, ("proposal-7",))  # type: ignore[attr-defined]  # it is a CataloguePublished, as the comparison says
    ]


def test_a_catalogue_can_be_published_ahead_of_its_day(works: Works) -> None:
    open_small_brand(works)

    with works.change(PLANNER) as work:
        service.publish_catalogue(work, dearer(small_catalogue()), effective_from=date(2027, 1, 1))

    assert configure(works).version_number == 1


def test_a_catalogue_with_faults_is_not_published(works: Works, tmp_path: Path) -> None:
    found_brand(works)
    folder = copied_folder(tmp_path / "catalogue")
    (folder / "models.csv").unlink()

    with pytest.raises(CatalogueFaulty), works.change(PLANNER) as work:
        service.publish_folder(work, folder)

    assert version_count(works) == 0


@pytest.mark.parametrize("change", ["same", "earlier", "over", "label", "brand", "currency", "plant", "region", "dead"])
def test_a_catalogue_that_does_not_fit_is_not_published(works: Works, change: str) -> None:
    open_small_brand(works)
    catalogue = small_catalogue()
    south = replace(catalogue.models[0], plant="fir_west")
    rules = tuple(
        replace(rule, condition=replace(rule.condition, regions=("moon",))) if rule.code == "R003" else rule
        for rule in catalogue.rules
    )
    changed = {
        "same": catalogue,
        "earlier": replace(dearer(catalogue), effective_from=date(2025, 12, 31)),
        "over": replace(dearer(catalogue), effective_from=date(2026, 11, 22)),
        "label": replace(dearer(catalogue), label=catalogue.label),
        "brand": replace(catalogue, brand="spruce"),
        "currency": replace(catalogue, currency="EUR"),
        "plant": replace(catalogue, models=(south, *catalogue.models[1:])),
        "region": replace(catalogue, rules=rules),
        "dead": without(catalogue, "HOOK"),
    }[change]

    refusal = CatalogueOfOtherBrand if change == "brand" else (CatalogueFaulty, VersionTaken)
    with pytest.raises(refusal):
        publish(works, changed)

    assert version_count(works) == 1


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"label": "2026.1"}, "version 1 has the label 2026.1 already; write a new one at version in catalogue.toml"),
        (
            {"effective_from": date(2026, 11, 22)},
            (
                "its first day, 2026-11-22, is over; write 2026-11-23 or later at effective_from, "
                "or give it with --effective-from"
            ),
        ),
    ],
)
def test_a_version_that_makes_no_sense_is_refused_with_what_to_do(
    works: Works, changed: dict[str, Any], text: str
) -> None:
    open_small_brand(works)

    with pytest.raises(VersionTaken) as refused:
        publish(works, replace(dearer(small_catalogue()), **changed))

    assert refused.value.text() == f"This catalogue cannot be published: {text}."
    assert version_count(works) == 1


def test_only_planners_publish(works: Works) -> None:
    found_brand(works)

    with pytest.raises(NotSignedIn):
        publish(works, small_catalogue(), GUEST)
    with pytest.raises(Forbidden):
        publish(works, small_catalogue(), consumer())

    assert version_count(works) == 0


def test_two_versions_of_one_number_are_refused_by_the_database(works: Works) -> None:
    open_small_brand(works)

    with works.read(GUEST) as work:
        row = dict(work.connection.execute(select(catalogue_versions)).mappings().one())
    again = catalogue_versions.insert().values(**row | {"id": "9" * 32})
    with pytest.raises(IntegrityError), works.change(PLANNER) as work:
        work.connection.execute(again)

    assert version_count(works) == 1


def test_before_the_first_version_nothing_is_sold(works: Works, clock: FixedClock) -> None:
    found_brand(works)

    with pytest.raises(VersionNotInForce):
        configure(works)


def test_another_brands_version_looks_as_if_it_were_not_there(works: Works) -> None:
    version_id = open_small_brand(works)
    other = BrandId("f" * 32)
    found_brand(works, brand_id=other, code="spruce")

    with works.read(Actor(other)) as work:
        assert version_queries.versions_by_id(work, [version_id]) == {}
        with pytest.raises(NotFound):
            step_service.configure(work, ConfigureRequest("A1", version_id=VersionId(version_id)))
