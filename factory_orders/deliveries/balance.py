"""What a buyer still owes at the handover, and what a late day is worth: whole fen, nothing rounded twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from factory_orders.planning.model import OrderOrigin, OrderTerms
from kernel.ledger import AccountName, account
from kernel.money import share_basis_points

REMIND_TIMER: Final = "factory_orders.balance_reminder"
DEFAULT_TIMER: Final = "factory_orders.balance_default"


@dataclass(frozen=True, slots=True)
class Balance:
    """The lines as locked, what was agreed on since, the third-party lines of the day, and what is set off; in fen.

    `agreed_minor` may be below zero: the buyer agreed to less of a car.
    """

    vehicle_minor: int
    guaranteed_other_minor: int
    third_party_minor: int
    earnest_minor: int
    late_credit_minor: int
    agreed_minor: int = 0

    @property
    def guaranteed_minor(self) -> int:
        """Return what the maker and the store get."""
        return self.vehicle_minor + self.guaranteed_other_minor + self.agreed_minor

    @property
    def owed_minor(self) -> int:
        """Return the whole price of the day."""
        return self.guaranteed_minor + self.third_party_minor

    @property
    def due_minor(self) -> int:
        """Return what is to be paid now."""
        return self.owed_minor - self.earnest_minor - self.late_credit_minor


def earnest_account_of(terms: OrderTerms) -> AccountName:
    """Name the account of what a buyer has put down: earnest money out of a pool, or the deposit for a stock car."""
    return account("stock_deposit" if terms.origin is OrderOrigin.STOCK else "earnest", terms.id)


def day_without_lateness(today: date, *, ready_on: date, promised_by: date | None) -> date:
    """Return the day on which the buyer would have come, had the car been ready in time and the buyer taken as long.

    What became dearer since is what the maker's lateness caused (DOMAIN section 4.7); the buyer's own delay is not.
    """
    late_days = 0 if promised_by is None else max(0, (ready_on - promised_by).days)
    return today - timedelta(days=late_days)


def late_credit_minor(*, days_late: int, price_minor: int, per_day_minor: int, most_bp: int) -> int:
    """Return all that is credited after so many late days: per day, at most a share of the price."""
    assert days_late >= 0
    return min(days_late * per_day_minor, share_basis_points(price_minor, most_bp))
