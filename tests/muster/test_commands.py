"""Commands as a person or a script runs them: what they print, and the exit code (0 well, 1 refused, 2 broken)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from sqlalchemy import update

from demand.pools.tables import pools
from kernel.clock import FixedClock
from kernel.work import Works
from tests.support.databases import ROOT, Database
from tests.support.site import surroundings
from tests.support.sound_world import make_sound_world


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
