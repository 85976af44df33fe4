"""Who is told that a store has closed: the buyers whose cars would go there, and members of pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.store_closing.events import OrderStoreClosed, PreOrderStoreClosed
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
register_notice(
    "pre_order_store_closed",
    "您预订的交车门店已停业",
    "您拼单预订所选的交车门店已停业。您的名额、价格上限与定金不变；锁单后请另选一家门店，您的车将送往您选择的门店。",
    "The store of your pre-order has closed",
    "The store that you chose for your pre-order has closed. Place, price and deposit stay. Once your pool locks you "
    "pick another store, and your car goes there.",
)


def tell_of_closing(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers."""
    notify_many(work, [_of_closing(letter) for letter in letters])


def _of_closing(letter: Letter) -> NewNotice:
    match letter.event:
        case OrderStoreClosed(account_id=account_id):
            return NewNotice(account_id, "order_store_closed", {}, letter.event_id)
        case PreOrderStoreClosed(account_id=account_id):
            return NewNotice(account_id, "pre_order_store_closed", {}, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription(
    "telling.stores", frozenset({OrderStoreClosed.kind, PreOrderStoreClosed.kind}), tell_of_closing
)
