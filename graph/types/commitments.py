"""What is published of a proposal's backing, and what the maker promised; read with the proposal itself."""

from __future__ import annotations

from datetime import date, datetime

from demand import model, queries
from graph.access import field, object_type
from graph.identifiers import write_id
from graph.types.money import Money, show_minor
from kernel.actor import Permission


@object_type(reads=Permission.PUBLIC_READ)
class ProposalBacking:
    """The published terms: so many cars pay the tooling at this price. Backers put a refundable deposit behind it.

    `lowerBound` is how many cars will be wanted at least, at a confidence of 95 %, rounded down; when it reaches the
    threshold the maker answers by `answerDueAt`. It and `backers` are shown anew when ten persons moved them.
    """

    comparison_id: str
    price: Money
    threshold: int
    deposit: Money
    opened_at: datetime
    lower_bound: int | None
    backers: int | None
    triggered_at: datetime | None
    answer_due_at: datetime | None
    answer_overdue: bool
    tooling_cost: Money = field(reads=Permission.DEMAND_READ, about="What the tooling costs.")
    unit_cost: Money = field(reads=Permission.DEMAND_READ, about="What each one costs.")


@object_type(reads=Permission.PUBLIC_READ)
class Commitment:
    """The maker's yes and what became of it: pending, kept or broken (late, above_ceiling or withdrawn).

    `ordered` and `lapsed` tell, rounded, how many backers ordered in their window and how many did not, once over.
    """

    available_by: date
    price_ceiling: Money
    made_at: datetime
    outcome: str
    why: str | None
    settled_at: datetime | None
    option: str | None
    window_opens_at: datetime | None
    window_ends_at: datetime | None
    ordered: int | None
    lapsed: int | None


def show_backing(view: queries.ProposalView, *, now: datetime) -> ProposalBacking | None:
    """Return what is published of a proposal's backing; null before that."""
    found = view.proposal
    if not isinstance(found, model.BackingProposal | model.PromisedProposal):
        return None
    terms = found.terms
    trigger = found.trigger if isinstance(found, model.BackingProposal) else None
    return ProposalBacking(
        comparison_id=write_id("Comparison", terms.comparison_id),
        price=show_minor(terms.price_minor),
        threshold=terms.threshold,
        deposit=show_minor(terms.deposit_minor),
        opened_at=terms.opened_at,
        lower_bound=view.figures.bound,
        backers=view.figures.backers,
        triggered_at=trigger.at if trigger is not None else None,
        answer_due_at=trigger.answer_due_at if trigger is not None else None,
        answer_overdue=trigger is not None and trigger.answer_due_at <= now,
        tooling_cost=show_minor(terms.tooling_minor),
        unit_cost=show_minor(terms.unit_cost_minor),
    )


def show_commitment(view: queries.ProposalView) -> Commitment | None:
    """Return what the maker promised; null where it did not."""
    found = view.proposal
    if not isinstance(found, model.PromisedProposal):
        return None
    made = found.commitment
    window = None if isinstance(found, model.CommittedProposal) else found.window
    return Commitment(
        available_by=made.available_by,
        price_ceiling=show_minor(made.ceiling_minor),
        made_at=made.made_at,
        outcome=made.outcome.value,
        why=made.why,
        settled_at=made.settled_at,
        option=window.option if window is not None else None,
        window_opens_at=window.opens_at if window is not None else None,
        window_ends_at=window.ends_at if window is not None else None,
        ordered=view.figures.ordered,
        lapsed=view.figures.lapsed,
    )
