"""The numbers of pools that a brand may change; a pool pins the version it was opened under."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import BASIS_POINTS


@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """DOMAIN section 6.1's defaults; amounts in fen. `tiers` are rows of members and discount in basis points."""

    minimum: int = 60
    tiers: tuple[tuple[int, int], ...] = ((60, 0), (120, 200), (240, 500), (400, 800))
    deposit_minor: int = 500_000
    open_days: int = 21
    freeze_hours: int = 72
    payment_minutes: int = 15
    refund_working_days: int = 3
    rolls_max: int = 2
    early_bonus_minor: int = 20_000

    def __post_init__(self) -> None:
        assert self.minimum >= 1, "a pool needs somebody"
        assert self.deposit_minor > 0, "a deposit is above zero"
        assert self.tiers, "a pool has a first tier"
        for row in self.tiers:
            assert len(row) == 2, "a tier is members and a discount"
            assert row[0] >= 1, "a tier starts at one member or more"
            assert 0 <= row[1] < BASIS_POINTS, "a discount is less than everything"
        assert self.open_days * 24 > self.freeze_hours >= 0, "the freeze lies before the deadline"
        assert min(self.payment_minutes, self.refund_working_days) >= 1, "payments and refunds need time"
        assert min(self.rolls_max, self.early_bonus_minor) >= 0, "no number of these is negative"
