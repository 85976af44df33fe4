"""Which pools a small change of a car reaches, fewest options first; pure, with the proofs handed in.

A class fixes some options, and how many of those differ is a lower bound that costs nothing. Pools are asked for their
nearest car in the order of that bound, and nobody is asked who could not come among the first any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from configurator.model import member_price_minor


@dataclass(frozen=True, slots=True)
class Reachable:
    """A pool that takes members, as the search sees it; `least` bounds the changes to it from below."""

    pool_id: str
    least: int
    discount_bp: int
    deadline: datetime


class Changed(Protocol):
    """A car of a pool's class: in how many options it differs from the own one, and its own price in fen."""

    @property
    def changes(self) -> int: ...
    @property
    def vehicle_price_minor(self) -> int: ...


CarT = TypeVar("CarT", bound=Changed)


@dataclass(frozen=True, slots=True)
class Reached(Generic[CarT]):
    """A pool, the nearest car that it takes, and what that car would cost if the pool cleared as it stands."""

    pool: Reachable
    car: CarT
    price_now_minor: int

    @property
    def rank(self) -> tuple[int, int, datetime, str]:
        """Return what decides which comes first: changes, price, lock."""
        return self.car.changes, self.price_now_minor, self.pool.deadline, self.pool.pool_id


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What the car has as it is: its price now, and when it would lock (None: in no pool)."""

    price_now_minor: int
    deadline: datetime | None

    def is_bettered_by(self, price_now_minor: int, deadline: datetime) -> bool:
        """Say whether a pool locks sooner or is cheaper; whatever locks betters what is in no pool."""
        return self.deadline is None or deadline < self.deadline or price_now_minor < self.price_now_minor


def reach_pools(
    pools: Sequence[Reachable],
    nearest: Callable[[Reachable], CarT | None],
    standpoint: Standpoint,
    *,
    first: int,
) -> list[Reached[CarT]]:
    """Return the first pools by fewest changes, then price, then lock, that better the standpoint.

    `nearest` proves the nearest car of a pool's class (None: there is none). The answer is the same as if every pool
    had been asked.
    """
    found: list[Reached[CarT]] = []
    for pool in sorted(pools, key=lambda one: (one.least, one.pool_id)):
        if len(found) >= first and found[first - 1].car.changes < pool.least:
            break
        car = nearest(pool)
        if car is None:
            continue
        assert car.changes >= pool.least, "what a class fixes differs in every car of it"
        price = member_price_minor(car.vehicle_price_minor, pool.discount_bp)
        if standpoint.is_bettered_by(price, pool.deadline):
            found.append(Reached(pool, car, price))
            found.sort(key=lambda one: one.rank)
    return found[:first]
