"""An HTTP and WebSocket client of an ASGI app in the same process, with an event loop on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette


class Http:
    """Sends requests to an app and waits for whole answers."""

    def __init__(self, app: Starlette, portal: BlockingPortal, *, raise_bugs: bool) -> None:
        self.app = app
        self._portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=raise_bugs)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    @property
    def cookies(self) -> httpx.Cookies:
        """Return the cookies that are sent along."""
        return self._client.cookies

    def get(self, path: str, **how: Any) -> httpx.Response:
        """Send a GET."""
        return self._portal.call(lambda: self._client.get(path, **how))

    def post(self, path: str, **how: Any) -> httpx.Response:
        """Send a POST."""
        return self._portal.call(lambda: self._client.post(path, **how))

    def options(self, path: str, **how: Any) -> httpx.Response:
        """Send an OPTIONS."""
        return self._portal.call(lambda: self._client.options(path, **how))

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run an async function on the loop of the app."""
        return self._portal.call(function, *arguments)

    @contextmanager
    def socket(
        self, *, protocol: str = "graphql-transport-ws", headers: Mapping[str, str] | None = None
    ) -> Iterator[SocketOfTest]:
        """Open a WebSocket at /graphql."""
        socket: SocketOfTest = self._portal.call(self._open, protocol, dict(headers or {}))
        try:
            yield socket
        finally:
            self._portal.call(socket.hang_up)

    async def _open(self, protocol: str, headers: Mapping[str, str]) -> SocketOfTest:
        return SocketOfTest(self.app, self._portal, protocol, headers)


class SocketOfTest:
    """One WebSocket connection: messages out, messages in, and the code it was closed with."""

    def __init__(self, app: Starlette, portal: BlockingPortal, protocol: str, headers: Mapping[str, str]) -> None:
        self._portal = portal
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent = {"host": "localhost", **headers}
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "scheme": "ws",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "subprotocols": [protocol],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "http_version": "1.1",
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        receive: Any = self._to_app.get
        send: Any = self._from_app.put
        self._task = asyncio.create_task(app(scope, receive, send))

    def send(self, *messages: Any) -> None:
        """Send JSON messages, or texts as they are; several lie there together when the app looks."""
        self._portal.call(self._put, messages)

    async def _put(self, messages: Sequence[Any]) -> None:
        for message in messages:
            text = message if isinstance(message, str) else orjson.dumps(message).decode()
            self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def receive(self) -> dict[str, Any]:
        """Return the next message of the app: `{"closed": code}` where it closed."""
        found: dict[str, Any] = self._portal.call(self._next)
        return found

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                message = await self._from_app.get()
                if message["type"] == "websocket.close":
                    return {"closed": message.get("code", 1000)}
                if message["type"] == "websocket.send":
                    found: dict[str, Any] = orjson.loads(message["text"])
                    return found

    async def hang_up(self) -> None:
        """End the connection from this side."""
        await self._to_app.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait([self._task], timeout=5)


@contextmanager
def open_http(app: Starlette, *, raise_bugs: bool = True) -> Iterator[Http]:
    """Start a loop for an app and yield a client of it."""
    with start_blocking_portal() as portal:
        yield Http(app, portal, raise_bugs=raise_bugs)
