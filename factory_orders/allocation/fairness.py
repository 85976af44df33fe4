"""What each store is owed of the stock: entries that carry a deficit on, from which anybody can recount a share.

Shares are whole numbers (a forecast, never a wish); what is owed is counted in thousandths of a car and adds up to
nothing over all stores as long as every shared car was taken by one of them (DOMAIN section 6.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    The sum is exactly 1,000 times the cars; of equal remainders the smaller store id goes first.
    """
    assert cars >= 0 and all(share >= 0 for share in shares.values()), "cars and shares count up from nothing"
    weights = dict(shares) if any(shares.values()) else dict.fromkeys(shares, 1)
    return _largest_remainder(cars * MILLE, weights)


def share_out(cars: int, shares: Mapping[str, int], *, owed: Mapping[str, int], minimum: int = 1) -> dict[str, int]:
    """Return how many whole cars each store is to get: its share and what it is owed, by largest remainder.

    Every store gets the minimum first, as far as the cars go, those owed most first (DOMAIN section 6.6).
    """
    if not shares:
        return {}
    claim = {store: max(part + owed.get(store, 0), 0) for store, part in entitle(cars, shares).items()}
    first = sorted(claim, key=lambda store: (-claim[store], store))
    given = dict.fromkeys(shares, 0)
    for _ in range(minimum):
        for store in first[: cars - sum(given.values())]:
            given[store] += 1
    left = {store: max(claim[store] - given[store] * MILLE, 0) for store in shares}
    rest = cars - sum(given.values())
    weights = left if any(left.values()) else dict.fromkeys(shares, 1)
    return {store: given[store] + more for store, more in _largest_remainder(rest, weights).items()}


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


def owed_after(entries: Sequence[FairnessEntry]) -> dict[str, int]:
    """Return what each store is owed after entries in their order; asserts that none of them skipped another."""
    owed: dict[str, int] = {}
    for entry in entries:
        assert entry.owed_before == owed.get(entry.store_id, 0), "each entry carries on where the last one ended"
        owed[entry.store_id] = entry.owed_after
    return owed


def _largest_remainder(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    whole = sum(weights.values())
    parts = {store: total * weight // whole for store, weight in weights.items()}
    short = total - sum(parts.values())
    for store in sorted(weights, key=lambda one: (-(total * weights[one] % whole), one))[:short]:
        parts[store] += 1
    return parts
