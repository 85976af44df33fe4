"""The numbers of pools that a brand may change; a pool pins the version it was opened under."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds, check_rows
from kernel.money import BASIS_POINTS
from kernel.policy import policy_section

MEMBERS_MAX = 1_000_000


@policy_section("pools")
@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """DOMAIN section 6.1's defaults; amounts in fen. `tiers` are rows of members and discount in basis points."""

    minimum: int = 60
    tiers: tuple[tuple[int, int], ...] = ((60, 0), (120, 200), (240, 500), (400, 800))
    deposit_minor: int = 500_000
    open_days: int = 21
    freeze_hours: int = 72
    freeze_notice_hours: int = 24
    payment_minutes: int = 15
    refund_working_days: int = 3
    rolls_max: int = 2
    early_bonus_minor: int = 20_000
    persons_per_instrument_max: int = 3

    def __post_init__(self) -> None:
        check_bounds(
            self,
            minimum=(1, MEMBERS_MAX),
            deposit_minor=(1, MINOR_MAX),
            open_days=(1, 365),
            freeze_hours=(0, 24 * 365),
            freeze_notice_hours=(1, 24 * 30),
            payment_minutes=(1, 24 * 60),
            refund_working_days=(1, 30),
            rolls_max=(0, 100),
            early_bonus_minor=(0, MINOR_MAX),
            persons_per_instrument_max=(1, MEMBERS_MAX),
        )
        assert self.tiers, "a pool has a first tier"
        for row in self.tiers:
            assert len(row) == 2, "a tier is members and a discount"
        check_rows("tiers", self.tiers, (1, MEMBERS_MAX), (0, BASIS_POINTS - 1))
        assert self.open_days * 24 > self.freeze_hours, "the freeze lies before the deadline"
