"""A server's engines are ready to explain before anybody asks; a worker's, which are asked nothing, are not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.engine.answers import Answers
from configurator.rules import compile_catalogue
from muster.circuits import engines_of, open_workshop
from muster.settings import read_settings

CATALOGUE = Path(__file__).parents[1] / "configurator" / "data" / "small"
SECONDS_MAX = 60


@pytest.mark.parametrize("walks", [True, False])
def test_a_servers_engine_gets_ready_to_explain_by_itself(tmp_path: Path, walks: bool) -> None:
    settings = read_settings(
        {"MUSTER_DEMO": "1", "MUSTER_CIRCUITS_FOLDER": str(tmp_path / "circuits"), "MUSTER_COMPILE_SECONDS": "0"}
    )
    workshop = open_workshop(settings, walks=walks)

    engine = engines_of(workshop)(compile_catalogue(read_catalogue(CATALOGUE)))

    assert isinstance(engine, Answers)
    until = time.monotonic() + (SECONDS_MAX if walks else 0.5)
    while not engine.reasons.is_ready and time.monotonic() < until:
        time.sleep(0.01)
    assert engine.reasons.is_ready is walks
    engine.close()
