"""Clears a pool: the largest n at which n members agree to their price, the earliest funded of them (section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from demand.pools.joining import clearing_number
from demand.pools.model import Offer, PoolTerms
from kernel.money import BASIS_POINTS, MINOR_PER_MAJOR


@dataclass(frozen=True, slots=True)
class Cleared:
    """`members` are the positions of those who are in, in the order given; `prices_minor` is what each pays."""

    number: int
    discount_bp: int
    members: tuple[int, ...]
    prices_minor: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotCleared:
    """No n between M and C has n members who agree; `reached` counts those whose cap reaches p_i(M)."""

    reached: int


_UNIT: Final = BASIS_POINTS * MINOR_PER_MAJOR


def count_reaching(offers: Sequence[Offer], terms: PoolTerms) -> tuple[int, ...]:
    """Count for each tier the offers whose cap reaches their own price there."""
    return _counts(*_compared(offers), terms)


def _compared(offers: Sequence[Offer]) -> tuple[list[int], list[int]]:
    """Return each own price and limit: a cap reaches p_i(n) exactly where own price × (10,000 - d) is below the limit.

    p_i(n) is rounded half up to the yuan, so it is at most the cap where it is at most the cap's whole yuan, and that
    is where the exact price lies less than half a yuan above those. It spares a division a tier and offer.
    """
    own = [offer.vehicle_price_minor for offer in offers]
    return own, [offer.price_cap_minor // MINOR_PER_MAJOR * _UNIT + _UNIT // 2 for offer in offers]


def _counts(own: Sequence[int], limits: Sequence[int], terms: PoolTerms) -> tuple[int, ...]:
    counts = []
    for tier in terms.tiers:
        kept = BASIS_POINTS - tier.discount_bp
        counts.append(sum([price * kept < limit for price, limit in zip(own, limits, strict=True)]))
    return tuple(counts)


def clear(offers: Sequence[Offer], terms: PoolTerms) -> Cleared | NotCleared:
    """Clear offers given in the order in which they were funded; takes tiers × offers steps.

    The largest n with M ≤ n ≤ C and |{i: r_i ≥ p_i(n)}| ≥ n; among those the earliest n are in; each pays p_i(n).
    """
    own, limits = _compared(offers)
    counts = _counts(own, limits, terms)
    found = clearing_number(terms, counts)
    if found is None:
        return NotCleared(counts[0])
    number, index = found
    discount_bp = terms.tiers[index].discount_bp
    kept = BASIS_POINTS - discount_bp
    willing = (place for place, price in enumerate(own) if price * kept < limits[place])
    members = tuple(islice(willing, number))
    # As `member_price_minor` rounds; spelt out, because a call for each of a hundred thousand members takes its time.
    prices = tuple([(own[place] * kept + _UNIT // 2) // _UNIT * MINOR_PER_MAJOR for place in members])
    return Cleared(number, discount_bp, members, prices)
