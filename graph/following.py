"""From a subscription to a stream: which thing it watches, and how its answer is encoded for everybody alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from graphql import VariableNode

from graph.documents import Prepared, Refused
from graph.endpoint import Endpoint, hash_of, raw_request
from graph.execution import run
from graph.limits import limit_error
from graph.live import Follower, Hub, Topic, View, owner_of
from graph.sessions import Caller
from kernel.errors import NotFound


async def start_following(
    endpoint: Endpoint,
    hub: Hub,
    prepared: Prepared,
    raw_variables: dict[str, Any],
    caller: Caller,
    *,
    framed: Callable[[bytes], bytes] | None = None,
    heartbeat: bytes | None = None,
    on_offer: Callable[[], None] | None = None,
) -> Follower:
    """Start a stream for a subscription; refuses one without permission, and an id that names nothing.

    `framed` puts an encoded answer into the form in which it is sent, once for all who follow that way.
    """
    variables = endpoint.check(prepared, raw_variables, caller.actor)
    root = prepared.roots[0]
    watched = endpoint.api.watched[root.name]
    given = _argument(prepared, watched.argument, variables.coerced)
    raw = watched.topic_id(caller.actor, watched.raw(given))
    topic = Topic(root.name, caller.actor.brand_id, raw, caller.actor.locale)

    async def render(state: Any) -> bytes:
        request = raw_request(caller, endpoint.services, endpoint.threads, uuid.uuid4().hex)
        result = await run(endpoint.api.schema, prepared, variables=variables, context=request, root_value=state)
        encoded = orjson.dumps(endpoint.formatted(result, request))
        return encoded if framed is None else framed(encoded)

    key = (prepared.text_hash, hash_of(raw_variables))
    view = View(key if framed is None else (framed.__name__, *key), render, heartbeat)
    follower = await hub.follow(topic, view, owner=owner_of(caller.actor, caller.address), on_offer=on_offer)
    if follower is None:
        raise Refused(limit_error("NOT_FOUND", NotFound("thing to follow").text(caller.actor.locale)))
    return follower


def _argument(prepared: Prepared, name: str, variables: dict[str, Any]) -> str:
    """Return the value of the root field's id argument, written out or given as a variable."""
    node: Any = next(
        given for field in prepared.root_nodes for given in field.arguments or () if given.name.value == name
    )
    value = node.value
    found = variables.get(value.name.value) if isinstance(value, VariableNode) else value.value
    return str(found)
