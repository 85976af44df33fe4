"""When a free car is offered to a buyer who waits for an equal one; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("early_cars")
@dataclass(frozen=True, slots=True)
class EarlyCarPolicy:
    """A car is offered where it comes `sooner_days` sooner at least and saves `change_minor` beyond its way.

    Its buyer may think for `answer_days`; 0 turns offers off.
    """

    sooner_days: int = 7
    change_minor: int = 20_000
    answer_days: int = 3

    def __post_init__(self) -> None:
        check_bounds(self, sooner_days=(1, 365), change_minor=(0, MINOR_MAX), answer_days=(0, 60))
