"""A pool played before it is opened: it keeps the rules of a real one, follows the demand, and says what it cannot."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import Tier
from demand.errors import NothingToGoBy, TermsUnsound, TierBelowCost
from demand.pools.joining import clearing_number
from demand.pools.model import ClassLevel, FailureChoice, PoolTerms
from demand.pools.plan import PoolPlan
from demand.pools.simulation import (
    DemandSoFar,
    JoinRate,
    OptionSeen,
    PoolSeen,
    Range,
    TierSeen,
    clear_counts,
    expected_share,
    join_rate,
    simulate,
)
from demand.pools.simulation_service import Simulated, simulate_pool
from kernel.errors import Forbidden, InvalidInput
from tests.configurator.small_brand import PLANNER
from tests.demand.pool_room import TIERS, PoolRoom

TERMS = PoolTerms(60, 400, 800, (Tier(60, 0), Tier(120, 200), Tier(240, 500)), 500_000, 72)
DEMAND = DemandSoFar(
    pools=(PoolSeen(210, 21.0),),
    tiers=(),
    shares=(),
    crowd_share=1.0,
    base_price_minor=12_000_000,
    base_cost_minor=10_000_000,
    options=(OptionSeen(1_000_000, 400_000, 50, 100),),
)
DRAWS = 400


def play(room: PoolRoom, plan: PoolPlan, *, seed: int = 1, draws: int = DRAWS) -> Simulated:
    with room.works.read(PLANNER) as work:
        return simulate_pool(work, plan, draws=draws, seed=seed)


def plan_of(room: PoolRoom, *, capacity: int = 8, tiers: tuple[Tier, ...] = TIERS) -> PoolPlan:
    return PoolPlan(room.cls, capacity, minimum=tiers[0].members, tiers=tiers)


# --- the arithmetic --------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 12), min_size=3, max_size=3),
    st.integers(1, 3),
    st.integers(4, 6),
    st.integers(7, 9),
    st.integers(9, 12),
)
def test_counts_clear_as_in_a_real_pool(more: list[int], first: int, second: int, third: int, capacity: int) -> None:
    terms = PoolTerms(first, capacity, 2 * capacity, (Tier(first, 0), Tier(second, 1), Tier(third, 2)), 1, 72)
    reaching = np.cumsum(more)

    number, tier = clear_counts(terms, reaching[None, :])

    expected = clearing_number(terms, [int(count) for count in reaching])
    assert (int(number[0]), int(tier[0])) == (expected or (0, -1))


def test_the_same_seed_gives_the_same_outlook_and_another_another() -> None:
    one, same, other = (simulate(TERMS, DEMAND, days=21, draws=DRAWS, seed=seed) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def test_ten_a_day_for_three_weeks_is_some_two_hundred() -> None:
    outlook = simulate(TERMS, DEMAND, days=21, draws=4_000, seed=1)

    assert outlook.tips == 1.0
    assert 200 <= outlook.members.middle <= 220
    assert outlook.members.low < 195 < 225 < outlook.members.high
    assert outlook.lock_day == Range(21.0, 21.0, 21.0)
    assert outlook.tip_day is not None
    assert 6 <= outlook.tip_day.middle <= 8
    assert outlook.waiting_days is not None
    assert 9.5 <= outlook.waiting_days.middle <= 11.5
    # Half of all cars have the option; 120 to 239 members get 2 % off.
    assert outlook.price_minor is not None
    assert outlook.price_minor.middle == pytest.approx(12_500_000 * 0.98, rel=0.01)
    assert outlook.margin_minor is not None
    assert outlook.margin_minor.middle == pytest.approx(12_500_000 * 0.98 - 10_200_000, rel=0.02)


def test_a_crowd_fills_the_pool_which_then_freezes_and_takes_no_more_than_its_limit() -> None:
    outlook = simulate(TERMS, replace(DEMAND, pools=(PoolSeen(4_200, 21.0),)), days=21, draws=DRAWS, seed=1)

    assert outlook.lock_day is not None
    assert outlook.lock_day.high <= 7
    assert outlook.members.high <= TERMS.member_limit
    assert outlook.cleared == Range(400.0, 400.0, 400.0)
    assert outlook.beyond is not None
    assert outlook.beyond.middle > 100


def test_a_trickle_does_not_tip_and_then_nothing_is_said_of_prices() -> None:
    outlook = simulate(TERMS, replace(DEMAND, pools=(PoolSeen(10, 21.0),)), days=21, draws=DRAWS, seed=1)

    assert outlook.tips == 0.0
    assert (outlook.price_minor, outlook.tip_day, outlook.cleared) == (None, None, None)
    assert outlook.members.high < 60


def test_members_whose_caps_are_low_tip_no_pool_by_their_number_alone() -> None:
    low = replace(DEMAND, tiers=(TierSeen(0, 5, 200), TierSeen(200, 10, 200)))

    outlook = simulate(TERMS, low, days=21, draws=DRAWS, seed=1)

    assert outlook.tips < 0.1
    assert outlook.members.middle > 150


def test_pools_that_differed_make_a_wider_outlook_than_pools_that_were_alike() -> None:
    alike = replace(DEMAND, pools=tuple(PoolSeen(210, 21.0) for _ in range(4)))
    differing = replace(DEMAND, pools=tuple(PoolSeen(joined, 21.0) for joined in (60, 150, 270, 360)))

    narrow, wide = (simulate(TERMS, demand, days=21, draws=2_000, seed=1).members for demand in (alike, differing))

    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


FIVE = tuple(PoolSeen(joined, 21.0) for joined in (100, 110, 95, 120, 105))


@pytest.mark.parametrize("young", [PoolSeen(0, 0.04), PoolSeen(20, 0.04), PoolSeen(60, 0.04), PoolSeen(60, 0.5)])
def test_a_pool_that_has_just_opened_changes_nothing(young: PoolSeen) -> None:
    before, after = (
        simulate(TERMS, replace(DEMAND, pools=pools), days=21, draws=2_000, seed=1) for pools in (FIVE, (*FIVE, young))
    )

    assert after == before
    assert after.tips > 0.95
    assert (85, 100, 115) < (after.members.low, after.members.middle, after.members.high) < (95, 112, 130)


def test_a_rush_of_three_days_among_long_pools_widens_the_outlook_and_does_not_empty_it() -> None:
    outlook = simulate(TERMS, replace(DEMAND, pools=(*FIVE, PoolSeen(45, 3.0))), days=21, draws=2_000, seed=1)

    assert outlook.tips > 0.8
    assert 90 < outlook.members.middle < 130
    assert outlook.members.low > 40


def test_a_pool_of_one_day_serves_where_none_is_older_and_a_younger_one_does_not() -> None:
    assert join_rate([PoolSeen(10, 1.0), PoolSeen(500, 0.5)]) == join_rate([PoolSeen(10, 1.0)]) == JoinRate(10.5, 10.5)
    with pytest.raises(NothingToGoBy):
        join_rate([PoolSeen(500, 0.5)])


def test_the_moments_weigh_a_pool_by_its_days() -> None:
    # By hand: T = 60, m = 120.5 / 60, sum of t (x - m)^2 = 10 (5 - m)^2 + 20 (2 - m)^2 + 30 (1 - m)^2.
    mean = 120.5 / 60
    spread = 10 * (5 - mean) ** 2 + 20 * (2 - mean) ** 2 + 30 * (1 - mean) ** 2
    between = (spread - 2 * mean) / (60 - 1_400 / 60)

    found = join_rate([PoolSeen(50, 10.0), PoolSeen(40, 20.0), PoolSeen(30, 30.0)])

    assert found.mean == pytest.approx(mean)
    assert found.variance == pytest.approx(between * (1 + 1_400 / 3_600) + mean / 60)


def test_pools_that_differ_no_more_than_chance_are_taken_as_alike() -> None:
    found = join_rate([PoolSeen(100, 20.0), PoolSeen(101, 20.0), PoolSeen(99, 20.0)])

    assert found.variance == pytest.approx(found.mean / 60)


def test_the_moments_find_the_crowds_that_pools_were_drawn_from() -> None:
    chance = np.random.default_rng(5)
    days = chance.uniform(3, 21, 6_000)
    rates = chance.gamma(4.0, 1.5, 6_000)
    joined = chance.poisson(rates * days)

    found = join_rate([PoolSeen(int(n), float(t)) for n, t in zip(joined, days, strict=True)])

    assert found.mean == pytest.approx(6.0, rel=0.03)
    assert found.variance == pytest.approx(9.0, rel=0.06)


def test_another_class_is_scaled_by_its_part_of_the_demand() -> None:
    rare = replace(DEMAND, shares=((100, 1_000),), crowd_share=expected_share([(500, 1_000)]))

    outlook = simulate(TERMS, rare, days=21, draws=2_000, seed=1)

    assert outlook.members.middle == pytest.approx(210 / 5, rel=0.15)


def test_without_any_pool_there_is_nothing_to_go_by() -> None:
    with pytest.raises(NothingToGoBy):
        simulate(TERMS, replace(DEMAND, pools=()), days=21, draws=10, seed=1)


# --- on a brand ------------------------------------------------------------------------------------------------------


def test_a_planner_simulates_from_the_pools_that_were(room: PoolRoom) -> None:
    with pytest.raises(NothingToGoBy):
        play(room, plan_of(room))
    room.open()
    room.join(*range(1, 7))
    room.pass_time(days=21)
    room.open()
    room.join(1, 2)
    room.pass_time(days=21)

    found = play(room, plan_of(room))

    assert [(one.joined, one.days) for one in found.demand.pools] == [(2, 21.0), (6, 21.0)]
    # Six members are too few to say how many of them agreed to which price.
    assert found.demand.tiers == ()
    assert found.demand.shares == ()
    assert (found.demand.base_price_minor, found.days) == (10_000_000, 21)
    today = room.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    assert [found.date_after(days) for days in (0, 2.0, 21)] == [today + timedelta(days=days) for days in (0, 2, 21)]
    assert 0 < found.outlook.tips < 1
    with room.works.read(PLANNER) as work:
        assert work.connection.exec_driver_sql("SELECT COUNT(*) FROM pools").scalar_one() == 2


def test_who_rolled_in_as_a_pool_opened_is_no_part_of_its_rate(room: PoolRoom) -> None:
    first = room.open(tiers=(Tier(8, 0),))
    room.join(1, 2, 3, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    room.open(tiers=(Tier(8, 0),))
    room.join(4, 5)
    assert room.count(first) == 0

    room.pass_time(days=21)

    assert [(one.joined, one.days) for one in play(room, plan_of(room)).demand.pools] == [(2, 21.0), (3, 21.0)]


def test_a_pool_of_the_class_that_has_just_opened_is_left_out_and_so_it_goes_by_the_others(room: PoolRoom) -> None:
    room.open(level=ClassLevel.L2)
    room.place(*(room.request(room.buyer(name), accepts_wider_class=True) for name in (1, 2, 3)))
    room.pass_time(days=21)
    room.open()
    room.join(4, 5)
    room.pass_time(hours=1)

    found = play(room, plan_of(room))

    assert found.demand.pools == (PoolSeen(3, 21.0),)
    assert found.demand.shares == ((0, 0), (0, 0))


def test_a_class_without_a_pool_of_its_own_is_scaled_from_others(room: PoolRoom) -> None:
    room.open()
    room.join(1, 2, 3)
    room.pass_time(days=21)
    wide = replace(plan_of(room), level=ClassLevel.L2)

    found = play(room, wide)

    assert len(found.demand.shares) == 1
    assert found.demand.pools == (PoolSeen(3, 21.0),)


def test_terms_that_could_not_be_opened_are_not_simulated(room: PoolRoom) -> None:
    room.open()
    room.join(1)

    with pytest.raises(TierBelowCost):
        play(room, plan_of(room, tiers=(Tier(3, 0), Tier(5, 2_500))))
    with pytest.raises(TermsUnsound):
        play(room, plan_of(room, tiers=(Tier(3, 200), Tier(5, 0))))
    with pytest.raises(InvalidInput):
        play(room, plan_of(room), draws=0)
    with pytest.raises(TermsUnsound):
        play(room, replace(plan_of(room), deadline=room.clock.now() - timedelta(days=1)))
    with pytest.raises(Forbidden), room.works.read(room.buyer(1)) as work:
        simulate_pool(work, plan_of(room), draws=10, seed=1)


def test_a_server_does_not_load_what_simulates() -> None:
    code = "import sys, demand.service, demand.queries; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
