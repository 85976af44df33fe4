"""From a subscription to a stream: which thing it watches, how its answer is encoded, and as server-sent events."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from graphql import VariableNode
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse

from graph.documents import Prepared, Refused
from graph.endpoint import Endpoint, raw_request
from graph.execution import run
from graph.identifiers import raw_id
from graph.limits import limit_error
from graph.live import Follower, Hub, TooManyFollowers, Topic, View
from graph.sessions import Caller

HEARTBEAT_SECONDS: Final = 15


async def start_following(
    endpoint: Endpoint, hub: Hub, prepared: Prepared, raw_variables: dict[str, Any], caller: Caller
) -> Follower:
    """Start a stream for a subscription; refuses one without permission, and an id that names nothing."""
    variables = endpoint.check(prepared, raw_variables, caller.actor)
    root = prepared.roots[0]
    watched = endpoint.api.watched[root.name]
    given = _argument(prepared, watched.argument, variables.coerced)
    raw = watched.topic_id(caller.actor, raw_id(given, watched.kind))
    topic = Topic(root.name, caller.actor.brand_id, raw, caller.actor.locale)

    async def render(state: Any) -> bytes:
        request = raw_request(caller, endpoint.services, endpoint.threads, uuid.uuid4().hex)
        result = await run(endpoint.api.schema, prepared, variables=variables, context=request, root_value=state)
        return orjson.dumps(endpoint.formatted(result, request))

    key = (prepared.text_hash, orjson.dumps(raw_variables, option=orjson.OPT_SORT_KEYS).decode())
    owner = caller.actor.account_id or caller.address or "guest"
    follower = await hub.follow(topic, View(key, render), owner=owner)
    if follower is None:
        raise Refused(limit_error("NOT_FOUND", "There is no such thing to follow. Check the id."))
    return follower


def _argument(prepared: Prepared, name: str, variables: dict[str, Any]) -> str:
    """Return the value of the root field's id argument, written out or given as a variable."""
    node: Any = next(
        given for field in prepared.root_nodes for given in field.arguments or () if given.name.value == name
    )
    value = node.value
    found = variables.get(value.name.value) if isinstance(value, VariableNode) else value.value
    return str(found)


async def stream_events(
    endpoint: Endpoint, hub: Hub, document_hash: str, argument: str, request: HttpRequest
) -> Response:
    """Answer with server-sent events: the registered subscription's answers, encoded as for everybody."""
    headers = dict(request.scope["headers"])
    request.scope["muster_stream"] = True
    prepared = endpoint.documents.by_hash(document_hash)
    try:
        caller = await endpoint.sessions.caller(headers, address=request.client.host if request.client else "")
        follower = await start_following(endpoint, hub, prepared, {argument: request.path_params["id"]}, caller)
    except Refused as refused:
        error = refused.errors[0]
        status = 404 if (error.extensions or {}).get("code") == "NOT_FOUND" else 400
        return JSONResponse({"errors": [{"message": error.message, "extensions": error.extensions}]}, status)
    except TooManyFollowers:
        return JSONResponse({"errors": [{"message": "You follow enough already."}]}, 429)
    head = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(endpoint, hub, follower), headers=head, media_type="text/event-stream")


async def _events(endpoint: Endpoint, hub: Hub, follower: Follower) -> AsyncIterator[bytes]:
    endpoint.metrics.streams.labels("events").inc()
    try:
        while True:
            message = await follower.next(HEARTBEAT_SECONDS)
            yield b": still here\n\n" if message is None else b"data: " + message + b"\n\n"
    finally:
        endpoint.metrics.streams.labels("events").dec()
        hub.leave(follower)
