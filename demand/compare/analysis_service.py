"""The worker's part: takes up what is closed, works it out outside any transaction, and releases what is k-safe."""

from __future__ import annotations

import math
from typing import Final

import structlog

from demand.compare.events import ComparisonReleased
from demand.compare.model import (
    ClosedComparison,
    ComparisonHead,
    Interval,
    ItemOutcome,
    Participant,
    ReleasedComparison,
    SetAnswer,
    UnansweredComparison,
)
from demand.compare.policy import ComparePolicy
from demand.compare.queries import closed_comparisons, comparisons_by_id, complete_answers, lock_comparison
from demand.compare.sheet import chain_of
from demand.compare.store import insert_outcomes, save_comparison
from demand.cubes.model import round_count
from demand.cubes.policy import CubePolicy
from kernel import policy, record
from kernel.actor import system
from kernel.ids import BrandId
from kernel.turns import act_on_each
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
MILLION: Final = 1_000_000
UNITS_OF_UTILITY: Final = 100
BASIS_POINTS: Final = 10_000
Answered = list[tuple[Participant, dict[int, SetAnswer], bool]]


def analyse_closed(works: Works) -> int:
    """Work out every closed comparison; returns how many.

    Nothing of a closed comparison changes any more, so it is read, worked out for some seconds without a transaction,
    and written where it is still closed: two workers, or one that was killed, come to the same once. One that fails
    keeps no other waiting.
    """
    with works.read(system(BrandId("platform"))) as work:
        waiting = closed_comparisons(work)
    return act_on_each(waiting, lambda one: _analyse(works, *one))


def _analyse(works: Works, brand_id: str, comparison_id: str) -> int:
    actor = system(BrandId(brand_id))
    with works.read(actor) as work:
        comparison = comparisons_by_id(work, [comparison_id])[comparison_id].comparison
        answered = complete_answers(work, comparison_id)
        rules = policy.pinned(work, comparison.head.policy_version)
    if not isinstance(comparison, ClosedComparison):
        return 0
    cubes = rules.section(CubePolicy)
    if len(answered) < cubes.k:
        return works.run(actor, lambda work: _leave_unanswered(work, comparison_id))
    found = _work_out(comparison.head, answered, rules.section(ComparePolicy), cubes)
    return works.run(actor, lambda work: _release(work, comparison_id, found))


def _leave_unanswered(work: Work, comparison_id: str) -> int:
    comparison = lock_comparison(work, comparison_id)
    if not isinstance(comparison, ClosedComparison):
        return 0
    save_comparison(work, UnansweredComparison(comparison.head, work.now))
    record.append(work, chain_of(comparison_id), "comparison.unanswered", {})
    work.record(ComparisonReleased(work.actor.brand_id, comparison_id, has_outcome=False))
    return 1


Found = tuple[int, int, list[ItemOutcome], dict[int, dict[str, list[int]]]]


def _work_out(head: ComparisonHead, answered: Answered, rules: ComparePolicy, cubes: CubePolicy) -> Found:
    """Return persons and effective size, rounded, each item's figures, and the draws of its take rate by model."""
    from demand.compare.analysis import Estimate, Market, Respondent, analyse  # numpy and scipy are the worker's

    found = analyse(
        [
            Respondent(
                segment=(one.segment.region, one.segment.owner, one.segment.model),
                version=one.version,
                best=tuple(answers[number].best for number in sorted(answers)),
                worst=tuple(answers[number].worst for number in sorted(answers)),
                price_item=one.price_item,
                price_step=one.price_step,
                took=took,
            )
            for one, answers, took in answered
        ],
        Market({(one.segment.region, one.segment.owner, one.segment.model): one.persons for one in head.market}),
        log_price=[math.log(step / 100) for step in head.price_steps_percent],
        draws=rules.draws,
        weight_low=rules.weight_min_percent / 100,
        weight_high=rules.weight_max_percent / 100,
        seed=int(head.id[-8:], 16),
    )

    def interval(estimate: Estimate, units: int, step: int) -> Interval:
        value, low, high = (_in_steps(one * units, step) for one in (estimate.value, estimate.low, estimate.high))
        return Interval(value, min(low, value), max(high, value))

    outcomes = [
        ItemOutcome(
            number,
            utility=interval(item.utility, UNITS_OF_UTILITY, rules.utility_step),
            share=interval(item.share, BASIS_POINTS, rules.share_step),
            take_rate=(
                interval(item.take, BASIS_POINTS, rules.take_rate_step) if min(item.yes, item.no) >= cubes.k else None
            ),
        )
        for number, item in enumerate(found.items)
    ]
    draws = {
        number: {model: [round(one * MILLION) for one in values] for model, values in item.take_draws.items()}
        for number, item in enumerate(found.items)
    }
    persons = round_count(found.persons, to=cubes.rounding)
    return persons, min(round_count(round(found.effective), to=cubes.rounding), persons), outcomes, draws


def _in_steps(value: float, step: int) -> int:
    return round(value / step) * step


def _release(work: Work, comparison_id: str, found: Found) -> int:
    comparison = lock_comparison(work, comparison_id)
    if not isinstance(comparison, ClosedComparison):
        return 0
    persons, effective, outcomes, draws = found
    save_comparison(work, ReleasedComparison(comparison.head, work.now, persons, effective))
    insert_outcomes(work, comparison_id, outcomes, draws)
    shares = [[one.share.value, one.share.low, one.share.high] for one in outcomes]
    rounded_to = policy.pinned(work, comparison.head.policy_version).section(CubePolicy).rounding
    facts = {"persons": persons, "rounded_to": rounded_to, "shares": shares}
    record.append(work, chain_of(comparison_id), "comparison.released", facts)
    work.record(ComparisonReleased(work.actor.brand_id, comparison_id, has_outcome=True))
    log.info("comparison_released", comparison_id=comparison_id, persons=persons)
    return 1
