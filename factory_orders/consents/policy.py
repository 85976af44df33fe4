"""When a repaired car is offered to its buyer, for how much less, and how long the buyer may think."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("repaired_cars")
@dataclass(frozen=True, slots=True)
class RepairedCarPolicy:
    """Repairs above `repair_most_minor` in all lead to no offer, only to another car; so does an `answer_days` of 0.

    The car costs less by a share of its price and a share of what the repairs cost, in basis points.
    """

    repair_most_minor: int = 2_000_000
    price_share_bp: int = 300
    repair_share_bp: int = 5_000
    answer_days: int = 3

    def __post_init__(self) -> None:
        check_bounds(
            self,
            repair_most_minor=(0, MINOR_MAX),
            price_share_bp=(0, 5_000),
            repair_share_bp=(0, 20_000),
            answer_days=(0, 60),
        )
