"""A socket ends with the session it was opened under, and guests do not use up each other's streams."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from graph.app import build_app
from graph.live import Channel, Follower, Hub, Owner, Topic, View
from graph.services import Services, Threads
from graph.sessions import Sessions
from graph.sockets import Socket
from kernel.actor import Actor, Role
from kernel.ids import AccountId, StoreId
from tests.graph.client import open_http
from tests.graph.conftest import Town
from tests.graph.support import Passes

RECHECK_SECONDS = 0.2


def app_that_looks_again(services: Services) -> Starlette:
    """Return an app whose sockets look their session up again after a moment."""
    endpoint = build_app(services).state.endpoint

    async def serve(websocket: WebSocket) -> None:
        hub = Hub(services.works, Threads(1), {})
        await Socket(websocket, endpoint, hub, recheck_seconds=RECHECK_SECONDS).serve()

    app = Starlette(routes=[WebSocketRoute("/graphql", serve)])
    app.state.sessions = endpoint.sessions
    return app


def test_a_session_that_has_ended_ends_its_socket_however_often_it_pings(
    services: Services, passes: Passes, town: Town
) -> None:
    token = passes.hand_out(Actor(town.brand.id, frozenset({Role.CONSUMER}), AccountId("7" * 32)))
    app = app_that_looks_again(services)
    sessions: Sessions = app.state.sessions

    with open_http(app) as http, http.socket() as socket:
        socket.send({"type": "connection_init", "payload": {"token": token}})
        assert socket.receive() == {"type": "connection_ack"}
        del passes.actors[token]
        sessions.forget(token)
        deadline = time.monotonic() + 20 * RECHECK_SECONDS
        answer: dict[str, Any] = {"type": "pong"}
        while answer == {"type": "pong"} and time.monotonic() < deadline:
            socket.send({"type": "ping"})
            answer = socket.receive()
            time.sleep(RECHECK_SECONDS / 4)

    assert answer == {"closed": 4401}


def test_who_leaves_a_store_or_a_role_follows_it_no_longer(services: Services, passes: Passes, town: Town) -> None:
    adviser = Actor(town.brand.id, frozenset({Role.DEALER}), AccountId("7" * 32), store_id=StoreId("5" * 32))
    app = app_that_looks_again(services)
    sessions: Sessions = app.state.sessions
    closed = []

    for left in (replace(adviser, store_id=StoreId("6" * 32)), replace(adviser, roles=frozenset({Role.CONSUMER}))):
        token = passes.hand_out(adviser)
        with open_http(app) as http, http.socket() as socket:
            socket.send({"type": "connection_init", "payload": {"token": token}})
            assert socket.receive() == {"type": "connection_ack"}
            passes.actors[token] = left
            sessions.forget(token)
            closed.append(socket.receive())

    assert closed == [{"closed": 4403}] * 2


class Quiet(Hub):
    """Lets everybody follow what never changes."""

    async def follow(
        self, topic: Topic, view: View, *, owner: Owner, on_offer: Callable[[], None] | None = None
    ) -> Follower | None:
        return Follower(Channel(topic, view), owner, on_offer)

    def leave(self, follower: Follower) -> None:
        pass


def idle_app(services: Services, *, idle_seconds: float) -> Starlette:
    """Return an app whose sockets are closed when nothing is followed for a moment."""
    endpoint = build_app(services).state.endpoint

    async def serve(websocket: WebSocket) -> None:
        hub = Quiet(services.works, Threads(1), {})
        await Socket(websocket, endpoint, hub, idle_seconds=idle_seconds).serve()

    return Starlette(routes=[WebSocketRoute("/graphql", serve)])


def test_a_socket_that_follows_nothing_is_closed_however_often_it_pings(services: Services) -> None:
    with open_http(idle_app(services, idle_seconds=0.4)) as http, http.socket() as socket:
        socket.send({"type": "connection_init"})
        assert socket.receive() == {"type": "connection_ack"}
        opened = time.monotonic()
        answer: dict[str, Any] = {"type": "pong"}
        while answer == {"type": "pong"} and time.monotonic() < opened + 10:
            socket.send({"type": "ping"})
            answer = socket.receive()
            time.sleep(0.05)

    assert answer == {"closed": 4410}


def test_a_socket_that_follows_something_is_not_idle(services: Services) -> None:
    document = 'subscription { poolProgress(poolId: "UG9vbDox") { state } }'
    with open_http(idle_app(services, idle_seconds=0.2)) as http, http.socket() as socket:
        socket.send({"type": "connection_init"})
        socket.receive()
        socket.send({"id": "1", "type": "subscribe", "payload": {"query": document}})
        time.sleep(0.6)
        socket.send({"type": "ping"})
        answers = [socket.receive()]
        while answers[-1] != {"type": "pong"} and "closed" not in answers[-1]:
            answers.append(socket.receive())
        socket.send({"id": "1", "type": "complete"})
        last = socket.receive()

    assert answers[-1] == {"type": "pong"}
    assert last == {"closed": 4410}


class Counting(Quiet):
    """Notes who came and who went."""

    came = 0
    went = 0

    async def follow(
        self, topic: Topic, view: View, *, owner: Owner, on_offer: Callable[[], None] | None = None
    ) -> Follower | None:
        self.came += 1
        return await super().follow(topic, view, owner=owner, on_offer=on_offer)

    def leave(self, follower: Follower) -> None:
        self.went += 1


def test_a_stream_that_is_ended_in_the_moment_it_begins_gives_its_seat_back(services: Services) -> None:
    endpoint = build_app(services).state.endpoint
    hub = Counting(services.works, Threads(1), {})

    async def serve(websocket: WebSocket) -> None:
        await Socket(websocket, endpoint, hub).serve()

    document = 'subscription { poolProgress(poolId: "UG9vbDox") { state } }'
    subscribe = {"type": "subscribe", "payload": {"query": document}}
    with open_http(Starlette(routes=[WebSocketRoute("/graphql", serve)])) as http, http.socket() as socket:
        # Sent at once, so that the end is read before the stream has taken its first step.
        socket.send({"type": "connection_init"}, {"id": "1", **subscribe}, {"id": "1", "type": "complete"})
        assert socket.receive() == {"type": "connection_ack"}
        socket.send({"type": "ping"})
        assert socket.receive() == {"type": "pong"}
        assert (hub.came, hub.went) == (1, 1)
        socket.send({"id": "2", **subscribe}, "no JSON")
        assert socket.receive() == {"closed": 4400}

    assert (hub.came, hub.went) == (2, 2)


def test_a_guest_is_told_from_another_by_the_address(services: Services) -> None:
    seen: list[str] = []

    class Watched(Hub):
        """Notes who follows."""

        async def follow(self, topic: object, view: object, *, owner: Owner, on_offer: object = None) -> None:
            seen.append(owner.name)

    endpoint = build_app(replace(services)).state.endpoint

    async def serve(websocket: WebSocket) -> None:
        await Socket(websocket, endpoint, Watched(services.works, Threads(1), {})).serve()

    document = 'subscription { poolProgress(poolId: "UG9vbDox") { state } }'
    with open_http(Starlette(routes=[WebSocketRoute("/graphql", serve)])) as http, http.socket() as socket:
        socket.send({"type": "connection_init"})
        socket.receive()
        socket.send({"id": "1", "type": "subscribe", "payload": {"query": document}})
        socket.receive()

    assert seen == ["guest at 127.0.0.1"]
