"""Stock cars, their store's prices, quotes that disclose everything, and whether such a quote is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from configurator.model import QuoteLine
from factory_orders.vehicles.model import Disclosure, Newness

STOCK_DEPOSIT_PURPOSE: Final = "stock_deposit"
"""The purpose of a payment that is put down for a stock car; its subject is the purchase."""


@dataclass(frozen=True, slots=True)
class StockCar:
    """A new or repaired car at a store that is bound to nobody; `price_minor` is the store's, None until it names one.

    What it was priced at while it was new is no price of a repaired car. So many points are `told` of it.
    """

    vin: str
    store_id: str
    model: str
    options: tuple[str, ...]
    catalogue_version_id: str
    newness: Newness
    arrived_at: datetime
    price_minor: int | None
    held_until: datetime | None
    told: int = 0


class Liveness(StrEnum):
    """Whether a quote can be taken now, or why not."""

    LIVE = "live"
    HELD = "held"
    EXPIRED = "expired"
    REPRICED = "repriced"
    OUTDATED = "outdated"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StockQuote:
    """A signed quote of one car; `document` is what was signed, and says everything that is to be paid and known.

    `told` is how many points had been disclosed of the car by then.
    """

    id: str
    brand_id: str
    store_id: str
    vin: str
    price_minor: int
    total_minor: int
    told: int
    document: dict[str, Any]
    key_id: str
    signature: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class QuoteStanding:
    """What may change of a quote: whether it can be taken, and what its store asks now; None once the car is gone."""

    quote_id: str
    vin: str
    liveness: Liveness
    price_minor: int | None


@dataclass(frozen=True, slots=True)
class StockHold:
    """A car that nobody else can take until `expires_at`."""

    id: str
    brand_id: str
    vin: str
    quote_id: str
    account_id: str | None
    held_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None


class PurchaseState(StrEnum):
    """A purchase waits for its deposit, was made (its order has the same id), or was dropped before."""

    OPEN = "open"
    BOUGHT = "bought"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StockPurchase:
    """Somebody's contract for a car that they hold, good once the deposit is there.

    `contract` is what was signed; `payment_id` is the payment that is expected, then the one that came.
    """

    id: str
    brand_id: str
    store_id: str
    vin: str
    quote_id: str
    hold_id: str
    account_id: str
    person_id: str | None
    deposit_minor: int
    policy_version: int
    contract: dict[str, Any]
    key_id: str
    signature: str
    payment_id: str
    placed_at: datetime
    payable_until: datetime
    state: PurchaseState = PurchaseState.OPEN
    ended_at: datetime | None = None
    reason: str | None = None

    @property
    def steps(self) -> list[tuple[str, datetime]]:
        """Return what happened to it and when: the contract was signed, then it was bought or dropped."""
        ended = [] if self.ended_at is None else [(self.state.value, self.ended_at)]
        return [("signed", self.placed_at), *ended]


def deposit_for(price_minor: int, *, asked_minor: int) -> int:
    """Return what is put down for a car: what the brand asks, at most a fifth of the price (law), at least one fen."""
    return max(1, min(asked_minor, price_minor // 5))


def write_contract(
    quote: StockQuote,
    *,
    purchase_id: str,
    deposit_minor: int,
    forfeit_bp: int,
    placed_at: datetime,
    payable_until: datetime,
) -> dict[str, Any]:
    """Return the contract: the quote as it was signed, what is put down by when, and what leaving costs.

    Nothing is added to the quote; what is left of its total is paid after the inspection, its taxes as on that day.
    """
    return {
        "kind": "stock_contract",
        "id": purchase_id,
        "quote": quote.document,
        "quote_key_id": quote.key_id,
        "quote_signature": quote.signature,
        "deposit_minor": deposit_minor,
        "payable_until": payable_until.isoformat(),
        "balance_minor": quote.total_minor - deposit_minor,
        "balance_after": "inspection",
        "forfeit_bp": forfeit_bp,
        "placed_at": placed_at.isoformat(),
    }


def liveness(
    car: StockCar | None, *, told: int, store_id: str, price_minor: int, expires_at: datetime, now: datetime
) -> Liveness:
    """Say whether a quote is live against the real stock: the car as it was told of stands there, at that price, free.

    Of the quote it takes how much it tells, the store, the price and the end.
    """
    if car is None or car.store_id != store_id:
        return Liveness.GONE
    if now >= expires_at:
        return Liveness.EXPIRED
    if car.told != told:
        return Liveness.OUTDATED
    if car.price_minor is None:  # The store has closed.
        return Liveness.GONE
    if car.price_minor != price_minor:
        return Liveness.REPRICED
    if car.held_until is not None:
        return Liveness.HELD
    return Liveness.LIVE


def write_document(
    car: StockCar,
    lines: Sequence[QuoteLine],
    disclosures: Sequence[Disclosure],
    *,
    quote_id: str,
    brand_id: str,
    issued_at: datetime,
    expires_at: datetime,
) -> dict[str, Any]:
    """Return what is signed: the car, each line, what happened to it, and how long the quote is good for.

    Nothing may be added after acceptance, so whatever is to be paid stands here. Reporters' own words stay out.
    """
    return {
        "kind": "stock",
        "id": quote_id,
        "brand_id": brand_id,
        "store_id": car.store_id,
        "vin": car.vin,
        "model": car.model,
        "options": list(car.options),
        "catalogue_version_id": car.catalogue_version_id,
        "newness": car.newness.word,
        "disclosures": [
            {"reason": one.reason.value, "repair_minor": one.repair_minor, "at": one.at.isoformat()}
            for one in disclosures
        ],
        "lines": [
            {
                "kind": line.kind.value,
                "code": line.code,
                "amount_minor": line.amount_minor,
                "guaranteed": line.guaranteed,
                "zh": line.text.zh,
                "en": line.text.en,
            }
            for line in lines
        ],
        "total_minor": sum(line.amount_minor for line in lines),
        "currency": "CNY",
        "issued_at": issued_at.isoformat(),
        "expires_at": expires_at.isoformat(),
    }
