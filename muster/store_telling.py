"""Who is told that a store has closed: the buyers whose cars would go there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.store_closing.events import OrderStoreClosed
from kernel.notices import NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "order_store_closed",
    "您的交车门店已停业",
    "您订单的交车门店已停业，请另选一家门店。价格与合同交期不变，您的车将送往您选择的门店。",
    "Your store has closed",
    "The store of your order has closed. Pick another one: price and contract date stay, and your car goes there.",
)


def tell_of_closing(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers."""
    events = [(letter.event, letter.event_id) for letter in letters]
    notify_many(
        work,
        [
            NewNotice(event.account_id, "order_store_closed", {}, event_id)
            for event, event_id in events
            if isinstance(event, OrderStoreClosed)
        ],
    )


TELLER: Final = Subscription("telling.stores", frozenset({OrderStoreClosed.kind}), tell_of_closing)
