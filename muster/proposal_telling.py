"""Who is told what of proposals: backers of their money and of what was promised, planners of the answers they owe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from demand.backing.events import (
    AnswerOverdue,
    AnswerReminded,
    AnswerWanted,
    BackingHeld,
    BackingRefundRequested,
    CommitmentBroken,
    ConcernedAccount,
    ProposalCommitted,
    ProposalInCatalogue,
)
from kernel.money import Money
from kernel.notices import Fact, NewNotice, notify_many
from kernel.outbox import Letter, Subscription
from kernel.work import Work


def tell_of_proposals(work: Work, letters: Sequence[Letter]) -> None:
    """Tell backers and planners."""
    for letter in letters:
        single = _of_money(letter)
        notify_many(work, list(_of_answers(letter) or _of_promises(letter)) if single is None else [single])


def _of_money(letter: Letter) -> NewNotice | None:
    match letter.event:
        case BackingHeld(account_id=account_id, title=title, amount_minor=amount_minor):
            facts: dict[str, Fact] = {"title": title, "amount": Money(amount_minor)}
            return NewNotice(account_id, "backing_in", facts, letter.event_id)
        case BackingRefundRequested(account_id=account_id, amount_minor=amount_minor, refund_by=refund_by):
            facts = {"amount": Money(amount_minor), "refund_by": refund_by}
            return NewNotice(account_id, "backing_refund", facts, letter.event_id)
        case _:
            return None


def _of_answers(letter: Letter) -> list[NewNotice]:
    """Return what planners are told of an answer they owe; nothing where the news is another."""
    match letter.event:
        case AnswerWanted(title=title, due_at=due_at, planners=planners):
            return list(_each(letter, planners, "answer_wanted", {"title": title, "due": due_at}))
        case AnswerReminded(title=title, due_at=due_at, planners=planners):
            return list(_each(letter, planners, "answer_reminder", {"title": title, "due": due_at}))
        case AnswerOverdue(title=title, planners=planners):
            return list(_each(letter, planners, "answer_overdue", {"title": title}))
        case _:
            return []


def _of_promises(letter: Letter) -> Iterator[NewNotice]:
    """Return what backers are told of a promise."""
    match letter.event:
        case ProposalCommitted(title=title, available_by=day, ceiling_minor=ceiling, backers=backers):
            facts: dict[str, Fact] = {"title": title, "day": day, "ceiling": Money(ceiling)}
            yield from _each(letter, backers, "proposal_committed", facts)
        case CommitmentBroken(title=title, backers=backers):
            yield from _each(letter, backers, "promise_broken", {"title": title})
        case ProposalInCatalogue(title=title, ceiling_minor=ceiling, ends_at=ends_at, backers=backers):
            facts = {"title": title, "ceiling": Money(ceiling), "ends": ends_at}
            yield from _each(letter, backers, "proposal_in_catalogue", facts)
        case AnswerWanted() | AnswerReminded() | AnswerOverdue():
            # A brand may have no planner who could be told.
            return
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


def _each(
    letter: Letter, concerned: Sequence[ConcernedAccount], kind: str, facts: dict[str, Fact]
) -> Iterator[NewNotice]:
    for one in concerned:
        yield NewNotice(one.account_id, kind, facts, letter.event_id)


TELLER: Final = Subscription(
    "telling.proposals",
    frozenset(
        cls.kind
        for cls in (
            BackingHeld,
            BackingRefundRequested,
            AnswerWanted,
            AnswerReminded,
            AnswerOverdue,
            ProposalCommitted,
            CommitmentBroken,
            ProposalInCatalogue,
        )
    ),
    tell_of_proposals,
)
