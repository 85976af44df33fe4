"""Vehicle purchase tax as the law has it; every rate is a policy value with the dates it holds for.

(law) Vehicle Purchase Tax Law of the People's Republic of China, in force since 2019-07-01: 10 % of the price
without value added tax (13 %). Announcement no. 10 of 2023 of the Ministry of Finance, the State Taxation
Administration and the Ministry of Industry and Information Technology: new-energy cars bought in 2024 and 2025 are
free up to ¥30,000 of tax, those bought in 2026 and 2027 pay half, the relief being at most ¥15,000 a car.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kernel.bounds import MINOR_MAX, check_bounds, check_rows
from kernel.money import BASIS_POINTS, divide_half_up
from kernel.policy import policy_section


@policy_section("tax")
@dataclass(frozen=True, slots=True)
class TaxPolicy:
    """Rates in basis points; `reliefs` are rows of first day, last day, share let off, most let off (fen)."""

    purchase_tax_bp: int = 1_000
    value_added_tax_bp: int = 1_300
    reliefs: tuple[tuple[str, str, int, int], ...] = (
        ("2024-01-01", "2025-12-31", 10_000, 3_000_000),
        ("2026-01-01", "2027-12-31", 5_000, 1_500_000),
    )

    def __post_init__(self) -> None:
        check_bounds(self, purchase_tax_bp=(0, BASIS_POINTS), value_added_tax_bp=(0, BASIS_POINTS))
        stored: tuple[object, ...] = self.reliefs
        for row in stored:
            assert isinstance(row, tuple), "a relief is first day, last day, share, most"
            assert len(row) == 4, "a relief is first day, last day, share, most"
            assert is_window(row[0], row[1]), "a relief needs two days, the first not after the last"
        check_rows("reliefs", self.reliefs, (0, BASIS_POINTS), (0, MINOR_MAX))


def is_window(first_day: object, last_day: object) -> bool:
    """Say whether two texts are days in order."""
    try:
        return date.fromisoformat(str(first_day)) <= date.fromisoformat(str(last_day))
    except ValueError:
        return False


def purchase_tax_minor(policy: TaxPolicy, *, price_minor: int, new_energy: bool, day: date) -> int:
    """Return the tax in fen on a price that includes value added tax; base, tax and relief are each rounded half up."""
    base = divide_half_up(price_minor * BASIS_POINTS, BASIS_POINTS + policy.value_added_tax_bp)
    tax = divide_half_up(base * policy.purchase_tax_bp, BASIS_POINTS)
    return tax - (_relief_minor(policy, tax, day) if new_energy else 0)


def _relief_minor(policy: TaxPolicy, tax: int, day: date) -> int:
    for first_day, last_day, share_bp, most_minor in policy.reliefs:
        if date.fromisoformat(first_day) <= day <= date.fromisoformat(last_day):
            return min(divide_half_up(tax * share_bp, BASIS_POINTS), most_minor)
    return 0
