"""Ending an order: what it costs by stage, who gives what back, and when nobody can any more."""

from __future__ import annotations

import pytest

from demand.service import DemandData, PoolPlan
from factory_orders import queries, service
from factory_orders.errors import OrderNotCancellable, OrderOpen, PlantEventOutOfOrder
from factory_orders.model import CancelledOrder, PlantReport, ScheduledOrder, Stage
from factory_orders.pools_service import open_pool
from factory_orders.service import Cancellation, OrderData
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.configurator.small_brand import PLANNER
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.leaving_room import cancel, deliver, found_by_audit, locked_orders, news_of, sums, used
from tests.factory_orders.trade import PLANT_MACHINE, SYSTEM, Trade, buyer


def test_leaving_before_the_parts_are_ready_costs_a_fifth_of_the_earnest_money(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)
    ended = cancel(trade, order_id)
    room.settle()

    assert preview == ended == Cancellation(order_id, "queued", 500_000, 100_000, 0)
    assert sums(trade, order_id) == [0, 100_000, 0, 0]
    assert used(trade) == 2
    (payment,) = room.payments_of(order_id)
    assert payment.state.value == "refunded"
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
        assert queries.build_orders_of_orders(work, [order_id]) == {}


def test_leaving_when_the_parts_are_ready_costs_half(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)

    assert cancel(trade, order_id).forfeit_minor == 250_000


def test_a_car_that_is_begun_is_not_cancelled(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(trade.build_order_of(order_id).id, stage)

    with pytest.raises(OrderNotCancellable) as refused:
        cancel(trade, order_id)

    assert refused.value == OrderNotCancellable("body")
    assert (
        refused.value.text("zh-CN")
        == "该订单当前为焊装，已无法取消。车辆已开始生产；付清尾款前如严重逾期，购车人仍可解除订单。"
    )
    assert sums(trade, order_id) == [500_000, 0, 0, 0]


def test_a_report_that_comes_once_its_order_has_ended_is_refused_and_changes_nothing(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    build_order_id = trade.build_order_of(order_id).id
    cancel(trade, order_id)

    with pytest.raises(PlantEventOutOfOrder) as refused:
        trade.report(build_order_id, Stage.PARTS_READY)

    assert refused.value == PlantEventOutOfOrder("WITHDRAWN", "PARTS_READY", ())
    with trade.works.read(SYSTEM) as work:
        assert queries.stages_of_orders(work, [order_id]) == {order_id: []}
    assert found_by_audit(room) == []


def test_an_order_is_cancelled_once(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    cancel(trade, order_id)

    with pytest.raises(OrderNotCancellable) as refused:
        cancel(trade, order_id)

    assert refused.value.text("en").endswith("Nothing more is kept for it.")
    assert refused.value.text("zh-CN") == "该订单当前为已取消，已无法取消。无需再次取消，不再扣款。"

    assert sums(trade, order_id) == [0, 100_000, 0, 0]


def test_another_buyers_order_is_not_found(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with pytest.raises(NotFound):
        cancel(trade, order_id, number=2)


def test_the_maker_returns_double(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with trade.works.change(PLANNER) as work:
        ended = service.cancel_order_by_maker(work, order_id, reason="the paint is not made any more")

    assert ended.returned_minor == 1_000_000
    assert sums(trade, order_id) == [0, 0, -500_000, 500_000]


def test_only_a_planner_cancels_for_the_maker_and_says_why(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with pytest.raises(Forbidden), trade.works.change(buyer()) as work:
        service.cancel_order_by_maker(work, order_id, reason="no")
    with pytest.raises(InvalidInput), trade.works.change(PLANNER) as work:
        service.cancel_order_by_maker(work, order_id, reason=" ")

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)


def test_a_buyer_leaves_free_where_the_plan_is_later_than_what_was_accepted(trade: Trade) -> None:
    later = trade.clock.now().date()
    (order_id,) = trade.lock(promised_by=later)

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)

    assert (preview.forfeit_minor, preview.returned_minor) == (0, 500_000)


def test_an_order_whose_deposit_is_held_nowhere_is_not_ended(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with pytest.raises(Conflict) as refused:
        cancel(trade, order_id)

    assert "deposit is not held" in str(refused.value)
    assert sums(trade, order_id) == [500_000, 0, 0, 0]
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)


def test_a_plant_cannot_go_on_with_what_was_cancelled(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    build_order_id = trade.build_order_of(order_id).id
    cancel(trade, order_id)
    report = PlantReport("e", Stage.PARTS_READY, trade.clock.now())

    with pytest.raises(Exception, match="PLANT_EVENT_OUT_OF_ORDER"), trade.works.change(PLANT_MACHINE) as work:
        service.report_plant_event(work, build_order_id, report)


# --- what is kept of a person ----------------------------------------------------------------------------------------


def test_an_order_under_way_keeps_its_account(trade: Trade) -> None:
    (order_id,) = trade.lock()
    with trade.works.read(buyer()) as work:
        under_way = OrderData().blocks_erasure(work, buyer().signed_in())
        nobody = OrderData().blocks_erasure(work, buyer(2).signed_in())
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)

    with trade.works.read(buyer()) as work:
        ended = OrderData().blocks_erasure(work, buyer().signed_in())

    assert under_way == OrderOpen("scheduled")
    assert nobody is None
    assert ended is None


def test_a_place_that_locked_keeps_its_account_before_its_order_is_made(room: PoolRoom) -> None:
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    (placed, *_) = room.join(1, 2, 3)
    room.pass_time(days=21)
    assert room.states()[placed.pre_order_id] == "locked"

    with room.works.read(buyer()) as work:
        before = [part.blocks_erasure(work, buyer().signed_in()) for part in (DemandData(), OrderData())]
        nobody = OrderData().blocks_erasure(work, buyer(9).signed_in())
    deliver(room)
    with room.works.read(buyer()) as work:
        after = OrderData().blocks_erasure(work, buyer().signed_in())

    assert before == [None, OrderOpen("locked")]
    assert nobody is None
    assert after == OrderOpen("scheduled")


def test_erasing_takes_the_person_and_the_persons_words(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id), fine=False)
    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "my own words")
        exported = OrderData().export(work, buyer().signed_in())

    with trade.works.change(buyer()) as work:
        OrderData().erase(work, buyer().signed_in())

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        (told,) = queries.disclosures_of(work, [vin])[vin]
        (known,) = queries.handovers_of_orders(work, [order_id])[order_id]
        passport = queries.passport(work, vin)
    assert exported["orders"][0]["id"] == order_id
    assert exported["handovers"][0]["reason"] == "my own words"
    assert order.terms.person_id is None
    assert (told.detail, known.reason) == ("", None)
    assert passport.verified


# --- earnest money that never came -----------------------------------------------------------------------------------


def locked_on_an_empty_wallet(room: PoolRoom) -> tuple[Trade, list[str]]:
    """Take a pool of three to its lock; the first one's deposit will be declined."""
    room.wallet_is_empty = True
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    (first,) = room.join(1)
    room.wallet_is_empty = False
    others = room.join(2, 3)
    room.pass_time(days=21)
    deliver(room)
    return Trade(room.works, room.clock, room.sandbox, ""), [one.pre_order_id for one in (first, *others)]


def test_an_order_whose_earnest_money_never_came_ends_and_frees_its_week(room: PoolRoom) -> None:
    trade, (order_id, *others) = locked_on_an_empty_wallet(room)
    assert used(trade) == 3

    room.settle()
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        orders = queries.orders_by_id(work, [order_id, *others])
    assert isinstance(orders[order_id], CancelledOrder)
    assert all(isinstance(orders[one], ScheduledOrder) for one in others)
    assert used(trade) == 2
    assert sums(trade, order_id) == [0, 0, 0, 0]
    (told,) = news_of(room, "factory_orders.order_cancelled")
    assert (told["by"], told["forfeit_minor"], told["returned_minor"]) == ("payment", 0, 0)
    assert found_by_audit(room) == []


def test_an_order_whose_car_is_begun_stands_and_owes_its_whole_price(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_on_an_empty_wallet(room)
    for stage in (Stage.PARTS_READY, Stage.BODY):
        trade.report(trade.build_order_of(order_id).id, stage)

    room.settle()
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
    assert sums(trade, order_id) == [0, 0, 0, 0]
    assert len(news_of(room, "factory_orders.earnest_missing")) == 1
    assert found_by_audit(room) == []


def test_an_order_whose_deposit_the_bank_takes_back_ends_while_its_car_is_not_begun(room: PoolRoom) -> None:
    trade, (order_id, *others) = locked_on_an_empty_wallet(room)
    goes = others[0]
    room.settle()

    room.charge_back(goes)
    deliver(room)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [goes])[goes], CancelledOrder)
    assert sums(trade, goes) == [0, 0, 0, 0]
    assert (order_id, goes) in {(one["order_id"], goes) for one in news_of(room, "factory_orders.order_cancelled")}
    assert found_by_audit(room) == []


def test_a_decline_after_the_buyer_left_leaves_the_forfeit_as_a_claim(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_on_an_empty_wallet(room)
    assert cancel(trade, order_id).forfeit_minor == 100_000
    (payment,) = room.payments_of(order_id)

    room.settle()
    deliver(room)

    assert room.balance(f"uncollected:{payment.id}") == -100_000
    assert sums(trade, order_id) == [0, 100_000, 0, 0]
    assert news_of(room, "factory_orders.earnest_missing") == []
    assert found_by_audit(room) == []
