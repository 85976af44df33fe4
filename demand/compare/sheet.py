"""A person's whole sheet as the record has it, and the chain it stands in."""

from __future__ import annotations

from collections.abc import Mapping

from demand.compare.model import Participant, SetAnswer


def chain_of(comparison_id: str) -> str:
    """Name a comparison's chain, which is also the scope of its pseudonyms."""
    return f"comparison:{comparison_id}"


def sheet_of(participant: Participant, answers: Mapping[int, SetAnswer], *, took: bool | None) -> dict[str, object]:
    """Lay out everything a participant was asked and said, as the chain has it."""
    segment = participant.segment
    return {
        "number": participant.number,
        "version": participant.version,
        "answers": [[answers[number].best, answers[number].worst] for number in sorted(answers)],
        "price": [participant.price_item, participant.price_step, bool(took)],
        "segment": [segment.region, segment.owner, segment.model],
    }
