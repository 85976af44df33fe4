"""Subscriptions over a WebSocket, by the protocol graphql-transport-ws; queries and mutations go by POST.

A browser's socket carries its cookie along, so its origin is checked; others sign in with `token` in connection_init.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import orjson
import structlog
from graphql import GraphQLError
from graphql.language import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from graph import http
from graph.documents import Refused
from graph.endpoint import Endpoint, read_asked
from graph.following import start_following
from graph.limits import limit_error
from graph.live import Follower, Hub, TooManyFollowers
from graph.sessions import Caller
from kernel.actor import Actor

log = structlog.get_logger(__name__)
PROTOCOL: Final = "graphql-transport-ws"
INIT_SECONDS: Final = 10
STREAMS_PER_SOCKET_MAX: Final = 20
RECHECK_SECONDS: Final = 60
IDLE_SECONDS: Final = 300
IDLE_CODE: Final = 4410
ID_LENGTH_MAX: Final = 100


class _Close(Exception):
    """The protocol says to close, with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """One connection and its streams."""

    def __init__(
        self,
        websocket: WebSocket,
        endpoint: Endpoint,
        hub: Hub,
        *,
        recheck_seconds: float = RECHECK_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._websocket = websocket
        self._endpoint = endpoint
        self._hub = hub
        self._recheck_seconds = recheck_seconds
        self._recheck_at = 0.0
        self._idle_seconds = idle_seconds
        self._idle_at = 0.0
        self._address = websocket.client.host if websocket.client is not None else ""
        self._caller: Caller | None = None
        self._headers = dict(websocket.scope["headers"])
        self._streams: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Speak the protocol until either side ends it."""
        if PROTOCOL not in self._websocket.scope.get("subprotocols", ()):
            await self._websocket.close(4406, "Subprotocol not acceptable")
            return
        if not http.is_same_origin(self._headers, self._endpoint.services.public_url):
            await self._websocket.close(4403, "Forbidden origin")
            return
        await self._websocket.accept(PROTOCOL)
        self._endpoint.metrics.streams.labels("socket").inc()
        try:
            await self._begin()
            while True:
                message = await self._receive(max(0.0, self._look_at() - time.monotonic()))
                # Whoever goes on talking is looked up again like whoever is silent.
                if time.monotonic() >= self._recheck_at:
                    await self._sign_in()
                if message is not None:
                    await self._handle(message)
                if not self._streams and time.monotonic() >= self._idle_at:
                    raise _Close(IDLE_CODE, "Nothing is followed here; connect again to follow")
        except _Close as ending:
            if self._websocket.client_state is WebSocketState.CONNECTED:
                await self._websocket.close(ending.code, ending.reason)
        except WebSocketDisconnect:
            pass
        finally:
            self._endpoint.metrics.streams.labels("socket").dec()
            for task in self._streams.values():
                task.cancel()

    def _look_at(self) -> float:
        """Return when to look at the connection again though it says nothing; one that follows is never idle."""
        return self._recheck_at if self._streams else min(self._recheck_at, self._idle_at)

    def _begin_idling(self) -> None:
        self._idle_at = time.monotonic() + self._idle_seconds

    async def _begin(self) -> None:
        message = await self._receive(INIT_SECONDS)
        if message is None:
            raise _Close(4408, "Connection initialisation timeout")
        if message.get("type") != "connection_init":
            raise _Close(4401, "Unauthorized")
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            raise _Close(4400, "payload is an object")
        for header, name in ((b"x-muster-brand", "brand"), (b"accept-language", "locale")):
            if isinstance(payload.get(name), str):
                self._headers[header] = payload[name][:100].encode("utf-8", "replace")
        self._token = payload["token"] if isinstance(payload.get("token"), str) else None
        await self._sign_in()
        self._begin_idling()
        await self._send({"type": "connection_ack"})

    async def _sign_in(self) -> None:
        """Find out who speaks, at the start and again each minute: a session that has ended ends its socket."""
        before = self._caller
        try:
            self._caller = await self._endpoint.sessions.caller(self._headers, token=self._token, address=self._address)
        except Refused as refused:
            raise _Close(4400, refused.errors[0].message) from None
        actor, given = self._caller.actor, self._caller.token is not None
        if (given and actor.account_id is None) or (before is not None and before.actor.account_id != actor.account_id):
            raise _Close(4401, "Unauthorized")
        if before is not None and _rights(before.actor) != _rights(actor):
            raise _Close(4403, "What you may see has changed; connect again")
        self._recheck_at = time.monotonic() + self._recheck_seconds

    async def _receive(self, seconds: float) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(seconds):
                text = await self._websocket.receive_text()
        except TimeoutError:
            return None
        except KeyError:
            raise _Close(4400, "Send text") from None
        if len(text) > self._endpoint.services.limits.body_bytes:
            raise _Close(4400, "Message too large")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Close(4400, "Message is no JSON") from None
        if not isinstance(message, dict):
            raise _Close(4400, "Message is no object")
        return message

    async def _handle(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._streams.pop(str(message.get("id")), None)
                if task is not None:
                    task.cancel()
                    self._begin_idling()
            case _:
                raise _Close(4400, "Unknown message type")

    async def _subscribe(self, message: dict[str, Any]) -> None:
        stream_id = message.get("id")
        if not isinstance(stream_id, str) or not 0 < len(stream_id) <= ID_LENGTH_MAX:
            raise _Close(4400, "id is a short text")
        if stream_id in self._streams:
            raise _Close(4409, "Subscriber already exists")
        try:
            if len(self._streams) >= STREAMS_PER_SOCKET_MAX:
                raise Refused(limit_error("TOO_MANY_STREAMS", f"At most {STREAMS_PER_SOCKET_MAX} a connection."))
            follower = await self._follow(message.get("payload"))
        except Refused as refused:
            await self._send({"id": stream_id, "type": "error", "payload": [_shown(one) for one in refused.errors]})
            return
        task = self._streams[stream_id] = asyncio.create_task(self._stream(stream_id, follower))
        # Here and not in the task: one that is cancelled before its first step runs none of its own code.
        task.add_done_callback(lambda _ended: self._hub.leave(follower))

    async def _follow(self, payload: Any) -> Follower:
        asked = read_asked(payload)
        prepared = self._endpoint.find_document(asked)
        if prepared.kind is not OperationType.SUBSCRIPTION:
            raise Refused(limit_error("BAD_REQUEST", "Send queries and mutations by POST."))
        assert self._caller is not None
        try:
            return await start_following(self._endpoint, self._hub, prepared, asked.variables, self._caller)
        except TooManyFollowers:
            raise Refused(limit_error("TOO_MANY_STREAMS", "You follow enough already.")) from None

    async def _stream(self, stream_id: str, follower: Follower) -> None:
        head = b'{"id":' + orjson.dumps(stream_id) + b',"type":"next","payload":'
        try:
            while True:
                message = await follower.next(RECHECK_SECONDS)
                if message is not None:
                    await self._websocket.send_text((head + message + b"}").decode())
        except (WebSocketDisconnect, RuntimeError):
            return  # The other side is gone; the connection's own loop ends everything.

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send_text(orjson.dumps(message).decode())


def _rights(actor: Actor) -> tuple[object, ...]:
    """Return what decides what an actor may follow: who leaves a store follows it no longer."""
    return actor.roles, actor.store_id, actor.plant_id


def _shown(error: GraphQLError) -> dict[str, Any]:
    return {"message": error.message, "extensions": error.extensions or {"code": "BAD_REQUEST"}}
