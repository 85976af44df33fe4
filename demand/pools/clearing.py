"""Clears a pool: the largest n at which n members agree to their price, the earliest funded of them (section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from configurator.model import member_price_minor
from demand.pools.joining import clearing_number
from demand.pools.model import Offer, PoolTerms


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


def count_reaching(offers: Sequence[Offer], terms: PoolTerms) -> tuple[int, ...]:
    """Count for each tier the offers whose cap reaches their own price there."""
    counts = [0] * len(terms.tiers)
    for offer in offers:
        for index, reaches in enumerate(offer.reaches(terms)):
            counts[index] += reaches
    return tuple(counts)


def clear(offers: Sequence[Offer], terms: PoolTerms) -> Cleared | NotCleared:
    """Clear offers given in the order in which they were funded; takes tiers × offers steps.

    The largest n with M ≤ n ≤ C and |{i: r_i ≥ p_i(n)}| ≥ n; among those the earliest n are in; each pays p_i(n).
    """
    counts = count_reaching(offers, terms)
    found = clearing_number(terms, counts)
    if found is None:
        return NotCleared(counts[0])
    number, index = found
    discount_bp = terms.tiers[index].discount_bp
    prices = [member_price_minor(offer.vehicle_price_minor, discount_bp) for offer in offers]
    willing = (position for position, offer in enumerate(offers) if offer.price_cap_minor >= prices[position])
    members = tuple(islice(willing, number))
    return Cleared(number, discount_bp, members, tuple(prices[position] for position in members))
