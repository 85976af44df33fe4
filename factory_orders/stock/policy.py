"""How long a stock car's quote is good for, how long a car is held, what is put down for it; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("stock")
@dataclass(frozen=True, slots=True)
class StockPolicy:
    """A quote is good for `quote_hours` while the car stands there at that price; a hold keeps it `hold_minutes`."""

    quote_hours: int = 48
    hold_minutes: int = 30

    def __post_init__(self) -> None:
        check_bounds(self, quote_hours=(1, 720), hold_minutes=(1, 1_440))


@policy_section("stock_purchases")
@dataclass(frozen=True, slots=True)
class StockPurchasePolicy:
    """Who buys a stock car puts down `deposit_minor`, at most a fifth of the price.

    Who leaves before the balance is paid loses `forfeit_bp` of it.
    """

    deposit_minor: int = 500_000
    forfeit_bp: int = 0

    def __post_init__(self) -> None:
        check_bounds(self, deposit_minor=(1, MINOR_MAX), forfeit_bp=(0, 10_000))
