"""Live streams as server-sent events (WHATWG HTML, section 9.2), for a plain GET: a registered subscription's answers.

Thousands follow the same pool on the day of a launch, so a stream is one task that waits for its end, in plain ASGI,
and the bytes that are sent belong to all of them together.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import Final

import orjson
from starlette.types import Receive, Scope, Send

from graph import http
from graph.documents import Refused
from graph.endpoint import Endpoint
from graph.following import start_following
from graph.live import Follower, Hub, TooManyFollowers

HEARTBEAT: Final = b": still here\n\n"
RETRY_MILLISECONDS: Final = (2_000, 8_000)
COME_BACK_SECONDS: Final = (5, 20)
STATUSES: Final = {"NOT_FOUND": 404, "NOT_SIGNED_IN": 401, "FORBIDDEN": 403}
HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


def event_of(encoded: bytes) -> bytes:
    """Return one event; its id is a digest of what it says, so it is the same on every process and after a restart."""
    return b"id: " + hashlib.blake2b(encoded, digest_size=8).hexdigest().encode() + b"\ndata: " + encoded + b"\n\n"


class Events:
    """The door of one registered subscription whose one variable, `argument`, stands in the path."""

    def __init__(self, endpoint: Endpoint, hub: Hub, document_hash: str, *, argument: str, route: str) -> None:
        self._endpoint = endpoint
        self._hub = hub
        self._document_hash = document_hash
        self._argument = argument
        self.route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the reader hangs up; refuses what cannot be followed, and who comes when all seats are taken."""
        scope["muster_route"] = self.route
        if scope["method"] != "GET":
            await _refuse(send, 405, "BAD_REQUEST", "Follow with GET.", (b"allow", b"GET"))
            return
        headers = http.read_headers(scope)
        stream = _Stream(send)
        try:
            follower = await self._follow(scope, headers, stream)
        except Refused as refused:
            error = refused.errors[0]
            code = str((error.extensions or {}).get("code", "BAD_REQUEST"))
            await _refuse(send, STATUSES.get(code, 400), code, error.message)
            return
        except TooManyFollowers as full:
            await _send_away(send, full)
            return
        scope["muster_stream"] = True
        gauge = self._endpoint.metrics.streams.labels("events")
        gauge.inc()
        try:
            await stream.begin(follower, http.text_header(headers, b"last-event-id"))
            while (await receive())["type"] != "http.disconnect":
                pass  # A GET has no body; what comes next is its end.
        finally:
            gauge.dec()
            self._hub.leave(follower)
            stream.end()

    async def _follow(self, scope: Scope, headers: dict[bytes, bytes], stream: _Stream) -> Follower:
        client = scope.get("client")
        caller = await self._endpoint.sessions.caller(headers, address=client[0] if client else "")
        return await start_following(
            self._endpoint,
            self._hub,
            self._endpoint.documents.by_hash(self._document_hash),
            {self._argument: scope["path_params"][self._argument]},
            caller,
            framed=event_of,
            heartbeat=HEARTBEAT,
            on_offer=stream.wake,
        )


class _Stream:
    """Sends what a follower has, one message after the other; while one is on its way the next ones replace another."""

    __slots__ = ("_follower", "_send", "_writing")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._follower: Follower | None = None
        self._writing: asyncio.Task[None] | None = None

    async def begin(self, follower: Follower, last_event_id: str) -> None:
        """Send the head, and the state of now unless the reader has it already."""
        await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        newest = follower.take()
        known = newest is not None and newest.startswith(b"id: " + last_event_id.encode("latin-1") + b"\n")
        retry = b"retry: %d\n" % random.randint(*RETRY_MILLISECONDS)
        await self._write(retry + (b": nothing new\n\n" if known or newest is None else newest))
        self._follower = follower
        self.wake()

    def wake(self) -> None:
        """Send what there is, unless something is being sent, which will look for more afterwards."""
        if self._follower is not None and self._writing is None:
            self._writing = asyncio.create_task(self._write_all(self._follower))

    async def _write_all(self, follower: Follower) -> None:
        try:
            while (message := follower.take()) is not None:
                await self._write(message)
        except OSError:
            pass  # The reader is gone; the stream's own task hears of it.
        finally:
            self._writing = None

    async def _write(self, message: bytes) -> None:
        await self._send({"type": "http.response.body", "body": message, "more_body": True})

    def end(self) -> None:
        """Stop sending."""
        self._follower = None
        if self._writing is not None:
            self._writing.cancel()


async def _send_away(send: Send, full: TooManyFollowers) -> None:
    """Say when to come back, to each another moment: those who are sent away together should not return together."""
    seconds = random.randint(*COME_BACK_SECONDS)
    again = (b"retry-after", str(seconds).encode())
    if full.everybody:
        await _refuse(send, 503, "TOO_BUSY", f"All seats here are taken. Try again in {seconds} s.", again)
    else:
        await _refuse(send, 429, "TOO_MANY_STREAMS", "You follow enough already. End a stream first.", again)


async def _refuse(send: Send, status: int, code: str, message: str, *more: tuple[bytes, bytes]) -> None:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    headers = [(b"content-type", http.JSON), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
