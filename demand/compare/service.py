"""Use cases of comparisons: open and close one, join it, answer a set and the question of price (DOMAIN 6.2)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from configurator.errors import ModelUnknown
from configurator.queries import open_showroom
from demand.compare.answering import is_complete, judge_answer, judge_open, judge_price_answer
from demand.compare.design import ITEMS, deal
from demand.compare.events import ComparisonClosed, ComparisonOpened
from demand.compare.model import (
    ClosedComparison,
    ComparedItem,
    Comparison,
    ComparisonHead,
    ComparisonId,
    MarketSegment,
    OpenComparison,
    Participant,
    ParticipantId,
    Segment,
    SetAnswer,
    comparison_state,
)
from demand.compare.policy import ComparePolicy
from demand.compare.queries import (
    find_participant,
    in_open_comparison,
    load_answers,
    lock_comparison,
)
from demand.compare.sheet import chain_of, sheet_of
from demand.compare.store import (
    CLOSE_TIMER,
    append_answer,
    append_price_answer,
    complete,
    insert_comparison,
    insert_participant,
    save_comparison,
    take_number,
)
from demand.errors import AlreadyJoined, ComparisonOver, NotComparable, NotJoined, PersonNotVerified
from demand.votes.chain import chain_of as proposal_chain
from demand.votes.model import compare
from demand.votes.store import lock_proposals, save_proposal
from kernel import policy, record, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, Refusal
from kernel.ids import PersonId
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

TITLE_LENGTH_MAX: Final = 80
SEGMENTS_MAX: Final = 400
PERSONS_MAX: Final = 1_000_000_000
PRICE_MINOR_MAX: Final = 10**10
# The number of no item.
NONE: Final = -1


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """What a planner opens: twelve proposals with planned prices, and the market in segments; `closes_at` is the
    policy's days from now where it is left out."""

    title: str
    prices_minor: dict[str, int]
    market: tuple[MarketSegment, ...]
    closes_at: datetime | None = None


# --- the planner's ---------------------------------------------------------------------------------------------------


def open_comparison(work: Work, plan: ComparisonPlan) -> OpenComparison:
    """Let verified persons compare twelve proposals; each goes from signal to compare.

    Refuses NotComparable for a proposal in another state or in another comparison that is not over, and ModelUnknown
    for a segment of a model that the catalogue in force does not have.
    """
    work.actor.require(Permission.POOL_MANAGE)
    rules = policy.current(work)
    closes_at = plan.closes_at or work.now + timedelta(days=rules.section(ComparePolicy).open_days)
    _check_plan(work, plan, closes_at)
    proposal_ids = list(plan.prices_minor)
    taken = in_open_comparison(work, proposal_ids)
    for proposal in lock_proposals(work, *proposal_ids):
        compared = compare(proposal)
        if isinstance(compared, Refusal) or proposal.head.id in taken:
            why = "another comparison" if not isinstance(compared, Refusal) else compared.facts()["state"]
            raise NotComparable(proposal.head.title, str(why))
        save_proposal(work, compared)
    comparison_id = ComparisonId(work.new_id())
    # Chance gives the proposals their numbers, so that no place in the design goes with a place in a list.
    random.Random(comparison_id).shuffle(proposal_ids)
    head = ComparisonHead(
        id=comparison_id,
        brand_id=work.actor.brand_id,
        title=plan.title.strip(),
        policy_version=rules.version,
        items=tuple(
            ComparedItem(number, proposal_id, plan.prices_minor[proposal_id])
            for number, proposal_id in enumerate(proposal_ids)
        ),
        market=plan.market,
        price_steps_percent=rules.section(ComparePolicy).price_steps_percent,
        opened_at=work.now,
        closes_at=closes_at,
    )
    comparison = OpenComparison(head)
    insert_comparison(work, comparison)
    set_timer(work, CLOSE_TIMER, comparison_id, closes_at)
    _chain_opened(work, head)
    work.record(ComparisonOpened(head.brand_id, comparison_id, tuple(one.proposal_id for one in head.items)))
    return comparison


def _chain_opened(work: Work, head: ComparisonHead) -> None:
    """Tell in the comparison's chain what is dealt, and in each proposal's that its votes are over."""
    items = [[one.proposal_id, one.planned_price_minor] for one in head.items]
    dealt = {"items": items, "price_steps": list(head.price_steps_percent)}
    compared = [
        record.NewEntry(proposal_chain(one.proposal_id), "proposal.compared", {"comparison": head.id})
        for one in head.items
    ]
    record.append_many(work, [record.NewEntry(chain_of(head.id), "comparison.opened", dealt), *compared])


def _check_plan(work: Work, plan: ComparisonPlan, closes_at: datetime) -> None:
    if not 1 <= len(plan.title.strip()) <= TITLE_LENGTH_MAX:
        raise InvalidInput("title", because("LENGTH", most=TITLE_LENGTH_MAX))
    if len(plan.prices_minor) != ITEMS:
        raise InvalidInput("items", because("ITEMS", count=ITEMS))
    if not all(0 < price <= PRICE_MINOR_MAX for price in plan.prices_minor.values()):
        raise InvalidInput("items", because("ITEM_PRICES"))
    if closes_at <= work.now or closes_at > work.now + timedelta(days=90):
        raise InvalidInput("closesAt", because("CLOSES_WITHIN"))
    if not 1 <= len(plan.market) <= SEGMENTS_MAX or len({one.segment for one in plan.market}) != len(plan.market):
        raise InvalidInput("market", because("SEGMENTS", most=SEGMENTS_MAX))
    models = open_showroom(work, region="")[0].catalogue.model_by_code
    regions = {region.code for region in registry.list_regions(work)}
    for one in plan.market:
        if one.segment.region not in regions:
            raise InvalidInput("market", because("NO_REGION", region=one.segment.region[:40]))
        if one.segment.model not in models:
            raise ModelUnknown(one.segment.model[:80].replace("\x00", ""), tuple(models))
        if not 0 < one.persons <= PERSONS_MAX:
            raise InvalidInput("market", because("SEGMENT_EMPTY"))


def close_comparison(work: Work, comparison_id: str) -> ClosedComparison:
    """End a comparison before its time; for planners. The worker works it out soon."""
    work.actor.require(Permission.POOL_MANAGE)
    comparison = lock_comparison(work, comparison_id)
    if not isinstance(comparison, OpenComparison):
        raise ComparisonOver(comparison_state(comparison))
    cancel_timer(work, CLOSE_TIMER, comparison_id)
    return _close(work, comparison)


def close_in_time(work: Work, comparison_id: str, _payload: object = None) -> None:
    """End a comparison whose days are over; the timer `demand.comparison_close`."""
    work.actor.require(Permission.SYSTEM)
    comparison = lock_comparison(work, comparison_id)
    if isinstance(comparison, OpenComparison) and work.now >= comparison.head.closes_at:
        _close(work, comparison)


def _close(work: Work, comparison: OpenComparison) -> ClosedComparison:
    closed = ClosedComparison(comparison.head, work.now)
    save_comparison(work, closed)
    record.append(work, chain_of(closed.head.id), "comparison.closed", {})
    work.record(ComparisonClosed(work.actor.brand_id, closed.head.id))
    return closed


# --- a person's ------------------------------------------------------------------------------------------------------


def _person(work: Work) -> PersonId:
    work.actor.require(Permission.VOTE)
    work.actor.signed_in()
    if work.actor.person_id is None:
        raise PersonNotVerified
    return work.actor.person_id


def join_comparison(work: Work, comparison_id: str, segment: Segment) -> Participant:
    """Deal a verified person their sets and their question of price; joining again returns what was dealt.

    Refuses ComparisonOver, and AlreadyJoined where the person now says to stand elsewhere in the market.
    """
    person_id = _person(work)
    comparison = lock_comparison(work, comparison_id)
    known = find_participant(work, comparison_id, person_id)
    if known is not None:
        if known.segment != segment:
            raise AlreadyJoined(known.segment.region, known.segment.model)
        return known
    refusal = judge_open(comparison, now=work.now)
    if refusal is not None:
        raise refusal
    _check_segment(comparison, segment)
    number = take_number(work, comparison_id)
    dealt = deal(comparison_id, number, price_steps=len(comparison.head.price_steps_percent))
    participant = Participant(
        id=ParticipantId(work.new_id()),
        comparison_id=comparison.head.id,
        person_id=person_id,
        number=number,
        version=dealt.version,
        price_item=dealt.price_item,
        price_step=dealt.price_step,
        segment=segment,
        dealt_at=work.now,
    )
    insert_participant(work, participant)
    return participant


def _check_segment(comparison: Comparison, segment: Segment) -> None:
    known = [one.segment for one in comparison.head.market]
    if segment.region not in {one.region for one in known}:
        raise InvalidInput("region", because("COMPARED_REGION"))
    if segment.model not in {one.model for one in known}:
        raise InvalidInput("model", because("COMPARED_MODEL"))
    if segment.owner not in {one.owner for one in known}:
        raise InvalidInput("owner", because("COMPARED_OWNER"))


def answer_set(work: Work, comparison_id: str, *, number: int, best: str, worst: str) -> Participant:
    """Name the best and the worst proposal of the `number`-th set (from 1) that was dealt to the person.

    The same answer again changes nothing. Refuses NotJoined, OutsideDesign, AlreadyAnswered for another answer than
    the first, and ComparisonOver.
    """
    comparison, participant = _own(work, comparison_id)
    numbers = {one.proposal_id: one.number for one in comparison.head.items}
    answer = SetAnswer(number - 1, numbers.get(best, NONE), numbers.get(worst, NONE))
    answers, took = load_answers(work, participant.id)
    known = answers.get(answer.set_number)
    refusal = judge_answer(comparison, participant, answer, known, now=work.now)
    if refusal is not None:
        raise refusal
    if known is not None:
        return participant
    append_answer(work, participant.id, answer)
    return _completed(work, participant, answers | {answer.set_number: answer}, took)


def answer_price(work: Work, comparison_id: str, *, took: bool) -> Participant:
    """Say whether one would take the proposal at the price that was dealt; the same answer again changes nothing."""
    comparison, participant = _own(work, comparison_id)
    answers, known = load_answers(work, participant.id)
    refusal = judge_price_answer(comparison, took=took, known=known, now=work.now)
    if refusal is not None:
        raise refusal
    if known is not None:
        return participant
    append_price_answer(work, participant.id, took=took)
    return _completed(work, participant, answers, took)


@dataclass(frozen=True, slots=True)
class SheetAnswer:
    """The best and the worst proposal of the `number`-th set (from 1)."""

    number: int
    best: str
    worst: str


def answer_sheet(work: Work, comparison_id: str, answers: Sequence[SheetAnswer], *, took: bool) -> Participant:
    """Answer a whole sheet at once, all of it or nothing; refuses what `answer_set` and `answer_price` refuse."""
    comparison, participant = _own(work, comparison_id)
    numbers = {one.proposal_id: one.number for one in comparison.head.items}
    known, known_took = load_answers(work, participant.id)
    given = [SetAnswer(one.number - 1, numbers.get(one.best, NONE), numbers.get(one.worst, NONE)) for one in answers]
    for answer in given:
        refusal = judge_answer(comparison, participant, answer, known.get(answer.set_number), now=work.now)
        if refusal is not None:
            raise refusal
    refusal = judge_price_answer(comparison, took=took, known=known_took, now=work.now)
    if refusal is not None:
        raise refusal
    for answer in given:
        if answer.set_number not in known:
            append_answer(work, participant.id, answer)
    if known_took is None:
        append_price_answer(work, participant.id, took=took)
    all_of_them = known | {answer.set_number: answer for answer in given}
    is_new = len(all_of_them) > len(known) or known_took is None
    return _completed(work, participant, all_of_them, took) if is_new else participant


def _own(work: Work, comparison_id: str) -> tuple[Comparison, Participant]:
    """Hold the comparison open, and the person's other answers off, until this change is over."""
    person_id = _person(work)
    comparison = lock_comparison(work, comparison_id, shared=True)
    participant = find_participant(work, comparison_id, person_id, lock=True)
    if participant is None:
        raise NotJoined
    return comparison, participant


def _completed(work: Work, participant: Participant, answers: dict[int, SetAnswer], took: bool | None) -> Participant:
    """With the last answer the whole sheet goes into the comparison's chain, under a pseudonym."""
    if not is_complete(answers, took):
        return participant
    chain = chain_of(participant.comparison_id)
    name = record.pseudonyms(work, chain, [participant.person_id])[participant.person_id]
    record.append(work, chain, "comparison.answered", {"person": name, **sheet_of(participant, answers, took=took)})
    return complete(work, participant)
