"""Use cases of backing: publish a threshold, back with refundable money, withdraw it (DOMAIN section 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from demand.backing.deciding import open_to_backers
from demand.backing.events import BackingHeld, BackingLeft, BackingOpened
from demand.backing.model import (
    AcknowledgedBacking,
    Backing,
    BackingHead,
    BackingId,
    BackingTerms,
    EndedBacking,
    HeldBacking,
    backing_state,
    threshold_of,
)
from demand.backing.policy import BackingPolicy
from demand.backing.store import (
    BACKING,
    EXPIRE_TIMER,
    backing_account,
    end_backings,
    give_back,
    has_backing,
    has_take_rate,
    insert_backing,
    insert_terms,
    lock_backing,
    proposal_of,
    save_backings,
)
from demand.compare.model import ReleasedComparison
from demand.compare.queries import comparisons_by_id
from demand.errors import AlreadyBacked, BackingClosed, NeverPays, NotCompared, PersonNotVerified, ProposalClosed
from demand.votes.chain import chain_of
from demand.votes.model import BackingProposal, Proposal, proposal_state
from demand.votes.store import lock_proposals, save_proposal
from kernel import payments, policy, record
from kernel.actor import Permission
from kernel.errors import IdempotencyMismatch, InvalidInput, NotFound, Refusal
from kernel.idempotency import Keyed, Replay, claim, keep
from kernel.identity.queries import hold_own_account
from kernel.ids import PersonId
from kernel.ledger import book
from kernel.money import Money
from kernel.payments import Authorisation, Payment, PaymentProvider, PaymentRequest, PaymentState
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

AMOUNT_MINOR_MAX: Final = 10**13


@dataclass(frozen=True, slots=True)
class BackRequest:
    """One person's wish to put money behind a proposal: the model they want it in, and the most they would pay for it.

    `authorisation` is a provider's signed token: with it the backing holds at once, without it a payment is asked for.
    """

    idempotency_key: str
    proposal_id: str
    model: str
    price_cap_minor: int
    authorisation: str | None = None

    def keyed(self, account_id: str) -> Keyed:
        """Return the request under its key."""
        body: dict[str, Any] = {
            "back": self.proposal_id,
            "model": self.model,
            "price_cap": self.price_cap_minor,
            "authorisation": self.authorisation,
        }
        return Keyed(account_id, self.idempotency_key, body)


# --- the planner's ---------------------------------------------------------------------------------------------------


def open_backing(
    work: Work, proposal_id: str, *, comparison_id: str, tooling_minor: int, unit_cost_minor: int
) -> BackingProposal:
    """Publish a proposal's threshold and take backings; the price is the one that the comparison asked about.

    Refuses NotCompared without a released take rate, NeverPays where the price is not above the unit cost, and
    ProposalClosed for a proposal that is not in compare.
    """
    work.actor.require(Permission.POOL_MANAGE)
    if not 0 < tooling_minor <= AMOUNT_MINOR_MAX or not 0 <= unit_cost_minor <= AMOUNT_MINOR_MAX:
        raise InvalidInput("toolingCost", because("TOOLING"))
    (proposal,) = lock_proposals(work, proposal_id)
    view = comparisons_by_id(work, [comparison_id]).get(comparison_id)
    if view is None:
        raise NotFound("comparison")
    item = next((one for one in view.comparison.head.items if one.proposal_id == proposal_id), None)
    released = isinstance(view.comparison, ReleasedComparison)
    if item is None or not released or not has_take_rate(work, comparison_id, item.number):
        raise NotCompared
    price_minor = item.planned_price_minor
    if price_minor <= unit_cost_minor:
        raise NeverPays(Money(price_minor), Money(unit_cost_minor))
    rules = policy.current(work)
    terms = BackingTerms(
        comparison_id=comparison_id,
        number=item.number,
        tooling_minor=tooling_minor,
        price_minor=price_minor,
        unit_cost_minor=unit_cost_minor,
        threshold=threshold_of(tooling_minor=tooling_minor, price_minor=price_minor, unit_cost_minor=unit_cost_minor),
        deposit_minor=rules.section(BackingPolicy).deposit_minor,
        policy_version=rules.version,
        opened_at=work.now,
    )
    opened = open_to_backers(proposal, terms)
    if isinstance(opened, Refusal):
        raise opened
    insert_terms(work, proposal_id, terms)
    save_proposal(work, opened)
    facts = {"threshold": terms.threshold, "price_minor": price_minor}
    record.append(work, chain_of(proposal_id), "proposal.backing_opened", facts)
    work.record(BackingOpened(work.actor.brand_id, proposal_id, terms.threshold))
    return opened


# --- a person's ------------------------------------------------------------------------------------------------------


def back_proposal(work: Work, providers: Mapping[str, PaymentProvider], request: BackRequest) -> Backing:
    """Put refundable money behind a proposal; the same key answers the same backing.

    Refuses a proposal that takes no backings (ProposalClosed), a second backing by the same person (AlreadyBacked),
    and what an authorisation may be refused for.
    """
    person_id = _person(work)
    account_id = hold_own_account(work)
    if not 0 < request.price_cap_minor <= AMOUNT_MINOR_MAX:
        raise InvalidInput("priceCap", because("BACKING_CAP"))
    given = None
    if request.authorisation is not None:
        given = payments.read_authorisation(providers, request.authorisation)
    claimed = claim(work, request.keyed(account_id))
    if isinstance(claimed, Replay):
        return _repeated(work, claimed)
    (proposal,) = lock_proposals(work, request.proposal_id)
    if not isinstance(proposal, BackingProposal):
        raise _closed(work, proposal)
    if request.model not in _models(work, proposal.terms.comparison_id):
        raise InvalidInput("model", because("BACKED_MODEL"))
    if has_backing(work, request.proposal_id, person_id):
        raise AlreadyBacked
    backing = _take(work, proposal, request, given, person_id)
    if not insert_backing(work, backing):
        raise AlreadyBacked
    _settle_money(work, proposal, backing)
    keep(work, claimed, {"backing_id": backing.head.id})
    return backing


def _closed(work: Work, proposal: Proposal) -> Refusal:
    """A draft is nothing that its reader knows of, unless it is their own."""
    state = proposal_state(proposal)
    if state == "draft" and proposal.head.account_id != work.actor.account_id:
        return NotFound("proposal")
    return ProposalClosed(state)


def _repeated(work: Work, replay: Replay) -> Backing:
    outcome = replay.outcome
    if not isinstance(outcome, dict) or "backing_id" not in outcome:
        raise IdempotencyMismatch
    return lock_backing(work, outcome["backing_id"])


def _person(work: Work) -> PersonId:
    work.actor.require(Permission.VOTE)
    work.actor.signed_in()
    if work.actor.person_id is None:
        raise PersonNotVerified
    return work.actor.person_id


def _models(work: Work, comparison_id: str) -> set[str]:
    view = comparisons_by_id(work, [comparison_id])[comparison_id]
    return {one.segment.model for one in view.comparison.head.market}


def _take(
    work: Work, proposal: BackingProposal, request: BackRequest, given: Authorisation | None, person_id: PersonId
) -> Backing:
    """Take in authorised money or ask for a payment, and make the backing that goes with it."""
    backing_id = BackingId(work.new_id())
    terms, account_id = proposal.terms, work.actor.signed_in()
    payable_until = work.now + timedelta(minutes=policy.current(work).section(BackingPolicy).payment_minutes)
    wanted = PaymentRequest(
        work.actor.brand_id, account_id, BACKING, backing_id, Money(terms.deposit_minor), payable_until
    )
    if given is None:
        (payment,) = payments.request_payments(work, [wanted])
    else:
        (taken,) = payments.receive_authorised(work, [(wanted, given)])
        if isinstance(taken, Refusal):
            raise taken
        payment = taken
        book(work, payments.receipt(payment, kind="backing_held", to=backing_account(backing_id)))
    head = BackingHead(
        id=backing_id,
        brand_id=work.actor.brand_id,
        proposal_id=proposal.head.id,
        account_id=account_id,
        person_id=person_id,
        model=request.model,
        price_cap_minor=request.price_cap_minor,
        deposit_minor=terms.deposit_minor,
        payment_id=payment.id,
        placed_at=work.now,
    )
    return AcknowledgedBacking(head, payable_until) if given is None else HeldBacking(head, work.now)


def _settle_money(work: Work, proposal: Proposal, backing: Backing) -> None:
    """Wait for the money, or tell that it is here."""
    if isinstance(backing, AcknowledgedBacking):
        set_timer(work, EXPIRE_TIMER, backing.head.id, backing.payable_until)
    else:
        _count(work, proposal, backing.head)


def _count(work: Work, proposal: Proposal, head: BackingHead) -> None:
    chain = chain_of(head.proposal_id)
    name = record.pseudonyms(work, chain, [head.person_id])[head.person_id]
    facts = {"backer": name, "model": head.model, "price_cap_minor": head.price_cap_minor}
    record.append(work, chain, "backing.held", facts)
    title = proposal.head.title
    work.record(BackingHeld(head.brand_id, head.proposal_id, head.id, head.account_id, title, head.deposit_minor))


def withdraw_backing(work: Work, backing_id: str) -> EndedBacking:
    """Take one's money back, at any time until one has ordered or the time to order is over.

    Refuses BackingClosed for one that is over, and NotFound for another person's.
    """
    work.actor.require(Permission.VOTE)
    lock_proposals(work, proposal_of(work, backing_id))
    backing = lock_backing(work, backing_id)
    if backing.head.account_id != work.actor.signed_in():
        raise NotFound("backing")
    if not isinstance(backing, AcknowledgedBacking | HeldBacking):
        raise BackingClosed(backing_state(backing))
    if isinstance(backing, HeldBacking):
        _chain_left(work, backing.head, "backing.withdrawn")
    (ended,) = end_backings(work, [backing], ending="withdrawn", reason="withdrawn")
    return ended


def _chain_left(work: Work, head: BackingHead, kind: str) -> None:
    chain = chain_of(head.proposal_id)
    name = record.pseudonyms(work, chain, [head.person_id])[head.person_id]
    record.append(work, chain, kind, {"backer": name})


# --- money that comes later ------------------------------------------------------------------------------------------


def fund_backing(work: Work, payment: Payment) -> Backing:
    """Take the money that a provider's callback brought: the backing holds, or the money goes back.

    Runs in the change that received the payment. Where the proposal takes no backings any more, or the person has
    another one by now, the money is booked and goes back whole.
    """
    work.actor.require(Permission.SYSTEM)
    assert payment.purpose == BACKING
    (proposal,) = lock_proposals(work, proposal_of(work, payment.subject_id))
    backing = lock_backing(work, payment.subject_id)
    head = backing.head
    book(work, payments.receipt(payment, kind="backing_held", to=backing_account(head.id)))
    if not isinstance(backing, AcknowledgedBacking) or head.payment_id != payment.id:
        give_back(work, [(head, payment.id)], reason="late")
        return backing
    cancel_timer(work, EXPIRE_TIMER, head.id)
    held = HeldBacking(head, work.now)
    if not isinstance(proposal, BackingProposal):
        return end_backings(work, [held], ending="refunded", reason="proposal_closed")[0]
    save_backings(work, [held], reason="funded")
    _count(work, proposal, head)
    return held


def expire_backing(work: Work, backing_id: str, _payload: object = None) -> None:
    """End a backing whose money did not come in time; the timer `demand.backing_expire`."""
    work.actor.require(Permission.SYSTEM)
    lock_proposals(work, proposal_of(work, backing_id))
    backing = lock_backing(work, backing_id)
    if isinstance(backing, AcknowledgedBacking) and work.now >= backing.payable_until:
        end_backings(work, [backing], ending="expired_unpaid", reason="no_money_in_time")


def lose_backing(work: Work, payment: Payment, missing: Money) -> Backing:
    """Act on a backing whose money was counted and is lost (declined for good, or charged back); it counts no more."""
    work.actor.require(Permission.SYSTEM)
    assert payment.purpose == BACKING
    lock_proposals(work, proposal_of(work, payment.subject_id))
    backing = lock_backing(work, payment.subject_id)
    head = backing.head
    payments.take_back(work, payment, missing, out_of=backing_account(head.id))
    if not isinstance(backing, HeldBacking):
        return backing
    lost = EndedBacking(head, "declined", work.now)
    returned = payment.state is PaymentState.CHARGED_BACK
    save_backings(work, [lost], reason="payment_returned" if returned else "payment_declined")
    _chain_left(work, head, "backing.declined")
    work.record(BackingLeft(head.brand_id, head.proposal_id, head.id))
    return lost
