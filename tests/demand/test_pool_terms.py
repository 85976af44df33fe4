"""The terms of a pool: which are refused, which have no place, and which are costlier for a member than others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from configurator.model import Tier
from demand.errors import PoolAlreadyOpen, TermsUnsound, TierBelowCost
from demand.pools.model import PoolTerms, is_costlier
from demand.pools.plan import PoolPlan, planned_terms
from demand.pools.policy import PoolPolicy
from demand.service import cancel_pool
from kernel.errors import Forbidden
from tests.demand.pool_room import PoolRoom

TERMS = PoolTerms(60, 400, 800, (Tier(60, 0), Tier(120, 200), Tier(240, 500)), 500_000, 72)
COSTLIER = {
    "less off at the first tier": replace(TERMS, tiers=(Tier(60, 0), Tier(120, 200), Tier(240, 400))),
    "a tier that starts later": replace(TERMS, tiers=(Tier(60, 0), Tier(150, 200), Tier(240, 500))),
    "a tier left out": replace(TERMS, tiers=(Tier(60, 0), Tier(240, 500))),
    "a larger deposit": replace(TERMS, deposit_minor=500_001),
}
NOT_COSTLIER = {
    "the same": TERMS,
    "more off": replace(TERMS, tiers=(Tier(60, 0), Tier(120, 300), Tier(240, 500))),
    "an earlier tier": replace(TERMS, tiers=(Tier(60, 0), Tier(100, 200), Tier(240, 500))),
    "a lower minimum": replace(TERMS, minimum=30, tiers=(Tier(30, 0), Tier(120, 200), Tier(240, 500))),
    "a capacity that a tier lies beyond": replace(TERMS, capacity=200, member_limit=400, tiers=TERMS.tiers[:2]),
}


@pytest.mark.parametrize("what", COSTLIER | NOT_COSTLIER)
def test_terms_are_costlier_where_any_number_of_members_would_pay_more(room: PoolRoom, what: str) -> None:
    room.open()
    (member,) = room.join(1)

    assert is_costlier(member.pre_order.head, old=TERMS, new=(COSTLIER | NOT_COSTLIER)[what]) == (what in COSTLIER)


def test_first_tiers_are_the_most_one_pays_also_where_the_numbers_do_not_meet(room: PoolRoom) -> None:
    room.open()
    (member,) = room.join(1)
    early = PoolTerms(60, 100, 200, (Tier(60, 0),), 500_000, 72)
    late = PoolTerms(120, 200, 400, (Tier(120, 200),), 500_000, 72)

    assert is_costlier(member.pre_order.head, old=late, new=early)
    assert not is_costlier(member.pre_order.head, old=early, new=late)


def test_unsound_terms_a_tier_below_cost_and_a_second_open_pool_are_refused(room: PoolRoom) -> None:
    with pytest.raises(TermsUnsound):
        room.open(tiers=(Tier(3, 200), Tier(5, 0)))
    with pytest.raises(TermsUnsound):
        room.open(tiers=(Tier(3, -100), Tier(5, 0)))
    with pytest.raises(TierBelowCost) as below:
        room.open(tiers=(Tier(3, 0), Tier(5, 2_500)))
    assert below.value.text().startswith("At 25 % off, ")
    assert below.value.text("zh-CN").startswith("优惠25%时，")
    with pytest.raises(Forbidden), room.works.change(room.buyer(1)) as work:
        cancel_pool(work, "f" * 32, reason="no")
    room.open()
    with pytest.raises(PoolAlreadyOpen):
        room.open()


def test_a_pool_has_no_tier_that_it_has_no_places_for(room: PoolRoom) -> None:
    with pytest.raises(TermsUnsound) as refused:
        room.open(capacity=4, tiers=(Tier(3, 0), Tier(5, 200)))
    left_out = planned_terms(PoolPlan(room.cls, capacity=200), PoolPolicy())

    assert "a tier begins with 4 members at most" in refused.value.text()
    assert [tier.members for tier in left_out.tiers] == [60, 120]
