"""What is asked of a handover that is over: the same signature is the same one, all else is told what to do instead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from factory_orders import service
from factory_orders.errors import HandoverNotPossible
from factory_orders.events import VehicleDelivered
from factory_orders.model import HandoverState
from kernel.errors import NotFound
from kernel.news import outbox
from tests.factory_orders.test_handovers import at_store, transfers
from tests.factory_orders.trade import SYSTEM, Trade, buyer


def test_the_same_signature_again_is_the_same_one_and_delivers_the_car_once(trade: Trade) -> None:
    signed = trade.hand_over(at_store(trade))
    before = transfers(trade)
    trade.clock.advance(timedelta(minutes=5))

    again = trade.sign(signed)
    with pytest.raises(HandoverNotPossible) as refused, trade.works.change(buyer()) as work:
        service.reject_handover(work, signed.id, "no")
    with pytest.raises(NotFound):
        trade.sign(signed, who=buyer(2))

    assert again == signed
    assert refused.value.text("zh-CN") == "当前状态为已签收，无法执行；需要：无，车辆已交付。"
    assert transfers(trade) == before
    with trade.works.read(SYSTEM) as work:
        told = work.connection.execute(select(outbox.c.kind)).scalars().all()
    assert told.count(VehicleDelivered.kind) == 1


def test_who_moves_an_appointment_that_is_over_reads_what_to_do_instead(trade: Trade) -> None:
    order_id = at_store(trade)
    begun = trade.inspect(trade.book(order_id))

    def move() -> HandoverNotPossible:
        with pytest.raises(HandoverNotPossible) as refused, trade.works.change(buyer()) as work:
            service.rebook_handover(work, begun.id, trade.tomorrow_at(15))
        return refused.value

    inspected = move()
    with trade.works.change(buyer()) as work:
        service.reject_handover(work, begun.id, "the door does not close")
    rejected = move()

    assert "sign for the car, or reject it and book another appointment" in inspected.text()
    assert rejected.text() == (
        "This is not possible while the handover stands at rejected. It needs: another appointment for the order "
        "(bookHandover); one that is booked already can be moved."
    )
    assert rejected.text("zh-CN") == "当前状态为已拒收，无法执行；需要：为该订单重新预约；如已有新的预约，可对其改约。"
    # What it says can be done.
    assert trade.book(order_id, hour=15).state is HandoverState.BOOKED
