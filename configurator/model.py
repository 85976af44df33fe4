"""The room's values: words, places and days, configurations by state, pooling classes, quotes and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NewType, TypeAlias

from kernel.money import BASIS_POINTS, MINOR_PER_MAJOR, divide_half_up

VersionId = NewType("VersionId", str)
ConfigurationId = NewType("ConfigurationId", str)
QuoteId = NewType("QuoteId", str)

CHOICES_MAX: Final = 400
WITHOUT: Final = "!"
"""Before an option: the car is without it. No code begins so."""
Ties: TypeAlias = frozenset[tuple[str, str]]
"""Pairs that no car has both of, each sorted: `A, B` exclude each other, `!B, A` says that A needs B, and `!A, !B`
that one of them is in every car. What rules say together is in it as well."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in Chinese and in English."""

    zh: str
    en: str

    def in_locale(self, locale: str) -> str:
        """Return the words for `zh-CN` or `en`."""
        return self.zh if locale.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when a car is ordered; it decides which conditional rules are in force."""

    region: str
    day: date


class OptionState(StrEnum):
    """What a buyer can do with an option after the choices made so far."""

    OPEN = "open"
    CHOSEN = "chosen"
    FORCED = "forced"
    REFUSED = "refused"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a buyer: this option yes, or (`wanted` false) no."""

    option: str
    wanted: bool = True


# --- configurations (DOMAIN section 3; a draft is `Choice`s that live with the buyer and are not stored) --------------


@dataclass(frozen=True, slots=True)
class ValidConfiguration:
    """A buildable car: every option it has, in the catalogue's order; all others it has not."""

    version_id: VersionId
    model: str
    options: tuple[str, ...]
    region: str


@dataclass(frozen=True, slots=True)
class SavedConfiguration:
    """A buildable car that its owner keeps."""

    id: ConfigurationId
    account_id: str
    name: str
    car: ValidConfiguration
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class StaleConfiguration:
    """A kept car that a newer catalogue version does not allow any more; `broken_by` names rules and options."""

    saved: SavedConfiguration
    newer_version_id: VersionId
    broken_by: tuple[str, ...]
    stale_at: datetime


@dataclass(frozen=True, slots=True)
class MigratedConfiguration:
    """A kept car whose owner moved on to another one under a newer version."""

    saved: SavedConfiguration
    moved_to: ConfigurationId
    migrated_at: datetime


@dataclass(frozen=True, slots=True)
class DeletedConfiguration:
    """A kept car that its owner took out: its name is gone, and only who audits sees that it was there."""

    saved: SavedConfiguration
    deleted_at: datetime


StoredConfiguration: TypeAlias = SavedConfiguration | StaleConfiguration | MigratedConfiguration | DeletedConfiguration


# --- what a quote is made of -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolingClass:
    """The class whose pre-orders gather in one pool (DOMAIN section 6.1): L1 with the trim, L2 without.

    A car always has its trim here; only a class that was read from an L2 key has none (`""`).
    """

    platform: str
    plant: str
    powertrain: str
    long_lead: tuple[str, ...]
    trim: str

    @property
    def l2_key(self) -> str:
        return "/".join((self.platform, self.plant, self.powertrain, "+".join(self.long_lead) or "-"))

    @property
    def l1_key(self) -> str:
        return f"{self.l2_key}/{self.trim}"

    @staticmethod
    def from_key(key: str) -> PoolingClass:
        """Return the class that an L1 or an L2 key was made from, with no trim for L2; ValueError for another text.

        Codes hold neither `/` nor `+`.
        """
        parts = key.split("/")
        if len(parts) not in (4, 5) or not all(parts):
            raise ValueError(f"{key!r} is the key of no class")
        platform, plant, powertrain, long_lead, trim = (*parts, "")[:5]
        options = () if long_lead == "-" else tuple(long_lead.split("+"))
        return PoolingClass(platform, plant, powertrain, options, trim)


@dataclass(frozen=True, slots=True)
class Tier:
    """From this many members on, everybody gets this discount (basis points of the car with its options)."""

    members: int
    discount_bp: int


@dataclass(frozen=True, slots=True)
class PoolOffer:
    """The pool that a configuration would join now: tiers by members ascending, the members it has, its deadline."""

    pool_id: str
    tiers: tuple[Tier, ...]
    members: int
    deadline: datetime

    def discount_now_bp(self) -> int:
        """Return the discount of the highest tier reached; before the first one its discount is what is offered."""
        reached = [tier.discount_bp for tier in self.tiers if tier.members <= self.members]
        return reached[-1] if reached else self.tiers[0].discount_bp


@dataclass(frozen=True, slots=True)
class Promise:
    """When the car would be at the store: half of such promises are met by `p50`, nine in ten by `p90`."""

    p50: date
    p90: date
    conditional: bool


class LineKind(StrEnum):
    """What a line of a quote is for."""

    BASE = "base"
    OPTION = "option"
    PRICE_RULE = "price_rule"
    LOGISTICS = "logistics"
    STORE_FEE = "store_fee"
    SUBSIDY = "subsidy"
    PURCHASE_TAX = "purchase_tax"
    INSURANCE = "insurance"
    PLATE = "plate"


GUARANTEED: Final = frozenset(
    {LineKind.BASE, LineKind.OPTION, LineKind.PRICE_RULE, LineKind.LOGISTICS, LineKind.STORE_FEE}
)
"""What may never rise after acceptance (DOMAIN section 4.7); the other lines follow the day."""


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line: an amount in fen (negative: taken off) and the words beside it."""

    kind: LineKind
    code: str
    amount_minor: int
    text: Text

    @property
    def guaranteed(self) -> bool:
        return self.kind in GUARANTEED


@dataclass(frozen=True, slots=True)
class TierPrice:
    """What the car and the whole quote come to at one tier of the pool."""

    members: int
    discount_bp: int
    vehicle_price_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class QuoteFacts:
    """Everything a quote follows from, besides the pinned catalogue and policy versions: what a recomputation needs."""

    id: QuoteId
    brand_id: str
    account_id: str | None
    configuration_id: str | None
    version_id: VersionId
    version_number: int
    content_hash: str
    policy_version: int
    model: str
    options: tuple[str, ...]
    region: str
    day: date
    store_id: str
    store_fee_minor: int
    distance_km: int
    pool: PoolOffer | None
    promise: Promise | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """An immutable all-in price of one car at one place and day (DOMAIN sections 4.7, 4.8, 5.2).

    `vehicle_price_minor` and `total_minor` hold without any pool; `tiers` and `price_now_minor` say what a pool makes
    of them. Taxes are those of `tax_day`, the promised date.
    """

    facts: QuoteFacts
    pooling_class: PoolingClass
    lines: tuple[QuoteLine, ...]
    vehicle_price_minor: int
    total_minor: int
    tiers: tuple[TierPrice, ...]
    price_now_minor: int
    tax_day: date
    expires_at: datetime

    @property
    def guaranteed_minor(self) -> int:
        """Return the sum of the lines that may never rise."""
        return sum(line.amount_minor for line in self.lines if line.guaranteed)


@dataclass(frozen=True, slots=True)
class SignedQuote:
    """A quote with the signature over its canonical JSON (Ed25519, base64url) and the name of the key."""

    quote: Quote
    key_id: str
    signature: str


class QuoteStatus(StrEnum):
    """What has become of a quote."""

    ISSUED = "issued"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class QuoteClaim:
    """Somebody wants to buy on a quote: `signature` and `vehicle_price_minor` are what the claimant has in hand."""

    quote_id: QuoteId
    account_id: str
    signature: str | None = None
    vehicle_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedQuote:
    """What demand needs to know of a quote that may be, or was, accepted."""

    quote_id: QuoteId
    configuration_id: str | None
    version_id: VersionId
    policy_version: int
    model: str
    options: tuple[str, ...]
    store_id: str
    region: str
    vehicle_price_minor: int
    total_minor: int
    pooling_class: PoolingClass
    expires_at: datetime


@lru_cache(maxsize=4096)
def member_price_minor(vehicle_price_minor: int, discount_bp: int) -> int:
    """Return p_i(n) = own price × (1 − d(n)), rounded half up to the yuan, in fen (DOMAIN section 6.1)."""
    exact = vehicle_price_minor * (BASIS_POINTS - discount_bp)
    return divide_half_up(exact, BASIS_POINTS * MINOR_PER_MAJOR) * MINOR_PER_MAJOR
