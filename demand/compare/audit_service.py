"""What must hold of comparisons on a live database, derived anew from what was dealt and answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import orjson
from sqlalchemy import select

from demand.compare.design import deal, sets_of
from demand.compare.model import Comparison, Participant, ReleasedComparison, SetAnswer, comparison_state
from demand.compare.queries import completed_sheets, load_comparisons, outcomes_of, stray_answers
from demand.compare.replay import replay_comparison
from demand.compare.sheet import chain_of, sheet_of
from demand.compare.tables import comparisons
from demand.cubes.model import round_count
from demand.cubes.policy import CubePolicy
from kernel import policy, record
from kernel.soundness import Check
from kernel.work import Work

Sheet = tuple[Participant, dict[int, SetAnswer], bool]


def _own(work: Work) -> list[Comparison]:
    found = select(comparisons).where(comparisons.c.brand_id == work.actor.brand_id).order_by(comparisons.c.id)
    return load_comparisons(work, found)


def _outside_design(work: Work) -> Iterator[str]:
    """Deal everything again and hold the answers against it."""
    for comparison in _own(work):
        head = comparison.head
        for participant, answers, _ in completed_sheets(work, head.id):
            dealt = deal(head.id, participant.number, price_steps=len(head.price_steps_percent))
            if (dealt.version, dealt.price_item, dealt.price_step) != (
                participant.version,
                participant.price_item,
                participant.price_step,
            ):
                yield f"participant {participant.id} was dealt something else"
            shown = sets_of(dealt.version)
            if set(answers) != set(range(len(shown))):
                yield f"participant {participant.id} is complete with {len(answers)} answers"
            elif any({one.best, one.worst} - set(shown[one.set_number]) for one in answers.values()):
                yield f"participant {participant.id} answered outside the design"
        for participant_id, set_number in stray_answers(work, head.id):
            yield f"participant {participant_id} answered set {set_number} with what it does not show"


def _untold(work: Work) -> Iterator[str]:
    """Replay each comparison's chain: it fits, and holds the sheets that were completed."""
    for comparison in _own(work):
        chain = chain_of(comparison.head.id)
        replay = replay_comparison(comparison.head.id, record.walk(work, chain))
        for fault in replay.faults:
            yield f"{chain} {fault}"
        if replay.state != comparison_state(comparison):
            yield f"comparison {comparison.head.id} is {comparison_state(comparison)}, its chain says {replay.state}"
        told = Counter(
            _plain({name: value for name, value in sheet.items() if name != "person"}) for sheet in replay.sheets
        )
        sheets = Counter(
            _plain(sheet_of(participant, answers, took=took))
            for participant, answers, took in completed_sheets(work, comparison.head.id)
        )
        if told != sheets:
            yield f"comparison {comparison.head.id} has {sheets.total()} sheets, its chain tells {told.total()} others"


def _plain(sheet: object) -> bytes:
    return orjson.dumps(sheet, option=orjson.OPT_SORT_KEYS)


def _too_few(work: Work) -> Iterator[str]:
    for comparison in _own(work):
        if not isinstance(comparison, ReleasedComparison):
            continue
        rules = policy.pinned(work, comparison.head.policy_version).section(CubePolicy)
        sheets = [one for one in completed_sheets(work, comparison.head.id) if one[0].left_at is None]
        if len(sheets) < rules.k or round_count(len(sheets), to=rules.rounding) != comparison.persons:
            yield f"comparison {comparison.head.id} speaks of {comparison.persons} persons, there are {len(sheets)}"
        answers = Counter((participant.price_item, took) for participant, _, took in sheets)
        for outcome in outcomes_of(work, [comparison.head.id])[comparison.head.id]:
            fewest = min(answers[outcome.number, True], answers[outcome.number, False])
            if outcome.take_rate is not None and fewest < rules.k:
                yield f"comparison {comparison.head.id} shows the take rate of item {outcome.number} by {fewest}"


CHECKS: Final = (
    Check("a comparison's answers are to what was dealt, each once", 5, _outside_design),
    Check("a comparison's chain tells the sheets that were completed", 11, _untold),
    Check("what a comparison released speaks of k persons at least", 12, _too_few),
)
