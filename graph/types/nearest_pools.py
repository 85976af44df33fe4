"""The nearest pool: which small change of a car reaches which pool, what it saves, and when it would lock."""

from __future__ import annotations

from datetime import date

import strawberry

from configurator.errors import ConfigurationIncomplete
from configurator.model import Promise
from demand.service import CarAtHand
from demand.service import PoolForCar as InPool
from factory_orders import service
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
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
class CarDates:
    """When a car would be at the store: half of such promises are met by `p50`, nine in ten by `p90`.

    `conditional` dates hold if the pool locks; of a car that no pool takes they are those of the plant's free weeks, at
    which nobody can order it until a pool opens.
    """

    p50: date
    p90: date
    conditional: bool


@object_type(reads=Permission.CONFIGURE)
class NearestPool:
    """A pool that a change of the car reaches: `changes` options are added or taken out, and no fewer would do.

    `saves` compares the prices now (below zero: it costs more); `daysSooner` the locks, in whole days, null where the
    car as it is would join no pool. `dates` is when the changed car would be at the named store; `p50DaysSooner` and
    `p90DaysSooner` compare that with the car as it is (below zero: later), null where one of the two has no week.
    """

    options: list[str] = field(at_most=60)
    added: list[str] = field(at_most=60)
    removed: list[str] = field(at_most=60)
    changes: int
    joins: PoolForCar
    saves: Money
    days_sooner: int | None
    dates: CarDates | None
    p50_days_sooner: int | None
    p90_days_sooner: int | None


@object_type(reads=Permission.CONFIGURE)
class NearestPools:
    """The pool that the car joins as it is, if any, and the nearest ones that lock sooner or cost less.

    They come by fewest changes, then price, then lock; `compared` pools were looked at, all that take members.
    `ownDates` is when the car as it is would be at the named store, in its pool or outside of any.
    """

    own: PoolForCar | None
    own_dates: CarDates | None
    nearest: list[NearestPool] = field(at_most=10)
    compared: int
    catalogue_version_id: strawberry.ID


@input_type(takes=Permission.CONFIGURE)
class NearestPoolsInput:
    """A complete car and where it is ordered. `acceptsWiderClass` looks at pools that hold every trim as well.

    With `storeId` dates are those at the store, whose region counts; without it they are compared only.
    """

    model: str
    options: list[str]
    region: str = ""
    accepts_wider_class: bool = False
    store_id: strawberry.ID | None = None


@query(reads=Permission.CONFIGURE, refuses=(*REFUSED, ConfigurationIncomplete), result="NearestPoolsResult")
def nearest_pools(work: Work, input: NearestPoolsInput, first: int = 3) -> NearestPools:  # noqa: A002  # the API's word
    """Which pools the smallest changes of a car reach that lock sooner or cost less, with dates; proven smallest."""
    at_hand = CarAtHand(input.model, tuple(input.options), input.region, input.accepts_wider_class)
    store_id = None if input.store_id is None else raw_id(input.store_id, "Store")
    dated = service.nearest_pools_dated(work, at_hand, first=first, store_id=store_id)
    own = dated.found.own_pool
    return NearestPools(
        own=None if own is None else _show(own),
        own_dates=_show_dates(dated.own, is_at_store=dated.is_at_store),
        nearest=[_show_nearest(one, is_at_store=dated.is_at_store) for one in dated.pools],
        compared=dated.found.compared,
        catalogue_version_id=write_id("CatalogueVersion", dated.found.version_id),
    )


def _show(one: InPool) -> PoolForCar:
    return PoolForCar(
        pool=show_pool(one.view),
        vehicle_price=show_minor(one.car.vehicle_price_minor),
        price_now=show_minor(one.price_now_minor),
        price_at_most=show_minor(one.price_at_most_minor),
        needs_consent=one.needs_consent,
    )


def _show_dates(one: Promise | None, *, is_at_store: bool) -> CarDates | None:
    return CarDates(p50=one.p50, p90=one.p90, conditional=one.conditional) if one is not None and is_at_store else None


def _show_nearest(dated: service.DatedPool, *, is_at_store: bool) -> NearestPool:
    one = dated.nearest
    car = one.reached.car
    return NearestPool(
        options=list(car.options),
        added=list(car.added),
        removed=list(car.removed),
        changes=car.changes,
        joins=_show(one.reached),
        saves=show_minor(one.saves_minor),
        days_sooner=None if one.sooner is None else one.sooner.days,
        dates=_show_dates(dated.promise, is_at_store=is_at_store),
        p50_days_sooner=dated.expected_days_sooner,
        p90_days_sooner=dated.promised_days_sooner,
    )
