"""What is asked of backers and promised to them, and backings, a type per state (DOMAIN sections 3 and 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType, TypeAlias, assert_never

BackingId = NewType("BackingId", str)


@dataclass(frozen=True, slots=True)
class BackingTerms:
    """What was published before the first backer came, and never changes; amounts in fen.

    `threshold` is the number of cars at which the tooling pays: see `threshold_of`. `number` is the proposal's in the
    comparison whose take rates count.
    """

    comparison_id: str
    number: int
    tooling_minor: int
    price_minor: int
    unit_cost_minor: int
    threshold: int
    deposit_minor: int
    policy_version: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Trigger:
    """The lower bound reached the threshold: the maker owes an answer."""

    at: datetime
    answer_due_at: datetime


class Outcome(StrEnum):
    """What became of a commitment."""

    PENDING = "pending"
    KEPT = "kept"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Commitment:
    """The maker's yes: in the catalogue by a day, for at most a price. `why` says how it was broken."""

    available_by: date
    ceiling_minor: int
    made_at: datetime
    outcome: Outcome = Outcome.PENDING
    why: str | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """The time in which backers order at or below the ceiling; `option` is what the proposal became."""

    option: str
    version_id: str
    opens_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class BackingHead:
    """What every backing has: who puts money behind which proposal, for which model, and the most they would pay."""

    id: BackingId
    brand_id: str
    proposal_id: str
    account_id: str
    person_id: str
    model: str
    price_cap_minor: int
    deposit_minor: int
    payment_id: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class AcknowledgedBacking:
    """Waits for its money."""

    head: BackingHead
    payable_until: datetime


@dataclass(frozen=True, slots=True)
class HeldBacking:
    """Its money is here, and goes back whenever its person says so."""

    head: BackingHead
    at: datetime


@dataclass(frozen=True, slots=True)
class ConvertedBacking:
    """Its person ordered the option in time; the money has gone back."""

    head: BackingHead
    pre_order_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EndedBacking:
    """Over without an order: `ending` is withdrawn, expired_unpaid, refunded (the maker said no), lapsed, or declined
    (the provider would not hand the money over)."""

    head: BackingHead
    ending: str
    at: datetime


Backing: TypeAlias = AcknowledgedBacking | HeldBacking | ConvertedBacking | EndedBacking


def backing_state(backing: Backing) -> str:
    """Return the stored word of a backing's state."""
    match backing:
        case AcknowledgedBacking():
            return "acknowledged"
        case HeldBacking():
            return "held"
        case ConvertedBacking():
            return "converted"
        case EndedBacking():
            return backing.ending
        case _:
            assert_never(backing)


def threshold_of(*, tooling_minor: int, price_minor: int, unit_cost_minor: int) -> int:
    """Return V = tooling cost ÷ (price − unit cost), rounded up: the first number of cars at which nothing is lost."""
    margin = price_minor - unit_cost_minor
    assert margin > 0, "what costs more than its price never pays"
    return -(-tooling_minor // margin)
