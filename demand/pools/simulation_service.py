"""Simulates a pool that a planner thinks of; it may know only what is published (DOMAIN section 6.3).

Only the command line imports this module, as what it simulates with is heavy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import literal, select

from configurator.model import PoolingClass, Tier
from configurator.service import prices_of_class
from demand.cubes.policy import CubePolicy
from demand.cubes.queries import option_totals
from demand.errors import TermsUnsound
from demand.pools.clearing_record import shown_counts
from demand.pools.model import ClassLevel, FrozenPool, OpenPool, Pool, PoolTerms, ScheduledPool, check_terms
from demand.pools.plan import PoolPlan, planned_terms
from demand.pools.plan_queries import check_tiers_pay
from demand.pools.policy import PoolPolicy
from demand.pools.rows import pool_from
from demand.pools.simulation import (
    DAYS_MAX,
    DRAWS_MAX,
    DemandSoFar,
    OptionSeen,
    Outlook,
    PoolSeen,
    TierSeen,
    expected_share,
    settled,
    simulate,
)
from demand.pools.tables import pool_changes, pool_clearings, pools
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.record import record_entries
from kernel.work import Work

POOLS_MAX: Final = 1_000
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Simulated:
    """An outlook with the terms it is about, and what it was drawn from; `opens_at` is in the brand's zone."""

    terms: PoolTerms
    opens_at: datetime
    days: int
    outlook: Outlook
    demand: DemandSoFar

    def date_after(self, days: float) -> date:
        """Return the date on which so many days have gone by since the opening."""
        return (self.opens_at + days * DAY).date()


def simulate_pool(work: Work, plan: PoolPlan, *, draws: int, seed: int) -> Simulated:
    """Say what would probably come of a pool; opens nothing and reserves nothing.

    Refuses what opening it would refuse of its terms (TermsUnsound, TierBelowCost), and NothingToGoBy.
    """
    work.actor.require(Permission.POOL_MANAGE)
    if not 1 <= draws <= DRAWS_MAX:
        raise InvalidInput("draws", because("DRAWS", most=DRAWS_MAX))
    rules = policy.current(work).section(PoolPolicy)
    terms = planned_terms(plan, rules)
    check_terms(terms)
    check_tiers_pay(work, plan.cls, terms, level=plan.level)
    opens_at = work.now if plan.opens_at is None else plan.opens_at
    days = rules.open_days if plan.deadline is None else _days(opens_at, plan.deadline)
    demand = demand_so_far(work, plan.cls, level=plan.level)
    outlook = simulate(terms, demand, days=days, draws=draws, seed=seed)
    return Simulated(terms, opens_at.astimezone(registry.own_brand(work).zone), days, outlook, demand)


def _days(opens_at: datetime, deadline: datetime) -> int:
    days = (deadline - opens_at) // DAY
    if not 1 <= days <= DAYS_MAX:
        raise TermsUnsound(because("POOL_DAYS", most=DAYS_MAX))
    return days


def demand_so_far(work: Work, cls: PoolingClass, *, level: ClassLevel) -> DemandSoFar:
    """Return what is published of the demand for a class: its own pools, or all pools and the class's part of them."""
    work.actor.require(Permission.POOL_MANAGE)
    any_trim = level is ClassLevel.L2
    prices = prices_of_class(work, cls, any_trim=any_trim)
    if prices is None:
        raise TermsUnsound(because("NO_CAR_OF_CLASS"))
    found = _pools(work)
    key = cls.l2_key if any_trim else cls.l1_key
    seen = _seen(work, found)
    own = _settled([one for one in found if one.head.class_key == key], seen)
    considered = own or _settled(found, seen)
    rates = _take_rates(work)
    return DemandSoFar(
        pools=tuple(seen[one.head.id] for one in considered),
        tiers=_tiers(work, [one.head.id for one in considered]),
        shares=() if own else tuple(rates.get(code, (0, 0)) for code in prices.fixed),
        crowd_share=1.0 if own else _crowd_share(work, considered, rates),
        base_price_minor=prices.base_price_minor,
        base_cost_minor=prices.base_cost_minor,
        options=tuple(OptionSeen(one.price_minor, one.cost_minor, *rates.get(one.code, (0, 0))) for one in prices.free),
    )


def _settled(found: Sequence[Pool], seen: Mapping[str, PoolSeen]) -> list[Pool]:
    """Return the pools that were open long enough to go by; one that has just opened says nothing of a rate."""
    kept = set(settled([seen[one.head.id] for one in found]))
    return [one for one in found if seen[one.head.id] in kept]


def _crowd_share(work: Work, found: Sequence[Pool], rates: Mapping[str, tuple[int, int]]) -> float:
    """Return which part of all the classes of pools were, on average: what the demand for another is scaled by."""
    parts = []
    for pool in found:
        cls = PoolingClass.from_key(pool.head.class_key)
        prices = prices_of_class(work, cls, any_trim=pool.head.level is ClassLevel.L2)
        if prices is not None:
            parts.append(expected_share([rates.get(code, (0, 0)) for code in prices.fixed]))
    return sum(parts) / len(parts) if parts else 1.0


def _pools(work: Work) -> list[Pool]:
    """Return the newest pools that took members at some time."""
    found = (
        select(pools)
        .where(pools.c.brand_id == work.actor.brand_id, pools.c.state != "scheduled")
        .order_by(pools.c.id.desc())
        .limit(POOLS_MAX)
    )
    return [pool_from(row).pool for row in work.connection.execute(found).mappings()]


def _seen(work: Work, found: Sequence[Pool]) -> dict[str, PoolSeen]:
    """Return by pool how many had joined it at its end, or have now, beside those who rolled in as it opened.

    Both were counts that everybody could see.
    """
    at_end = _members_at_end(work, [one.head.id for one in found])
    at_opening = _members_at_opening(work, [one.head.id for one in found])
    seen: dict[str, PoolSeen] = {}
    for pool in found:
        head = pool.head
        is_on = isinstance(pool, OpenPool | FrozenPool | ScheduledPool)
        until = min(work.now, head.deadline) if is_on else min(_ended_at(pool), head.deadline)
        members = head.members if is_on else at_end.get(head.id, head.members)
        came = max(members - at_opening.get(head.id, 0), 0)
        seen[head.id] = PoolSeen(came, max((until - head.opens_at) / DAY, 0.0))
    return seen


def _ended_at(pool: Pool) -> datetime:
    assert not isinstance(pool, OpenPool | FrozenPool | ScheduledPool)
    return pool.at


def _members_at_end(work: Work, pool_ids: Sequence[str]) -> dict[str, int]:
    """Return the member counts of ended pools as they were told: by a clearing, or by the chain of one that failed."""
    table, entries = pool_clearings.c, record_entries.c
    cleared = select(table.pool_id, table.members).where(db.among(table.pool_id, pool_ids))
    members: dict[str, int] = {row.pool_id: row.members for row in work.connection.execute(cleared)}
    ended = select(entries.chain, entries.body).where(
        entries.brand_id == work.actor.brand_id,
        db.among(entries.chain, [f"pool:{pool_id}" for pool_id in pool_ids]),
        entries.kind.in_(("pool.failed", "pool.cancelled")),
    )
    for row in work.connection.execute(ended):
        members[row.chain.removeprefix("pool:")] = int(row.body["members"])
    return members


def _members_at_opening(work: Work, pool_ids: Sequence[str]) -> dict[str, int]:
    """Return how many each pool had as it opened, by its chain: all of them rolled over and were funded before."""
    entries, changes = record_entries.c, pool_changes.c
    first = (
        select(changes.pool_id, changes.at, entries.body)
        .join(record_entries, entries.chain == literal("pool:") + changes.pool_id)
        .where(
            db.among(changes.pool_id, pool_ids),
            changes.reason == "opened",
            entries.brand_id == work.actor.brand_id,
            entries.kind == "pool.joined",
            entries.at <= changes.at,
        )
    )
    members: dict[str, int] = {}
    for row in work.connection.execute(first):
        rolled = sum(datetime.fromisoformat(place["funded_at"]) < row.at for place in row.body["places"])
        members[row.pool_id] = members.get(row.pool_id, 0) + rolled
    return members


def _tiers(work: Work, pool_ids: Sequence[str]) -> tuple[TierSeen, ...]:
    """Return the counts of past clearings that are shown to everybody."""
    k = policy.current(work).section(CubePolicy).k
    table = pool_clearings.c
    found = (
        select(table.members, table.reached, pools.c.tiers)
        .join(pools, pools.c.id == table.pool_id)
        .where(table.brand_id == work.actor.brand_id, db.among(table.pool_id, pool_ids))
    )
    seen = []
    for row in work.connection.execute(found):
        tiers = [Tier(*one) for one in row.tiers]
        for tier, count in zip(tiers, shown_counts(row.reached, members=row.members, k=k), strict=True):
            if count is not None:
                seen.append(TierSeen(tier.discount_bp, count, row.members))
    return tuple(seen)


def _take_rates(work: Work) -> dict[str, tuple[int, int]]:
    """Return (chosen, offered) of each option in the newest release, all regions and weeks; empty before the first."""
    return option_totals(work) if work.actor.may(Permission.DEMAND_READ) else {}
