"""How parts are called off; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("parts")
@dataclass(frozen=True, slots=True)
class PartPolicy:
    """A part is called off so many days before the last day on which it can be."""

    call_off_ahead_days: int = 14

    def __post_init__(self) -> None:
        check_bounds(self, call_off_ahead_days=(0, 365))
