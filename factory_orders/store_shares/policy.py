"""What of a stock car's list price is the maker's; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("store_shares")
@dataclass(frozen=True, slots=True)
class StoreSharePolicy:
    """A stock car costs its store the car's list price less `stock_margin_bp` of it; what it asks beyond is its own."""

    stock_margin_bp: int = 500

    def __post_init__(self) -> None:
        check_bounds(self, stock_margin_bp=(0, 5_000))
