"""Server-sent events: the state of now at once, then the newest, in bytes that all readers share; seats are bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.applications import Starlette

from configurator.service import class_of_car
from demand.service import PoolPlan, open_pool
from graph.app import build_app
from graph.identifiers import write_id
from graph.live import HEARTBEAT_SECONDS, Hub
from graph.services import Services
from kernel import db
from kernel.actor import system
from tests.graph.conftest import Town
from tests.support.launch import REGION, cheapest_car

SECONDS_MAX: Final = 5


class Reader:
    """One GET of a stream, against the app itself; `slow` holds back what is sent until it is let go."""

    def __init__(
        self, app: Starlette, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> None:
        self._asked = False
        self._gone = asyncio.Event()
        self.may_take = asyncio.Event()
        self.may_take.set()
        self.heads: list[dict[str, Any]] = []
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()
        given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "http_version": "1.1",
            "headers": [(b"host", b"localhost"), (b"accept-language", b"en"), *given],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.may_take.wait()
        if message["type"] == "http.response.start":
            self.heads.append(message)
        else:
            self.bodies.put_nowait(message.get("body", b""))

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.bodies.get(), SECONDS_MAX)

    async def hang_up(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, SECONDS_MAX)

    @property
    def status(self) -> int:
        return int(self.heads[0]["status"])

    def header(self, name: str) -> str:
        return str(dict(self.heads[0]["headers"])[name.encode()].decode())


def open_a_pool(town: Town) -> str:
    with town.works.change(system(town.brand.id)) as work:
        car = cheapest_car(work, "L5")
        cls = class_of_car(work, model=car.model, options=car.options, region=REGION)
        return open_pool(work, PoolPlan(cls, capacity=60)).head.id


def fill(town: Town, pool_id: str, members: int) -> None:
    """Let a pool have so many members, as far as a reader can tell."""
    with town.works.engine.begin() as connection:
        pools = db.metadata.tables["pools"]
        connection.execute(pools.update().where(pools.c.id == pool_id).values(members=members))


def members_in(event: bytes) -> int:
    line = next(line for line in event.split(b"\n") if line.startswith(b"data: "))
    return int(orjson.loads(line.removeprefix(b"data: "))["data"]["poolProgress"]["members"])


def id_in(event: bytes) -> str:
    return next(line for line in event.split(b"\n") if line.startswith(b"id: ")).removeprefix(b"id: ").decode()


def play(services: Services, story: Callable[[Starlette], Awaitable[None]]) -> None:
    async def run() -> None:
        await story(build_app(services))

    asyncio.run(run())


def test_all_readers_get_the_state_of_now_and_then_the_same_bytes_of_the_newest(services: Services, town: Town) -> None:
    pool_id = open_a_pool(town)

    async def story(app: Starlette) -> None:
        readers = [Reader(app, f"/pools/{write_id('Pool', pool_id)}/events") for _ in range(3)]
        first = [await one.next() for one in readers]
        fill(town, pool_id, 7)
        second = [await one.next() for one in readers]
        for one in readers:
            await one.hang_up()

        assert [members_in(event) for event in first] == [0, 0, 0]
        assert all(event.startswith(b"retry: ") for event in first)
        assert members_in(second[0]) == 7
        assert all(event is second[0] for event in second)
        assert readers[0].header("content-type") == "text/event-stream; charset=utf-8"
        assert readers[0].header("cache-control") == "no-store"

    play(services, story)


def test_who_comes_back_with_the_last_event_is_not_told_it_again(services: Services, town: Town) -> None:
    pool_id = open_a_pool(town)
    path = f"/pools/{write_id('Pool', pool_id)}/events"

    async def story(app: Starlette) -> None:
        reader = Reader(app, path)
        seen = id_in(await reader.next())
        await reader.hang_up()

        back = Reader(build_app(services), path, headers={"last-event-id": seen})
        greeting = await back.next()
        fill(town, pool_id, 3)
        news = await back.next()
        await back.hang_up()
        late = Reader(app, path, headers={"last-event-id": seen})
        at_once = await late.next()
        await late.hang_up()

        assert b"data: " not in greeting
        assert (members_in(news), members_in(at_once)) == (3, 3)
        assert id_in(at_once) == id_in(news) != seen

    play(services, story)


def test_a_slow_reader_gets_the_newest_only(services: Services, town: Town) -> None:
    pool_id = open_a_pool(town)

    async def story(app: Starlette) -> None:
        reader = Reader(app, f"/pools/{write_id('Pool', pool_id)}/events")
        other = Reader(app, f"/pools/{write_id('Pool', pool_id)}/events")
        assert members_in(await reader.next()) == members_in(await other.next()) == 0
        reader.may_take.clear()
        for members in (1, 2, 3):
            fill(town, pool_id, members)
            assert members_in(await other.next()) == members
        reader.may_take.set()
        caught_up = [members_in(await reader.next()), members_in(await reader.next())]
        for one in (reader, other):
            await one.hang_up()

        # The first was on its way already; of those behind it only the newest is left.
        assert caught_up == [1, 3]
        assert reader.bodies.empty()

    play(services, story)


def test_a_full_process_says_when_to_come_back(services: Services, town: Town) -> None:
    path = f"/pools/{write_id('Pool', open_a_pool(town))}/events"

    async def story(app: Starlette) -> None:
        seated = [Reader(app, path) for _ in range(2)]
        for one in seated:
            await one.next()
        third = Reader(app, path)
        said = orjson.loads(await third.next())
        await seated[0].hang_up()
        again = Reader(app, path)
        await again.next()
        for one in (third, seated[1], again):
            await one.hang_up()

        assert third.status == 503
        assert said["errors"][0]["extensions"]["code"] == "TOO_BUSY"
        assert 5 <= int(third.header("retry-after")) <= 20
        assert again.status == 200

    play(replace(services, followers_max=2), story)


def test_what_cannot_be_followed_is_refused(services: Services, town: Town) -> None:
    path = f"/pools/{write_id('Pool', open_a_pool(town))}/events"

    async def story(app: Starlette) -> None:
        answers = {}
        for name, reader in {
            "another method": Reader(app, path, method="POST"),
            "nothing": Reader(app, "/pools/made-up/events"),
            "another brand": Reader(app, path, headers={"x-muster-brand": town.foreign.code}),
            "no brand": Reader(app, path, headers={"x-muster-brand": "nobody"}),
        }.items():
            await reader.next()
            await reader.hang_up()
            answers[name] = reader.status

        assert answers == {"another method": 405, "nothing": 404, "another brand": 404, "no brand": 400}

    play(services, story)


def test_a_quiet_stream_shows_that_it_is_alive(services: Services, town: Town) -> None:
    pool_id = open_a_pool(town)

    async def story(app: Starlette) -> None:
        hub: Hub = app.state.hub
        reader = Reader(app, f"/pools/{write_id('Pool', pool_id)}/events")
        await reader.next()
        for channels in hub._channels.values():
            for channel in channels.values():
                channel.spread_at -= HEARTBEAT_SECONDS
        beat = await reader.next()
        await reader.hang_up()

        assert beat == b": still here\n\n"
        assert hub.following == 0

    play(services, story)
