"""The use cases of demand, as others take them: pools and pre-orders, votes, comparisons, released cubes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from demand.compare.analysis_service import analyse_closed
from demand.compare.service import (
    ComparisonPlan,
    answer_price,
    answer_set,
    close_comparison,
    close_in_time,
    join_comparison,
    open_comparison,
)
from demand.compare.store import CLOSE_TIMER
from demand.cubes.service import SUBSCRIPTIONS, release_cubes
from demand.personal.service import DemandData
from demand.pools.clearing_service import cancel_pool, clear_pool, freeze_pool
from demand.pools.member_service import change_car, expire_pre_order, fund_pre_order, raise_cap, withdraw
from demand.pools.opening_service import PoolPlan, open_pool, open_scheduled, welcome_waiting
from demand.pools.placing import PreOrderRequest
from demand.pools.placing_service import Outcome, Placed, place_pre_orders
from demand.pools.pool_store import CLEAR_TIMER, FREEZE_TIMER, OPEN_TIMER, WELCOME_TIMER
from demand.pools.pre_order_store import DEPOSIT, EXPIRE_TIMER, deposit_account, earnest_account
from demand.pools.removal_service import lose_deposit
from demand.votes.service import (
    cast_vote,
    close_proposal,
    decline_proposal,
    merge_proposals,
    publish_proposal,
    revoke_vote,
    submit_proposal,
)
from kernel.timers import Handler

TIMERS: Final[Mapping[str, Handler]] = {
    OPEN_TIMER: open_scheduled,
    WELCOME_TIMER: welcome_waiting,
    FREEZE_TIMER: freeze_pool,
    CLEAR_TIMER: clear_pool,
    EXPIRE_TIMER: expire_pre_order,
    CLOSE_TIMER: close_in_time,
}
"""What the worker fires, by the timer's kind."""

DEPOSIT_PURPOSE: Final = DEPOSIT
"""The purpose of the payments that `fund_pre_order` takes and `lose_deposit` gives up."""

__all__ = [
    "DEPOSIT_PURPOSE",
    "SUBSCRIPTIONS",
    "TIMERS",
    "ComparisonPlan",
    "DemandData",
    "Outcome",
    "Placed",
    "PoolPlan",
    "PreOrderRequest",
    "analyse_closed",
    "answer_price",
    "answer_set",
    "cancel_pool",
    "cast_vote",
    "change_car",
    "close_comparison",
    "close_proposal",
    "decline_proposal",
    "deposit_account",
    "earnest_account",
    "fund_pre_order",
    "join_comparison",
    "lose_deposit",
    "merge_proposals",
    "open_comparison",
    "open_pool",
    "place_pre_orders",
    "publish_proposal",
    "raise_cap",
    "release_cubes",
    "revoke_vote",
    "submit_proposal",
    "withdraw",
]
