"""Another choice after the lock: what may change until when, what it costs, and that plant, price and books follow."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from configurator.catalogue_files import read_catalogue
from configurator.errors import OptionExcluded, PriceMismatch
from configurator.model import Text
from configurator.service import publish_catalogue
from demand.service import PoolPlan
from factory_orders import queries, service
from factory_orders.agreements.errors import AmendmentNotPossible, AmendmentTooLate
from factory_orders.agreements.model import EVERY_OTHER, STAGES, FreezePoint, fee_of_change
from factory_orders.agreements.policy import AmendmentPolicy
from factory_orders.early_cars.round_service import offer_early_cars
from factory_orders.model import Stage
from factory_orders.offers.model import OfferState
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.pools_service import open_pool
from factory_orders.service import Amendment
from factory_orders.swap_offers.service import offer_swaps
from kernel import ledger
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.ledger import account
from kernel.money import Money, yuan
from kernel.paging import PageRequest
from kernel.sandbox import Sandbox
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, copied_folder, found_brand, found_stores
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.leaving_room import deliver, found_by_audit, locked_orders, news_of
from tests.factory_orders.test_car_swap_offers import offers as swap_offers
from tests.factory_orders.test_car_swaps import promise
from tests.factory_orders.test_early_cars import offers
from tests.factory_orders.test_light_stock import free, leave_at_plant
from tests.factory_orders.trade import BUILD, NORTH_PLANT, SECRET, SYSTEM, Trade, buyer

BLUE = ("BLUE", *PLAIN_CAR[1:])
HEATED = (*PLAIN_CAR, "HEAT")
FEE = 50_000


def preview(trade: Trade, order_id: str, options: tuple[str, ...]) -> Amendment:
    with trade.works.read(buyer()) as work:
        return service.preview_amendment(work, order_id, options)


def amend(trade: Trade, order_id: str, options: tuple[str, ...], *, price: Money | None = None) -> Amendment:
    agreed = price or Money(preview(trade, order_id, options).price_minor)
    with trade.works.change(buyer()) as work:
        return service.amend_order(work, order_id, options, price=agreed)


def order_of(trade: Trade, order_id: str) -> tuple[tuple[str, ...], int, int, int]:
    with trade.works.read(SYSTEM) as work:
        terms = queries.orders_by_id(work, [order_id])[order_id].terms
    return terms.options, terms.price_minor, terms.agreed_minor, terms.fees_minor


# --- what may change until when --------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(STAGES), min_size=2, max_size=2), st.sampled_from([*STAGES, "paint", "built"]))
def test_what_may_change_at_a_stage_may_change_at_every_earlier_one(last_stages: list[str], stage: str) -> None:
    points = [FreezePoint("Paint", last_stages[0], 7), FreezePoint(EVERY_OTHER, last_stages[1], 9)]
    categories = {"Paint": Text("车漆", "Paint"), "Wheels": Text("轮毂", "Wheels")}

    def fee_at(one: str) -> int | None:
        try:
            return fee_of_change(points, categories, stage=one)
        except AmendmentTooLate:
            return None

    if fee_at(stage) is not None:
        before = STAGES[: STAGES.index(stage)]
        assert [fee_at(one) for one in before] == [0 if one == "scheduled" else 9 for one in before]


def test_a_category_that_no_freeze_point_speaks_of_is_frozen_from_the_build_order_on() -> None:
    assert fee_of_change([], {"Paint": Text("车漆", "Paint")}, stage="scheduled") == 0
    with pytest.raises(AmendmentTooLate) as refused:
        fee_of_change([], {"Paint": Text("车漆", "Paint")}, stage="queued")

    assert refused.value == AmendmentTooLate("Paint", "scheduled", "queued", "Paint", "车漆")


def test_a_policy_lets_nothing_change_after_the_body() -> None:
    with pytest.raises(AssertionError):
        AmendmentPolicy(freeze_points=(("Paint", "paint", 0),))


def test_a_buyer_sees_the_freeze_points_and_what_leaving_costs(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with trade.works.read(buyer()) as work:
        found = service.freeze_points(work, order_id)

    assert (found.stage, found.points) == ("queued", tuple(AmendmentPolicy().points))
    assert found.forfeits == (("queued", 100_000), ("parts_ready", 250_000))


# --- the change ------------------------------------------------------------------------------------------------------


def test_another_paint_is_built_and_costs_the_fee(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    before, price, *_ = order_of(trade, order_id)

    done = amend(trade, order_id, BLUE)

    assert done == Amendment(order_id, "queued", done.options, ("Paint",), 100_000, FEE, price + 100_000 + FEE)
    assert set(done.options) == set(BLUE)
    assert order_of(trade, order_id) == (done.options, price, 100_000, FEE)
    assert trade.build_order_of(order_id).options == done.options != before
    assert [one["order_id"] for one in news_of(room, "factory_orders.build_order_amended")] == [order_id]
    assert found_by_audit(room) == []


def test_a_free_car_that_was_offered_is_let_go_once_another_car_is_ordered(room: PoolRoom) -> None:
    trade, (order_id, other, _) = locked_orders(room)
    vin = leave_at_plant(trade, other)
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.order_id == order_id
        later = trade.build_order_of(order_id).day + timedelta(days=60)
        work.connection.execute(update(build_orders).where(own).values(day=later, position=9))
    offered = offer_early_cars(trade.works, BRAND)

    amend(trade, order_id, BLUE)

    assert (offered, [one.state for one in offers(trade, 1)], free(trade)) == (1, [OfferState.LAPSED], [vin])


def test_a_question_for_an_equal_car_is_over_once_another_car_is_ordered(room: PoolRoom) -> None:
    trade, (order_id, other, _) = locked_orders(room)
    promise(trade, order_id, trade.clock.now().date() - timedelta(days=20))
    promise(trade, other, trade.clock.now().date() + timedelta(days=90))
    trade.build(other)
    asked = offer_swaps(trade.works, BRAND)

    amend(trade, order_id, BLUE)

    assert (asked, [one.state for one in swap_offers(trade, 1)]) == (1, [OfferState.LAPSED])


def test_an_option_more_is_priced_at_the_discount_at_which_the_pool_locked(room: PoolRoom) -> None:
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    order_id = room.join(1, 2, 3, 4, 5)[0].pre_order_id
    room.pass_time(days=21)
    deliver(room)
    trade = Trade(room.works, room.clock, room.sandbox, "")

    done = preview(trade, order_id, HEATED)

    assert (done.price_delta_minor, done.price_minor) == (147_000, 9_800_000 + 147_000 + FEE)
    assert order_of(trade, order_id)[1:] == (9_800_000, 0, 0)


def test_the_same_change_again_changes_nothing(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    done = amend(trade, order_id, HEATED)

    again = amend(trade, order_id, HEATED, price=Money(done.price_minor))

    assert again == done
    with trade.works.read(SYSTEM) as work:
        assert len(queries.agreements_of_orders(work, [order_id])[order_id]) == 1


def test_a_change_back_takes_the_difference_back_and_keeps_the_fees(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    plain, price, *_ = order_of(trade, order_id)
    amend(trade, order_id, HEATED)

    amend(trade, order_id, plain)

    assert order_of(trade, order_id) == (plain, price, 0, 2 * FEE)
    assert found_by_audit(room) == []


def test_another_price_than_was_shown_is_refused(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    _, price, *_ = order_of(trade, order_id)

    with pytest.raises(PriceMismatch) as refused:
        amend(trade, order_id, BLUE, price=Money(price))

    assert refused.value == PriceMismatch(Money(price), Money(price + 100_000 + FEE))
    assert order_of(trade, order_id)[2:] == (0, 0)


def test_past_the_freeze_point_a_change_is_refused_by_its_category(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)

    with pytest.raises(AmendmentTooLate) as refused:
        preview(trade, order_id, BLUE)

    assert refused.value == AmendmentTooLate("Paint", "queued", "parts_ready", "Paint", "车漆")


def test_what_leaving_costs_is_said_of_stages_at_which_the_order_can_still_be_left(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    def leaving() -> tuple[tuple[str, int], ...]:
        with trade.works.read(buyer()) as work:
            return service.freeze_points(work, order_id).forfeits

    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)
    at_the_parts = leaving()
    trade.report(trade.build_order_of(order_id).id, Stage.BODY)
    in_the_body = leaving()

    assert (at_the_parts, in_the_body) == ((("parts_ready", 250_000),), ())


def test_a_frozen_category_is_named_in_the_readers_language_and_a_fixed_one_as_what_it_is(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)

    with pytest.raises(AmendmentTooLate) as frozen:
        preview(trade, order_id, BLUE)
    with pytest.raises(AmendmentNotPossible, match="stay as the pool has them"):
        preview(trade, order_id, ("RED", "W17", "PT_BIG", "TR_BASE"))

    assert frozen.value.text("zh-CN") == "车漆在排队中及之前可以更改，您的车当前为物料就绪。请查看仍可更改的项目。"


def test_nothing_changes_on_an_order_that_ended_or_whose_car_is_built(room: PoolRoom) -> None:
    trade, (order_id, other, *_) = locked_orders(room)
    trade.build(order_id)
    with trade.works.change(buyer(2)) as work:
        service.cancel_order(work, other)

    with pytest.raises(AmendmentTooLate, match="built"):
        preview(trade, order_id, BLUE)
    with pytest.raises(AmendmentNotPossible) as refused, trade.works.read(buyer(2)) as work:
        service.preview_amendment(work, other, BLUE)

    assert refused.value.text() == (
        "The order stays as it is: the order has ended (cancelled). Configure the car that you want and order it anew."
    )
    assert refused.value.text("zh-CN") == "订单保持不变：订单已结束（已取消）。请重新选配并下单。"


def test_what_is_left_to_do_at_a_delivered_car_is_said(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.bring_to_store(order_id)
    trade.clock.advance(timedelta(hours=1))
    trade.hand_over(order_id)

    with pytest.raises(AmendmentNotPossible, match=r"has ended \(delivered\)\. Ask your store what can be fitted"):
        preview(trade, order_id, BLUE)


def test_a_car_of_another_class_or_against_the_rules_or_the_same_is_refused(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    plain, *_ = order_of(trade, order_id)

    with pytest.raises(AmendmentNotPossible, match="powertrain, trim"):
        preview(trade, order_id, ("RED", "W17", "PT_BIG", "TR_BASE"))
    with pytest.raises(OptionExcluded):
        preview(trade, order_id, ("RED", "W19", "PT_SMALL", "TR_BASE"))
    with pytest.raises(AmendmentNotPossible, match="ordered already"):
        preview(trade, order_id, plain)

    assert order_of(trade, order_id)[0] == plain


def test_an_order_is_changed_so_many_times(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    plain, *_ = order_of(trade, order_id)
    for number in range(AmendmentPolicy().amendments_max):
        amend(trade, order_id, plain if number % 2 else BLUE)

    with pytest.raises(AmendmentNotPossible, match=r"changed 5 times already\. It is built as it stands now"):
        preview(trade, order_id, HEATED)


def test_another_buyers_order_is_not_found(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)

    with pytest.raises(NotFound), trade.works.change(buyer(2)) as work:
        service.amend_order(work, order_id, BLUE, price=yuan(1))
    with pytest.raises(NotFound), trade.works.read(buyer(2)) as work:
        service.freeze_points(work, order_id)


# --- weeks and money -------------------------------------------------------------------------------------------------


def test_at_the_handover_the_change_is_owed_and_invoiced_and_the_books_agree(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    _, price, *_ = order_of(trade, order_id)
    done = amend(trade, order_id, HEATED)
    trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id)
    trade.clock.advance(timedelta(hours=1))

    handover = trade.hand_over(order_id)

    with trade.works.read(SYSTEM) as work:
        balance = queries.balances_of_handovers(work, [handover.id])[handover.id]
        invoice = queries.papers_of_order(work.acting(buyer()), order_id, PageRequest(20)).items[-1]
        receivable = ledger.balances(work, [account("receivable", order_id)])
        assert "HEAT" in queries.vehicles_by_vin(work, [handover.vin])[handover.vin].options
    assert (balance.vehicle_minor, balance.agreed_minor) == (price, done.price_delta_minor + FEE)
    assert invoice.request.amount_minor == price + done.price_delta_minor
    assert list(receivable.values()) == [0]
    deliver(room)
    assert found_by_audit(room) == []


def test_the_database_refuses_a_price_that_nobody_agreed_to(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with pytest.raises(DatabaseError, match="agreed to"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(agreed_minor=1))


def open_brand(works: Works, clock: FixedClock, folder: Path, file: str, old: str, new: str) -> Trade:
    """Open the small brand with one line of its catalogue changed."""
    changed = copied_folder(folder / "catalogue") / file
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new), encoding="utf-8")
    found_brand(works)
    found_stores(works)
    with works.change(PLANNER) as work:
        version_id = publish_catalogue(work, read_catalogue(changed.parent))
    return Trade(works, clock, Sandbox(works.engine, SECRET, clock=clock), version_id)


def used_of(trade: Trade, resource: str) -> int:
    with trade.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=trade.clock.now().date(), weeks=30)
    return sum(week.used for week in weeks if week.resource == resource)


def test_a_constrained_option_takes_and_frees_its_place_in_the_week(
    works: Works, clock: FixedClock, tmp_path: Path
) -> None:
    trade = open_brand(works, clock, tmp_path, "options.csv", "HEAT,Extras,0,0", "HEAT,Extras,0,1")
    first, second = trade.lock(2)
    week = trade.build_order_of(first).week
    with works.change(PLANNER) as work:
        service.change_capacity(work, "fir_north", week=week, resource="HEAT", capacity=1)

    amend(trade, first, HEATED)

    assert used_of(trade, "HEAT") == 1
    with pytest.raises(AmendmentNotPossible, match="no room for HEAT"), works.read(buyer(2)) as work:
        service.preview_amendment(work, second, HEATED)
    amend(trade, first, PLAIN_CAR)
    assert used_of(trade, "HEAT") == 0


def test_parts_that_would_come_after_the_cars_day_are_refused_with_both_days(
    works: Works, clock: FixedClock, tmp_path: Path
) -> None:
    row = "A1,FIR-BODY-A,1,fir_body,14,,"
    trade = open_brand(works, clock, tmp_path, "parts.csv", row, f"{row}\nHEAT,FIR-HEAT,1,fir_body,90,,")
    (order_id,) = trade.lock()
    day = trade.build_order_of(order_id).day

    with pytest.raises(AmendmentNotPossible, match=f"the car is built on {day}"):
        preview(trade, order_id, HEATED)


# --- the plant -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change_first", [True, False])
def test_a_change_and_the_plants_report_come_one_after_the_other(room: PoolRoom, change_first: bool) -> None:
    trade, (order_id, *_) = locked_orders(room)
    shown = preview(trade, order_id, BLUE)
    build_order_id = trade.build_order_of(order_id).id

    if change_first:
        amend(trade, order_id, BLUE, price=Money(shown.price_minor))
        trade.report(build_order_id, Stage.PARTS_READY)
    else:
        trade.report(build_order_id, Stage.PARTS_READY)
        with pytest.raises(AmendmentTooLate):
            amend(trade, order_id, BLUE, price=Money(shown.price_minor))

    assert ("BLUE" in trade.build_order_of(order_id).options) is change_first
    assert found_by_audit(room) == []


def test_a_car_that_is_built_again_is_the_changed_one(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    done = amend(trade, order_id, HEATED)
    trade.build(order_id, stages=(*BUILD[:-1], Stage.REWORK, Stage.PASSED), repair_minor=900_000)

    again = trade.build_order_of(order_id)

    assert (again.options, again.stage) == (done.options, Stage.QUEUED)
    assert found_by_audit(room) == []
