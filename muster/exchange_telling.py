"""Who is told of equal cars: both buyers of a swap, and who may have a car sooner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from factory_orders.early_cars.events import EarlyCarOffered
from factory_orders.exchanges.events import CarSwapOffered, OrderCarSwapped
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "order_car_sooner",
    "您的车可更早交付",
    "为减少延迟，您的订单换用了一辆配置完全相同、进度更快的新车，预计{ready_on}在店备妥，提前{days}天。价格与合同交期不变。",
    "Your car comes sooner",
    "So that you wait less, an equal new car that is further built is yours now. It should stand ready on {ready_on}, "
    "{days:day|days} sooner. Price and contract date stay.",
)
register_notice(
    "order_car_swapped",
    "您的订单换用同配置新车",
    "为帮助一位可能延迟的车主，您的订单换用了另一辆配置完全相同的新车，预计{ready_on}在店备妥（原车预计{was_on}）。价格与合同交期不变，逾期仍按约补偿。",
    "Another, equal car is yours",
    "To help somebody who would have been late, another, equal new car is yours now. It should stand ready on "
    "{ready_on} (the other one: {was_on}). Price and contract date stay, and so do late credits.",
)
register_notice(
    "early_car_offered",
    "有同配置新车可提前交付",
    "一辆与您订单配置完全相同的新车已经下线，可提前{days}天交付。价格、门店与合同交期不变；接受后按已生产车辆办理，不再另行生产。"
    "请在{answer_by}前答复，未答复则按原计划生产。",
    "Your car could come sooner",
    "An equal new car is there already and could be yours {days:day|days} sooner. Price, store and contract date stay; "
    "once you take it, your order counts as built and no other car is. Answer by {answer_by}; without a word yours is "
    "built.",
)
register_notice(
    "car_swap_offered",
    "有一辆进度更快的同配置新车",
    "您的订单可能延迟。另一订单有一辆与您配置完全相同、进度更快的新车，换用后可提前{days}天，且不会使对方延迟。价格、门店与合同交期不变；"
    "换用后按该车的进度处理，届时不能再免费退单或更改选配。请在{answer_by}前答复，未答复则按原计划生产。",
    "An equal car could come sooner",
    "Your order would be late. Another order has an equal new car that is further built; with it yours comes "
    "{days:day|days} sooner, and nobody becomes late for it. Price, store and contract date stay; from then on your "
    "order counts as far as that car is, and can be left or changed only so. Answer by {answer_by}; without a word "
    "yours is built.",
)


def tell_of_exchanges(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers."""
    notify_many(work, [notice for letter in letters for notice in _of_exchange(letter)])


def _of_exchange(letter: Letter) -> Iterator[NewNotice]:
    match letter.event:
        case OrderCarSwapped(account_id=account_id, days_sooner=days, ready_on=ready_on, was_on=was_on):
            facts: dict[str, Fact] = {"ready_on": ready_on}
            if days:
                yield NewNotice(account_id, "order_car_sooner", facts | {"days": days}, letter.event_id)
            else:
                yield NewNotice(account_id, "order_car_swapped", facts | {"was_on": was_on}, letter.event_id)
        case EarlyCarOffered(account_id=account_id, days_sooner=days, answer_by=answer_by):
            yield NewNotice(account_id, "early_car_offered", {"days": days, "answer_by": answer_by}, letter.event_id)
        case CarSwapOffered(account_id=account_id, days_sooner=days, answer_by=answer_by):
            yield NewNotice(account_id, "car_swap_offered", {"days": days, "answer_by": answer_by}, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription(
    "telling.exchanges",
    frozenset({OrderCarSwapped.kind, EarlyCarOffered.kind, CarSwapOffered.kind}),
    tell_of_exchanges,
)
