"""What a buyer agrees to after the lock: another choice up to the car's freeze points, or a repaired car for less."""

from __future__ import annotations

import strawberry

from configurator.errors import (
    AnswerTooHard,
    ConfigurationIncomplete,
    OptionExcluded,
    OptionUnknown,
    PriceMismatch,
)
from factory_orders import model, queries, service
from factory_orders.agreements.errors import AmendmentNotPossible, AmendmentTooLate
from factory_orders.errors import RepairOfferEnded
from factory_orders.model import FreezePoint as Point
from graph.access import field, input_type, object_type
from graph.identifiers import write_id
from graph.operations import mutation, query
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.orders import OrderInput, RepairOffer, order_raw, show_repair_offer
from kernel.actor import Permission
from kernel.work import Work

REFUSED = (
    AmendmentTooLate,
    AmendmentNotPossible,
    OptionUnknown,
    OptionExcluded,
    ConfigurationIncomplete,
    AnswerTooHard,
)


@object_type(reads=Permission.OWN_READ)
class FreezePoint:
    """A category of options and the last stage at which it may change; `*` is every category that is not listed."""

    category: str
    last_stage: str
    is_open: bool = field(about="Whether it may change at the stage that your car is at.")
    fee: Money = field(about="What a change costs once the plant has your car in its plan.")


@object_type(reads=Permission.OWN_READ)
class LeavingCost:
    """What of the earnest money is kept if you leave at a stage; at a stage that is not listed nobody leaves."""

    stage: str
    forfeit: Money


@object_type(reads=Permission.OWN_READ)
class OrderFreezePoints:
    """What may still change of an order, until when and at what cost, by the terms it was locked with."""

    order_id: strawberry.ID
    stage: str
    points: list[FreezePoint] = field(at_most=100)
    leaving: list[LeavingCost] = field(
        at_most=20, about="From the stage that your car is at; empty once you cannot leave by these terms."
    )


@object_type(reads=Permission.OWN_READ)
class Amendment:
    """Another choice for an ordered car: `newPrice` is what the car costs with it, every fee included."""

    order_id: strawberry.ID
    stage: str
    options: list[str] = field(at_most=60)
    categories: list[str] = field(at_most=60)
    price_difference: Money
    fee: Money
    new_price: Money


@input_type(takes=Permission.OWN_WRITE)
class AmendOrderInput:
    """One of your orders, all options that the car shall have, and the price that the preview showed."""

    order_id: strawberry.ID
    options: list[str]
    new_price: MoneyInput


def _show_point(point: Point, stage: str) -> FreezePoint:
    return FreezePoint(
        category=point.category,
        last_stage=point.last_stage,
        is_open=point.is_open(stage),
        fee=show_minor(point.fee_minor),
    )


def _show_amendment(one: service.Amendment) -> Amendment:
    return Amendment(
        order_id=write_id("Order", one.order_id),
        stage=one.stage,
        options=list(one.options),
        categories=list(one.categories),
        price_difference=show_minor(one.price_delta_minor),
        fee=show_minor(one.fee_minor),
        new_price=show_minor(one.price_minor),
    )


@query(reads=Permission.OWN_READ, result="OrderFreezePointsResult")
def order_freeze_points(work: Work, order_id: strawberry.ID) -> OrderFreezePoints:
    """What may still change of one of your orders, until when and at what cost; and what leaving costs by stage."""
    found = service.freeze_points(work, order_raw(order_id))
    return OrderFreezePoints(
        order_id=write_id("Order", found.order_id),
        stage=found.stage,
        points=[_show_point(point, found.stage) for point in found.points],
        leaving=[LeavingCost(stage=stage, forfeit=show_minor(minor)) for stage, minor in found.forfeits],
    )


@query(reads=Permission.OWN_READ, refuses=REFUSED, result="PreviewAmendmentResult")
def preview_amendment(work: Work, order_id: strawberry.ID, options: list[str]) -> Amendment:
    """What another choice for one of your orders would cost now; changes nothing."""
    return _show_amendment(service.preview_amendment(work, order_raw(order_id), options))


@mutation(does=Permission.OWN_WRITE, refuses=(*REFUSED, PriceMismatch), result="AmendOrderResult")
def amend_order(work: Work, input: AmendOrderInput) -> Amendment:  # noqa: A002  # the API's word
    """Change one of your orders to exactly these options, at the price that you saw; the same again changes nothing.

    The car stays in its pooling class, its week and its date. What it costs more or less is settled at the handover.
    """
    price = read_money(input.new_price, "newPrice")
    return _show_amendment(service.amend_order(work, order_raw(input.order_id), input.options, price=price))


@mutation(does=Permission.OWN_WRITE, refuses=(RepairOfferEnded,), result="AcceptRepairedCarResult")
def accept_repaired_car(work: Work, input: OrderInput) -> RepairOffer:  # noqa: A002  # the API's word
    """Take the repaired car that you were offered, for less; what happened to it counts as read and accepted."""
    return _show_offer(work, service.accept_repaired_car(work, order_raw(input.order_id)))


@mutation(does=Permission.OWN_WRITE, refuses=(RepairOfferEnded,), result="DeclineRepairedCarResult")
def decline_repaired_car(work: Work, input: OrderInput) -> RepairOffer:  # noqa: A002  # the API's word
    """Wait for the new car instead of the repaired one that you were offered."""
    return _show_offer(work, service.decline_repaired_car(work, order_raw(input.order_id)))


def _show_offer(work: Work, one: model.RepairOffer) -> RepairOffer:
    return show_repair_offer(one, queries.disclosures_of(work, [one.vin])[one.vin])
