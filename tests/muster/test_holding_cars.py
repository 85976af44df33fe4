"""What a publication would break is said before it: kept cars and open pre-orders are counted, and nobody is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from configurator.catalogue_files import read_catalogue
from configurator.configuration_service import save_configuration
from configurator.engine.artefact import Blueprint
from configurator.engine.shelf import Shelf
from configurator.errors import CatalogueOfOtherBrand, VersionTaken
from configurator.impact_service import Impact, PrivacyRule, PublicationImpact, impact_of_publication
from configurator.queries import newest_version
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.ids import AccountId, PersonId
from kernel.reasons import because
from kernel.work import Works
from muster.cli_catalogue import app
from muster.impact_texts import publication_lines
from muster.settings import SettingError
from muster.wiring import OpenPreOrders
from tests.configurator.small_brand import BRAND, GUEST, PLAIN_CAR, PLANNER, consumer, copied_folder, open_small_brand
from tests.demand.pool_room import make_pool_room
from tests.demand.wishing_room import know
from tests.support.databases import Database

BLUE_CAR = ("BLUE", *PLAIN_CAR[1:])


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Write a newer version of the small catalogue, which paints nothing red in the east."""
    folder = copied_folder(tmp_path / "newer")
    for name, before, after in (
        ("options.uvl", "\t// R004", "\t// R006\n\t!RED\n\n\t// R004"),
        ("rules.csv", "R004,", "R006,regional,east,,,,东部不提供红色。,No red in the east.\nR004,"),
        ("catalogue.toml", 'version = "2026.1"', 'version = "2026.2"'),
        ("catalogue.toml", "effective_from = 2026-01-01", "effective_from = 2026-12-01"),
    ):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
    return folder


def keep(works: Works, number: int, options: tuple[str, ...]) -> None:
    account_id, person_id = AccountId(f"{number:032x}"), PersonId(f"{number:032x}")
    with works.change(Actor(BRAND, frozenset({Role.CONSUMER}), account_id)) as work:
        know(work, account_id, person_id)
        save_configuration(work, model="A1", options=options, region="east")


def people(works: Works, clock: FixedClock) -> None:
    """Let twelve hold a red car in a pool; eleven keep a red one, thirteen a blue one, four a red one with a roof."""
    room = make_pool_room(works, clock)
    room.open()
    room.join(*range(1, 13))
    for number in range(100, 111):
        keep(works, number, PLAIN_CAR)
    for number in range(200, 213):
        keep(works, number, BLUE_CAR)
    for number in range(300, 304):
        keep(works, number, (*PLAIN_CAR, "ROOF"))


def test_the_dry_run_of_a_publication_counts_what_breaks_and_publishes_nothing(
    works: Works, clock: FixedClock, database: Database, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(works, clock)
    monkeypatch.setenv("MUSTER_DATABASE_URL", database.url)
    monkeypatch.setenv("MUSTER_DEMO", "1")

    ended = CliRunner().invoke(app, ["publish", str(newer), "--brand", "fir", "--dry-run"])
    checked = CliRunner().invoke(app, ["check", str(newer), "--kept", "--brand", "fir"])

    assert ended.exit_code == 0, ended.output
    lines = ended.stdout.splitlines()
    assert lines == [
        "kept cars: about 15 of 30 break",
        "  about 15 A1: broken by RED; smallest change: leave out RED and take BLUE (+¥1,000)",
        "open pre-orders: about 10 of 10 break",
        "  about 10 A1: broken by RED; smallest change: leave out RED and take BLUE (+¥1,000)",
        "Nothing was published.",
    ]
    assert checked.stdout.splitlines()[-4:] == [f"  {line}" for line in lines[:4]]
    with works.read(GUEST) as work:
        newest = newest_version(work)
    assert newest is not None
    assert newest[0] == 1


def test_a_publication_leaves_the_compiled_rules_where_servers_look(
    works: Works,
    clock: FixedClock,
    database: Database,
    newer: Path,
    circuits_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_pool_room(works, clock)
    monkeypatch.setenv("MUSTER_DATABASE_URL", database.url)
    monkeypatch.setenv("MUSTER_DEMO", "1")

    ended = CliRunner().invoke(app, ["publish", str(newer), "--brand", "fir"])

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[-2].startswith("Compiling the rules")
    assert ended.stdout.splitlines()[-1].startswith(
        "answered by circuit: the rules are compiled (decomposition was done"
    )
    book = compile_catalogue(read_catalogue(newer))
    found = Shelf(circuits_folder).find(Blueprint(book.formula, book.weighed).key)
    assert found is not None
    assert found.circuit is not None


def test_without_seconds_a_publication_leaves_the_rules_to_sat(
    works: Works, clock: FixedClock, database: Database, newer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pool_room(works, clock)
    monkeypatch.setenv("MUSTER_DATABASE_URL", database.url)
    monkeypatch.setenv("MUSTER_DEMO", "1")
    monkeypatch.setenv("MUSTER_CIRCUITS_FOLDER", str(tmp_path / "circuits"))

    ended = CliRunner().invoke(app, ["publish", str(newer), "--brand", "fir", "--seconds", "0"])

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[-1] == "the rules were not compiled: servers answer by SAT"
    assert not list(tmp_path.glob("circuits/*.circuit"))


@pytest.mark.parametrize(
    "words",
    [("check", "{}", "--kept"), ("publish", "{}", "--dry-run"), ("publish", "{}"), ("diff", "published", "{}")],
)
def test_a_catalogue_of_another_brand_is_refused_before_anything_is_compared(
    works: Works, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    open_small_brand(works)
    folder = copied_folder(tmp_path / "spruce")
    manifest = folder / "catalogue.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"fir"', '"spruce"'), encoding="utf-8")
    monkeypatch.setenv("MUSTER_DATABASE_URL", database.url)
    monkeypatch.setenv("MUSTER_DEMO", "1")

    ended = CliRunner().invoke(app, [*(word.format(folder) for word in words), "--brand", "fir"])

    assert isinstance(ended.exception, CatalogueOfOtherBrand)
    assert ended.exception.facts() == {"theirs": "spruce", "ours": "fir"}
    assert ended.stdout == ""


@pytest.mark.parametrize("words", [("--dry-run",), ()])
def test_a_version_under_a_label_that_is_taken_is_refused_before_anything_is_compiled(
    works: Works, database: Database, newer: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    open_small_brand(works)
    manifest = newer / "catalogue.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"2026.2"', '"2026.1"'), encoding="utf-8")
    monkeypatch.setenv("MUSTER_DATABASE_URL", database.url)
    monkeypatch.setenv("MUSTER_DEMO", "1")

    ended = CliRunner().invoke(app, ["publish", str(newer), "--brand", "fir", *words])

    assert ended.exception == VersionTaken(because("VERSION_LABEL", number=1, label="2026.1"))
    assert ended.stdout == ""


def test_settings_are_looked_at_before_anything_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MUSTER_DEMO", "MUSTER_SECRET_IDENTITY"):
        monkeypatch.delenv(name, raising=False)

    ended = CliRunner().invoke(app, ["check", str(tmp_path), "--kept"])

    assert isinstance(ended.exception, SettingError)
    assert ended.stdout == ""


def test_no_cars_at_all_are_no_figure() -> None:
    nothing = PublicationImpact(Impact(0, 0), Impact(0, None, (), others=True))

    assert publication_lines(nothing, PrivacyRule(k=10, rounding=5)) == [
        "kept cars: none, or too few to be counted",
        "open pre-orders: none, or too few to be counted",
    ]


def test_only_who_publishes_asks_and_nobody_is_named(works: Works, clock: FixedClock, newer: Path) -> None:
    people(works, clock)
    catalogue = read_catalogue(newer)
    engine = SatEngine(compile_catalogue(catalogue))
    rule = PrivacyRule(k=10, rounding=5)

    with works.read(PLANNER) as work:
        found = impact_of_publication(work, catalogue, engine, orders=OpenPreOrders(), rule=rule)
    with works.read(consumer()) as work, pytest.raises(Forbidden):
        impact_of_publication(work, catalogue, engine, orders=OpenPreOrders(), rule=rule)

    assert (found.saved.looked_at, found.saved.broken, len(found.saved.groups)) == (30, 15, 1)
    assert [(one.cars, one.left_out, one.added) for one in found.pre_orders.groups] == [(10, ("RED",), ("BLUE",))]
    assert not any(f"{number:032x}" in repr(found) for number in (*range(1, 13), *range(100, 304)))
