"""The simulated plant at the API, as the machine account of a plant: through a bad line every car is built and told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from factory_orders.model import Stage
from factory_orders.plant.simulation import PlantConduct
from muster.cli_plant import app
from muster.demo.plant import ApiDoor, SimulatedPlant
from muster.demo.seed import ZONE
from muster.terminal import FileTrouble
from tests.graph.client import Http
from tests.journeys.town import Town

BAD_LINE = PlantConduct(rework_percent=30, lost_percent=15, unanswered_percent=15, repeated_percent=15, late_percent=15)
STAGES = "query Stages($first: Int!) { plantBuildOrders(first: $first, openOnly: false) { nodes { stage } } }"


def lock_cars(town: Town, cars: int = 3) -> None:
    """Let a pool of the brand's cars clear."""
    buyers = [town.buyer() for _ in range(cars)]
    quotes = [buyer.quote() for buyer in buyers]
    pool = town.open_pool(quotes[0]["poolingClass"]["key"])
    for buyer in buyers:
        placed = buyer.place(buyer.quote())
        assert placed["state"] == "pooled"
    for moment in (pool["freezeAt"], pool["deadline"]):
        town.house.pass_until(moment)
    town.house.work_off()


def stages(town: Town) -> list[str]:
    """Return where the plant's build orders stand."""
    nodes = town.machine("plant-changzhou").ask(STAGES, first=50)["plantBuildOrders"]["nodes"]
    return sorted(one["stage"] for one in nodes)


def test_through_a_bad_line_every_car_is_built_and_told(qilan: Town) -> None:
    lock_cars(qilan)
    clock = qilan.house.clock
    qilan.house.pass_time(timedelta(weeks=12))
    door = ApiDoor(qilan.machine("plant-changzhou"), clock.now() - datetime.now(UTC))

    tally = SimulatedPlant(door, ZONE, BAD_LINE).work_until_now()
    again = SimulatedPlant(door, ZONE, BAD_LINE).work_until_now()

    assert stages(qilan) == ["PASSED"] * 3
    assert tally.cars[Stage.PASSED] == 3
    assert tally.messages["lost"] + tally.messages["unanswered"] > 0
    assert again.sent == 0


def test_a_plant_whose_clock_is_behind_sets_it_by_what_it_is_told(qilan: Town) -> None:
    lock_cars(qilan)
    qilan.house.pass_time(timedelta(days=1))
    offset = qilan.house.clock.now() - datetime.now(UTC) - timedelta(days=40)
    door = ApiDoor(qilan.machine("plant-changzhou"), offset)

    tally = SimulatedPlant(door, ZONE, ahead=True).work_until_now()

    assert tally.messages["refused"] > 0
    assert stages(qilan) == ["PASSED"] * 3


# --- from the command line -------------------------------------------------------------------------------------------


@contextmanager
def listening(http: Http) -> Iterator[str]:
    """Put the application of this process behind a port of loopback."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = http.post(self.path, content=body, headers=dict(self.headers.items()))
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_words: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_command_builds_what_is_released_and_shows_what_became_of_its_messages(qilan: Town, tmp_path: Path) -> None:
    lock_cars(qilan)
    key = tmp_path / "key"
    key.write_text(f"{qilan.machine('plant-changzhou').token}\n", encoding="utf-8")

    with listening(qilan.house.http) as address:
        words = ["simulate", "--server", address, "--ahead", "--rework", "100", "--unanswered", "30"]
        done = CliRunner().invoke(app, [*words, "--key-file", str(key)])
        as_demo = CliRunner().invoke(app, words)

    assert done.exit_code == 0, done.output
    assert "cars reported rework" in done.output
    assert "messages unanswered" in done.output
    assert stages(qilan) == ["PASSED"] * 3
    assert as_demo.exit_code == 0, as_demo.output
    assert "nothing to build" in as_demo.output


@pytest.mark.parametrize(
    "words", [["--lost", "70", "--late", "30"], ["--days", "3", "--key-file", "k"], ["--rework", "101"]]
)
def test_a_call_that_makes_no_sense_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["simulate", *words])

    assert done.exit_code == 2


def test_a_server_that_is_not_there_and_a_missing_key_are_told_in_one_line(tmp_path: Path) -> None:
    nobody = CliRunner().invoke(app, ["simulate", "--server", "http://127.0.0.1:9"])
    no_key = CliRunner().invoke(app, ["simulate", "--key-file", str(tmp_path / "none")])

    assert isinstance(nobody.exception, FileTrouble)
    assert "does not answer" in str(nobody.exception)
    assert isinstance(no_key.exception, FileTrouble)
