"""`muster export-passport` and `verify`: a car's story in a file that anybody checks without a database."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from factory_orders.vehicles.tables import vehicles
from kernel.clock import FixedClock
from kernel.work import Works
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import SYSTEM, open_trade
from tests.muster.test_commands import muster
from tests.support.databases import Database
from tests.support.site import mark_migrated, surroundings


@pytest.fixture
def car(works: Works, clock: FixedClock, database: Database) -> tuple[str, dict[str, str]]:
    """Return the number of a car and the settings of its brand's database."""
    trade = open_trade(works, clock)
    (order_id,) = trade.lock()
    trade.build(order_id)
    mark_migrated(works.engine)
    with works.read(SYSTEM) as work:
        vin = work.connection.execute(select(vehicles.c.vin).where(vehicles.c.brand_id == BRAND)).scalar_one()
    return vin, dict(surroundings(database.url))


def test_a_passport_is_written_and_verified_and_a_change_is_found(
    car: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    vin, environment = car
    file = tmp_path / "passport.json"

    written = muster("export-passport", vin, str(file), "--brand", "fir", environment=environment)
    sound = muster("verify", str(file))
    document = orjson.loads(file.read_bytes())
    document["epcisBody"]["eventList"][1]["muster:newness"] = "used"
    file.write_bytes(orjson.dumps(document))
    changed = muster("verify", str(file))

    assert written.returncode == 0, written.stderr
    assert re.search(r"^\d events are in ", written.stdout)
    assert (sound.returncode, "Everything fits." in sound.stdout) == (0, True), sound.stdout
    assert (changed.returncode, "does not fit" in changed.stdout) == (1, True)


def test_a_file_that_is_there_is_not_written_over_and_a_wrong_number_is_refused(
    car: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    vin, environment = car
    file = tmp_path / "passport.json"
    file.write_text("mine", encoding="utf-8")

    there = muster("export-passport", vin, str(file), "--brand", "fir", environment=environment)
    wrong = muster("export-passport", vin[:-1], str(tmp_path / "other"), "--brand", "fir", environment=environment)

    assert there.returncode == 2
    assert file.read_text(encoding="utf-8") == "mine"
    assert wrong.returncode == 1
    assert not (tmp_path / "other").exists()
