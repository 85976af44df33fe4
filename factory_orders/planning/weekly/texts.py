"""What a plan says, in words, in English and Chinese: what one more unit is worth, which limits conflict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from factory_orders.planning.batching.model import BatchPlanView
from factory_orders.planning.model import SLOT
from factory_orders.planning.weekly.model import PART, Conflict, KeptPlan, PlanOutlook, Shortfall, UnitWorth
from kernel.money import Money, format_money
from kernel.words import Count

WEEKS_NAMED: Final = 8


def outlook_lines(found: PlanOutlook, locale: str) -> list[str]:
    """Say what a book's weeks cost, what a new plan would, how far from the optimum both are at most, and who moves."""
    figures = _Figures(
        found.orders,
        found.cost_minor,
        found.bound_minor,
        found.gap_bp,
        found.now_minor,
        found.gap_now_bp,
        found.moved,
        len(found.unslotted),
    )
    lines = _lines(figures, locale)
    if not found.left_out:
        return lines
    if locale.startswith("zh"):
        return [*lines, f"未计入的选装（余量最多）：{'、'.join(found.left_out)}。"]
    return [*lines, f"Not counted, since they have most room to spare: {', '.join(found.left_out)}"]


def kept_lines(plan: KeptPlan, locale: str) -> list[str]:
    """Say the same of a plan that was kept, and when it was made."""
    figures = _Figures(
        plan.orders,
        plan.cost_minor,
        plan.bound_minor,
        plan.gap_bp,
        plan.now_minor,
        plan.gap_now_bp,
        plan.moved,
        plan.without_week,
    )
    made = f"{plan.made_at:%Y-%m-%d %H:%M} UTC"
    return [f"排产于{made}。" if locale.startswith("zh") else f"Planned at {made}.", *_lines(figures, locale)]


def partition_line(plan: BatchPlanView, locale: str) -> str:
    """Say how waiting orders were parted into batches, and how far from the optimum that is at most."""
    cost, bound = format_money(Money(plan.cost_minor)), format_money(Money(plan.bound_minor))
    if locale.startswith("zh"):
        proof = "已证明最优" if plan.gap_bp == 0 else f"任何分批都不低于{bound}，故高于最优至多{_percent(plan.gap_bp)}"
        return (
            f"上次分批：{plan.orders:,}个订单分为{plan.batches:,}批，{plan.waiting:,}个仍在等待；成本{cost}，{proof}。"
        )
    proof = (
        "proven optimal"
        if plan.gap_bp == 0
        else f"nothing costs less than {bound}, so it is at most {_percent(plan.gap_bp)} above the optimum"
    )
    return (
        f"Last partition: {Count(plan.orders):order|orders} in {Count(plan.batches):batch|batches}, "
        f"{Count(plan.waiting):goes|go} on waiting; "
        f"{cost}, {proof}."
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    orders: int
    cost_minor: int
    bound_minor: int
    gap_bp: int
    now_minor: int | None
    gap_now_bp: int | None
    moved: int
    without: int


def _lines(of: _Figures, locale: str) -> list[str]:
    cost, bound = format_money(Money(of.cost_minor)), format_money(Money(of.bound_minor))
    gap = _percent(of.gap_bp)
    now = None if of.now_minor is None else format_money(Money(of.now_minor))
    gap_now = _percent(of.gap_now_bp or 0)
    if locale.startswith("zh"):
        standing = "不符合这些限制" if now is None else f"成本{now}，高于最优至多{gap_now}"
        return [
            f"{of.orders:,}个订单尚未开工。现有周次：{standing}。",
            f"重新排产：成本{cost}；任何方案都不低于{bound}，故高于最优至多{gap}。",
            f"{of.moved:,}个订单将换周，{of.without:,}个订单排不进任何一周。",
        ]
    standing = "does not keep these limits" if now is None else f"{now}, at most {gap_now} above the optimum"
    return [
        f"{Count(of.orders):order has|orders have} not begun. In the weeks they have: {standing}",
        f"Planned anew: {cost}; nothing costs less than {bound}, so it is at most {gap} above the optimum",
        f"{Count(of.moved):order|orders} would have another week than they have; {Count(of.without):finds|find} none",
    ]


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:.2f}%"


def worth_text(one: UnitWorth, locale: str) -> str:
    """Say what one more unit would be worth."""
    money = format_money(Money(one.worth_minor))
    if one.resource.startswith(PART):
        name = _name(one.resource, chinese=locale.startswith("zh"))
        if locale.startswith("zh"):
            return f"{one.week:%Y-%m-%d}当周前如{name}多到一辆车的用量，可节省{money}的等待与延误成本。"
        return f"{name} for one more car by the week of {one.week:%Y-%m-%d} would save {money} of waiting and lateness."
    if locale.startswith("zh"):
        what = "多一个生产名额" if one.resource == SLOT else f"{one.resource}多一个名额"
        return f"{one.week:%Y-%m-%d}当周如{what}，可节省{money}的等待与延误成本。"
    what = "more car" if one.resource == SLOT else f"more car with {one.resource}"
    return f"One {what} in the week of {one.week:%Y-%m-%d} would save {money} of waiting and lateness."


def conflict_text(one: Conflict, locale: str) -> str:
    """Say which limits cannot all be kept, where more room would help, and how many orders are short in all."""
    if locale.startswith("zh"):
        weeks = _weeks(one.weeks, chinese=True)
        said = f"{one.short:,}个订单的零件在最后一个计划周之后才到。"
        if one.resources:
            names = "、".join(_name(name, chinese=True) for name in one.resources)
            cannot = "无法同时满足" if len(one.resources) > 1 else "不足"
            said = f"{names}{cannot}：仅因此就至少有{one.short:,}个订单排不进任何一周。"
            said += f"在{weeks}放宽其中一项即可缓解。" if one.weeks else ""
        return f"{said}计入全部限制，至少有{one.short_in_all:,}个订单排不进。"
    weeks = _weeks(one.weeks, chinese=False)
    said = f"The parts of {Count(one.short):order|orders} come only after the last week."
    if one.resources:
        names = " and ".join(_name(name, chinese=False) for name in one.resources)
        said = (
            f"In conflict: {names}. Because of that alone at least {Count(one.short):order finds|orders find} no week"
        )
        said += f"; more room for one of them in {weeks} would help." if one.weeks else "."
    return f"{said} Because of all limits together it is at least {one.short_in_all:,}."


def shortfall_text(one: Shortfall, locale: str) -> str:
    """Say by how much a week was asked to take fewer cars than are locked in it, or has too few of a part for them."""
    name = _name(one.resource, chinese=locale.startswith("zh"))
    if one.resource.startswith(PART):
        if locale.startswith("zh"):
            return (
                f"截至{one.week:%Y-%m-%d}当周，已排产的{one.taken}辆车需要{name}，"
                f"到货只够{one.capacity}辆，缺{one.taken - one.capacity}。"
            )
        return (
            f"By the week of {one.week:%Y-%m-%d} {one.taken:,} cars that have their weeks need {name}, and it has "
            f"come for {one.capacity:,}: {one.taken - one.capacity:,} cars lack it."
        )
    if locale.startswith("zh"):
        return (
            f"{one.week:%Y-%m-%d}当周{name}已锁定{one.taken}，假设的产能为{one.capacity}，"
            f"缺{one.taken - one.capacity}；这些车未重新安排。"
        )
    return (
        f"In the week of {one.week:%Y-%m-%d} {one.taken:,} of {name} are locked already and {one.capacity:,} are asked "
        f"for: {one.taken - one.capacity:,} cars have no place there and are not planned anew."
    )


def _name(resource: str, *, chinese: bool) -> str:
    if resource == SLOT:
        return "生产名额" if chinese else "the slots"
    if resource.startswith(PART):
        return f"零件{resource.removeprefix(PART)}" if chinese else f"part {resource.removeprefix(PART)}"
    return resource


def _weeks(weeks: Sequence[date], *, chinese: bool) -> str:
    named = [f"{week:%Y-%m-%d}" for week in weeks[:WEEKS_NAMED]]
    more = len(weeks) - len(named)
    if chinese:
        return "、".join(named) + (f"等{len(weeks)}周" if more else "")
    return ", ".join(named) + (f" and {Count(more):more week|more weeks}" if more else "")
