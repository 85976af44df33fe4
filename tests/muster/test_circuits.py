"""A server answers from circuits: which folder they are in, what is loaded before anybody asks, what a worker does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from configurator import queries
from configurator.engine.artefact import Blueprint
from configurator.engine.backend import BackendKind
from configurator.engine.workshop import Workshop
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.service import publish_catalogue
from kernel.work import Works
from muster.circuits import circuits_folder, open_shelf, order_circuits, serve_from_circuits
from muster.settings import Settings, read_settings
from tests.configurator.small_brand import GUEST, PLANNER, found_brand, open_small_brand, small_catalogue
from tests.support.databases import Database

SECONDS_MAX = 120


@pytest.fixture
def settings(database: Database, circuits_folder: Path) -> Settings:
    return read_settings(
        {
            "MUSTER_DEMO": "1",
            "MUSTER_DATABASE_URL": database.url,
            "MUSTER_CIRCUITS_FOLDER": str(circuits_folder),
        }
    )


@pytest.fixture(autouse=True)
def back_to_sat() -> Iterator[None]:
    yield
    queries.answer_with(SatEngine)


def let_it_finish(workshop: Workshop) -> None:
    """Wait until the workshop has done what it was told, and what that told it in turn."""
    for _ in range(2):
        done = threading.Event()
        workshop.soon(done.set)
        assert done.wait(SECONDS_MAX)


def kind_of_engine(works: Works) -> BackendKind:
    with works.read(GUEST) as work:
        return queries.version_in_force(work)[0].engine.kind


def test_circuits_lie_where_the_setting_says_else_beside_the_file_else_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    demo = {"MUSTER_DEMO": "1"}
    postgres = demo | {"MUSTER_DATABASE_URL": "postgresql://nobody@nowhere/none"}

    beside = circuits_folder(read_settings(demo | {"MUSTER_DATABASE_URL": f"sqlite:///{tmp_path}/muster.db"}))
    told = circuits_folder(read_settings(postgres | {"MUSTER_CIRCUITS_FOLDER": "/srv/circuits"}))
    cached = circuits_folder(read_settings(postgres))
    monkeypatch.delenv("XDG_CACHE_HOME")
    at_home = circuits_folder(read_settings(postgres))

    assert beside == tmp_path / "circuits"
    assert told == Path("/srv/circuits")
    assert cached == Path("/caches/muster/circuits")
    assert at_home == Path.home() / ".cache" / "muster" / "circuits"


def test_a_server_has_opened_what_is_in_force_before_anybody_asks(works: Works, settings: Settings) -> None:
    open_small_brand(works)

    let_it_finish(serve_from_circuits(settings, works))

    assert kind_of_engine(works) is BackendKind.CIRCUIT


def test_a_server_on_a_database_without_a_catalogue_starts_all_the_same(works: Works, settings: Settings) -> None:
    found_brand(works)

    let_it_finish(serve_from_circuits(settings, works))

    assert list(open_shelf(settings).folder.glob("*.partial")) == []


def test_a_worker_has_made_what_was_published_and_answers_by_sat(works: Works, settings: Settings) -> None:
    workshop = order_circuits(settings)

    open_small_brand(works)
    kind = kind_of_engine(works)
    let_it_finish(workshop)

    book = compile_catalogue(small_catalogue())
    artefact = open_shelf(settings).find(Blueprint(book.formula, book.weighed).key)
    assert artefact is not None
    assert artefact.circuit is not None
    assert kind is kind_of_engine(works) is BackendKind.SAT


def test_a_changed_price_date_or_withdrawal_is_served_from_the_circuit_that_is_there(
    works: Works, settings: Settings
) -> None:
    open_small_brand(works)
    let_it_finish(serve_from_circuits(settings, works))
    before = sorted(path.name for path in open_shelf(settings).folder.glob("*.circuit"))
    old = small_catalogue()
    option = old.options[0]
    changed = replace(
        old,
        label="changed",
        prices=tuple(replace(one, price_minor=one.price_minor + 100) for one in old.prices),
        options=(replace(option, last_day=old.effective_from), *old.options[1:]),
    )

    with works.change(PLANNER) as work:
        publish_catalogue(work, changed)

    assert kind_of_engine(works) is BackendKind.CIRCUIT
    assert sorted(path.name for path in open_shelf(settings).folder.glob("*.circuit")) == before
