"""The numbers of released cubes that a brand may change; k may only grow."""

from __future__ import annotations

from dataclasses import dataclass

K_MIN = 10
TRADE_K_MIN = 20


@dataclass(frozen=True, slots=True)
class CubePolicy:
    """DOMAIN section 6.3's defaults: no figure about fewer persons than `k`, counts rounded to `rounding`.

    Dealers and suppliers see only what at least `trade_k` persons stand behind.
    """

    k: int = K_MIN
    trade_k: int = TRADE_K_MIN
    rounding: int = 5

    def __post_init__(self) -> None:
        assert self.k >= K_MIN, "k is at least 10"
        assert self.trade_k >= max(TRADE_K_MIN, self.k), "dealers and suppliers see from 20 persons on, and from k"
        assert 5 <= self.rounding <= 100, "counts are rounded to 5 or more coarsely"
