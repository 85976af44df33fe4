"""What each store is owed of the stock: entries that carry a deficit on, from which anybody can recount a share.

Shares are whole numbers (a forecast, never a wish); what is owed is counted in thousandths of a car and adds up to
nothing over all stores as long as every shared car was taken by one of them (DOMAIN section 6.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MILLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class FairnessEntry:
    """One sharing out for one store, in thousandths of a car.

    What it is owed afterwards is what it was owed and entitled to, less what it received (whole cars).
    """

    store_id: str
    owed_before: int
    entitled: int
    received: int
    owed_after: int


def entitle(cars: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Split cars over stores in proportion to their shares, in thousandths, by largest remainder; evenly if all are 0.

    The sum is exactly 1,000 times the cars; of equal remainders the smaller store id goes first. Cars that came to
    nothing afterwards are split as well, below nothing.
    """
    assert all(share >= 0 for share in shares.values()), "shares count up from nothing"
    weights = dict(shares) if any(shares.values()) else dict.fromkeys(shares, 1)
    sign = -1 if cars < 0 else 1
    return {store: sign * part for store, part in _largest_remainder(abs(cars) * MILLE, weights).items()}


def settle(
    shares: Mapping[str, int], *, owed: Mapping[str, int], received: Mapping[str, int]
) -> tuple[FairnessEntry, ...]:
    """Return the entries of one sharing out: all cars that were received are split by share, and deficits go on."""
    entitled = entitle(sum(received.get(store, 0) for store in shares), shares)
    return tuple(
        FairnessEntry(
            store,
            owed.get(store, 0),
            entitled[store],
            received.get(store, 0),
            owed.get(store, 0) + entitled[store] - received.get(store, 0) * MILLE,
        )
        for store in sorted(shares)
    )


def _largest_remainder(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    whole = sum(weights.values())
    parts = {store: total * weight // whole for store, weight in weights.items()}
    short = total - sum(parts.values())
    for store in sorted(weights, key=lambda one: (-(total * weights[one] % whole), one))[:short]:
        parts[store] += 1
    return parts
