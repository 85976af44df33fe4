"""What two do at once: one event counts once, numbers are never given twice, an hour takes as many as it has places."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.errors import AppointmentUnavailable
from factory_orders.model import PlantReport, Stage
from factory_orders.planning.tables import batches
from factory_orders.vehicles.vin import read_vin
from kernel import ledger
from kernel.actor import Actor, Role
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.ledger import AccountName
from kernel.money import Money
from kernel.money_by_hand import AccountTooLow, approve_movement, propose_movement
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import BUILD, PLANT_MACHINE, SYSTEM, Trade, buyer

T = TypeVar("T")


def at_once(jobs: list[Callable[[], T]]) -> list[T | Refusal]:
    """Run jobs in as many threads; a refusal is an outcome."""

    def run(job: Callable[[], T]) -> T | Refusal:
        try:
            return job()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def report(trade: Trade, build_order_id: str, one: PlantReport) -> service.Reported:
    with trade.works.change(PLANT_MACHINE) as work:
        return service.report_plant_event(work, build_order_id, one)


def test_one_event_sent_eight_times_at_once_counts_once(trade: Trade) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    one = PlantReport("e", Stage.PARTS_READY, trade.clock.now())

    outcomes = at_once([lambda: report(trade, build_order_id, one)] * 8)

    assert Counter(getattr(outcome, "outcome", "refused") for outcome in outcomes) == {"accepted": 1, "repeated": 7}


def test_bodies_painted_at_once_get_numbers_in_a_row(trade: Trade) -> None:
    build_order_ids = [trade.build_order_of(order_id).id for order_id in trade.lock(8)]
    for build_order_id in build_order_ids:
        trade.report(build_order_id, Stage.PARTS_READY)
        trade.report(build_order_id, Stage.BODY)
    now = trade.clock.now()

    def paint(build_order_id: str) -> str | None:
        return report(trade, build_order_id, PlantReport(f"p-{build_order_id}", Stage.PAINT, now)).vin

    numbers = at_once([partial(paint, one) for one in build_order_ids])

    serials = sorted(int(read_vin(str(vin)).serial) for vin in numbers)
    assert serials == list(range(1, 9))


def test_a_batch_whose_last_cars_pass_at_once_is_complete(trade: Trade) -> None:
    order_ids = trade.lock(4)
    for order_id in order_ids:
        trade.build(order_id, stages=BUILD[:-1])
    now = trade.clock.now()
    builds = [trade.build_order_of(order_id) for order_id in order_ids]

    at_once([partial(report, trade, one.id, PlantReport(f"p-{one.id}", Stage.PASSED, now)) for one in builds])

    with trade.works.read(SYSTEM) as work:
        found = select(batches.c.state).where(batches.c.id.in_({one.batch_id for one in builds}))
        assert set(work.connection.execute(found).scalars()) == {"complete"}


def test_an_hour_that_six_want_at_once_takes_two(trade: Trade) -> None:
    ids = trade.lock(6)
    for order_id in ids:
        trade.bring_to_store(order_id)

    outcomes = at_once(
        [partial(trade.book, order_id, who=buyer(number)) for number, order_id in enumerate(ids, start=1)]
    )

    assert sum(not isinstance(outcome, Refusal) for outcome in outcomes) == 2
    assert all(isinstance(outcome, AppointmentUnavailable) for outcome in outcomes if isinstance(outcome, Refusal))


def test_asking_what_leaving_costs_never_holds_up_the_plant(trade: Trade) -> None:
    ids = trade.lock(4)
    builds = {order_id: trade.build_order_of(order_id).id for order_id in ids}
    for order_id in ids:
        trade.report(builds[order_id], Stage.PARTS_READY)
    now = trade.clock.now()

    def begin(order_id: str) -> object:
        return report(trade, builds[order_id], PlantReport(f"b-{order_id}", Stage.BODY, now))

    def ask(number: int, order_id: str) -> object:
        with trade.works.change(buyer(number)) as work:
            return service.preview_cancellation(work, order_id)

    jobs: list[Callable[[], object]] = []
    for number, order_id in enumerate(ids, start=1):
        jobs.append(partial(begin, order_id))
        jobs.append(partial(ask, number, order_id))
    outcomes = at_once(jobs)

    assert all(not isinstance(outcome, Refusal) for outcome in outcomes[::2])
    assert all(trade.build_order_of(order_id).stage is Stage.BODY for order_id in ids)


def test_a_credit_that_is_set_off_and_paid_out_at_once_is_spent_once(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=date(2026, 12, 10))
    trade.clock.advance(timedelta(days=30))
    trade.works.run(SYSTEM, lambda work: service.TIMERS["factory_orders.late_credit"](work, order_id, None))
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id))
    payable = f"payable:{buyer().signed_in()}"
    first, second = (Actor(BRAND, frozenset({Role.OPERATOR}), AccountId(letter * 32)) for letter in "ef")
    with trade.works.change(first) as work:
        held = ledger.balance(work, AccountName(payable))
        movement = propose_movement(
            work, debit=payable, credit="provider:sandbox", amount=Money(held), reason="asked for by phone"
        )
    both_began = Barrier(2)

    def set_off() -> object:
        both_began.wait()
        with trade.works.change(buyer()) as work:
            payment = service.request_balance(work, handover.id)
            time.sleep(0.3)
            return payment

    def pay_out() -> object:
        both_began.wait()
        with trade.works.change(second) as work:
            time.sleep(0.1)
            return approve_movement(work, movement.id)

    set_off_outcome, paid_out = at_once([set_off, pay_out])

    assert held > 0
    assert not isinstance(set_off_outcome, Refusal)
    with trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, AccountName(payable)) == 0
        (asked,) = queries.balances_of_handovers(work, [handover.id]).values()
    assert (asked.late_credit_minor == held) == isinstance(paid_out, AccountTooLow)
