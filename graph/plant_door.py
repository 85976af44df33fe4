"""Where a plant's system reports by signed messages instead of GraphQL; the message's id is the event's.

The answer says whether to send again: 2xx it is taken, 401 and 400 never, 409 after what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from factory_orders import service
from factory_orders.errors import HookSignatureInvalid
from factory_orders.model import PlantReport, Stage
from graph import http
from graph.identifiers import raw_id
from graph.services import Services, Threads
from kernel.actor import system
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.ids import BrandId
from kernel.reasons import because
from kernel.work import Work

BODY_BYTES_MAX: Final = 16_384
KIND: Final = "build_order.stage"


def take_event(services: Services, hook: str, headers: Mapping[str, str], body: bytes) -> service.Reported:
    """Take a signed report of a plant in one change.

    Refuses HookSignatureInvalid, InvalidInput for a body of another shape, and what `report_plant_event` refuses.
    """
    identity = services.identity
    assert identity is not None, "a server knows its people"

    def take(work: Work) -> service.Reported:
        key = identity.settings.identity_key
        actor, genuine = service.plant_behind(work, key, raw_id(hook, "PlantHook"), headers, body)
        build_order_id, report = read_report(genuine.message_id, body)
        return service.report_plant_event(work.acting(actor), build_order_id, report)

    return services.works.run(system(BrandId("")), take)


def read_report(event_id: str, body: bytes) -> tuple[str, PlantReport]:
    """Read the body of a report; refuses InvalidInput with the field that does not fit."""
    try:
        message: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("body", because("JSON")) from None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict) or message.get("type") != KIND:
        raise InvalidInput("type", because("MESSAGE_TYPE", kind=KIND))
    stage, number, repair = data.get("stage"), data.get("number"), data.get("repairMinor", 0)
    if not isinstance(stage, str) or stage not in Stage.__members__:
        raise InvalidInput("stage", because("STAGE", stages=tuple(one.name for one in Stage)))
    for name, value in (("number", number), ("repairMinor", repair)):
        if not (value is None and name == "number") and (not isinstance(value, int) or isinstance(value, bool)):
            raise InvalidInput(name, because("WHOLE_NUMBER"))
    try:
        occurred_at = datetime.fromisoformat(str(data.get("occurredAt")))
    except ValueError:
        raise InvalidInput("occurredAt", because("MOMENT")) from None
    build_order_id = raw_id(str(data.get("buildOrderId")), "BuildOrder")
    return build_order_id, PlantReport(event_id, Stage[stage], occurred_at, repair, number)


async def answer_plant(services: Services, threads: Threads, request: HttpRequest) -> Response:
    """Answer POST /plant/events/{hook}."""
    headers = http.read_headers(request.scope)
    try:
        body = await http.read_body(request.receive, headers, BODY_BYTES_MAX)
    except http.BodyTooLarge:
        return JSONResponse({"code": "BODY_TOO_LARGE"}, 413)
    try:
        done = await threads.run(take_event, services, request.path_params["hook"], dict(request.headers), body)
    except Refusal as refusal:
        return JSONResponse({"code": refusal.code, "message": refusal.text("en")}, _status(refusal))
    return JSONResponse({"outcome": done.outcome, "vin": done.vin})


def _status(refusal: Refusal) -> int:
    match refusal:
        case HookSignatureInvalid():
            return 401
        case InvalidInput():
            return 400
        case NotFound():
            return 404
        case _:
            return 409
