"""Money is a whole number of minor units with a currency; dividing it names its rounding and loses no cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MINOR_PER_MAJOR: Final = 100
BASIS_POINTS: Final = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (fen) of one ISO 4217 currency; may be negative where it is a difference."""

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        assert isinstance(self.minor, int), "money is counted in whole minor units"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def _same(self, other: Money) -> int:
        assert other.currency == self.currency, f"{other.currency} added to {self.currency}"
        return other.minor


class BasisPoints(int):
    """A share in 1/10,000; a sentence writes it in percent (`format_share`)."""

    __slots__ = ()


def yuan(amount: int, fen: int = 0) -> Money:
    """Return an amount of CNY from whole yuan and fen."""
    return Money(amount * MINOR_PER_MAJOR + fen)


def total(amounts: Iterable[Money], *, currency: str = "CNY") -> Money:
    """Add amounts of one currency; an empty sum is zero of that currency."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide integers, rounding half away from zero: the rule for a price shown to a person."""
    assert denominator > 0
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def round_half_up_to_yuan(minor: int) -> int:
    """Round minor units half up to whole yuan, still in minor units (DOMAIN section 6.1: a member's price)."""
    return divide_half_up(minor, MINOR_PER_MAJOR) * MINOR_PER_MAJOR


def share_basis_points(minor: int, basis_points: int) -> int:
    """Return a share of an amount in minor units, in 1/10,000, rounded half up to the minor unit."""
    return divide_half_up(minor * basis_points, BASIS_POINTS)


def allocate(minor: int, weights: Sequence[int]) -> list[int]:
    """Split minor units in proportion to weights by largest remainder; the parts add up exactly.

    Ties go to the earlier part. `weights` are not negative and at least one is positive.
    """
    weight_sum = sum(weights)
    assert weight_sum > 0
    assert all(weight >= 0 for weight in weights)
    parts = [minor * weight // weight_sum for weight in weights]
    remainders = [(minor * weight % weight_sum, -index) for index, weight in enumerate(weights)]
    left = minor - sum(parts)
    for _, negative_index in sorted(remainders, reverse=True)[:left]:
        parts[-negative_index] += 1
    return parts


_SYMBOLS: Final = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£"}


def format_money(money: Money) -> str:
    """Write an amount as people do: `¥129,800`, `-¥1,200.50`; fen only where there are some."""
    sign = "-" if money.minor < 0 else ""
    major, minor = divmod(abs(money.minor), MINOR_PER_MAJOR)
    symbol = _SYMBOLS.get(money.currency, money.currency + " ")
    return f"{sign}{symbol}{major:,}" + (f".{minor:02d}" if minor else "")


def format_share(share: BasisPoints, *, chinese: bool) -> str:
    """Write a share as people do: `2.5 %`, in Chinese `2.5%`; digits after the point only where there are some."""
    whole, hundredths = divmod(abs(share), 100)
    digits = f"{whole:,}" + (f".{hundredths:02d}".rstrip("0") if hundredths else "")
    return f"{'-' if share < 0 else ''}{digits}{'' if chinese else ' '}%"
