"""Decides what one person may answer: only the sets dealt to them, each once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from demand.compare.design import SETS, sets_of
from demand.compare.model import Comparison, OpenComparison, Participant, SetAnswer, comparison_state
from demand.errors import AlreadyAnswered, ComparisonOver, OutsideDesign
from kernel.errors import Refusal
from kernel.reasons import because


def judge_open(comparison: Comparison, *, now: datetime) -> Refusal | None:
    """Refuse what is not open, and what ran out without anybody having closed it yet."""
    if not isinstance(comparison, OpenComparison):
        return ComparisonOver(comparison_state(comparison))
    return ComparisonOver("closed") if now >= comparison.head.closes_at else None


def judge_answer(
    comparison: Comparison, participant: Participant, given: SetAnswer, known: SetAnswer | None, *, now: datetime
) -> Refusal | None:
    """Refuse another answer than the first, one outside the design, and one to what is over.

    The same answer again is none of these: the caller finds it in `known`.
    """
    if not 0 <= given.set_number < SETS:
        return OutsideDesign(because("NO_SUCH_SET"))
    shown = sets_of(participant.version)[given.set_number]
    if given.best == given.worst or not {given.best, given.worst} <= set(shown):
        return OutsideDesign(because("SET_TWO"))
    if known is not None:
        return None if known == given else AlreadyAnswered()
    return judge_open(comparison, now=now)


def judge_price_answer(comparison: Comparison, *, took: bool, known: bool | None, now: datetime) -> Refusal | None:
    """Refuse another answer than the first, and one to what is over."""
    if known is not None:
        return None if known == took else AlreadyAnswered()
    return judge_open(comparison, now=now)


def is_complete(answers: Mapping[int, SetAnswer], took: bool | None) -> bool:
    """Say whether everything that was dealt is answered; only then a person counts."""
    return len(answers) == SETS and took is not None
