"""Where pools meet the plant: opening one reserves its slots, a locked one becomes orders, an ended one frees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from configurator.model import PoolingClass, Promise
from configurator.queries import open_showroom
from configurator.service import options_of_class, trims_of_class
from configurator.step_service import OptionWeeks
from demand import service as demand
from demand.pools.events import EarnestLost, PoolCancelled, PoolFailed, PoolLocked
from demand.pools.model import ClassLevel, JoinablePool, ScheduledPool
from demand.pools.queries import LockedMember, locked_members, pools_by_id, pools_for_classes
from factory_orders.cancellation.service import lose_earnest
from factory_orders.events import SlotsReserved
from factory_orders.parts.queries import late_parts
from factory_orders.planning.model import OrderTerms, PartTime
from factory_orders.planning.order_service import take_locked
from factory_orders.planning.queries import car_facts
from factory_orders.planning.service import option_weeks, promise, release_slots, reserve_slots
from factory_orders.policies import CapacityPolicy
from factory_orders.promises.member_service import MEMBER_NEWS, end_pool_promises, on_members_moved
from factory_orders.promises.model import Hold
from factory_orders.promises.store import live_holds_of_pool
from kernel import policy, registry
from kernel.actor import Permission
from kernel.money import BASIS_POINTS
from kernel.outbox import Letter, Subscription
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class OpenedPool:
    """A pool and the slots it holds."""

    pool: ScheduledPool | JoinablePool
    reserved: SlotsReserved


def open_pool(
    work: Work, plan: demand.PoolPlan, *, first_week: date | None = None, weeks: int | None = None
) -> OpenedPool:
    """Open a pool and reserve its capacity C at the class's plant, with its share of every constrained option.

    Its weeks begin once the parts are there that every car of the class takes, late ones on the day they come.
    Refuses what demand refuses (unsound terms, TierBelowCost), an earlier `first_week`, and CapacityShort with the
    earliest first week that fits; then nothing is opened.
    """
    work.actor.require(Permission.POOL_MANAGE)
    pool = demand.open_pool(work, plan)
    head = pool.head
    any_trim = plan.level is ClassLevel.L2
    closes_on = head.deadline.astimezone(registry.own_brand(work).zone).date()
    reserved = reserve_slots(
        work,
        pool_id=head.id,
        class_key=head.class_key,
        plant_code=head.plant_code,
        places=head.terms.capacity,
        deadline=head.deadline,
        option_places=option_places(work, plan.cls, places=head.terms.capacity, until=closes_on, any_trim=any_trim),
        parts=class_part_time(work, plan.cls, day=closes_on, any_trim=any_trim),
        first_week=first_week,
        weeks=weeks,
    )
    return OpenedPool(pool, reserved)


def option_places(work: Work, cls: PoolingClass, *, places: int, until: date, any_trim: bool = False) -> dict[str, int]:
    """Return how many of a pool's places to reserve each constrained option of its models for.

    All of them where every car of the class has it, as its powertrain and its long-lead options; none where no car has
    it until the last day; the policy's share where some have it. `any_trim` leaves the trim open (level L2).
    """
    version, _ = open_showroom(work, region="")
    catalogue = version.catalogue
    models = [model.code for model in catalogue.models if (model.platform, model.plant) == (cls.platform, cls.plant)]
    had = options_of_class(work, cls, until=until, any_trim=any_trim)
    take_bp = policy.current(work).section(CapacityPolicy).option_take_bp
    wanted: dict[str, int] = {}
    for option in catalogue.options:
        offered = any(catalogue.price_of(model=model, option=option.code) is not None for model in models)
        if option.constrained and offered:
            share_bp = BASIS_POINTS if option.code in had.every else take_bp if option.code in had.some else 0
            wanted[option.code] = -(-places * share_bp // BASIS_POINTS)
    return wanted


def class_part_time(work: Work, cls: PoolingClass, *, day: date, any_trim: bool = False) -> PartTime:
    """Return when the parts of what every car of a class has are there: its model, powertrain, trim, long-lead options.

    A part that a supplier brings late counts with its day, as in the promises that are made of the weeks. With
    `any_trim` (level L2) it is the latest over the trims that a car of the class can have.
    """
    version, _ = open_showroom(work, region="")
    models = [
        model.code for model in version.catalogue.models if (model.platform, model.plant) == (cls.platform, cls.plant)
    ]
    trims = [cls.trim] if not any_trim else trims_of_class(work, cls)
    facts = car_facts(work, version.id)
    fixed = (*cls.powertrain.split("+"), *cls.long_lead)
    late = late_parts(work, registry.plant_by_code(work, cls.plant).id)
    times = [
        facts.part_time(facts.features.of((model, *fixed, *trim.split("+"))), day, late)
        for model in models
        for trim in trims
    ]
    return PartTime(
        max((one.lead_days for one in times), default=0), max((one.not_before for one in times), default=date.min)
    )


def on_pools_locked(work: Work, letters: Sequence[Letter]) -> None:
    """Make orders of what pools have locked."""
    plants = {plant.code: plant.id for plant in registry.list_plants(work)}
    for letter in letters:
        assert isinstance(letter.event, PoolLocked)
        pool_id = letter.event.pool_id
        kept = live_holds_of_pool(work, pool_id)
        end_pool_promises(work, pool_id, reason="locked")
        members = [_dated(one, kept.get(one.quote_id)) for one in locked_members(work, pool_id)]
        dated_at = {one.pre_order_id: one.dated_at for one in members if one.dated_at is not None}
        terms = [_terms(work, pool_id, plants, place, one) for place, one in enumerate(members, start=1)]
        take_locked(work, terms, dated_at)


def _dated(member: LockedMember, kept: Hold | None) -> LockedMember:
    """Give a member whose quote was for another pool, or for none, the days of the place that was kept in this one."""
    if member.promised_by is not None or kept is None:
        return member
    return replace(member, expected_on=kept.p50, promised_by=kept.p90, dated_at=kept.dated_at)


def _terms(work: Work, pool_id: str, plants: Mapping[str, str], place: int, member: LockedMember) -> OrderTerms:
    return OrderTerms(
        id=member.pre_order_id,
        brand_id=work.actor.brand_id,
        pool_id=pool_id,
        place=place,
        account_id=member.account_id,
        person_id=member.person_id,
        quote_id=member.quote_id,
        store_id=member.store_id,
        plant_id=plants[member.plant_code],
        class_l1=member.class_l1,
        model=member.model,
        options=member.options,
        catalogue_version_id=member.catalogue_version_id,
        policy_version=member.policy_version,
        price_minor=member.price_minor,
        guaranteed_other_minor=member.guaranteed_other_minor,
        third_party_minor=member.third_party_minor,
        promised_by=member.promised_by,
        locked_at=member.locked_at,
        expected_on=member.expected_on,
    )


def on_earnest_lost(work: Work, letters: Sequence[Letter]) -> None:
    """End the orders whose earnest money never came, where their cars are not begun."""
    for letter in letters:
        assert isinstance(letter.event, EarnestLost)
        lose_earnest(work, letter.event.pre_order_id)


def on_pools_ended(work: Work, letters: Sequence[Letter]) -> None:
    """Free the slots of pools that failed or were cancelled."""
    plants = {plant.code: plant.id for plant in registry.list_plants(work)}
    for letter in letters:
        assert isinstance(letter.event, PoolFailed | PoolCancelled)
        end_pool_promises(work, letter.event.pool_id, reason="pool_ended")
        release_slots(work, letter.event.pool_id, plant_id=plants[letter.event.plant_code])


SUBSCRIPTIONS: Final = (
    Subscription("factory_orders.take_locked", frozenset({PoolLocked.kind}), on_pools_locked),
    Subscription("factory_orders.lose_earnest", frozenset({EarnestLost.kind}), on_earnest_lost),
    Subscription("factory_orders.free_slots", frozenset({PoolFailed.kind, PoolCancelled.kind}), on_pools_ended),
    Subscription("factory_orders.promises", MEMBER_NEWS, on_members_moved),
)


class Promises:
    """Answers the configurator's port: when a car would be at its store."""

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
        """Return the promise for a car ordered on a day, for the next free place of the class's pool if one is open."""
        version, _ = open_showroom(work, region="", day=day)
        pool = pools_for_classes(work, [cls]).get(cls) if pool_id is None else pools_by_id(work, [pool_id])[pool_id]
        return promise(
            work,
            cls,
            model=model,
            options=options,
            store_id=store_id,
            day=day,
            version_id=version.id,
            pool_id=pool_id,
            members=0 if pool is None else pool.members,
        )


class FreeWeeks:
    """Answers the configurator's port: in which weeks a model's options can be built."""

    def option_weeks(self, work: Work, *, model: str, region: str, day: date) -> OptionWeeks | None:
        """Return the weeks with room at the model's plant, which are the same for every region.

        None for a model that is not sold on that day: a made-up one, or one of an older version.
        """
        version, _ = open_showroom(work, region=region, day=day)
        sold = version.catalogue.model_by_code.get(model)
        return None if sold is None else option_weeks(work, sold.plant, model=model, day=day, version_id=version.id)
