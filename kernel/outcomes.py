"""What came of things that were asked for together: each has its own answer, or a refusal that spoils no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from kernel.errors import Refusal

AnswerT = TypeVar("AnswerT")


def outcome_of(judge: Callable[[], AnswerT]) -> AnswerT | Refusal:
    """Return what a judgement answers, or the refusal that it raised."""
    try:
        return judge()
    except Refusal as refusal:
        return refusal


def only(outcomes: Sequence[AnswerT | Refusal]) -> AnswerT:
    """Return the answer of one that was asked for by itself, or raise its refusal."""
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def answers(outcomes: Sequence[AnswerT | Refusal]) -> list[AnswerT]:
    """Return what was not refused, in its order."""
    return [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
