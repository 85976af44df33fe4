"""What an operator reads at /metrics: news and timers that wait, group sizes, statements; and how a server stops."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette

from demand.pools.model import PooledPreOrder
from graph.app import build_app
from graph.metrics import Metrics
from graph.services import Services
from kernel import db, outbox
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import TooBusy
from kernel.group import Group
from kernel.timers import fire_due, set_timer
from kernel.work import Works
from muster.gauges import DoorReader, add_gauges
from muster.settings import read_settings
from muster.wiring import Runtime, services, wire
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.graph.client import Http, open_http
from tests.graph.support import counted_statements
from tests.support.databases import Database
from tests.support.site import surroundings


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


@pytest.fixture
def runtime(room: PoolRoom, database: Database) -> Runtime:
    return wire(read_settings(surroundings(database.url)), works=room.works)


@pytest.fixture
def server(runtime: Runtime) -> Iterator[tuple[Starlette, Services]]:
    """Return the app as the server process makes it, reading anew at every scrape."""
    metrics = Metrics()
    gauges = add_gauges(metrics.registry, runtime.works, refresh_seconds=0)
    made = services(runtime, watch_groups=gauges.group_sizes.observe)
    yield build_app(made, metrics=metrics), made
    for close in made.at_close:
        close()


@pytest.fixture
def http(server: tuple[Starlette, Services]) -> Iterator[Http]:
    with open_http(server[0]) as client:
        yield client


def figure(text: str, name: str) -> float:
    """Return the value of the one line of a metric."""
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found)


def scrape(http: Http, name: str) -> float:
    return figure(http.get("/metrics").text, name)


def test_news_that_waits_shows_as_a_lag_until_it_is_delivered(http: Http, room: PoolRoom) -> None:
    while outbox.deliver(room.works, []):
        pass
    idle = scrape(http, "muster_outbox_lag_seconds")
    room.open()
    room.clock.advance(timedelta(seconds=42))

    waiting = scrape(http, "muster_outbox_lag_seconds")
    outbox.deliver(room.works, [])

    assert (idle, waiting, scrape(http, "muster_outbox_lag_seconds")) == (0, 42, 0)


def test_timers_that_should_have_fired_are_counted(http: Http, room: PoolRoom) -> None:
    with room.works.change(system(BRAND)) as work:
        for key in "abc":
            set_timer(work, "test.gauge", key, work.now + timedelta(minutes=1))
    before = scrape(http, "muster_timers_overdue")
    room.clock.advance(timedelta(minutes=1))

    overdue = scrape(http, "muster_timers_overdue")
    fire_due(room.works, {"test.gauge": lambda _work, _key, _payload: None})

    assert (before, overdue, scrape(http, "muster_timers_overdue")) == (0, 3, 0)


def test_groups_and_statements_are_counted(
    http: Http, server: tuple[Starlette, Services], runtime: Runtime, room: PoolRoom
) -> None:
    room.open()
    door = server[1].pre_order_door
    assert door is not None
    with counted_statements(runtime.works.engine) as seen:
        before = scrape(http, "muster_sql_statements_total")
        door.submit(room.request(room.buyer(1), funded=False)).result(30)
        statements = scrape(http, "muster_sql_statements_total") - before
    text = http.get("/metrics").text

    # Of the four statements of two scrapes the first two come before the first figure or the last two after the second.
    assert len(seen) - 2 <= statements <= len(seen)
    assert statements > 4
    assert figure(text, "muster_pre_order_group_size_count") == 1
    assert figure(text, "muster_pre_order_group_size_sum") == 1


def test_scrapes_within_seconds_read_the_database_once_and_one_at_a_time(room: PoolRoom) -> None:
    registry = CollectorRegistry()
    add_gauges(registry, room.works, refresh_seconds=60)

    with counted_statements(room.works.engine) as seen:
        threads = [threading.Thread(target=generate_latest, args=(registry,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(seen) == 2


def test_a_database_that_cannot_be_read_leaves_its_figures_out(clock: FixedClock) -> None:
    registry = CollectorRegistry()
    engine = db.open_engine("sqlite:////nowhere/at/all.db")
    add_gauges(registry, Works(engine, clock=clock))

    text = generate_latest(registry).decode()

    assert "muster_outbox_lag_seconds" not in text
    assert figure(text, "muster_sql_statements_total") == 0


def test_the_door_shows_what_waits_and_how_many_were_sent_away() -> None:
    go, entered, registry = threading.Event(), threading.Event(), CollectorRegistry()

    def decide(requests: Sequence[int]) -> Sequence[int]:
        entered.set()
        assert go.wait(10)
        return requests

    door: Group[int, int] = Group(decide, name="door", queue_max=1)
    registry.register(DoorReader(door))
    door.submit(1)
    assert entered.wait(10)
    door.submit(2)
    with pytest.raises(TooBusy):
        door.submit(3)
    text = generate_latest(registry).decode()
    go.set()
    door.close()

    assert figure(text, "muster_pre_orders_waiting") == 1
    assert figure(text, "muster_pre_orders_sent_away_total") == 1


def test_a_server_that_stops_decides_what_is_queued_and_takes_nothing_more(
    server: tuple[Starlette, Services], room: PoolRoom
) -> None:
    app, made = server
    room.open()
    door = made.pre_order_door
    assert door is not None

    with open_http(app) as http:
        life = app.router.lifespan_context(app)
        http.run(life.__aenter__)
        waiting = [door.submit(room.request(room.buyer(number), funded=False)) for number in (1, 2, 3)]
        http.run(life.__aexit__, None, None, None)

    assert [future.done() for future in waiting] == [True] * 3
    assert not any(isinstance(future.result().pre_order, PooledPreOrder) for future in waiting)
    with pytest.raises(TooBusy):
        door.submit(room.request(room.buyer(4), funded=False))
