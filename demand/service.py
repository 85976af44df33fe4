"""The use cases of demand, as others take them: pools, votes, comparisons, backings, cubes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from demand.backing.commitment_service import SUBSCRIPTIONS as COMMITMENTS
from demand.backing.commitment_service import (
    close_window,
    commit_to_proposal,
    note_broken,
    note_overdue,
    remind_of_answer,
)
from demand.backing.holding_service import hold_backing
from demand.backing.lineage_service import NumberedCar, note_cars
from demand.backing.service import (
    BackRequest,
    back_proposal,
    expire_backing,
    fund_backing,
    lose_backing,
    open_backing,
    withdraw_backing,
)
from demand.backing.store import (
    BACKING,
    DUE_TIMER,
    PROMISE_TIMER,
    REMIND_TIMER,
    WINDOW_TIMER,
    backing_account,
)
from demand.backing.store import EXPIRE_TIMER as BACKING_TIMER
from demand.circles.owners.service import (
    NewOwner,
    answer_as_owner,
    answer_test_drive,
    ask_for_test_drive,
    ask_owners,
    host_test_drives,
    note_owners,
    remove_own_words,
    stop_hosting,
    take_down_words,
)
from demand.circles.release_service import CIRCLES_TIMER, release_circles
from demand.circles.service import (
    close_circle,
    found_circle,
    invite_to_circle,
    join_circle,
    leave_circle,
    message_circle,
    offer_to_circle,
    propose_in_circle,
)
from demand.compare.analysis_service import analyse_closed
from demand.compare.service import (
    ComparisonPlan,
    SheetAnswer,
    answer_price,
    answer_set,
    answer_sheet,
    close_comparison,
    close_in_time,
    join_comparison,
    open_comparison,
)
from demand.compare.store import CLOSE_TIMER
from demand.cubes.intake_service import SUBSCRIPTIONS as CUBES
from demand.cubes.intake_service import Ended, note_cancelled, note_delivered
from demand.cubes.service import release_cubes
from demand.digest.service import make_digest
from demand.forecasts.service import forecast_released
from demand.personal.service import DemandData
from demand.pools.clearance_service import approve_finance, choose_method, confirm_plate
from demand.pools.clearing_service import cancel_pool, clear_pool, freeze_pool, tell_freeze_near, tell_pools
from demand.pools.holding_service import hold_deposit
from demand.pools.member_service import change_car, expire_pre_order, fund_pre_order, raise_cap, withdraw
from demand.pools.nearest_service import CarAtHand, NearestPool, NearestPools, PoolForCar, nearest_pools
from demand.pools.opening_service import open_pool, open_scheduled, welcome_waiting
from demand.pools.placing import PreOrderRequest
from demand.pools.placing_service import Outcome, Placed, place_pre_orders
from demand.pools.plan import PoolPlan
from demand.pools.pool_store import (
    ANSWER_TIMER,
    CLEAR_TIMER,
    FREEZE_TIMER,
    NEAR_TIMER,
    OPEN_TIMER,
    ROLLED_TIMER,
    WELCOME_TIMER,
)
from demand.pools.pre_order_store import DEPOSIT, EXPIRE_TIMER, deposit_account, earnest_account
from demand.pools.removal_service import lose_deposit, remove_member
from demand.votes.service import (
    cast_vote,
    cast_votes,
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
    ROLLED_TIMER: tell_pools,
    ANSWER_TIMER: welcome_waiting,
    NEAR_TIMER: tell_freeze_near,
    FREEZE_TIMER: freeze_pool,
    CLEAR_TIMER: clear_pool,
    EXPIRE_TIMER: expire_pre_order,
    CLOSE_TIMER: close_in_time,
    BACKING_TIMER: expire_backing,
    REMIND_TIMER: remind_of_answer,
    DUE_TIMER: note_overdue,
    PROMISE_TIMER: note_broken,
    WINDOW_TIMER: close_window,
}
"""What the worker fires, by the timer's kind."""

SUBSCRIPTIONS: Final = (*CUBES, *COMMITMENTS)
"""What the worker hands news to."""

BACKING_PURPOSE: Final = BACKING
"""The purpose of the payments that `fund_backing` takes."""

DEPOSIT_PURPOSE: Final = DEPOSIT
"""The purpose of the payments that `fund_pre_order` takes and `lose_deposit` gives up."""

__all__ = [
    "BACKING_PURPOSE",
    "CIRCLES_TIMER",
    "DEPOSIT_PURPOSE",
    "SUBSCRIPTIONS",
    "TIMERS",
    "BackRequest",
    "CarAtHand",
    "ComparisonPlan",
    "DemandData",
    "Ended",
    "NearestPool",
    "NearestPools",
    "NewOwner",
    "NumberedCar",
    "Outcome",
    "Placed",
    "PoolForCar",
    "PoolPlan",
    "PreOrderRequest",
    "SheetAnswer",
    "analyse_closed",
    "answer_as_owner",
    "answer_price",
    "answer_set",
    "answer_sheet",
    "answer_test_drive",
    "approve_finance",
    "ask_for_test_drive",
    "ask_owners",
    "back_proposal",
    "backing_account",
    "cancel_pool",
    "cast_vote",
    "cast_votes",
    "change_car",
    "choose_method",
    "close_circle",
    "close_comparison",
    "close_proposal",
    "commit_to_proposal",
    "confirm_plate",
    "decline_proposal",
    "deposit_account",
    "earnest_account",
    "forecast_released",
    "found_circle",
    "fund_backing",
    "fund_pre_order",
    "hold_backing",
    "hold_deposit",
    "host_test_drives",
    "invite_to_circle",
    "join_circle",
    "join_comparison",
    "leave_circle",
    "lose_backing",
    "lose_deposit",
    "make_digest",
    "merge_proposals",
    "message_circle",
    "nearest_pools",
    "note_cancelled",
    "note_cars",
    "note_delivered",
    "note_owners",
    "offer_to_circle",
    "open_backing",
    "open_comparison",
    "open_pool",
    "place_pre_orders",
    "propose_in_circle",
    "publish_proposal",
    "raise_cap",
    "release_circles",
    "release_cubes",
    "remove_member",
    "remove_own_words",
    "revoke_vote",
    "stop_hosting",
    "submit_proposal",
    "take_down_words",
    "withdraw",
    "withdraw_backing",
]
