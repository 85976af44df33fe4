"""Reads of pools and pre-orders, many at a time: the number of statements does not grow with a list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, assert_never

from sqlalchemy import RowMapping, func, select

from configurator.model import LineKind, PoolingClass, PoolOffer, Quote, Tier
from configurator.quote_queries import quotes_by_id
from demand.pools.joining import standing
from demand.pools.model import (
    CancelledPool,
    FailedPool,
    FrozenPool,
    LockedPool,
    LockedPreOrder,
    OpenPool,
    Pool,
    PoolHead,
    PreOrder,
    RolledPool,
    ScheduledPool,
    class_keys,
    state_of,
)
from demand.pools.placing import joinable_pool
from demand.pools.policy import PoolPolicy
from demand.pools.rows import pool_from, pre_order_from
from demand.pools.tables import pools, pre_order_changes, pre_orders
from kernel import db, policy
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

LOCKED_MAX: Final = 200_000
STEPS_MAX: Final = 200
TAKING_MAX: Final = 2_000
"""Pools of one platform and plant that take members at a time; a class has one open, and few that are frozen."""
OPEN_STATES: Final = ("acknowledged", "pooled", "rolled_over")


# --- pools -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool as anybody may see it. `members` counts the places held; a pool's count is public (DOMAIN section 4.12).

    `needed` is how many more must at least agree to the first tier before the pool would clear, `clears` how many at
    most would be in it now; `discount_bp` is what all would get if it cleared now, or got; `next_tier` is what more
    members would reach. What is shown of caps says nothing of fewer than ten persons; see `joining.standing`.
    """

    pool: Pool
    state: str
    members: int
    needed: int
    clears: int | None
    discount_bp: int
    next_tier: Tier | None

    @property
    def head(self) -> PoolHead:
        """Return what every pool has: class, terms, times."""
        return self.pool.head

    @property
    def id(self) -> str:
        return self.pool.head.id

    @property
    def free_until(self) -> datetime | None:
        """Return until when members may leave for nothing; None once nobody leaves any more."""
        return self.pool.head.freeze_at if isinstance(self.pool, ScheduledPool | OpenPool) else None

    @property
    def places_left(self) -> int:
        """Return how many more may join; none once it takes nobody."""
        if not isinstance(self.pool, OpenPool | FrozenPool):
            return 0
        return self.pool.head.terms.member_limit - self.members


def view_of(pool: Pool) -> PoolView:
    """Return what a pool shows."""
    head = pool.head
    match pool:
        case LockedPool():
            return PoolView(pool, "locked", head.members, 0, pool.cleared, pool.discount_bp, None)
        case ScheduledPool() | OpenPool() | FrozenPool():
            now = standing(head)
            return PoolView(pool, state_of(pool), head.members, now.needed, now.clears, now.discount_bp, now.next_tier)
        case FailedPool() | RolledPool() | CancelledPool():
            return PoolView(pool, state_of(pool), head.members, 0, None, 0, None)
        case _:
            assert_never(pool)


def list_pools(work: Work, page: PageRequest, *, states: Sequence[str] = (), class_key: str = "") -> Page[PoolView]:
    """Return the brand's pools, newest first, of all states or some, of all classes or one."""
    work.actor.require(Permission.PUBLIC_READ)
    found = (
        select(pools).where(pools.c.brand_id == work.actor.brand_id).order_by(pools.c.id.desc()).limit(page.size + 1)
    )
    if states:
        found = found.where(db.among(pools.c.state, states))
    if class_key:
        found = found.where(pools.c.class_key == class_key)
    if page.after is not None:
        found = found.where(pools.c.id < page.after)
    rows = [view_of(pool_from(row).pool) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda view: view.id)


def pools_by_id(work: Work, pool_ids: Sequence[str]) -> dict[str, PoolView]:
    """Return pools by id; another brand's are left out."""
    work.actor.require(Permission.PUBLIC_READ)
    found = select(pools).where(pools.c.brand_id == work.actor.brand_id, db.among(pools.c.id, pool_ids))
    return {row["id"]: view_of(pool_from(row).pool) for row in work.connection.execute(found).mappings()}


def pool_progress(work: Work, pool_id: str) -> PoolView:
    """Return how far one pool is, or refuse (NotFound)."""
    view = pools_by_id(work, [pool_id]).get(pool_id)
    if view is None:
        raise NotFound("pool")
    return view


def time_to_pay(work: Work) -> timedelta:
    """Return how long whoever has ordered has for the deposit."""
    return timedelta(minutes=policy.current(work).section(PoolPolicy).payment_minutes)


def pools_of_classes(work: Work, class_keys: Collection[str]) -> dict[str, Pool]:
    """Return the pools of these classes that take members, by id; nobody is locked, so it may be past in a moment."""
    found = select(pools).where(
        pools.c.brand_id == work.actor.brand_id,
        db.among(pools.c.class_key, class_keys),
        pools.c.state.in_(("open", "frozen")),
    )
    return {row["id"]: pool_from(row).pool for row in work.connection.execute(found).mappings()}


def pools_for_classes(work: Work, classes: Sequence[PoolingClass]) -> dict[PoolingClass, PoolView]:
    """Return for each class the pool of its L1 that takes members now; classes without one are left out."""
    work.actor.require(Permission.PUBLIC_READ)
    keys = {class_keys(cls)[0] for cls in classes}
    by_id = pools_of_classes(work, keys)
    times = dict.fromkeys(by_id, work.now)
    joinable = {cls: joinable_pool(by_id, class_keys(cls)[:1], times=times) for cls in classes}
    return {cls: view_of(pool) for cls, pool in joinable.items() if pool is not None}


def pools_taking_members(work: Work, *, platform: str, plant: str) -> list[PoolView]:
    """Return the pools of a platform's classes at a plant that somebody could join now, oldest first."""
    work.actor.require(Permission.PUBLIC_READ)
    start = f"{platform}/{plant}/"
    found = (
        select(pools)
        .where(
            pools.c.brand_id == work.actor.brand_id,
            pools.c.state.in_(("open", "frozen")),
            pools.c.deadline > work.now,
            pools.c.members < pools.c.member_limit,
            func.substr(pools.c.class_key, 1, len(start)) == start,
        )
        .order_by(pools.c.id)
        .limit(TAKING_MAX)
    )
    return [view_of(pool_from(row).pool) for row in work.connection.execute(found).mappings()]


def pool_offer(work: Work, cls: PoolingClass, *, wider: bool = False) -> PoolOffer | None:
    """Return what a quote shows of the pool that a car of this class would join; None where there is none.

    With `wider` a pool of level L2 serves where none of the own trim takes members, as it does for a pre-order.
    """
    keys = class_keys(cls)[: 2 if wider else 1]
    by_id = pools_of_classes(work, keys)
    pool = joinable_pool(by_id, keys, times=dict.fromkeys(by_id, work.now))
    if pool is None:
        return None
    view = view_of(pool)
    return PoolOffer(view.id, view.head.terms.tiers, view.clears or 0, view.head.deadline)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a pool's or a pre-order's state, with its reason and moment."""

    state: str
    reason: str
    at: datetime


def member_accounts(work: Work, pool_id: str) -> list[str]:
    """Return the accounts that hold a place in a pool; for telling them what happens to it."""
    work.actor.require(Permission.SYSTEM)
    table = pre_orders.c
    found = select(table.account_id).where(
        table.pool_id == pool_id, table.brand_id == work.actor.brand_id, table.state.in_(("pooled", "locked"))
    )
    return list(work.connection.execute(found.order_by(table.id)).scalars())


def _steps(rows: Sequence[RowMapping], key: str) -> dict[str, tuple[Step, ...]]:
    steps: dict[str, tuple[Step, ...]] = {}
    for row in rows:
        steps[row[key]] = (*steps.get(row[key], ()), Step(row["state"], row["reason"], row["at"]))
    return steps


# --- pre-orders ------------------------------------------------------------------------------------------------------


def own_pre_orders(work: Work, page: PageRequest) -> Page[PreOrder]:
    """Return the signed-in person's pre-orders, newest first."""
    work.actor.require(Permission.OWN_READ)
    table = pre_orders.c
    found = (
        select(pre_orders)
        .where(table.brand_id == work.actor.brand_id, table.account_id == work.actor.signed_in())
        .order_by(table.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = [pre_order_from(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda pre_order: pre_order.head.id)


def pre_orders_seen(work: Work, pre_order_ids: Sequence[str]) -> dict[str, PreOrder]:
    """Return pre-orders by id that the actor may see: one's own, for the system and an auditor every one."""
    table = pre_orders.c
    found = select(pre_orders).where(table.brand_id == work.actor.brand_id, db.among(table.id, pre_order_ids))
    if not work.actor.may(Permission.AUDIT_READ):
        found = found.where(table.account_id == work.actor.signed_in())
    return {row["id"]: pre_order_from(row) for row in work.connection.execute(found).mappings()}


@dataclass(frozen=True, slots=True)
class OpenCar:
    """The car of a pre-order that is neither over nor locked, with its own pinned price in fen."""

    pre_order_id: str
    person_id: str
    model: str
    options: tuple[str, ...]
    region: str
    vehicle_price_minor: int


def open_cars(work: Work, *, after_id: str = "", limit: int) -> list[OpenCar]:
    """Return the cars of open pre-orders by id, for whoever looks what a new catalogue does to them."""
    work.actor.require(Permission.SYSTEM)
    table = pre_orders.c
    found = (
        select(table.id, table.person_id, table.model, table.options, table.region, table.vehicle_price_minor)
        .where(table.brand_id == work.actor.brand_id, table.state.in_(OPEN_STATES), table.id > after_id)
        .order_by(table.id)
        .limit(limit)
    )
    return [
        OpenCar(row.id, row.person_id, row.model, tuple(row.options), row.region, row.vehicle_price_minor)
        for row in work.connection.execute(found)
    ]


def pre_order_timelines(work: Work, pre_order_ids: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    """Return the changes of pre-orders that the actor may see, oldest first."""
    known = list(pre_orders_seen(work, pre_order_ids))
    changes = pre_order_changes.c
    found = (
        select(pre_order_changes)
        .where(db.among(changes.pre_order_id, known))
        .order_by(changes.serial)
        .limit(STEPS_MAX * max(len(known), 1))
    )
    return _steps(work.connection.execute(found).mappings().all(), "pre_order_id")


@dataclass(frozen=True, slots=True)
class LockedMember:
    """A member of a locked pool, as the factory's order needs it; prices in fen.

    `price_minor` is the car with its options at the pool's tier; `guaranteed_other_minor` is logistics and the store's
    fee, which never rise; `third_party_minor` (tax, insurance, plate, less subsidy) follows the day. The days, and the
    moment they were given at (`dated_at`), are the quote's where it gave them for this pool.
    """

    pre_order_id: str
    account_id: str
    person_id: str
    quote_id: str
    store_id: str
    model: str
    options: tuple[str, ...]
    class_l1: str
    plant_code: str
    price_minor: int
    guaranteed_other_minor: int
    third_party_minor: int
    catalogue_version_id: str
    policy_version: int
    expected_on: date | None
    promised_by: date | None
    dated_at: datetime | None
    locked_at: datetime


def locked_members(work: Work, pool_id: str) -> list[LockedMember]:
    """Return a locked pool's members, earliest funded first, with what their quotes say; in two statements."""
    work.actor.require(Permission.SYSTEM)
    table = pre_orders.c
    found = (
        select(pre_orders)
        .where(table.pool_id == pool_id, table.brand_id == work.actor.brand_id, table.state == "locked")
        .order_by(table.funded_at, table.place_number)
        .limit(LOCKED_MAX)
    )
    locked = [pre_order_from(row) for row in work.connection.execute(found).mappings()]
    quotes = quotes_by_id(work, [one.head.quote_id for one in locked])
    return [
        _locked_member(one, quotes[one.head.quote_id].signed.quote) for one in locked if isinstance(one, LockedPreOrder)
    ]


def _locked_member(one: LockedPreOrder, quote: Quote) -> LockedMember:
    head, facts = one.head, quote.facts
    # A date is given for a pool's weeks: one of another pool, or of no pool at all, says nothing of these.
    is_for_this_pool = facts.pool is not None and facts.pool.pool_id == one.pool_id
    promise = facts.promise if is_for_this_pool else None
    other = sum(line.amount_minor for line in quote.lines if line.kind in (LineKind.LOGISTICS, LineKind.STORE_FEE))
    total = next(
        (tier.total_minor for tier in quote.tiers if tier.vehicle_price_minor == one.price_minor),
        quote.total_minor - quote.vehicle_price_minor + one.price_minor,
    )
    return LockedMember(
        pre_order_id=head.id,
        account_id=head.account_id,
        person_id=head.person_id,
        quote_id=head.quote_id,
        store_id=head.store_id,
        model=head.model,
        options=head.options,
        class_l1=head.class_l1,
        plant_code=head.plant_code,
        price_minor=one.price_minor,
        guaranteed_other_minor=other,
        third_party_minor=total - one.price_minor - other,
        catalogue_version_id=head.version_id,
        policy_version=head.policy_version,
        expected_on=None if promise is None else promise.p50,
        promised_by=None if promise is None else promise.p90,
        dated_at=None if promise is None else facts.issued_at,
        locked_at=one.locked_at,
    )


def export_pre_orders(work: Work, account_id: str) -> list[dict[str, Any]]:
    """Return everything kept about an account's pre-orders, in JSON terms."""
    found = select(pre_orders).where(
        pre_orders.c.account_id == account_id, pre_orders.c.brand_id == work.actor.brand_id
    )
    rows = work.connection.execute(found.order_by(pre_orders.c.id)).mappings().all()
    steps = _steps(
        work.connection.execute(
            select(pre_order_changes)
            .where(db.among(pre_order_changes.c.pre_order_id, [row["id"] for row in rows]))
            .order_by(pre_order_changes.c.serial)
        )
        .mappings()
        .all(),
        "pre_order_id",
    )
    return [
        {str(name): value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        | {"timeline": [[step.state, step.reason, step.at.isoformat()] for step in steps.get(row["id"], ())]}
        for row in rows
    ]


def locked_pre_orders_of(work: Work, account_id: str) -> set[str]:
    """Return the ids of the pre-orders of this account whose pool locked: an order is, or will be, made of each."""
    table = pre_orders.c
    found = select(table.id).where(
        table.account_id == account_id, table.brand_id == work.actor.brand_id, table.state == "locked"
    )
    return set(work.connection.execute(found).scalars())


def open_at_store(work: Work, store_id: str) -> list[tuple[str, str]]:
    """Return the pre-orders, with their accounts, that are bound to a store and not over or locked; for other rooms."""
    table = pre_orders.c
    found = select(table.id, table.account_id).where(
        table.brand_id == work.actor.brand_id, table.store_id == store_id, table.state.in_(OPEN_STATES)
    )
    return [(row.id, row.account_id) for row in work.connection.execute(found.order_by(table.id))]


def open_pre_order_state(work: Work, account_id: str) -> str | None:
    """Return the state of a pre-order of this account that is not over, or None."""
    table = pre_orders.c
    found = (
        select(table.state)
        .where(
            table.account_id == account_id,
            table.brand_id == work.actor.brand_id,
            table.state.in_(OPEN_STATES),
        )
        .limit(1)
    )
    state: str | None = work.connection.execute(found).scalar()
    return state
