"""What a planner sets for a pool, and the terms that it comes to; what is left out is the brand's policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from configurator.model import PoolingClass, Tier
from demand.pools.model import ClassLevel, PoolTerms
from demand.pools.policy import PoolPolicy


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a planner sets; None takes the brand's policy, `opens_at` None means now. `capacity` ≤ reserved slots."""

    cls: PoolingClass
    capacity: int
    level: ClassLevel = ClassLevel.L1
    minimum: int | None = None
    member_limit: int | None = None
    tiers: tuple[Tier, ...] | None = None
    opens_at: datetime | None = None
    deadline: datetime | None = None


def planned_terms(plan: PoolPlan, rules: PoolPolicy) -> PoolTerms:
    """Return the terms that a plan comes to: what it leaves out is the brand's policy, as far as the places go."""
    reached = tuple(Tier(*row) for row in rules.tiers if row[0] <= max(plan.capacity, rules.minimum))
    tiers = plan.tiers if plan.tiers is not None else reached
    minimum = plan.minimum if plan.minimum is not None else rules.minimum
    limit = plan.member_limit if plan.member_limit is not None else 2 * plan.capacity
    return PoolTerms(minimum, plan.capacity, limit, tiers, rules.deposit_minor, rules.freeze_hours)
