"""What a buyer is told of agreements after the lock, in both languages, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.agreements.events import OrderAmended
from kernel.money import Money
from kernel.notices import NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "order_amended",
    "您的订单已更改",
    "您的选配更改已确认：差价{difference}，更改费{fee}，车辆现价{price}。差额在交车时结清，交期不变。",
    "Your order was changed",
    "Your change of the car is confirmed: a price difference of {difference}, a fee of {fee}. The car costs {price} "
    "now. The difference is settled at the handover, and the date stays.",
)


def tell_of_agreements(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers what was agreed on."""
    notify_many(work, [_of_agreement(letter) for letter in letters])


def _of_agreement(letter: Letter) -> NewNotice:
    match letter.event:
        case OrderAmended() as amended:
            facts = {
                "difference": Money(amended.price_delta_minor),
                "fee": Money(amended.fee_minor),
                "price": Money(amended.price_minor),
            }
            return NewNotice(amended.account_id, "order_amended", facts, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription("telling.agreements", frozenset({OrderAmended.kind}), tell_of_agreements)
