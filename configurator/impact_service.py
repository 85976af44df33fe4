"""Use cases before a publication: which kept cars and open pre-orders a catalogue would break, for the planner's eyes.

They change nothing. What they tell shows no person; what concerns a person is told to that person alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from configurator.breaking import (
    STAGE,
    BreakageSearch,
    BrokenCar,
    CarRepair,
    KeptCar,
    Progress,
    find_broken,
    kept_car,
    silent,
)
from configurator.catalogue import Catalogue
from configurator.configuration_queries import saved_under_older_versions
from configurator.impact import HeldCar, Impact, ImpactGroup, PrivacyRule, impact_on
from configurator.ports import OpenOrders
from configurator.queries import local_day, newest_version, version_by_id
from configurator.solver import Engine
from kernel.actor import Permission, system
from kernel.identity.queries import persons_of
from kernel.ids import AccountId
from kernel.work import Work

__all__ = [
    "STAGE",
    "BreakageSearch",
    "BrokenCar",
    "CarRepair",
    "HeldCar",
    "Impact",
    "ImpactGroup",
    "KeptCar",
    "OpenOrders",
    "PrivacyRule",
    "PublicationImpact",
    "find_broken",
    "impact_of_publication",
    "saved_cars",
]
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class PublicationImpact:
    """What a publication would do to the cars that people keep, and to those of open pre-orders."""

    saved: Impact
    pre_orders: Impact


def impact_of_publication(
    work: Work,
    catalogue: Catalogue,
    engine: Engine,
    *,
    orders: OpenOrders,
    rule: PrivacyRule,
    effective_from: date | None = None,
    progress: Progress = silent,
) -> PublicationImpact:
    """Hold kept cars and open pre-orders against a catalogue on its first day (today, where that has passed)."""
    work.actor.require(Permission.CATALOGUE_PUBLISH)
    own = work.acting(system(work.actor.brand_id))
    day = max(local_day(own), effective_from or catalogue.effective_from)
    search = BreakageSearch(catalogue, engine, day)
    impacts = []
    for held in (list(saved_cars(own)), list(orders.open_cars(own))):
        broken = find_broken(search, [one.car for one in held], progress=progress)
        impacts.append(impact_on(held, broken, rule))
    return PublicationImpact(*impacts)


def saved_cars(work: Work) -> Iterator[HeldCar]:
    """Yield the cars that people keep, each with its price under its own version; for the system alone."""
    work.actor.require(Permission.SYSTEM)
    newest = newest_version(work)
    number = 0 if newest is None else newest[0]
    after: str | None = ""
    while after is not None:
        batch = saved_under_older_versions(work, number + 1, after_id=after, limit=BATCH)
        persons = persons_of(work, [saved.account_id for saved in batch])
        for saved in batch:
            person = persons.get(AccountId(saved.account_id))
            yield HeldCar(
                kept_car(saved, version_by_id(work, saved.car.version_id).catalogue),
                person or saved.account_id,
                verified=person is not None,
            )
        after = batch[-1].id if len(batch) == BATCH else None
