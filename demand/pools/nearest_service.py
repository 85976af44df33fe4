"""The nearest pool: which small change of a car reaches which pool, what it saves, when it locks (DOMAIN 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from configurator.model import PoolingClass, VersionId, member_price_minor
from configurator.nearest_service import NearCar, Neighbourhood, look_around
from demand.pools.model import ClassLevel, class_keys
from demand.pools.nearest import Reachable, Reached, Standpoint, reach_pools
from demand.pools.placing import joinable_pool
from demand.pools.queries import PoolView, pools_taking_members
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

NEAREST_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class CarAtHand:
    """A complete car; `accepts_wider_class` looks at L2 pools too, which hold every trim of a class."""

    model: str
    options: tuple[str, ...]
    region: str
    accepts_wider_class: bool = False


@dataclass(frozen=True, slots=True)
class PoolForCar:
    """A car in a pool: its price if the pool cleared as it stands, and the most that it can cost there."""

    view: PoolView
    car: NearCar
    price_now_minor: int
    price_at_most_minor: int

    @property
    def needs_consent(self) -> bool:
        """Say whether joining takes the member's consent to a wider class."""
        return self.view.head.level is ClassLevel.L2


@dataclass(frozen=True, slots=True)
class NearestPool:
    """A pool that a change reaches: what that saves now (below zero: costs more), how much sooner it locks.

    `sooner` is None where the car as it is would join no pool.
    """

    reached: PoolForCar
    saves_minor: int
    sooner: timedelta | None


@dataclass(frozen=True, slots=True)
class NearestPools:
    """The car as it is, the pool that it would join (None: none is open to it), and what a change would reach.

    The first one takes the fewest changes of all pools; `compared` is how many pools were looked at.
    """

    version_id: VersionId
    own: NearCar
    own_pool: PoolForCar | None
    nearest: tuple[NearestPool, ...]
    compared: int


def nearest_pools(work: Work, at_hand: CarAtHand, *, first: int) -> NearestPools:
    """Return the pools that the fewest changes of a car reach and that lock sooner, or cost less, than its own.

    Refuses a car that is unknown, not buildable or incomplete. Proven smallest by the engine, for each pool and over
    all of them.
    """
    work.actor.require(Permission.PUBLIC_READ)
    if not 1 <= first <= NEAREST_MAX:
        raise InvalidInput("first", because("COUNT", least=1, most=NEAREST_MAX))
    around = look_around(work, model=at_hand.model, options=at_hand.options, region=at_hand.region)
    own_cls = around.own.cls
    views = {
        view.id: view
        for view in pools_taking_members(work, platform=own_cls.platform, plant=own_cls.plant)
        if at_hand.accepts_wider_class or view.head.level is ClassLevel.L1
    }
    own_view = _own_pool(work, views, own_cls, wider=at_hand.accepts_wider_class)
    own_pool = None if own_view is None else _in_pool(own_view, around.own)
    standpoint = _standpoint(around.own, own_pool)
    others = _reachable(around, [view for view in views.values() if own_view is None or view.id != own_view.id])
    reached = reach_pools(others, lambda pool: _nearest(around, views[pool.pool_id]), standpoint, first=first)
    return NearestPools(
        version_id=around.version_id,
        own=around.own,
        own_pool=own_pool,
        nearest=tuple(_offer(views[one.pool.pool_id], one, standpoint) for one in reached),
        compared=len(others),
    )


def _own_pool(work: Work, views: dict[str, PoolView], cls: PoolingClass, *, wider: bool) -> PoolView | None:
    keys = class_keys(cls) if wider else class_keys(cls)[:1]
    times: dict[str, datetime] = dict.fromkeys(views, work.now)
    found = joinable_pool({key: view.pool for key, view in views.items()}, keys, times=times)
    return None if found is None else views[found.head.id]


def _standpoint(own: NearCar, own_pool: PoolForCar | None) -> Standpoint:
    if own_pool is None:
        return Standpoint(own.vehicle_price_minor, None)
    return Standpoint(own_pool.price_now_minor, own_pool.view.head.deadline)


def _reachable(around: Neighbourhood, views: Sequence[PoolView]) -> list[Reachable]:
    found = []
    for view in views:
        least = around.changes_at_least(_class_of(view), any_trim=_any_trim(view))
        if least is not None:
            found.append(Reachable(view.id, least, view.discount_bp, view.head.deadline))
    return found


def _nearest(around: Neighbourhood, view: PoolView) -> NearCar | None:
    return around.nearest(_class_of(view), any_trim=_any_trim(view))


def _class_of(view: PoolView) -> PoolingClass:
    return PoolingClass.from_key(view.head.class_key)


def _any_trim(view: PoolView) -> bool:
    return view.head.level is ClassLevel.L2


def _in_pool(view: PoolView, car: NearCar) -> PoolForCar:
    price = car.vehicle_price_minor
    at_most = member_price_minor(price, view.head.terms.tiers[0].discount_bp)
    return PoolForCar(view, car, member_price_minor(price, view.discount_bp), at_most)


def _offer(view: PoolView, one: Reached[NearCar], standpoint: Standpoint) -> NearestPool:
    sooner = None if standpoint.deadline is None else standpoint.deadline - one.pool.deadline
    return NearestPool(_in_pool(view, one.car), standpoint.price_now_minor - one.price_now_minor, sooner)
