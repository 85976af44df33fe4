"""The numbers of released cubes that a brand may change; k may only grow."""

from __future__ import annotations

from dataclasses import dataclass

from demand.cubes.model import round_count
from kernel.bounds import check_bounds
from kernel.policy import policy_section

K_MIN = 10
TRADE_K_MIN = 20


@policy_section("cubes")
@dataclass(frozen=True, slots=True)
class CubePolicy:
    """DOMAIN section 6.3's defaults: no figure about fewer persons than `k`, counts rounded to `rounding`.

    Dealers and suppliers see only what at least `trade_k` persons stand behind.
    """

    k: int = K_MIN
    trade_k: int = TRADE_K_MIN
    rounding: int = 5

    def __post_init__(self) -> None:
        check_bounds(self, k=(K_MIN, 1_000), trade_k=(max(TRADE_K_MIN, self.k), 1_000), rounding=(5, 100))
        # Else a cell that may be shown would be told as one of few, or of nobody.
        assert round_count(self.k, to=self.rounding) >= K_MIN, f"k rounds to {K_MIN} at least"
