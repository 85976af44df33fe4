"""The nearest pool: which small change of a car reaches which pool, what it saves, and when it would lock."""

from __future__ import annotations

import strawberry

from configurator.errors import ConfigurationIncomplete
from demand import service
from graph.access import field, input_type, object_type
from graph.identifiers import write_id
from graph.operations import query
from graph.types.configuring import REFUSED
from graph.types.money import Money, show_minor
from graph.types.pools import Pool, show_pool
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.CONFIGURE)
class PoolForCar:
    """A car in a pool. `vehiclePrice` is the car's own; `priceNow` what it would cost if the pool cleared as it stands.

    `priceAtMost` is the first tier's, which is the most that one can pay. In a pool of a wider class one consents to
    other trims (`needsConsent`).
    """

    pool: Pool
    vehicle_price: Money
    price_now: Money
    price_at_most: Money
    needs_consent: bool


@object_type(reads=Permission.CONFIGURE)
class NearestPool:
    """A pool that a change of the car reaches: `changes` options are added or taken out, and no fewer would do.

    `saves` compares the prices now (below zero: it costs more); `daysSooner` the locks, in whole days, null where the
    car as it is would join no pool.
    """

    options: list[str] = field(at_most=60)
    added: list[str] = field(at_most=60)
    removed: list[str] = field(at_most=60)
    changes: int
    joins: PoolForCar
    saves: Money
    days_sooner: int | None


@object_type(reads=Permission.CONFIGURE)
class NearestPools:
    """The pool that the car joins as it is, if any, and the nearest ones that lock sooner or cost less.

    They come by fewest changes, then price, then lock; `compared` pools were looked at, all that take members.
    """

    own: PoolForCar | None
    nearest: list[NearestPool] = field(at_most=10)
    compared: int
    catalogue_version_id: strawberry.ID


@input_type(takes=Permission.CONFIGURE)
class NearestPoolsInput:
    """A complete car and where it is ordered. `acceptsWiderClass` looks at pools that hold every trim as well."""

    model: str
    options: list[str]
    region: str = ""
    accepts_wider_class: bool = False


@query(reads=Permission.CONFIGURE, refuses=(*REFUSED, ConfigurationIncomplete), result="NearestPoolsResult")
def nearest_pools(work: Work, input: NearestPoolsInput, first: int = 3) -> NearestPools:  # noqa: A002  # the API's word
    """Which pools the smallest changes of a car reach that lock sooner or cost less; each proven smallest."""
    at_hand = service.CarAtHand(input.model, tuple(input.options), input.region, input.accepts_wider_class)
    found = service.nearest_pools(work, at_hand, first=first)
    return NearestPools(
        own=None if found.own_pool is None else _show(found.own_pool),
        nearest=[_show_nearest(one) for one in found.nearest],
        compared=found.compared,
        catalogue_version_id=write_id("CatalogueVersion", found.version_id),
    )


def _show(one: service.PoolForCar) -> PoolForCar:
    return PoolForCar(
        pool=show_pool(one.view),
        vehicle_price=show_minor(one.car.vehicle_price_minor),
        price_now=show_minor(one.price_now_minor),
        price_at_most=show_minor(one.price_at_most_minor),
        needs_consent=one.needs_consent,
    )


def _show_nearest(one: service.NearestPool) -> NearestPool:
    car = one.reached.car
    return NearestPool(
        options=list(car.options),
        added=list(car.added),
        removed=list(car.removed),
        changes=car.changes,
        joins=_show(one.reached),
        saves=show_minor(one.saves_minor),
        days_sooner=None if one.sooner is None else one.sooner.days,
    )
