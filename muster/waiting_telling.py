"""Who would wait too long for a car is told of the offer to answer, in their language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
    "From the lock to your car it takes about {days} days. Choose until {until}: wait and get {credit} with the car, or"
    " leave free with all your money back. Without an answer your order stands as it is.",
)


def tell_of_waiting(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers of their offers."""
    notices = []
    for letter in letters:
        assert isinstance(letter.event, WaitOffered)
        one = letter.event
        facts: dict[str, Fact] = {"days": one.waits_days, "credit": Money(one.credit_minor), "until": one.answer_by}
        notices.append(NewNotice(one.account_id, "wait_offered", facts, letter.event_id))
    notify_many(work, notices)


TELLER: Final = Subscription("telling.waiting", frozenset({WaitOffered.kind}), tell_of_waiting)
