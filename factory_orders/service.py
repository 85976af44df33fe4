"""The room's use cases, gathered: what the API and the worker call; where pools meet the plant is `pools_service`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from factory_orders.agreements.amending_service import (
    Amendment,
    FreezePoints,
    amend_order,
    freeze_points,
    preview_amendment,
)
from factory_orders.balances.service import (
    BALANCE_PURPOSE,
    BalancePayment,
    lose_balance,
    pay_balance,
    pay_balances,
    receive_balance,
    renew_balance,
    request_balance,
    request_balances,
)
from factory_orders.cancellation.default_service import default_on_balance, remind_of_balance
from factory_orders.cancellation.service import (
    Cancellation,
    cancel_order,
    cancel_order_by_maker,
    preview_cancellation,
)
from factory_orders.conditions.service import answer_damage_case, check_condition
from factory_orders.consents.offer_service import REPAIR_OFFER_TIMER, lapse_offer
from factory_orders.damage.service import close_damage_case
from factory_orders.deliveries.appointment_service import Booking, book_handover, book_handovers, rebook_handover
from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER
from factory_orders.deliveries.handover_service import (
    CheckedCar,
    accept_disclosures,
    accept_disclosures_of,
    inspect_handover,
    inspect_handovers,
    reject_handover,
    sign_handover,
    sign_handovers,
)
from factory_orders.deliveries.late_service import credit_late_days
from factory_orders.deliveries.shipment_service import (
    Arrival,
    Damage,
    Leg,
    inspect_arrival,
    inspect_arrivals,
    report_shipment,
    report_shipments,
)
from factory_orders.early_cars.model import EARLY_TIMER
from factory_orders.early_cars.service import accept_early_car, decline_early_car, lapse_early_offer
from factory_orders.exchanges.model import SWAP_TIMER
from factory_orders.footfall.service import report_visitors
from factory_orders.hooks.sending_service import send_messages
from factory_orders.hooks.service import TOLD as TOLD_TO_PLANTS
from factory_orders.hooks.service import (
    HookSecret,
    add_hook,
    plant_behind,
    replay_hook,
    revoke_hook,
    rotate_secret,
    tell_plants,
)
from factory_orders.hours.service import give_store_hours
from factory_orders.light_stock.model import ANSWER_TIMER
from factory_orders.light_stock.round_service import ask_for_round, share_out_wanted
from factory_orders.light_stock.service import (
    answer_stock_move,
    plan_stock_sales,
    send_unanswered,
    show_stock_car,
)
from factory_orders.papers.service import ask_providers, request_paper
from factory_orders.parts.service import SUBSCRIPTIONS as PART_SUBSCRIPTIONS
from factory_orders.parts.service import (
    CalledOff,
    answer_call_off,
    call_off_all,
    call_off_parts,
    count_part,
    receive_call_off,
)
from factory_orders.personal.service import OrderData
from factory_orders.planning.line_days.service import SUBSCRIPTIONS as LINE_SUBSCRIPTIONS
from factory_orders.planning.line_days.service import MendedDay, mend_line_day, report_line_stop
from factory_orders.planning.order_service import (
    LATE_CREDIT_TIMER,
    SCHEDULE_TIMER,
    on_schedule_timer,
    schedule_batch,
    take_locked,
)
from factory_orders.planning.service import change_capacity, promise, release_slots, reserve_slots
from factory_orders.plant.service import Reported, report_plant_event, report_plant_events
from factory_orders.promises.calibration_service import learn_margins, release_calibration
from factory_orders.promises.hold_service import (
    HOLD_REMINDER_TIMER,
    expire_hold,
    hold_promise,
    release_promise,
    remind_of_hold,
)
from factory_orders.promises.nearby_service import DatedPool, DatedPools, nearest_pools_dated
from factory_orders.promises.store import HOLD_TIMER
from factory_orders.purchases.service import (
    BuyRequest,
    buy_stock_car,
    hold_stock_deposit,
    lose_stock_deposit,
    receive_stock_deposit,
)
from factory_orders.stock.model import STOCK_DEPOSIT_PURPOSE
from factory_orders.stock.service import (
    STOCK_HOLD_TIMER,
    ask_stock_quote,
    expire_stock_hold,
    hold_stock_car,
    price_stock_car,
    release_stock_car,
)
from factory_orders.stock_orders.service import SUBSCRIPTIONS as STOCK_ORDER_SUBSCRIPTIONS
from factory_orders.stock_orders.service import StockRequest, cancel_stock_order, order_stock
from factory_orders.store_closing.model import PICK_TIMER
from factory_orders.store_closing.service import ClosedStore, PickedStore, close_store, pick_store, remind_to_pick
from factory_orders.swap_offers.service import accept_car_swap, decline_car_swap, lapse_swap_offer
from factory_orders.taking.service import accept_repaired_car, decline_repaired_car
from factory_orders.waiting.model import OFFER_TIMER
from factory_orders.waiting.service import SUBSCRIPTIONS as WAITING_SUBSCRIPTIONS
from factory_orders.waiting.service import expire_wait_offers
from kernel.outbox import Subscription
from kernel.timers import Handler, Together

SUBSCRIPTIONS: Final[tuple[Subscription, ...]] = (
    *PART_SUBSCRIPTIONS,
    *WAITING_SUBSCRIPTIONS,
    *STOCK_ORDER_SUBSCRIPTIONS,
    *LINE_SUBSCRIPTIONS,
)
TIMERS: Final[Mapping[str, Handler]] = {
    ANSWER_TIMER: send_unanswered,
    EARLY_TIMER: lapse_early_offer,
    SWAP_TIMER: lapse_swap_offer,
    LATE_CREDIT_TIMER: credit_late_days,
    SCHEDULE_TIMER: on_schedule_timer,
    REMIND_TIMER: remind_of_balance,
    DEFAULT_TIMER: default_on_balance,
    HOLD_TIMER: expire_hold,
    PICK_TIMER: remind_to_pick,
    REPAIR_OFFER_TIMER: lapse_offer,
    HOLD_REMINDER_TIMER: remind_of_hold,
    STOCK_HOLD_TIMER: expire_stock_hold,
    OFFER_TIMER: Together(expire_wait_offers),
}

__all__ = [
    "BALANCE_PURPOSE",
    "STOCK_DEPOSIT_PURPOSE",
    "SUBSCRIPTIONS",
    "TIMERS",
    "TOLD_TO_PLANTS",
    "Amendment",
    "Arrival",
    "BalancePayment",
    "Booking",
    "BuyRequest",
    "CalledOff",
    "Cancellation",
    "CheckedCar",
    "ClosedStore",
    "Damage",
    "DatedPool",
    "DatedPools",
    "FreezePoints",
    "HookSecret",
    "Leg",
    "MendedDay",
    "OrderData",
    "PickedStore",
    "Reported",
    "StockRequest",
    "accept_car_swap",
    "accept_disclosures",
    "accept_disclosures_of",
    "accept_early_car",
    "accept_repaired_car",
    "add_hook",
    "amend_order",
    "answer_call_off",
    "answer_damage_case",
    "answer_stock_move",
    "ask_for_round",
    "ask_providers",
    "ask_stock_quote",
    "book_handover",
    "book_handovers",
    "buy_stock_car",
    "call_off_all",
    "call_off_parts",
    "cancel_order",
    "cancel_order_by_maker",
    "cancel_stock_order",
    "change_capacity",
    "check_condition",
    "close_damage_case",
    "close_store",
    "count_part",
    "decline_car_swap",
    "decline_early_car",
    "decline_repaired_car",
    "freeze_points",
    "give_store_hours",
    "hold_promise",
    "hold_stock_car",
    "hold_stock_deposit",
    "inspect_arrival",
    "inspect_arrivals",
    "inspect_handover",
    "inspect_handovers",
    "learn_margins",
    "lose_balance",
    "lose_stock_deposit",
    "mend_line_day",
    "nearest_pools_dated",
    "order_stock",
    "pay_balance",
    "pay_balances",
    "pick_store",
    "plan_stock_sales",
    "plant_behind",
    "preview_amendment",
    "preview_cancellation",
    "price_stock_car",
    "promise",
    "rebook_handover",
    "receive_balance",
    "receive_call_off",
    "receive_stock_deposit",
    "reject_handover",
    "release_calibration",
    "release_promise",
    "release_slots",
    "release_stock_car",
    "renew_balance",
    "replay_hook",
    "report_line_stop",
    "report_plant_event",
    "report_plant_events",
    "report_shipment",
    "report_shipments",
    "report_visitors",
    "request_balance",
    "request_balances",
    "request_paper",
    "reserve_slots",
    "revoke_hook",
    "rotate_secret",
    "schedule_batch",
    "send_messages",
    "share_out_wanted",
    "show_stock_car",
    "sign_handover",
    "sign_handovers",
    "take_locked",
    "tell_plants",
]
