"""Pools: what they offer, how full they are, and what planners do with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

import orjson
import strawberry
from strawberry.types import Info

from configurator.errors import VersionNotInForce
from configurator.model import PoolingClass as ClassOfCars
from configurator.model import Tier
from demand import queries, service
from demand.errors import PoolAlreadyOpen, PoolClosed, TermsUnsound, TierBelowCost
from demand.model import POOL_STATES, ClassLevel
from factory_orders import pools_service as factory
from factory_orders.errors import CapacityShort
from graph.access import field, input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, known_words, show_page
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import page_request
from kernel.reasons import because
from kernel.work import Work

strawberry.enum(ClassLevel, description="L1 holds one trim; L2 every trim of the class, with the member's consent.")


@object_type(reads=Permission.PUBLIC_READ)
class PoolTier:
    """From this many members on everybody gets this discount on the car with its options."""

    members: int
    discount_basis_points: int


@object_type(reads=Permission.PUBLIC_READ)
class TierReached:
    """How many members' caps reached a tier when the pool cleared; null where that would speak of too few persons."""

    members: int
    reached: int | None


@object_type(reads=Permission.PUBLIC_READ)
class PoolClearing:
    """What everybody may know of a clearing. `root` is the Merkle root over what each member pays.

    `document` is the same as JSON: `muster verify` checks it, and members' own proofs against it, offline.
    """

    cleared: int
    discount_basis_points: int
    tiers: list[TierReached] = field(at_most=20)
    root: str
    at: datetime
    document: str


@object_type(reads=Permission.PUBLIC_READ)
class Pool(Node):
    """Pre-orders of one class gathering towards a threshold; everybody who clears gets the same tier."""

    id: strawberry.ID
    state: str
    level: ClassLevel
    class_key: str
    plant_code: str
    minimum: int
    capacity: int
    member_limit: int
    tiers: list[PoolTier] = field(at_most=20)
    deposit: Money
    freeze_hours: int
    members: int
    places_left: int
    needed: int
    clears: int | None
    discount_basis_points: int
    next_tier: PoolTier | None
    opens_at: datetime
    freeze_at: datetime
    free_until: datetime | None = field(
        about="Until when a member may leave for nothing; null once nobody leaves any more: read it before you pay."
    )
    deadline: datetime
    raw_id: strawberry.Private[str]

    @resolved(about="Its clearing, once it has locked; null before, and where it failed.")
    async def clearing(self, info: Info[Request, None]) -> PoolClearing | None:
        """Load the clearing."""
        return cast("PoolClearing | None", await info.context.load("clearings", load_clearings, self.raw_id))


@input_type(takes=Permission.POOL_MANAGE)
class TierInput:
    """From this many members on, this discount."""

    members: int
    discount_basis_points: int


@input_type(takes=Permission.POOL_MANAGE)
class OpenPoolInput:
    """A class of cars (its key, as quotes and pools show it) and how many cars; what is left out is the policy's.

    The key says the level: with its trim the pool is L1; without, it is L2 and takes every trim of the class. `level`
    L2 widens a key with a trim. The slots are reserved over `weeks` weeks from `firstWeek` on, a Monday after the
    deadline.
    """

    class_key: str
    capacity: int
    level: ClassLevel | None = None
    minimum: int | None = None
    member_limit: int | None = None
    tiers: list[TierInput] | None = None
    opens_at: datetime | None = None
    deadline: datetime | None = None
    first_week: date | None = None
    weeks: int | None = None


@input_type(takes=Permission.POOL_MANAGE)
class PoolActionInput:
    """A pool, and why."""

    pool_id: strawberry.ID
    reason: str


def _show_tier(tier: Tier) -> PoolTier:
    return PoolTier(members=tier.members, discount_basis_points=tier.discount_bp)


def show_pool(view: queries.PoolView) -> Pool:
    """Return a pool as anybody may see it."""
    head, terms = view.head, view.head.terms
    return Pool(
        id=write_id("Pool", view.id),
        state=view.state,
        level=head.level,
        class_key=head.class_key,
        plant_code=head.plant_code,
        minimum=terms.minimum,
        capacity=terms.capacity,
        member_limit=terms.member_limit,
        tiers=[_show_tier(tier) for tier in terms.tiers],
        deposit=show_minor(terms.deposit_minor),
        freeze_hours=terms.freeze_hours,
        members=view.members,
        places_left=view.places_left,
        needed=view.needed,
        clears=view.clears,
        discount_basis_points=view.discount_bp,
        next_tier=_show_tier(view.next_tier) if view.next_tier is not None else None,
        opens_at=head.opens_at,
        freeze_at=head.freeze_at,
        free_until=view.free_until,
        deadline=head.deadline,
        raw_id=view.id,
    )


def load_clearings(work: Work, pool_ids: list[str]) -> dict[str, PoolClearing]:
    """Return the clearings of pools that have locked."""
    return {
        key: PoolClearing(
            cleared=view.cleared,
            discount_basis_points=view.discount_bp,
            tiers=[
                TierReached(members=tier.members, reached=count)
                for tier, count in zip(view.terms.tiers, view.reached, strict=True)
            ],
            root=view.root,
            at=view.at,
            document=orjson.dumps(view.document(), option=orjson.OPT_SORT_KEYS).decode(),
        )
        for key, view in queries.clearings_of(work, pool_ids).items()
    }


def load_pools(work: Work, pool_ids: list[str]) -> dict[str, Pool]:
    """Return pools of the brand by id."""
    return {key: show_pool(view) for key, view in queries.pools_by_id(work, pool_ids).items()}


def read_progress(work: Work, pool_ids: list[str]) -> dict[str, Pool]:
    """Return watched pools by id; for the ticker."""
    return load_pools(work, pool_ids)


@query(reads=Permission.PUBLIC_READ)
def pools(
    work: Work, first: int, after: Cursor | None = None, states: list[str] | None = None, class_key: str = ""
) -> Connection[Pool]:
    """The pools of the brand, newest first, of all states or some, of all classes or one."""
    found = queries.list_pools(
        work, page_request(first, after), states=known_words("states", states, POOL_STATES), class_key=class_key
    )
    return show_page(found, show_pool)


@query(reads=Permission.PUBLIC_READ)
def pool(work: Work, id: strawberry.ID) -> Pool | None:  # noqa: A002  # the API's word
    """One pool."""
    raw = raw_id(id, "Pool")
    return load_pools(work, [raw]).get(raw)


@mutation(
    does=Permission.POOL_MANAGE,
    refuses=(TermsUnsound, TierBelowCost, PoolAlreadyOpen, CapacityShort, VersionNotInForce),
    result="OpenPoolResult",
)
def open_pool(work: Work, input: OpenPoolInput) -> Pool:  # noqa: A002  # the API's word
    """Open a pool, or schedule one, and reserve its slots in the plant: both or neither."""
    tiers = None
    if input.tiers is not None:
        tiers = tuple(Tier(one.members, one.discount_basis_points) for one in input.tiers)
    cls, level = _read_class(input.class_key, input.level)
    plan = service.PoolPlan(
        cls=cls,
        capacity=input.capacity,
        level=level,
        minimum=input.minimum,
        member_limit=input.member_limit,
        tiers=tiers,
        opens_at=input.opens_at,
        deadline=input.deadline,
    )
    opened = factory.open_pool(work, plan, first_week=input.first_week, weeks=input.weeks)
    return show_pool(queries.view_of(opened.pool))


def _read_class(key: str, level: ClassLevel | None) -> tuple[ClassOfCars, ClassLevel]:
    try:
        cls = ClassOfCars.from_key(key)
    except ValueError:
        raise InvalidInput("classKey", because("CLASS_KEY")) from None
    if level is ClassLevel.L1 and not cls.trim:
        raise InvalidInput("classKey", because("CLASS_TRIM"))
    return cls, level or (ClassLevel.L1 if cls.trim else ClassLevel.L2)


@mutation(does=Permission.POOL_MANAGE, refuses=(PoolClosed,), result="CancelPoolResult")
def cancel_pool(work: Work, input: PoolActionInput) -> Pool:  # noqa: A002  # the API's word
    """Take a pool back before its deadline; every deposit goes back."""
    cancelled = service.cancel_pool(work, raw_id(input.pool_id, "Pool"), reason=input.reason)
    return show_pool(queries.view_of(cancelled))
