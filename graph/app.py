"""The doors of one server process: GraphQL, live streams, explorer, payments, health, metrics, the start page."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from graph.endpoint import Endpoint
from graph.events import Events
from graph.live import Hub
from graph.metrics import CONTENT_TYPE, Metrics
from graph.outer import Outer
from graph.pages import show_explorer, show_start
from graph.payment_door import answer_callback
from graph.plant_door import answer_plant
from graph.schema import build_api
from graph.services import Services, Threads
from graph.sessions import Sessions
from graph.sockets import Socket
from kernel import registry
from kernel.actor import Actor
from kernel.ids import BrandId

GRAPHQL_PATH: Final = "/graphql"
POOL_EVENTS: Final = """subscription PoolProgress($id: ID!) {
  poolProgress(poolId: $id) {
    id state members placesLeft needed clears discountBasisPoints
    nextTier { members discountBasisPoints } freezeAt deadline
  }
}"""
STOCK_QUOTE_EVENTS: Final = """subscription LiveStockQuote($id: ID!) {
  liveStockQuote(quoteId: $id) { id vin liveness price { minor currency text } }
}"""

EVENTS: Final = {"/pools/{id}/events": POOL_EVENTS, "/stock-quotes/{id}/events": STOCK_QUOTE_EVENTS}
"""What everybody may follow by a plain GET. What is only for some ends with their session, so it goes by the socket."""


def build_app(services: Services, *, metrics: Metrics | None = None, more: list[BaseRoute] | None = None) -> Starlette:
    """Return the ASGI app of these services; `more` are routes of rooms above (pages)."""
    metrics = metrics or Metrics()
    threads = Threads(services.threads)
    api = build_api()
    sessions = Sessions(services, threads)
    endpoint = Endpoint(api, services, threads=threads, sessions=sessions, metrics=metrics)
    readers = {name: one.read for name, one in api.watched.items()}
    paces = {name: one.every_seconds for name, one in api.watched.items()}
    hub = Hub(services.works, threads, readers, paces=paces, followers_max=services.followers_max)
    events = [
        Events(endpoint, hub, endpoint.documents.trust(document), argument="id", route=route)
        for route, document in EVENTS.items()
    ]
    routes: list[BaseRoute] = [
        *(Route(one.route, one) for one in events),
        WebSocketRoute(GRAPHQL_PATH, partial(_socket, endpoint, hub)),
        _route("/", show_start),
        _route("/explorer", show_explorer),
        _route("/explorer/{name}", show_explorer),
        _route("/schema.graphql", partial(_schema, api.sdl)),
        _route("/health", _health),
        _route("/ready", partial(_ready, services, threads)),
        _route("/payments/callback/{provider}", partial(answer_callback, services, threads), ("POST",)),
        _route("/plant/events/{hook}", partial(answer_plant, services, threads), ("POST",)),
        _route("/metrics", partial(_metrics, services, metrics, threads)),
        *(more or []),
    ]
    outer = partial(Outer, metrics=metrics, secure=not services.demo, strict=services.strict)
    app = App(routes=routes, lifespan=partial(_life, services.at_close), middleware=[Middleware(outer)])
    app.graphql = outer(endpoint)
    app.state.endpoint = endpoint
    app.state.metrics = metrics
    app.state.hub = hub
    return app


class App(Starlette):
    """The application; GraphQL, which is nearly everything that is asked, goes past the table of routes."""

    graphql: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            await self.graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def _life(at_close: Sequence[Callable[[], object]], _app: Starlette) -> AsyncIterator[None]:
    """Close what holds threads of its own when the server stops: what is queued there is written first."""
    yield
    for close in at_close:
        await to_thread.run_sync(close)


def _route(path: str, answer: Callable[..., Any], methods: tuple[str, ...] = ("GET",)) -> Route:
    async def endpoint(request: HttpRequest) -> Response:
        request.scope["muster_route"] = path
        response: Response = await answer(request)
        return response

    return Route(path, endpoint, methods=list(methods))


async def _socket(endpoint: Endpoint, hub: Hub, websocket: WebSocket) -> None:
    await Socket(websocket, endpoint, hub).serve()


async def _schema(sdl: str, _request: HttpRequest) -> Response:
    return PlainTextResponse(sdl)


async def _health(_request: HttpRequest) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(services: Services, threads: Threads, _request: HttpRequest) -> Response:
    try:
        migrated = await threads.run(_is_ready, services)
    except Exception:  # noqa: BLE001 - whatever keeps the database away, the answer is the same
        return JSONResponse({"status": "the database cannot be reached"}, status_code=503)
    if not migrated:
        return JSONResponse({"status": "the database is not migrated"}, status_code=503)
    return JSONResponse({"status": "ready"})


def _is_ready(services: Services) -> bool:
    if services.is_migrated is not None and not services.is_migrated():
        return False
    with services.works.read(Actor(BrandId(""))) as work:
        registry.all_brands(work)
    return True


async def _metrics(services: Services, metrics: Metrics, threads: Threads, request: HttpRequest) -> Response:
    """Show figures to whoever holds the token; in the demo, which listens on loopback only, to everybody."""
    if not services.demo and not services.metrics_token:
        return PlainTextResponse("Nobody reads metrics here: no token is set for them.\n", status_code=403)
    given = request.headers.get("authorization", "")
    expected = f"Bearer {services.metrics_token}"
    if services.metrics_token and not hmac.compare_digest(given.encode(), expected.encode()):
        return PlainTextResponse("Send the token for metrics.\n", 401, headers={"www-authenticate": "Bearer"})
    return Response(await threads.run(metrics.render), media_type=CONTENT_TYPE)
