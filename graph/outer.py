"""What goes round every request: an id, one log line, its metrics, security headers, and a last net for bugs."""

from __future__ import annotations

import time
import uuid
from typing import Final

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph import http
from graph.metrics import Metrics

log = structlog.get_logger(__name__)
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})


class Outer:
    """The outermost layer, in plain ASGI so that it costs little."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, secure: bool, strict: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._strict = strict
        self._headers: tuple[tuple[bytes, bytes], ...] = http.SECURITY_HEADERS
        if secure:
            self._headers = (*self._headers, (b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and see it out."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = http.text_header(http.read_headers(scope), b"x-request-id")
        request_id = http.usable_request_id(given) or uuid.uuid4().hex
        # The state of the whole server is shared; the request's own id is not.
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._http(scope, receive, send, request_id)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = time.perf_counter()
        status = 0

        async def send_out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(b"x-request-id", request_id.encode()), *self._headers]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            await self._app(scope, receive, send_out)
        except Exception:
            log.exception("internal_error", request_id=request_id)
            if status or self._strict:
                raise
            await _apologise(send_out, request_id)
        finally:
            self._note(scope, status, started, request_id)

    def _note(self, scope: Scope, status: int, started: float, request_id: str) -> None:
        seconds = time.perf_counter() - started
        path = scope["path"]
        route = scope.get("muster_route") or (path if path == "/graphql" else "other")
        self._metrics.requests.labels(route, str(status)).inc()
        if "muster_stream" not in scope:  # A stream lasts as long as its reader likes.
            self._metrics.durations.labels(route).observe(seconds)
        if path not in _QUIET:
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 2),
            )


async def _apologise(send: Send, request_id: str) -> None:
    text = f"Internal error; when you report it, give this request id: {request_id}"
    extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}
    body = orjson.dumps({"errors": [{"message": text, "extensions": extensions}]})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
