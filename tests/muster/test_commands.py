"""Commands as a person or a script runs them: what they print, and the exit code (0 well, 1 refused, 2 broken)."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import update

from demand.pools.tables import pools
from kernel import registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import BrandId
from kernel.work import Works
from muster.settings import read_settings
from muster.wiring import Runtime, wire
from tests.support.databases import ROOT, Database, copy_sqlite
from tests.support.site import surroundings
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


def test_a_brand_that_is_there_is_named_and_not_added_again(sqlite_template: Path, tmp_path: Path) -> None:
    environment = surroundings(copy_sqlite(sqlite_template, tmp_path / "fresh.db"))
    muster("add-brand", "muster/demo/borealis", environment=environment)

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
    assert done.stderr.startswith(f"muster: port {port} is taken: {says}")
    assert len(done.stderr.splitlines()) == 1


def test_settings_refuses_what_serving_would_refuse() -> None:
    environment = {
        f"MUSTER_SECRET_{name}": base64.b64encode(bytes(32)).decode() for name in ("IDENTITY", "QUOTE", "PAYMENTS")
    }

    done = muster("settings", environment=environment)

    assert done.returncode == 2
    assert "Read well" not in done.stdout
    assert done.stderr.startswith("muster: MUSTER_SANDBOX_PROVIDERS is not set")
