"""Reads of comparisons, many at a time: outcomes that were released, and the own sheet with its sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import RowMapping, Select, select

from demand.compare.design import sets_of
from demand.compare.model import (
    ClosedComparison,
    ComparedItem,
    Comparison,
    ComparisonHead,
    ComparisonId,
    Interval,
    ItemOutcome,
    MarketSegment,
    OpenComparison,
    Participant,
    ParticipantId,
    ReleasedComparison,
    Segment,
    SetAnswer,
    UnansweredComparison,
    comparison_state,
)
from demand.compare.tables import (
    compared_items,
    comparison_answers,
    comparison_participants,
    comparisons,
    item_outcomes,
    market_segments,
    price_answers,
)
from kernel import db
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.money import divide_half_up
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

PARTICIPANTS_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison with what was released of its items, by number; nothing before the release."""

    comparison: Comparison
    state: str
    outcomes: tuple[ItemOutcome, ...]


@dataclass(frozen=True, slots=True)
class DealtSet:
    """One set of a sheet: proposals in the order in which they are shown, and what was answered."""

    number: int
    proposal_ids: tuple[str, ...]
    best: str | None
    worst: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was dealt to the signed-in person, and what is answered so far."""

    comparison_id: str
    participant: Participant
    sets: tuple[DealtSet, ...]
    price_proposal_id: str
    price_minor: int
    took: bool | None


def list_comparisons(work: Work, page: PageRequest, *, states: Sequence[str] = ()) -> Page[ComparisonView]:
    """Return the brand's comparisons, newest first."""
    work.actor.require(Permission.PUBLIC_READ)
    table = comparisons.c
    found = select(comparisons).where(table.brand_id == work.actor.brand_id)
    if states:
        found = found.where(db.among(table.state, states))
    if page.after is not None:
        found = found.where(table.id < page.after)
    loaded = load_comparisons(work, found.order_by(table.id.desc()).limit(page.size + 1))
    return make_page(_views(work, loaded), page, lambda view: view.comparison.head.id)


def comparisons_by_id(work: Work, comparison_ids: Sequence[str]) -> dict[str, ComparisonView]:
    """Return comparisons of the actor's brand by id."""
    work.actor.require(Permission.PUBLIC_READ)
    table = comparisons.c
    found = select(comparisons).where(table.brand_id == work.actor.brand_id, db.among(table.id, comparison_ids))
    return {view.comparison.head.id: view for view in _views(work, load_comparisons(work, found))}


def _views(work: Work, loaded: Sequence[Comparison]) -> list[ComparisonView]:
    outcomes = outcomes_of(work, [one.head.id for one in loaded])
    return [ComparisonView(one, comparison_state(one), tuple(outcomes[one.head.id])) for one in loaded]


def outcomes_of(work: Work, comparison_ids: Sequence[str]) -> dict[str, list[ItemOutcome]]:
    """Return what was released of comparisons, by their ids and in order of the items."""
    outcomes: dict[str, list[ItemOutcome]] = {comparison_id: [] for comparison_id in comparison_ids}
    table = item_outcomes.c
    found = select(item_outcomes).where(db.among(table.comparison_id, outcomes))
    ordered = found.order_by(table.comparison_id, table.number)
    for row in work.connection.execute(ordered).mappings() if outcomes else ():
        outcomes[row["comparison_id"]].append(_outcome(row))
    return outcomes


def _outcome(row: Any) -> ItemOutcome:
    def interval(name: str) -> Interval:
        return Interval(row[name], row[f"{name}_low"], row[f"{name}_high"])

    take_rate = interval("take_rate") if row["take_rate"] is not None else None
    return ItemOutcome(row["number"], interval("utility"), interval("share"), take_rate)


def own_sheet(work: Work, comparison_id: str) -> Sheet | None:
    """Return what was dealt to the signed-in person in a comparison, or None."""
    work.actor.require(Permission.VOTE)
    view = comparisons_by_id(work, [comparison_id]).get(comparison_id)
    if view is None or work.actor.person_id is None:
        return None
    participant = find_participant(work, comparison_id, work.actor.person_id)
    if participant is None:
        return None
    head = view.comparison.head
    answers, took = load_answers(work, participant.id)
    proposal_of = [one.proposal_id for one in head.items]
    sets = []
    for number, shown in enumerate(sets_of(participant.version)):
        answer = answers.get(number)
        best, worst = (None, None) if answer is None else (proposal_of[answer.best], proposal_of[answer.worst])
        sets.append(DealtSet(number, tuple(proposal_of[item] for item in shown), best, worst))
    item = head.items[participant.price_item]
    return Sheet(
        comparison_id,
        participant,
        tuple(sets),
        item.proposal_id,
        asked_price_minor(item.planned_price_minor, head.price_steps_percent[participant.price_step]),
        took,
    )


def asked_price_minor(planned_minor: int, percent: int) -> int:
    """Return the price that is asked at a step, to the yuan."""
    return divide_half_up(planned_minor * percent, 10_000) * 100


def export_comparisons(work: Work, person_id: str | None) -> list[dict[str, Any]]:
    """Return everything kept about a person's answers, in JSON terms."""
    table = comparison_participants.c
    found = (
        select(table.id, table.comparison_id, table.region, table.owner, table.model, table.dealt_at)
        .join(comparisons, comparisons.c.id == table.comparison_id)
        .where(table.person_id == (person_id or ""), comparisons.c.brand_id == work.actor.brand_id)
        .order_by(table.id)
    )
    exported = []
    for row in work.connection.execute(found).all():
        answers, took = load_answers(work, ParticipantId(row.id))
        named = _proposals_of(work, row.comparison_id)
        exported.append(
            {
                "comparison_id": row.comparison_id,
                "region": row.region,
                "owner": bool(row.owner),
                "model": row.model,
                "at": row.dealt_at.isoformat(),
                "answers": [_plain(answers[number], named) for number in sorted(answers)],
                "would_take": took,
            }
        )
    return exported


def _proposals_of(work: Work, comparison_id: str) -> dict[int, str]:
    table = compared_items.c
    found = select(table.number, table.proposal_id).where(table.comparison_id == comparison_id)
    return {row.number: row.proposal_id for row in work.connection.execute(found)}


def _plain(answer: SetAnswer, named: dict[int, str]) -> dict[str, Any]:
    return {"set": answer.set_number + 1, "best": named[answer.best], "worst": named[answer.worst]}


# --- for the use cases and the worker ---------------------------------------------------------------------------------


def lock_comparison(work: Work, comparison_id: str, *, shared: bool = False) -> Comparison:
    """Lock a comparison of the actor's brand; `shared` lets others hold it too, and keeps it from being closed."""
    found = select(comparisons).where(comparisons.c.id == comparison_id, comparisons.c.brand_id == work.actor.brand_id)
    loaded = load_comparisons(work, found.with_for_update(read=shared))
    if not loaded:
        raise NotFound("comparison")
    return loaded[0]


def load_comparisons(work: Work, found: Select[tuple[object, ...]]) -> list[Comparison]:
    """Load the comparisons that a statement selects, with items and markets, in two statements more."""
    rows = work.connection.execute(found).mappings().all()
    ids = [row["id"] for row in rows]
    items: dict[str, list[ComparedItem]] = {one: [] for one in ids}
    table = compared_items.c
    chosen = (
        select(compared_items).where(db.among(table.comparison_id, ids)).order_by(table.comparison_id, table.number)
    )
    for row in work.connection.execute(chosen).mappings() if ids else ():
        items[row["comparison_id"]].append(ComparedItem(row["number"], row["proposal_id"], row["planned_price_minor"]))
    market = _markets(work, ids)
    loaded: list[Comparison] = []
    for row in rows:
        head = ComparisonHead(
            id=ComparisonId(row["id"]),
            brand_id=row["brand_id"],
            title=row["title"],
            policy_version=row["policy_version"],
            items=tuple(items[row["id"]]),
            market=tuple(market[row["id"]]),
            price_steps_percent=tuple(row["price_steps_percent"]),
            opened_at=row["opened_at"],
            closes_at=row["closes_at"],
        )
        match row["state"]:
            case "open":
                loaded.append(OpenComparison(head))
            case "closed":
                loaded.append(ClosedComparison(head, row["state_at"]))
            case "released":
                loaded.append(ReleasedComparison(head, row["state_at"], row["persons"], row["effective"]))
            case state:
                assert state == "unanswered", state
                loaded.append(UnansweredComparison(head, row["state_at"]))
    return loaded


def _markets(work: Work, ids: Sequence[str]) -> dict[str, list[MarketSegment]]:
    found: dict[str, list[MarketSegment]] = {one: [] for one in ids}
    table = market_segments.c
    chosen = (
        select(market_segments)
        .where(db.among(table.comparison_id, ids))
        .order_by(table.comparison_id, table.region, table.owner, table.model)
    )
    for row in work.connection.execute(chosen).mappings() if ids else ():
        segment = Segment(row["region"], bool(row["owner"]), row["model"])
        found[row["comparison_id"]].append(MarketSegment(segment, row["persons"]))
    return found


def in_open_comparison(work: Work, proposal_ids: Sequence[str]) -> set[str]:
    """Return which proposals a comparison that is not over compares."""
    found = (
        select(compared_items.c.proposal_id)
        .join(comparisons, comparisons.c.id == compared_items.c.comparison_id)
        .where(db.among(compared_items.c.proposal_id, proposal_ids), comparisons.c.state.in_(("open", "closed")))
    )
    return set(work.connection.execute(found).scalars())


def find_participant(work: Work, comparison_id: str, person_id: str, *, lock: bool = False) -> Participant | None:
    """Return a person's part in a comparison; `lock` lets one answer of a person be written at a time."""
    table = comparison_participants.c
    found = select(comparison_participants).where(
        table.comparison_id == comparison_id, table.person_id == person_id, table.left_at.is_(None)
    )
    row = work.connection.execute(found.with_for_update() if lock else found).mappings().first()
    if row is None:
        return None
    return _participant(row)


def _participant(row: RowMapping) -> Participant:
    names = set(Participant.__dataclass_fields__) - {"segment"}
    segment = Segment(row["region"], bool(row["owner"]), row["model"])
    return Participant(**{name: row[name] for name in names}, segment=segment)


def load_answers(work: Work, participant_id: ParticipantId) -> tuple[dict[int, SetAnswer], bool | None]:
    """Return a participant's answers by set, and the answer to the question of price."""
    table = comparison_answers.c
    found = select(table.set_number, table.best, table.worst).where(table.participant_id == participant_id)
    answers = {row.set_number: SetAnswer(row.set_number, row.best, row.worst) for row in work.connection.execute(found)}
    took = work.connection.execute(
        select(price_answers.c.took).where(price_answers.c.participant_id == participant_id)
    ).scalar()
    return answers, None if took is None else bool(took)


def closed_comparisons(work: Work) -> list[tuple[str, str]]:
    """Return brand and id of every comparison that waits to be worked out, whatever the brand."""
    found = (
        select(comparisons.c.brand_id, comparisons.c.id)
        .where(comparisons.c.state == "closed")
        .order_by(comparisons.c.id)
        .limit(20)
    )
    return [(row.brand_id, row.id) for row in work.connection.execute(found)]


def complete_answers(work: Work, comparison_id: str) -> list[tuple[Participant, dict[int, SetAnswer], bool]]:
    """Return everybody who answered everything and has not left, in the order dealt."""
    return [one for one in completed_sheets(work, comparison_id) if one[0].left_at is None]


def completed_sheets(work: Work, comparison_id: str) -> list[tuple[Participant, dict[int, SetAnswer], bool]]:
    """Return everybody who answered everything, those who left since too, in two statements."""
    table = comparison_participants.c
    counted = (table.comparison_id == comparison_id) & table.completed_at.isnot(None)
    rows = work.connection.execute(
        select(comparison_participants, price_answers.c.took)
        .join(price_answers, price_answers.c.participant_id == table.id)
        .where(counted)
        .order_by(table.number)
        .limit(PARTICIPANTS_MAX)
    ).mappings()
    found = {}
    for row in rows:
        participant = _participant(row)
        found[participant.id] = (participant, dict[int, SetAnswer](), bool(row["took"]))
    answers = comparison_answers.c
    chosen = (
        select(answers.participant_id, answers.set_number, answers.best, answers.worst)
        .join(comparison_participants, table.id == answers.participant_id)
        .where(counted)
    )
    for participant_id, set_number, best, worst in work.connection.execute(chosen):
        if participant_id in found:
            found[participant_id][1][set_number] = SetAnswer(set_number, best, worst)
    return list(found.values())


def stray_answers(work: Work, comparison_id: str) -> list[tuple[str, int]]:
    """Return the answers of sheets that are not complete and that name what their set does not show."""
    table, answers = comparison_participants.c, comparison_answers.c
    chosen = (
        select(answers.participant_id, answers.set_number, answers.best, answers.worst, table.version)
        .join(comparison_participants, table.id == answers.participant_id)
        .where(table.comparison_id == comparison_id, table.completed_at.is_(None))
    )
    return [
        (row.participant_id, row.set_number)
        for row in work.connection.execute(chosen)
        if {row.best, row.worst} - set(sets_of(row.version)[row.set_number])
    ]
