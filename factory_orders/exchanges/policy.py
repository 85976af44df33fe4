"""What a change of cars between orders has to gain, and when a buyer is asked; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import DAYS_MAX, MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("exchanges")
@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """An order changes its car only where that saves `change_minor` at least; a late day counts as in batches.

    A car that would take something from its new buyer, or passed the line's end more than `fresh_days` before and is
    older than the own one, is offered for `answer_hours` (0: to nobody) and not given.
    """

    change_minor: int = 20_000
    fresh_days: int = 14
    answer_hours: int = 48

    def __post_init__(self) -> None:
        check_bounds(self, change_minor=(0, MINOR_MAX), fresh_days=(0, DAYS_MAX), answer_hours=(0, 720))
