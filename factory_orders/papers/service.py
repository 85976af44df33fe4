"""Use cases of papers: asked for, answered by their providers, required at the signature, taken back with the car.

The sandbox answers inside the change that asks. Every other provider is asked by the worker, outside of any
transaction, and its answer is written in one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from factory_orders.errors import InvoiceMissing, PaperNotPossible
from factory_orders.papers import sandbox
from factory_orders.papers.events import PaperAnswered
from factory_orders.papers.model import Issued, Paper, PaperKind, PaperRequest, PaperState, Refused
from factory_orders.papers.policy import PaperPolicy
from factory_orders.papers.ports import PaperProvider
from factory_orders.papers.store import (
    insert_paper,
    live_paper,
    live_papers,
    lock_paper,
    save_paper,
    waiting_papers,
)
from factory_orders.planning.model import AtStoreOrder, OrderTerms
from factory_orders.planning.order_store import lock_order
from factory_orders.vehicles.model import require_sellable
from factory_orders.vehicles.store import lock_vehicle
from kernel import policy
from kernel.actor import Permission, system
from kernel.errors import NotFound
from kernel.ids import BrandId
from kernel.work import Work, Works

log = structlog.get_logger(__name__)


def ask_paper(work: Work, terms: OrderTerms, vin: str, kind: PaperKind) -> Paper:
    """Ask for a paper of an order's car; one that is there or asked for already stays.

    Refuses a car that cannot be sold to its buyer (VehicleNotNew); one taken repaired is invoiced as what it is.
    """
    known = live_paper(work, terms.id, vin, kind)
    if known is not None:
        return known
    vehicle = lock_vehicle(work, vin)
    require_sellable(vehicle)
    amount = terms.vehicle_minor if kind is PaperKind.VEHICLE_INVOICE else 0
    request = PaperRequest(
        work.new_id(), terms.brand_id, terms.id, terms.account_id, vin, kind, amount, vehicle.newness.word
    )
    provider = policy.current(work).section(PaperPolicy).provider_of(kind)
    asked = Paper(request, provider, PaperState.REQUESTED, work.now)
    insert_paper(work, asked)
    if provider == sandbox.NAME:
        return _answer(work, asked, sandbox.SandboxPapers().issue(request))
    return asked


def request_paper(work: Work, order_id: str, kind: PaperKind) -> Paper:
    """Ask as the buyer for the insurance or the plate of the car that stands at the store.

    The invoice comes by itself once the car is paid. Refuses another's order (NotFound), and an order without a car at
    the store and the invoice (PaperNotPossible).
    """
    work.actor.require(Permission.OWN_WRITE)
    order = lock_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    if not isinstance(order, AtStoreOrder) or kind is PaperKind.VEHICLE_INVOICE:
        raise PaperNotPossible
    return ask_paper(work, order.terms, order.vin, kind)


def require_invoice(work: Work, order_id: str, vin: str) -> None:
    """Refuse a signature before the vehicle invoice is issued (InvoiceMissing)."""
    invoice = live_paper(work, order_id, vin, PaperKind.VEHICLE_INVOICE)
    if invoice is None or invoice.state is not PaperState.ISSUED:
        raise InvoiceMissing


def void_papers(work: Work, order_id: str, vin: str) -> None:
    """Take back the papers of a car that its buyer does not take after all."""
    for paper in live_papers(work, order_id, vin):
        if paper.state is PaperState.REQUESTED:
            save_paper(work, replace(paper, state=PaperState.REFUSED, reason="not_needed", answered_at=work.now))
        elif paper.provider == sandbox.NAME:
            save_paper(work, replace(paper, state=PaperState.VOIDED, voided_at=work.now))
        else:
            save_paper(work, replace(paper, state=PaperState.VOID_WANTED))


def _answer(work: Work, paper: Paper, answer: Issued | Refused | None) -> Paper:
    match answer:
        case None:
            return paper
        case Issued(number=number):
            answered = replace(paper, state=PaperState.ISSUED, number=number, answered_at=work.now)
        case Refused(reason=reason):
            answered = replace(paper, state=PaperState.REFUSED, reason=reason[:80], answered_at=work.now)
    save_paper(work, answered)
    request = answered.request
    work.record(
        PaperAnswered(
            request.brand_id,
            request.order_id,
            request.account_id,
            request.kind.value,
            answered.state.value,
            answered.number or "",
        )
    )
    return answered


def ask_providers(works: Works, *, providers: Mapping[str, PaperProvider]) -> int:
    """Ask providers for what waits, one paper a change; a loop of the worker. Returns how many were answered.

    A provider that fails is logged and asked again in the next round; it holds up nobody else's papers.
    """
    with works.read(system(BrandId("platform"))) as work:
        waiting = waiting_papers(work, list(providers))
    answered = 0
    for paper in waiting:
        provider, request = providers[paper.provider], paper.request
        try:
            if paper.state is PaperState.REQUESTED:
                answer = provider.issue(request)
            else:
                answer = None
                done = provider.void(request, paper.number or "")
        except Exception as error:  # a provider is somebody else's code
            log.warning("paper_provider_failed", provider=provider.name, paper_id=request.paper_id, exc_info=error)
            continue
        with works.change(system(BrandId(request.brand_id))) as work:
            now = lock_paper(work, request.paper_id)
            if now.state is not paper.state:
                continue
            if paper.state is PaperState.REQUESTED:
                answered += _answer(work, now, answer).state is not PaperState.REQUESTED
            elif done:
                save_paper(work, replace(now, state=PaperState.VOIDED, voided_at=work.now))
                answered += 1
    return answered
