"""Decides how a proposal goes from compared to converted; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from demand.backing.model import BackingTerms, Commitment, OrderWindow, Outcome, Trigger
from demand.errors import CeilingAbovePrice, ProposalClosed
from demand.votes.model import (
    BackingProposal,
    CommittedProposal,
    CompareProposal,
    ConvertedProposal,
    InCatalogueProposal,
    Proposal,
    proposal_state,
)
from kernel.errors import Refusal
from kernel.money import Money

LATE = "late"
ABOVE_CEILING = "above_ceiling"
WITHDRAWN = "withdrawn"


def open_to_backers(proposal: Proposal, terms: BackingTerms) -> BackingProposal | Refusal:
    """Publish the terms of a proposal that was compared."""
    if isinstance(proposal, CompareProposal):
        return BackingProposal(proposal.head, terms)
    return ProposalClosed(proposal_state(proposal))


def pull_trigger(proposal: BackingProposal, bound: int, *, now: datetime, answer_days: int) -> BackingProposal:
    """Ask the maker for an answer once the lower bound has reached the threshold; it stays asked for."""
    if proposal.trigger is not None or bound < proposal.terms.threshold:
        return proposal
    return replace(proposal, trigger=Trigger(now, now + timedelta(days=answer_days)))


def commit(proposal: Proposal, *, available_by: date, ceiling_minor: int, now: datetime) -> CommittedProposal | Refusal:
    """Say yes, also before the threshold is reached; the ceiling is at most the published price."""
    if not isinstance(proposal, BackingProposal):
        return ProposalClosed(proposal_state(proposal))
    if ceiling_minor > proposal.terms.price_minor:
        return CeilingAbovePrice(Money(ceiling_minor), Money(proposal.terms.price_minor))
    return CommittedProposal(proposal.head, proposal.terms, Commitment(available_by, ceiling_minor, now))


def break_commitment(commitment: Commitment, why: str, *, now: datetime) -> Commitment:
    """Note that a promise was not kept; the first reason stays."""
    if commitment.outcome is Outcome.BROKEN:
        return commitment
    return replace(commitment, outcome=Outcome.BROKEN, why=why, settled_at=now)


def enter_catalogue(
    proposal: CommittedProposal, window: OrderWindow, *, first_day: date, price_minor: int, now: datetime
) -> InCatalogueProposal:
    """Put a promise into the catalogue: kept where day and price are, else broken for all to see."""
    commitment = proposal.commitment
    if first_day > commitment.available_by:
        commitment = break_commitment(commitment, LATE, now=now)
    elif price_minor > commitment.ceiling_minor:
        commitment = break_commitment(commitment, ABOVE_CEILING, now=now)
    elif commitment.outcome is Outcome.PENDING:
        commitment = replace(commitment, outcome=Outcome.KEPT, settled_at=now)
    return InCatalogueProposal(proposal.head, proposal.terms, commitment, window)


def hold_price(
    proposal: InCatalogueProposal, *, first_day_at: datetime, price_minor: int | None, now: datetime
) -> InCatalogueProposal:
    """Look at a later catalogue version: within the window the option stays there, at or below the ceiling."""
    gone_or_dearer = price_minor is None or price_minor > proposal.commitment.ceiling_minor
    if not gone_or_dearer or first_day_at >= proposal.window.ends_at:
        return proposal
    why = WITHDRAWN if price_minor is None else ABOVE_CEILING
    return replace(proposal, commitment=break_commitment(proposal.commitment, why, now=now))


def finish(proposal: InCatalogueProposal) -> ConvertedProposal:
    """End the window in which backers order."""
    return ConvertedProposal(proposal.head, proposal.terms, proposal.commitment, proposal.window)
