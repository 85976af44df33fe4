"""The numbers of the planners' digest that a brand may change."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("digest")
@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """A digest comes every so many days: 7 is on Mondays, 1 is daily. A vote is close from a percentage on."""

    every_days: int = 7
    close_percent: int = 80
    changes_max: int = 8

    def __post_init__(self) -> None:
        check_bounds(self, every_days=(1, 7), close_percent=(1, 100), changes_max=(1, 50))
