"""What the configurator asks of the rooms above it; the composition root fills these in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from configurator.completing import OptionWeeks
from configurator.impact import HeldCar
from configurator.model import PoolingClass, PoolOffer, Promise
from kernel.work import Work


class PoolTermsSource(Protocol):
    """Knows the open pool of a class."""

    def open_pool(self, work: Work, cls: PoolingClass, *, wider: bool) -> PoolOffer | None:
        """Return the terms of the pool a new member of this class would join now; None where there is none.

        With `wider` a pool of every trim of the class serves where none of its own trim is open.
        """
        ...


class PromiseSource(Protocol):
    """Knows when a car would be at a store."""

    def promise(
        self,
        work: Work,
        cls: PoolingClass,
        *,
        model: str,
        options: tuple[str, ...],
        store_id: str,
        day: date,
        pool_id: str | None = None,
    ) -> Promise | None:
        """Return the promise for a car ordered on a day; None where nothing can be promised yet.

        `pool_id` is the pool that the car would join; without it the one that is open for its own class.
        """
        ...


class NoPools:
    """Answers that no pool is open: for a brand that sells without pools, and until demand is wired."""

    def open_pool(self, work: Work, cls: PoolingClass, *, wider: bool) -> PoolOffer | None:
        return None


class NoPromises:
    """Promises nothing: the quote then takes the policy's assumed delivery for its taxes."""

    def promise(
        self,
        work: Work,
        cls: PoolingClass,
        *,
        model: str,
        options: tuple[str, ...],
        store_id: str,
        day: date,
        pool_id: str | None = None,
    ) -> Promise | None:
        return None


class WeekSource(Protocol):
    """Knows in which weeks options can be built."""

    def option_weeks(self, work: Work, *, model: str, region: str, day: date) -> OptionWeeks | None:
        """Return the free weeks of a model's options for a car ordered on a day; None where nothing is known yet."""
        ...


class TakeRateSource(Protocol):
    """Knows what share of buyers choose an option, from released figures alone (DOMAIN section 6.3)."""

    def take_rates(self, work: Work) -> Mapping[str, float] | None:
        """Return the take rate by option; None where none were released. Hidden cells are left out."""
        ...


class NoWeeks:
    """Knows no weeks: then nothing is completed or ranked by date."""

    def option_weeks(self, work: Work, *, model: str, region: str, day: date) -> OptionWeeks | None:
        return None


class NoTakeRates:
    """Knows no take rates."""

    def take_rates(self, work: Work) -> Mapping[str, float] | None:
        return None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What completions and repairs ask of the rooms above."""

    weeks: WeekSource = field(default_factory=NoWeeks)
    take_rates: TakeRateSource = field(default_factory=NoTakeRates)


class OpenOrders(Protocol):
    """Knows the cars of pre-orders that are not over and not locked: a publication must not take them by surprise."""

    def open_cars(self, work: Work) -> Iterable[HeldCar]:
        """Return each car with the person behind it, at the price that its accepted quote pins; for the system."""
        ...
