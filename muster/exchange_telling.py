"""Who is told that their order's car is another, equal one now: both buyers of a swap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from factory_orders.exchanges.events import OrderCarSwapped
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "order_car_sooner",
    "您的车可更早交付",
    "为减少延迟，您的订单换用了一辆配置完全相同、进度更快的新车，预计{ready_on}在店备妥，提前{days}天。价格与合同交期不变。",
    "Your car comes sooner",
    "So that you wait less, an equal new car that is further built is yours now. It should stand ready on {ready_on}, "
    "{days} days sooner. Price and contract date stay.",
)
register_notice(
    "order_car_swapped",
    "您的订单换用同配置新车",
    "为帮助一位可能延迟的车主，您的订单换用了另一辆配置完全相同的新车，预计{ready_on}在店备妥。价格与合同交期不变，逾期仍按约补偿。",
    "Another, equal car is yours",
    "To help somebody who would have been late, another, equal new car is yours now. It should stand ready on "
    "{ready_on}. Price and contract date stay, and so do late credits.",
)


def tell_of_exchanges(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers."""
    notify_many(work, [notice for letter in letters for notice in _of_exchange(letter)])


def _of_exchange(letter: Letter) -> Iterator[NewNotice]:
    match letter.event:
        case OrderCarSwapped(account_id=account_id, days_sooner=days, ready_on=ready_on):
            facts: dict[str, Fact] = {"ready_on": ready_on}
            if days:
                yield NewNotice(account_id, "order_car_sooner", facts | {"days": days}, letter.event_id)
            else:
                yield NewNotice(account_id, "order_car_swapped", facts, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription("telling.exchanges", frozenset({OrderCarSwapped.kind}), tell_of_exchanges)
