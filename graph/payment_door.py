"""Where payment providers call back: a signed message becomes a payment, and the payment reaches the room it is for.

The payment, what the room makes of it, and the answer are one change; a message that comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from graph import http
from graph.services import Services, Threads
from kernel.actor import system
from kernel.errors import NotFound, Refusal
from kernel.ids import BrandId
from kernel.payments import PaymentSignatureInvalid, Received, receive_callback, settle_lost
from kernel.work import Work

log = structlog.get_logger(__name__)
BODY_BYTES_MAX: Final = 65_536


def take_callback(services: Services, provider_name: str, headers: Mapping[str, str], body: bytes) -> Received:
    """Take a provider's message and let the room of the payment's purpose act, in one change."""
    provider = services.providers.get(provider_name)
    if provider is None:
        raise NotFound("provider")

    def take(work: Work) -> Received:
        received = receive_callback(work, provider, headers, body)
        payment = received.payment
        own = work.acting(system(BrandId(payment.brand_id)))
        if received.outcome == "received":
            services.payment_uses[payment.purpose](own, payment)
        elif received.outcome in ("declined", "charged_back"):
            settle_lost(own, services.lost_uses, payment, received.missing)
        return received

    return services.works.run(system(BrandId("")), take)


async def answer_callback(services: Services, threads: Threads, request: HttpRequest) -> Response:
    """Answer POST /payments/callback/{provider}: 200 once it is known, 4xx where it will never be taken.

    Money that does not fit and goes back is known too: its answer says why by code and in words.
    """
    headers = http.read_headers(request.scope)
    try:
        body = await http.read_body(request.receive, headers, BODY_BYTES_MAX)
    except http.BodyTooLarge:
        return JSONResponse({"code": "BODY_TOO_LARGE"}, 413)
    provider_name = request.path_params["provider"]
    try:
        received = await threads.run(take_callback, services, provider_name, dict(request.headers), body)
    except Refusal as refusal:
        status = 401 if isinstance(refusal, PaymentSignatureInvalid) else 404 if isinstance(refusal, NotFound) else 409
        return JSONResponse({"code": refusal.code, "message": refusal.text("en")}, status)
    log.info("payment_callback", provider=provider_name, outcome=received.outcome, payment_id=received.payment.id)
    told = {} if received.refusal is None else {"code": received.refusal.code, "message": received.refusal.text("en")}
    return JSONResponse({"outcome": received.outcome, **told})
