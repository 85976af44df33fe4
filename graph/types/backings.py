"""Money behind proposals: thresholds are published, persons back, the maker answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

import strawberry
from strawberry.types import Info

from demand import model, queries, service
from demand.errors import (
    AlreadyBacked,
    BackingClosed,
    CeilingAbovePrice,
    NeverPays,
    NotCompared,
    PersonNotVerified,
    ProposalClosed,
)
from demand.model import Backing as DemandBacking
from graph.access import input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import payments, proposals
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
)
from kernel.work import Work


@object_type(reads=Permission.VOTE)
class Backing(Node):
    """Your refundable money behind a proposal: for which model, and the most you would pay for it."""

    id: strawberry.ID
    state: str
    proposal_id: strawberry.ID
    model: str
    price_cap: Money
    deposit: Money
    placed_at: datetime
    payable_until: datetime | None
    ended_at: datetime | None
    pre_order_id: strawberry.ID | None
    raw: strawberry.Private[DemandBacking]

    @resolved(about="The proposal itself.")
    async def proposal(self, info: Info[Request, None]) -> proposals.Proposal | None:
        """Load the proposal."""
        found = await info.context.load("proposals", proposals.load_proposals, self.raw.head.proposal_id)
        return cast("proposals.Proposal | None", found)

    @resolved(about="What was to be paid for it, and what was.", reads=Permission.OWN_READ)
    async def payments(self, info: Info[Request, None]) -> list[payments.Payment]:
        """Load the payments."""
        found = await info.context.load("payments", payments.load_payments, self.raw.head.id)
        return cast("list[payments.Payment]", found or [])


@input_type(takes=Permission.POOL_MANAGE)
class OpenBackingInput:
    """A proposal, the comparison that its price and take rate come from, and what tooling and each unit cost."""

    proposal_id: strawberry.ID
    comparison_id: strawberry.ID
    tooling_cost: MoneyInput
    unit_cost: MoneyInput


@input_type(takes=Permission.POOL_MANAGE)
class CommitInput:
    """A proposal, the day by which it can be ordered, and the most it will cost."""

    proposal_id: strawberry.ID
    available_by: date
    price_ceiling: MoneyInput


@input_type(takes=Permission.VOTE)
class BackProposalInput:
    """A proposal, the model you want it in, and the most you would pay for it.

    With an authorisation the backing holds at once; without one a payment is asked for. The same idempotency key
    answers the same backing.
    """

    idempotency_key: str
    proposal_id: strawberry.ID
    model: str
    price_cap: MoneyInput
    authorisation: str | None = None


@input_type(takes=Permission.VOTE)
class BackingInput:
    """One of your backings."""

    backing_id: strawberry.ID


def show_backing(found: DemandBacking) -> Backing:
    """Return a backing in its state."""
    head = found.head
    converted = found if isinstance(found, model.ConvertedBacking) else None
    return Backing(
        id=write_id("Backing", head.id),
        state=model.backing_state(found),
        proposal_id=write_id("Proposal", head.proposal_id),
        model=head.model,
        price_cap=show_minor(head.price_cap_minor),
        deposit=show_minor(head.deposit_minor),
        placed_at=head.placed_at,
        payable_until=found.payable_until if isinstance(found, model.AcknowledgedBacking) else None,
        ended_at=found.at if isinstance(found, model.EndedBacking | model.ConvertedBacking) else None,
        pre_order_id=write_id("PreOrder", converted.pre_order_id) if converted is not None else None,
        raw=found,
    )


def load_backings(work: Work, backing_ids: list[str]) -> dict[str, Backing]:
    """Return the actor's own backings by id."""
    return {key: show_backing(one) for key, one in queries.own_backings_by_id(work, backing_ids).items()}


@query(reads=Permission.VOTE)
def my_backings(work: Work, first: int, after: Cursor | None = None) -> Connection[Backing]:
    """Your backings, newest first."""
    return show_page(queries.own_backings(work, page_request(first, after)), show_backing)


@mutation(does=Permission.POOL_MANAGE, refuses=(NotCompared, NeverPays, ProposalClosed), result="OpenBackingResult")
def open_backing(work: Work, input: OpenBackingInput) -> proposals.Proposal:  # noqa: A002  # the API's word
    """Publish how many cars pay the tooling, at the price that was compared, and take backings."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.open_backing(
        work,
        raw,
        comparison_id=raw_id(input.comparison_id, "Comparison"),
        tooling_minor=read_money(input.tooling_cost, "toolingCost").minor,
        unit_cost_minor=read_money(input.unit_cost, "unitCost").minor,
    )
    return proposals.load_proposals(work, [raw])[raw]


@mutation(does=Permission.POOL_MANAGE, refuses=(ProposalClosed, CeilingAbovePrice), result="CommitToProposalResult")
def commit_to_proposal(work: Work, input: CommitInput) -> proposals.Proposal:  # noqa: A002  # the API's word
    """Say yes to a proposal, with a day and a ceiling that everybody reads; `declineProposal` is the no."""
    raw = raw_id(input.proposal_id, "Proposal")
    ceiling = read_money(input.price_ceiling, "priceCeiling").minor
    service.commit_to_proposal(work, raw, available_by=input.available_by, ceiling_minor=ceiling)
    return proposals.load_proposals(work, [raw])[raw]


@mutation(
    does=Permission.VOTE,
    refuses=(
        PersonNotVerified,
        ProposalClosed,
        AlreadyBacked,
        PaymentSignatureInvalid,
        PaymentAmountMismatch,
        PaymentAlreadyMade,
        AuthorisationNotYours,
        AuthorisationExpired,
    ),
    result="BackProposalResult",
)
async def back_proposal(request: Request, input: BackProposalInput) -> Backing:  # noqa: A002  # the API's word
    """Put refundable money behind a proposal; it is durable before this answers."""
    asked = service.BackRequest(
        idempotency_key=input.idempotency_key,
        proposal_id=raw_id(input.proposal_id, "Proposal"),
        model=input.model,
        price_cap_minor=read_money(input.price_cap, "priceCap").minor,
        authorisation=input.authorisation,
    )
    providers = request.services.providers
    return show_backing(await request.change(lambda work: service.back_proposal(work, providers, asked)))


@mutation(does=Permission.VOTE, refuses=(BackingClosed,), result="WithdrawBackingResult")
def withdraw_backing(work: Work, input: BackingInput) -> Backing:  # noqa: A002  # the API's word
    """Take your money back, at any time before you have ordered."""
    return show_backing(service.withdraw_backing(work, raw_id(input.backing_id, "Backing")))
