"""What the configurator asks of the rooms above it; the composition root fills these in."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from configurator.model import PoolingClass, PoolOffer, Promise
from kernel.work import Work


class PoolTermsSource(Protocol):
    """Knows the open pool of a class."""

    def open_pool(self, work: Work, cls: PoolingClass) -> PoolOffer | None:
        """Return the terms of the pool a new member of this class would join now; None where there is none."""
        ...


class PromiseSource(Protocol):
    """Knows when a car would be at a store."""

    def promise(
        self, work: Work, cls: PoolingClass, *, model: str, options: tuple[str, ...], store_id: str, day: date
    ) -> Promise | None:
        """Return the promise for a car ordered on a day; None where nothing can be promised yet."""
        ...


class NoPools:
    """Answers that no pool is open: for a brand that sells without pools, and until demand is wired."""

    def open_pool(self, work: Work, cls: PoolingClass) -> PoolOffer | None:
        return None


class NoPromises:
    """Promises nothing: the quote then takes the policy's assumed delivery for its taxes."""

    def promise(
        self, work: Work, cls: PoolingClass, *, model: str, options: tuple[str, ...], store_id: str, day: date
    ) -> Promise | None:
        return None
