"""Use cases of papers: asked for, answered by their providers, required at the signature, taken back with the car.

The sandbox answers inside the change that asks. Every other provider is asked by the worker, outside of any
transaction, and its answer is written in one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.exc import DataError, IntegrityError

from factory_orders.deliveries.handover_store import open_handover
from factory_orders.deliveries.model import HandoverState
from factory_orders.errors import PaperNotPossible
from factory_orders.papers import sandbox
from factory_orders.papers.events import PaperAnswered
from factory_orders.papers.model import (
    Issued,
    Paper,
    PaperKind,
    PaperRequest,
    PaperState,
    Refused,
    answered,
    ask_again,
    voided,
)
from factory_orders.papers.policy import PaperPolicy
from factory_orders.papers.ports import PaperProvider
from factory_orders.papers.store import (
    due_papers,
    insert_papers,
    lock_live_papers,
    lock_paper,
    papers_of_cars,
    save_paper,
)
from factory_orders.planning.model import AtStoreOrder, OrderTerms
from factory_orders.planning.order_store import lock_order
from factory_orders.vehicles.model import Vehicle, require_sellable
from factory_orders.vehicles.store import lock_vehicle
from kernel import policy
from kernel.actor import Permission, system
from kernel.errors import NotFound
from kernel.ids import BrandId
from kernel.work import Work, Works

log = structlog.get_logger(__name__)


def ask_paper(work: Work, terms: OrderTerms, vehicle: Vehicle, kind: PaperKind) -> Paper:
    """Ask for a paper of an order's car, which the caller has locked; one that is there or asked for already stays.

    Refuses a car that cannot be sold to its buyer (VehicleNotNew); one taken repaired is invoiced as what it is.
    """
    return ask_papers(work, [(terms, vehicle)], kind)[0]


def ask_papers(work: Work, cars: Sequence[tuple[OrderTerms, Vehicle]], kind: PaperKind) -> list[Paper]:
    """Ask for a paper of each of these orders' cars, all or none, as `ask_paper` does for one."""
    known = papers_of_cars(work, [terms.id for terms, _ in cars], kind)
    provider = policy.current(work).section(PaperPolicy).provider_of(kind)
    fresh: list[Paper] = []
    for terms, vehicle in cars:
        if (terms.id, vehicle.vin) in known:
            continue
        require_sellable(vehicle)
        amount = terms.vehicle_minor if kind is PaperKind.VEHICLE_INVOICE else 0
        request = PaperRequest(
            *(work.new_id(), terms.brand_id, terms.id, terms.account_id, vehicle.vin),
            *(kind, amount, vehicle.newness.word),
        )
        asked = Paper(request, provider, PaperState.REQUESTED, work.now, due_at=work.now)
        if provider == sandbox.NAME:
            asked = answered(asked, sandbox.SandboxPapers().issue(request), now=work.now)
        fresh.append(asked)
        known[terms.id, vehicle.vin] = asked
    insert_papers(work, fresh)
    _tell(work, fresh)
    return [known[terms.id, vehicle.vin] for terms, vehicle in cars]


def request_paper(work: Work, order_id: str, kind: PaperKind) -> Paper:
    """Ask as the buyer for the insurance or the plate of the car that stands at the store.

    The invoice comes by itself once the car is paid; asked for it is again where its provider has refused it, as it is
    said to be right by then. Refuses another's order (NotFound), an order without a car at the store, and an invoice
    before the car is paid (PaperNotPossible).
    """
    work.actor.require(Permission.OWN_WRITE)
    order = lock_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    if not isinstance(order, AtStoreOrder):
        raise PaperNotPossible
    if kind is PaperKind.VEHICLE_INVOICE:
        handover = open_handover(work, order_id)
        if handover is None or handover.state is not HandoverState.BALANCE_PAID:
            raise PaperNotPossible
    return ask_paper(work, order.terms, lock_vehicle(work, order.vin), kind)


def invoiced_cars(work: Work, order_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return which cars of these orders have their vehicle invoice, as orders with cars; without it nobody signs."""
    invoices = papers_of_cars(work, order_ids, PaperKind.VEHICLE_INVOICE)
    return {car for car, invoice in invoices.items() if invoice.state is PaperState.ISSUED}


def void_papers(work: Work, order_id: str, vin: str) -> None:
    """Take back the papers of a car that its buyer does not take after all, those too that are not issued yet."""
    for paper in lock_live_papers(work, order_id, vin):
        if paper.provider == sandbox.NAME:
            save_paper(work, voided(paper, now=work.now))
        else:
            answered_at = paper.answered_at or work.now
            wanted = PaperState.VOID_WANTED
            save_paper(work, replace(paper, state=wanted, answered_at=answered_at, due_at=work.now, attempts=0))


def _tell(work: Work, papers: Sequence[Paper]) -> None:
    """Tell of papers that were answered."""
    for paper in papers:
        if paper.state is not PaperState.REQUESTED:
            request = paper.request
            work.record(
                PaperAnswered(
                    *(request.brand_id, request.order_id, request.account_id, request.kind.value),
                    *(paper.state.value, paper.number or ""),
                )
            )


def ask_providers(works: Works, *, providers: Mapping[str, PaperProvider]) -> int:
    """Ask providers for what is due, one paper a change; a loop of the worker. Returns how many were answered.

    A provider that has no answer, fails, or answers what cannot be is asked again after a growing pause; it holds up
    nobody else's papers.
    """
    with works.read(system(BrandId("platform"))) as work:
        due = due_papers(work, list(providers))
    return sum(_ask(works, providers[paper.provider], paper) for paper in due)


def _ask(works: Works, provider: PaperProvider, paper: Paper) -> bool:
    """Ask about one paper, outside of any transaction, and write the answer; says whether there was one."""
    request = paper.request
    answer: Issued | Refused | None = None
    done = False
    try:
        if paper.state is PaperState.REQUESTED:
            answer = provider.issue(request)
        else:
            done = provider.void(request, paper.number)
    except Exception as error:  # a provider is somebody else's code
        log.warning("paper_provider_failed", provider=provider.name, paper_id=request.paper_id, exc_info=error)

    def note(work: Work) -> bool:
        now = lock_paper(work, request.paper_id)
        after = now
        if answer is not None:
            after = answered(now, answer, now=work.now)
        elif (now.state, now.number) == (paper.state, paper.number):
            after = voided(now, now=work.now) if done else ask_again(now, now=work.now)
        if after is now:
            return False
        save_paper(work, after)
        if after.state is PaperState.ISSUED or after.state is PaperState.REFUSED:
            _tell(work, [after])
        return after.due_at is None

    brand = system(BrandId(request.brand_id))
    try:
        return works.run(brand, note)
    except (IntegrityError, DataError) as error:  # a number that another paper has, or that none can have
        log.error("paper_answer_impossible", provider=provider.name, paper_id=request.paper_id, exc_info=error)
        answer = None
        return works.run(brand, note)
