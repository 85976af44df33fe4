"""What becomes of promises as members come and go: kept for the funded, given back by who leaves, over at the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Final

from configurator.quote_service import road_km
from demand.model import PooledPreOrder, PreOrder
from demand.pools.events import (
    DepositsHeld,
    MemberRemoved,
    MemberUncleared,
    PreOrderChanged,
    PreOrderRolled,
    PreOrderWithdrawn,
)
from demand.pools.model import PreOrderHead
from demand.pools.queries import pre_orders_seen
from factory_orders.parts.queries import late_parts
from factory_orders.planning.capacity_store import (
    PoolPlan,
    PoolRoom,
    close_promises,
    open_plan,
    promise_places,
    room_of_pool,
)
from factory_orders.planning.model import SLOT, CarFacts
from factory_orders.planning.promise import promise_days
from factory_orders.planning.queries import car_facts, plant_by_id
from factory_orders.planning.service import pool_place
from factory_orders.policies import PromisePolicy
from factory_orders.promises.margin_store import margin_at
from factory_orders.promises.model import Hold, HoldState, after_taking
from factory_orders.promises.store import HOLD_TIMER, end_holds_of_pool, give_back, insert_holds, keep_holds, live_holds
from kernel import policy, registry
from kernel.outbox import Letter
from kernel.timers import cancel_timer
from kernel.work import Work

MEMBER_NEWS: Final = frozenset(
    {
        DepositsHeld.kind,
        PreOrderRolled.kind,
        PreOrderWithdrawn.kind,
        MemberRemoved.kind,
        MemberUncleared.kind,
        PreOrderChanged.kind,
    }
)


def on_members_moved(work: Work, letters: Sequence[Letter]) -> None:
    """Keep promises for members that came in, and give back those of members that left; the same news twice is fine."""
    # Who waited for a pool is in it before anybody else, and hundreds come at once.
    for pool_id, pre_order_ids in _rolled_in(letters).items():
        keep_promises(work, pool_id, pre_order_ids)
    for letter in letters:
        match letter.event:
            case PreOrderRolled():
                pass
            case DepositsHeld(pool_id=pool_id, deposits=deposits):
                keep_promises(work, pool_id, [one.pre_order_id for one in deposits])
            case (
                PreOrderWithdrawn(pre_order_id=pre_order_id)
                | MemberRemoved(pre_order_id=pre_order_id)
                | MemberUncleared(pre_order_id=pre_order_id)
            ):
                _give_back_member(work, pre_order_id, reason="left")
            case PreOrderChanged(pool_id=pool_id, pre_order_id=pre_order_id):
                _give_back_member(work, pre_order_id, reason="changed")
                keep_promises(work, pool_id, [pre_order_id])
            case other:
                raise AssertionError(f"{other.kind} moves no member")


def _rolled_in(letters: Sequence[Letter]) -> dict[str, list[str]]:
    """Return by pool who came into it out of another one."""
    rolled: dict[str, list[str]] = {}
    for letter in letters:
        news = letter.event
        if isinstance(news, PreOrderRolled) and news.into_pool_id is not None:
            rolled.setdefault(news.into_pool_id, []).append(news.pre_order_id)
    return rolled


def _give_back_member(work: Work, pre_order_id: str, *, reason: str) -> None:
    for hold in live_holds(work, quote_ids=[], pre_order_ids=[pre_order_id]):
        give_back(work, hold, reason=reason)


def keep_promises(work: Work, pool_id: str, pre_order_ids: Sequence[str]) -> None:
    """Keep for funded members what they held, and promise the others the earliest place that is left.

    A pool whose deadline has passed is clearing, and one whose plan is closed has orders by now; who has left by now
    gets nothing. Members beyond what the pool holds wait without a place.
    """
    plan = open_plan(work, pool_id)
    if plan is None or work.now >= plan.deadline:
        return
    room = room_of_pool(work, plan, None, lock=True)
    if open_plan(work, pool_id) is None:
        return
    members = _pooled(pre_orders_seen(work, pre_order_ids), pool_id)
    quotes = {one.head.quote_id: one.head.id for one in members}
    standing = live_holds(work, quote_ids=list(quotes), pre_order_ids=list(quotes.values()))
    elsewhere = [hold for hold in standing if hold.pool_id != pool_id]
    for hold in elsewhere:  # Whoever came into another pool than the quote offered holds nothing there any more.
        give_back(work, hold, reason="another_pool")
    standing = [hold for hold in standing if hold.pool_id == pool_id]
    kept = {hold.id: quotes[hold.quote_id] for hold in standing if hold.state is HoldState.HELD}
    keep_holds(work, kept)
    for hold_id in sorted(kept):
        cancel_timer(work, HOLD_TIMER, hold_id)
    known = {hold.quote_id for hold in standing} | {hold.pre_order_id for hold in standing}
    fresh = [one.head for one in members if one.head.quote_id not in known and one.head.id not in known]
    insert_holds(work, _place_members(work, plan, room, fresh))


def _pooled(seen: Mapping[str, PreOrder], pool_id: str) -> list[PooledPreOrder]:
    found = [one for one in seen.values() if isinstance(one, PooledPreOrder) and one.pool_id == pool_id]
    return sorted(found, key=lambda one: (one.funded_at, one.head.id))


def _place_members(work: Work, plan: PoolPlan, room: PoolRoom, members: Sequence[PreOrderHead]) -> list[Hold]:
    facts = {version: car_facts(work, version) for version in {one.version_id for one in members}}
    stores = registry.stores_by_id(work, sorted({one.store_id for one in members}))
    plant, times = plant_by_id(work, plan.plant_id), policy.current(work).section(PromisePolicy)
    margin = margin_at(work, plan.plant_id, work.now)
    day = work.now.astimezone(registry.own_brand(work).zone).date()
    late = late_parts(work, plan.plant_id)
    holds: list[Hold] = []
    for head in members:
        car: CarFacts = facts[head.version_id]
        resources = (SLOT, *sorted(car.constrained_of(head.options)))
        parts = car.part_time(car.features.of((head.model, *head.options)), day, late)
        found = pool_place(work, plan, room, resources, members=0, parts=parts)
        if found is None or found[0].is_waiting:
            continue
        place, window = found
        room = replace(room, weeks=after_taking(room.weeks, place))
        km = road_km(plant, stores[head.store_id])
        p50, p90 = promise_days(window, distance_km=km, policy=times, margin=margin)
        holds.append(
            Hold(
                id=work.new_id(),
                brand_id=head.brand_id,
                account_id=head.account_id,
                quote_id=head.quote_id,
                pre_order_id=head.id,
                pool_id=plan.pool_id,
                plant_id=plan.plant_id,
                place=place,
                p50=p50,
                p90=p90,
                dated_at=work.now,
                held_at=work.now,
                expires_at=plan.deadline.astimezone(UTC),
                state=HoldState.KEPT,
            )
        )
    promise_places(work, plan.plant_id, plan.pool_id, [hold.place for hold in holds], by=1)
    return holds


def end_pool_promises(work: Work, pool_id: str, *, reason: str) -> None:
    """End all promises of a pool: its members are orders now, or it is over."""
    close_promises(work, pool_id)
    end_holds_of_pool(work, pool_id, reason=reason)
