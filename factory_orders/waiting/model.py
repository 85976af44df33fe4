"""An offer to who would wait too long: stay for a credit, or leave free; and when there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from kernel.money import BASIS_POINTS

OFFER_TIMER: Final = "factory_orders.wait_offer"
"""When an offer ends that nobody answered."""


class WaitOfferState(StrEnum):
    """An offer's life; who answers nothing keeps the order as it was, without a credit."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WaitOffer:
    """What a buyer is offered: a credit for waiting, paid with the car, or the way out with all the money.

    `built_on` is the day the plant builds the car, None where it has none yet; `waits_days` counts from the lock to
    that day, or to the day of the offer. The contract's promised date and its late credits stand beside it.
    """

    id: str
    brand_id: str
    order_id: str
    account_id: str
    state: WaitOfferState
    made_at: datetime
    answer_by: datetime
    built_on: date | None
    waits_days: int
    credit_minor: int
    answered_at: datetime | None = None
    credited_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Say whether it can be answered."""
        return self.state is WaitOfferState.OPEN and now < self.answer_by


def waits_too_long(locked_on: date, built_on: date | None, *, today: date, days_max: int) -> int | None:
    """Return how many days somebody waits, None where that is not too long; without a day so far counts up to today."""
    days = ((today if built_on is None else built_on) - locked_on).days
    return days if days > days_max else None


def credit_for(waits_days: int, *, days_max: int, per_day_minor: int, most_bp: int, price_minor: int) -> int:
    """Return what waiting is worth: so much a day beyond what anybody should wait, at most a share of the price."""
    beyond = max(waits_days - days_max, 0)
    return min(beyond * per_day_minor, price_minor * most_bp // BASIS_POINTS)
