"""Who would wait too long for a car, or longer than was accepted, is told of the way out, in their language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.events import OrderPlannedLater
from factory_orders.waiting.events import WaitOffered
from kernel.money import Money
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "wait_offered",
    "您的车等待时间较长",
    "您的车从锁单起约需等待{days}天。请在{until}前选择：继续等待，交车后获得{credit}补偿；或免费退出，定金全额退还。"
    "未答复则订单不变。",
    "Your car takes long",
    "From the lock to your car it takes about {days:day|days}. Choose until {until}: wait and get {credit} with the "
    "car, or leave free with all your money back. Without an answer your order stands as it is.",
)
register_notice(
    "order_planned_later",
    "交期晚于您接受的日期",
    "您的车将不晚于{due}到店，晚于您接受的{accepted}。车身开工前，您可以免费退出，定金全额退还；"
    "如愿继续等待，无需任何操作。",
    "Your car comes later than the date you accepted",
    "Your car is to be at the store by {due}, later than {accepted}, which you accepted. Until its body is begun you"
    " may leave free, with all your money back; to stay you need do nothing.",
)


def tell_of_waiting(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers of their offers, and of plans that are later than what they accepted."""
    notify_many(work, [_notice(letter) for letter in letters])


def _notice(letter: Letter) -> NewNotice:
    facts: dict[str, Fact]
    match letter.event:
        case WaitOffered() as one:
            facts = {"days": one.waits_days, "credit": Money(one.credit_minor), "until": one.answer_by}
            return NewNotice(one.account_id, "wait_offered", facts, letter.event_id)
        case OrderPlannedLater() as one:
            facts = {"accepted": one.accepted_by, "due": one.due_by}
            return NewNotice(one.account_id, "order_planned_later", facts, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription("telling.waiting", frozenset({WaitOffered.kind, OrderPlannedLater.kind}), tell_of_waiting)
