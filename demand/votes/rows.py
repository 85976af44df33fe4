"""Reads rows of proposals into the types of their states."""

from __future__ import annotations

from typing import Any, Protocol

from demand.backing.model import BackingTerms, Commitment, OrderWindow, Outcome, Trigger
from demand.votes.model import (
    BackingProposal,
    CommittedProposal,
    CompareProposal,
    ConvertedProposal,
    DeclinedProposal,
    DraftProposal,
    ExpiredProposal,
    InCatalogueProposal,
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
        case "backing":
            return BackingProposal(head, _terms(row), _trigger(row))
        case "committed":
            return CommittedProposal(head, _terms(row), _commitment(row))
        case "in_catalogue":
            return InCatalogueProposal(head, _terms(row), _commitment(row), _window(row))
        case "converted":
            return ConvertedProposal(head, _terms(row), _commitment(row), _window(row))
        case "merged":
            return MergedProposal(head, ProposalId(row["merged_into"]), row["state_at"])
        case "declined":
            return DeclinedProposal(head, row["reason"], row["state_at"])
        case state:
            assert state == "expired", state
            return ExpiredProposal(head, row["state_at"])


def _terms(row: Row) -> BackingTerms:
    return BackingTerms(**{name: row[name] for name in BackingTerms.__dataclass_fields__})


def _trigger(row: Row) -> Trigger | None:
    return None if row["triggered_at"] is None else Trigger(row["triggered_at"], row["answer_due_at"])


def _commitment(row: Row) -> Commitment:
    return Commitment(
        row["available_by"],
        row["ceiling_minor"],
        row["made_at"],
        Outcome(row["outcome"]),
        row["why"],
        row["settled_at"],
    )


def _window(row: Row) -> OrderWindow:
    return OrderWindow(row["option"], row["version_id"], row["window_opens_at"], row["window_ends_at"])
