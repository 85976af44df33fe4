"""How long a stock car's quote is good for, and how long a car is held; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("stock")
@dataclass(frozen=True, slots=True)
class StockPolicy:
    """A quote is good for `quote_hours` while the car stands there at that price; a hold keeps it `hold_minutes`."""

    quote_hours: int = 48
    hold_minutes: int = 30

    def __post_init__(self) -> None:
        check_bounds(self, quote_hours=(1, 720), hold_minutes=(1, 1_440))
