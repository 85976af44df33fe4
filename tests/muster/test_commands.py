"""Commands as a person or a script runs them: what they print, and the exit code (0 well, 1 refused, 2 broken)."""

from __future__ import annotations

import base64
import io
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console
from sqlalchemy import MetaData, inspect, select, update

from demand.pools.tables import pools
from graph.identifiers import chain_of, write_id
from kernel import db, registry
from kernel.actor import Actor, Role, system
from kernel.backup import back_up
from kernel.clock import FixedClock
from kernel.identity.account_service import add_accounts
from kernel.identity.model import IdentitySettings, NewAccount
from kernel.identity.tables import role_grants
from kernel.ids import BrandId
from kernel.timers import timers
from kernel.work import Works
from muster import serving
from muster.daily import DAILY_TIMER
from muster.demo.seed import _Steps
from muster.settings import read_settings
from muster.wiring import Runtime, wire
from tests.configurator.small_brand import BRAND, open_small_brand
from tests.support.databases import ROOT, Database, copy_sqlite
from tests.support.site import mark_migrated, surroundings
from tests.support.sound_world import make_sound_world

PASSWORD: Final = "only a test would take this 7"


def muster(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, with no setting but those given."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return subprocess.run(
        [sys.executable, "-m", "muster", *words],
        cwd=ROOT,
        env={**own, "COLUMNS": "200", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def migrated(sqlite_template: Path, tmp_path: Path) -> str:
    """Return a database of this version's shape without any brand."""
    url = copy_sqlite(sqlite_template, tmp_path / "migrated.db")
    engine = db.open_engine(url)
    mark_migrated(engine)
    engine.dispose()
    return url


@contextmanager
def opened(url: str) -> Iterator[Runtime]:
    """Open an installation's database in this process."""
    runtime = wire(read_settings(surroundings(url)))
    yield runtime
    runtime.identity.close()
    runtime.works.engine.dispose()


def guest_of(runtime: Runtime, code: str) -> Actor:
    """Return somebody nobody knows, at a brand."""
    with runtime.works.read(system(BrandId("platform"))) as work:
        return Actor(registry.brand_by_code(work, code).id)


def test_the_audit_says_yes_to_a_sound_brand_and_names_what_is_broken(
    database: Database, works: Works, clock: FixedClock
) -> None:
    make_sound_world(works, clock)
    environment = surroundings(database.url)

    sound = muster("audit", environment=environment)
    with database.engine.begin() as connection:
        connection.execute(update(pools).where(pools.c.state == "open").values(members=pools.c.members + 1))
    broken = muster("audit", environment=environment)

    assert (sound.returncode, broken.returncode) == (0, 1), (sound.stderr, broken.stderr)
    assert "Every invariant holds." in sound.stdout
    assert "broken" not in sound.stdout
    assert [line.split("§")[1][:4].strip() for line in broken.stdout.splitlines() if "broken" in line] == [
        "4.3",
        "4.11",
    ]


def test_rings_are_looked_for_in_a_process_that_serves_nothing(
    database: Database, works: Works, clock: FixedClock
) -> None:
    make_sound_world(works, clock)

    found = muster("pool", "rings", "--brand", "fir", environment=surroundings(database.url))

    assert (found.returncode, found.stdout.strip()) == (0, "No ring."), found.stderr


def test_a_first_administrator_needs_no_mail_server(sqlite_template: Path, tmp_path: Path) -> None:
    url = copy_sqlite(sqlite_template, tmp_path / "fresh.db")
    environment = {**surroundings(url), "MUSTER_BRAND": "borealis"}
    added = muster("add-brand", "muster/demo/borealis", environment=environment)
    administrator = muster("add-administrator", "anna@borealis.test", environment=environment)
    token = administrator.stdout.splitlines()[-1]
    with opened(url) as runtime:
        signed_in = runtime.identity.recover(guest_of(runtime, "borealis"), token=token, new_password=PASSWORD)
        with runtime.works.read(guest_of(runtime, "borealis")) as work:
            actor = runtime.identity.actor_of(work, signed_in.token)

    again = muster("add-administrator", "anna@borealis.test", environment=environment)

    assert (added.returncode, administrator.returncode) == (0, 0), (added.stderr, administrator.stderr)
    assert actor is not None
    assert Role.BRAND_ADMIN in actor.roles
    assert again.returncode == 1
    assert again.stderr.startswith("muster: ADDRESS_TAKEN: There is an account under this address already")


def test_a_brand_that_is_added_while_workers_run_has_its_mornings_and_is_not_added_again(
    sqlite_template: Path, tmp_path: Path
) -> None:
    url = copy_sqlite(sqlite_template, tmp_path / "fresh.db")
    environment = surroundings(url)
    muster("add-brand", "muster/demo/borealis", environment=environment)
    with opened(url) as runtime, runtime.works.read(system(BrandId("platform"))) as work:
        (brand,) = registry.all_brands(work)
        set_for = work.connection.execute(select(timers.c.brand_id).where(timers.c.kind == DAILY_TIMER)).scalars().all()
    assert set_for == [brand.id]

    again = muster("add-brand", "muster/demo/borealis", environment=environment)

    assert again.returncode == 1
    assert again.stderr.startswith("muster: BRAND_KNOWN: Brand borealis is there already")


@pytest.mark.parametrize(("words", "says"), [(["run"], "--port"), (["serve"], "MUSTER_PORT=")])
def test_a_port_that_is_taken_stops_a_start_before_anything_is_promised(
    tmp_path: Path, words: list[str], says: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = surroundings(f"sqlite:///{tmp_path}/none.db") | {"MUSTER_PORT": str(port)}

        done = muster(*words, environment=environment)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"muster: port {port} is taken: try {says}")
    assert len(done.stderr.splitlines()) == 1


def test_settings_refuses_what_serving_would_refuse() -> None:
    environment = {
        f"MUSTER_SECRET_{name}": base64.b64encode(bytes(32)).decode() for name in ("IDENTITY", "QUOTE", "PAYMENTS")
    }

    done = muster("settings", environment=environment)

    assert done.returncode == 2
    assert "Read well" not in done.stdout
    assert done.stderr.startswith("muster: MUSTER_SANDBOX_PROVIDERS is not set")


def test_a_backup_that_cannot_be_written_is_one_line(migrated: str, tmp_path: Path) -> None:
    done = muster("backup", f"{tmp_path}/there/x.muster", environment=surroundings(migrated))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == f"muster: {tmp_path}/there: there is no such folder; make it, or correct the path"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pool", "simulate", "Q1/nowhere", "--capacity", "40"), "class: 'Q1/nowhere' is none; write one as pools"),
        (
            ("pool", "simulate", "Q1/c/PT/-", "--capacity", "40", "--tiers", "60"),
            "tiers: '60' are none; write MEMBERS:",
        ),
        (("verify", "README.md"), "README.md: the file is no JSON"),
    ],
)
def test_what_no_rule_could_accept_is_a_broken_call_and_is_named(
    migrated: str, words: tuple[str, ...], says: str
) -> None:
    done = muster(*words, environment=surroundings(migrated))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"muster: INVALID_INPUT: {says}")


def test_a_mistyped_path_begins_no_new_database(tmp_path: Path) -> None:
    done = muster("migrate", environment=surroundings(f"sqlite:///{tmp_path}/mistyped/x.db"))

    assert done.returncode == 2
    assert done.stderr == (
        f"muster: MUSTER_DATABASE_URL: there is no folder {tmp_path}/mistyped; make it, or correct the path\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_command_without_secrets_says_how_it_reads_the_demo() -> None:
    done = muster("audit", environment={})

    assert done.returncode == 2
    assert "write MUSTER_DEMO=1 before the command" in done.stderr


def test_a_server_says_which_database_it_waits_for_and_which_brand_is_not_there(
    migrated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    away = read_settings(surroundings("postgresql://nobody@127.0.0.1:1/none"))
    empty = read_settings(surroundings(migrated) | {"MUSTER_BRAND": "nope"})

    serving.check_database(away)
    first = capsys.readouterr().err
    serving.check_database(empty)
    second = capsys.readouterr().err

    assert first.startswith("muster: the database does not answer; serving waits for it: ")
    assert second.startswith("muster: MUSTER_BRAND=nope: there is no such brand")


@pytest.mark.parametrize(
    ("word", "chain"),
    [
        (write_id("Pool", "a" * 32), f"pool:{'a' * 32}"),
        (f"pool:{write_id('Pool', 'a' * 32)}", f"pool:{'a' * 32}"),
        (write_id("Proposal", "b" * 32), f"proposal:{'b' * 32}"),
        (write_id("Comparison", "b" * 32), f"comparison:{'b' * 32}"),
        (f"pool:{'a' * 32}", f"pool:{'a' * 32}"),
        ("vin:L0LL50C11VA000125", "vin:L0LL50C11VA000125"),
        (write_id("Store", "c" * 32), write_id("Store", "c" * 32)),
    ],
)
def test_a_chain_goes_by_the_id_that_the_api_shows(word: str, chain: str) -> None:
    assert chain_of(word) == chain


def test_seeding_tells_each_step_where_no_terminal_is() -> None:
    told = io.StringIO()
    steps = _Steps(Console(file=told))

    with steps:
        steps.say("qilan: pool 1 of 6, 64 people")

    assert told.getvalue() == "  qilan: pool 1 of 6, 64 people\n"


def test_your_own_brand_is_in_after_the_steps_of_the_guide(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "guides" / "operator.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    url = f"sqlite:///{tmp_path}/own.db"
    own = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    script = f'set -e\nmuster() {{ "{sys.executable}" -m muster "$@"; }}\n{block.replace("/srv/", f"{tmp_path}/")}'

    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=own | surroundings(url), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "Pine (pine) is in." in done.stdout
    with opened(url) as runtime:
        recovered = runtime.identity.recover(
            guest_of(runtime, "pine"), token=done.stdout.split()[-1], new_password=PASSWORD
        )
        with runtime.works.read(guest_of(runtime, "pine")) as work:
            assert runtime.identity.actor_of(work, recovered.token) is not None
            assert registry.brand_by_code(work, "pine").wmi == "L0P"


def test_an_operator_is_made_and_unmade_by_command(database: Database, works: Works, clock: FixedClock) -> None:
    mark_migrated(database.engine)
    open_small_brand(works)
    with works.change(system(BRAND)) as work:
        (account_id,) = add_accounts(work, IdentitySettings(b"k" * 32), [NewAccount("anna@fir.test", "Anna")])
    environment = surroundings(database.url)

    def is_operator() -> bool:
        with works.read(system(BRAND)) as work:
            held = select(role_grants.c.role).where(
                role_grants.c.account_id == account_id, role_grants.c.revoked_at.is_(None)
            )
            return Role.OPERATOR.value in work.connection.execute(held).scalars().all()

    seen = []
    for word in ("grant-operator", "revoke-operator", "revoke-operator"):
        done = muster(word, "anna@fir.test", "--brand", "fir", environment=environment)
        seen.append((done.returncode, is_operator()))

    assert seen == [(0, True), (0, False), (1, False)]


def test_a_revision_that_is_not_there_is_one_clear_line(sqlite_url: str) -> None:
    done = muster("migrate", "9999", environment=surroundings(sqlite_url))

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "9999" in done.stderr


def test_a_backup_of_a_version_to_come_is_one_line_and_leaves_an_empty_database_without_a_table(tmp_path: Path) -> None:
    url, newer = f"sqlite:///{tmp_path / 'bare.db'}", tmp_path / "newer.muster"
    other = db.open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    back_up(other, newer, revision="9999_to_come", schema=MetaData())
    other.dispose()

    done = muster("restore", str(newer), environment=surroundings(url))

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert "BACKUP_OF_ANOTHER_REVISION: The backup has the schema 9999_to_come" in done.stderr
    engine = db.open_engine(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_backup_that_does_not_verify_leaves_an_empty_database_without_a_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bare.db'}"
    broken = tmp_path / "broken.muster"
    broken.write_bytes(b"no backup at all")

    done = muster("restore", str(broken), environment=surroundings(url))

    assert done.returncode == 2, done.stderr
    assert [line for line in done.stderr.splitlines() if "NOT_A_BACKUP" in line] == done.stderr.splitlines()
    engine = db.open_engine(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
