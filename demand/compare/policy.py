"""The numbers of comparisons that a brand may change; a comparison pins the version it was opened under."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("compare")
@dataclass(frozen=True, slots=True)
class ComparePolicy:
    """DOMAIN section 6.2's defaults: days open, prices asked in percent of the planned one, resamplings, weights.

    Figures are released in steps: utilities of hundredths, shares and take rates of basis points.
    """

    open_days: int = 14
    price_steps_percent: tuple[int, ...] = (60, 80, 100, 125, 150)
    draws: int = 1_000
    weight_min_percent: int = 30
    weight_max_percent: int = 300
    utility_step: int = 5
    share_step: int = 50
    take_rate_step: int = 100

    def __post_init__(self) -> None:
        check_bounds(
            self,
            open_days=(1, 90),
            draws=(100, 5_000),
            weight_min_percent=(1, 100),
            weight_max_percent=(100, 1_000),
            utility_step=(1, 1_000),
            share_step=(1, 10_000),
            take_rate_step=(1, 10_000),
        )
        steps = self.price_steps_percent
        assert 2 <= len(steps) <= 9, "2 to 9 prices are asked"
        assert min(steps) >= 10, "a price is at least a tenth of the planned one"
        assert max(steps) <= 400, "a price is at most four times the planned one"
        assert list(steps) == sorted(set(steps)), "prices rise from step to step"
        assert min(steps) < 100 < max(steps), "prices lie on both sides of the planned one"
