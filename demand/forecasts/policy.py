"""The numbers of forecasts that a brand may change."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("forecasts")
@dataclass(frozen=True, slots=True)
class ForecastPolicy:
    """How many weeks after the week of the order a car is expected to be built, for parts that are called off ahead."""

    weeks_to_build: int = 6

    def __post_init__(self) -> None:
        check_bounds(self, weeks_to_build=(1, 52))
