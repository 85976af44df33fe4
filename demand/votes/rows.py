"""Reads rows of proposals into the types of their states."""

from __future__ import annotations

from typing import Any, Protocol

from demand.votes.model import (
    CompareProposal,
    DeclinedProposal,
    DraftProposal,
    ExpiredProposal,
    MergedProposal,
    Proposal,
    ProposalHead,
    ProposalId,
    SignalProposal,
)


class Row(Protocol):
    """A row by column names."""

    def __getitem__(self, name: str, /) -> Any: ...


def proposal_from(row: Row) -> Proposal:
    """Read one row into the type of its state."""
    head = ProposalHead(**{name: row[name] for name in ProposalHead.__dataclass_fields__})
    match row["state"]:
        case "draft":
            return DraftProposal(head)
        case "signal":
            return SignalProposal(head)
        case "compare":
            return CompareProposal(head)
        case "merged":
            return MergedProposal(head, ProposalId(row["merged_into"]), row["state_at"])
        case "declined":
            return DeclinedProposal(head, row["reason"], row["state_at"])
        case state:
            assert state == "expired", state
            return ExpiredProposal(head, row["state_at"])
