"""What a change of cars between orders has to gain; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("exchanges")
@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """An order changes its car only where that saves `change_minor` at least; a late day counts as in batches."""

    change_minor: int = 20_000

    def __post_init__(self) -> None:
        check_bounds(self, change_minor=(0, MINOR_MAX))
