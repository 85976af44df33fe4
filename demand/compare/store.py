"""Loads and saves comparisons, what was dealt and what was answered."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select, update

from demand.compare.model import (
    ComparedItem,
    Comparison,
    Interval,
    ItemOutcome,
    OpenComparison,
    Participant,
    ParticipantId,
    ReleasedComparison,
    Segment,
    SetAnswer,
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
    take_draws,
)
from kernel import db
from kernel.work import Work

CLOSE_TIMER = "demand.comparison_close"


# --- comparisons -----------------------------------------------------------------------------------------------------


def insert_comparison(work: Work, comparison: OpenComparison) -> None:
    """Write a new comparison with its items and its market."""
    head = comparison.head
    work.connection.execute(
        comparisons.insert().values(
            id=head.id,
            brand_id=head.brand_id,
            title=head.title,
            policy_version=head.policy_version,
            price_steps_percent=list(head.price_steps_percent),
            opened_at=head.opened_at,
            closes_at=head.closes_at,
            dealt=0,
            state="open",
            state_at=work.now,
        )
    )
    items = [{name: getattr(one, name) for name in ComparedItem.__dataclass_fields__} for one in head.items]
    db.insert_many(work.connection, compared_items, [row | {"comparison_id": head.id} for row in items])
    segments = [{**segment_row(one.segment), "persons": one.persons, "comparison_id": head.id} for one in head.market]
    db.insert_many(work.connection, market_segments, segments)


def segment_row(segment: Segment) -> dict[str, str | bool]:
    """Lay out a segment's columns."""
    return {"region": segment.region, "owner": segment.owner, "model": segment.model}


def save_comparison(work: Work, comparison: Comparison) -> None:
    """Save a comparison's new state."""
    released = comparison if isinstance(comparison, ReleasedComparison) else None
    work.connection.execute(
        update(comparisons)
        .where(comparisons.c.id == comparison.head.id)
        .values(
            state=comparison_state(comparison),
            state_at=work.now,
            persons=None if released is None else released.persons,
            effective=None if released is None else released.effective,
        )
    )


# --- participants and answers ----------------------------------------------------------------------------------------


def take_number(work: Work, comparison_id: str) -> int:
    """Return the number (from 0) of the next person of a comparison that is locked."""
    dealt = (
        update(comparisons)
        .where(comparisons.c.id == comparison_id)
        .values(dealt=comparisons.c.dealt + 1)
        .returning(comparisons.c.dealt)
    )
    return int(work.connection.execute(dealt).scalar_one()) - 1


def insert_participant(work: Work, one: Participant) -> None:
    """Write what was dealt to a person; the key on person and comparison holds one each."""
    names = set(Participant.__dataclass_fields__) - {"segment"}
    row = {name: getattr(one, name) for name in names}
    work.connection.execute(comparison_participants.insert().values(**row, **segment_row(one.segment)))


def append_answer(work: Work, participant_id: ParticipantId, answer: SetAnswer) -> None:
    """Append an answer; the key holds one a set."""
    row = {name: getattr(answer, name) for name in SetAnswer.__dataclass_fields__}
    work.connection.execute(comparison_answers.insert().values(**row, participant_id=participant_id, at=work.now))


def append_price_answer(work: Work, participant_id: ParticipantId, *, took: bool) -> None:
    """Append the answer to the question of price; the key holds one."""
    work.connection.execute(price_answers.insert().values(participant_id=participant_id, took=took, at=work.now))


def complete(work: Work, participant: Participant) -> Participant:
    """Note that a participant has answered everything."""
    table = comparison_participants
    work.connection.execute(update(table).where(table.c.id == participant.id).values(completed_at=work.now))
    return replace(participant, completed_at=work.now)


def forget_participant(work: Work, person_id: str) -> None:
    """Make a person's answers nobody's; where the comparison is open they count no more, as the person may come back
    as a new one."""
    table = comparison_participants
    own = (table.c.person_id == person_id) & table.c.comparison_id.in_(
        select(comparisons.c.id).where(comparisons.c.brand_id == work.actor.brand_id)
    )
    still_open = select(comparisons.c.id).where(comparisons.c.state == "open")
    work.connection.execute(update(table).where(own, table.c.comparison_id.in_(still_open)).values(left_at=work.now))
    for participant_id in work.connection.execute(select(table.c.id).where(own)).scalars().all():
        work.connection.execute(
            update(table).where(table.c.id == participant_id).values(person_id=secrets.token_hex(16))
        )


# --- for the worker --------------------------------------------------------------------------------------------------


def insert_outcomes(
    work: Work,
    comparison_id: str,
    outcomes: Sequence[ItemOutcome],
    draws: Mapping[int, Mapping[str, Sequence[int]]],
) -> None:
    """Write what is released, and the draws that commitments are worked out from, by item and model."""
    rows = []
    for one in outcomes:
        row: dict[str, object] = {"comparison_id": comparison_id, "number": one.number}
        for figure in ("utility", "share", "take_rate"):
            interval: Interval | None = getattr(one, figure)
            row[figure] = None if interval is None else interval.value
            row[f"{figure}_low"] = None if interval is None else interval.low
            row[f"{figure}_high"] = None if interval is None else interval.high
        rows.append(row)
    db.insert_many(work.connection, item_outcomes, rows)
    kept = [
        {"comparison_id": comparison_id, "number": number, "model": model, "parts_per_million": list(values)}
        for number, by_model in draws.items()
        for model, values in by_model.items()
    ]
    db.insert_many(work.connection, take_draws, kept)
