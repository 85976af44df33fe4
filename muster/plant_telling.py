"""Who is told of what comes in between at plants and on the road, and of dates that are held; once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from factory_orders.conditions.events import DamageCaseMoved
from factory_orders.events import LineStopped
from factory_orders.parts.events import CallOffAnswered
from factory_orders.promises.events import PromiseHoldEnding
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "promise_hold_ending",
    "为您保留的交期即将释放",
    "{promised}的交期为您保留至{expires}，请在此之前下单，否则将释放给其他人。",
    "The date held for you is given away soon",
    "The date {promised} is held for you until {expires}. Order by then, or it is given to others.",
    may_mute=True,
)
register_notice(
    "damage_case_open",
    "新的车损案件",
    "车辆{vin}在交接时发现新的瑕疵，已立案。请核实责任方并结案。",
    "A damage case was opened",
    "Car {vin} had new marks as it changed hands, and a case is open. See who answers for it, and close it.",
    may_mute=True,
)
register_notice(
    "damage_case_disputed",
    "车损案件有争议",
    "承运方对车辆{vin}的车损不予认可。请核实后裁定责任方并结案。",
    "A carrier disputes a damage case",
    "The carrier does not accept the damage of car {vin}. Look into it, say who bears it, and close the case.",
    may_mute=True,
)
register_notice(
    "call_off_late",
    "零件将迟到",
    "供应商{supplier}答复：零件{part}最早{arrives}到货，而{week}当周的生产需要它。请调整计划。",
    "A part will come late",
    "{supplier} brings part {part} on {arrives} at the earliest; cars of the week of {week} need it. Plan anew.",
    may_mute=True,
)
register_notice(
    "line_stopped",
    "生产线停线",
    "工厂{plant}于{day}停线：当周产能为{capacity}辆，已排车辆超出{short}辆。当天排序与排产正在自动调整，请查看排产。",
    "A line stood still",
    "The line of {plant} stood still on {day}. Its week takes {capacity:car|cars} in all, and "
    "{short:more is|more are} planned in it. The day is mended and the book planned anew; see how they stand.",
    may_mute=True,
)


def tell_of_plants(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers of the dates they hold, planners of damage, late parts and lines that stood still."""
    notify_many(work, [notice for letter in letters for notice in _of(letter)])


def _of(letter: Letter) -> Iterator[NewNotice]:
    match letter.event:
        case PromiseHoldEnding(account_id=account_id, promised_by=promised_by, expires_at=expires_at):
            held: dict[str, Fact] = {"promised": promised_by, "expires": expires_at}
            yield NewNotice(account_id, "promise_hold_ending", held, letter.event_id)
        case DamageCaseMoved(vin=vin, state=state, planners=planners):
            for one in planners:
                yield NewNotice(one.account_id, f"damage_case_{state}", {"vin": vin}, letter.event_id)
        case CallOffAnswered() as answered:
            facts: dict[str, Fact] = {"part": answered.part, "supplier": answered.supplier}
            facts |= {"arrives": answered.arrives_on, "week": answered.week}
            for one in answered.planners:
                yield NewNotice(one.account_id, "call_off_late", facts, letter.event_id)
        case LineStopped() as stopped:
            stop: dict[str, Fact] = {"plant": stopped.plant_code, "day": stopped.day}
            stop |= {"capacity": stopped.capacity, "short": stopped.short}
            for one in stopped.planners:
                yield NewNotice(one.account_id, "line_stopped", stop, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


TELLER: Final = Subscription(
    "telling.plants",
    frozenset({PromiseHoldEnding.kind, DamageCaseMoved.kind, CallOffAnswered.kind, LineStopped.kind}),
    tell_of_plants,
)
