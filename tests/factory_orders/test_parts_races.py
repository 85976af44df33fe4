"""News of one car that is heard by two workers at once: one waits for the other, and its parts are counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from factory_orders.events import BuildOrderWithdrawn, BuildStageReported
from factory_orders.model import Stage
from factory_orders.parts.service import on_parts_ready, on_withdrawn
from factory_orders.plant.queries import build_orders_by_id
from kernel import work as kernel_work
from kernel.outbox import Letter
from tests.configurator.small_brand import BRAND
from tests.factory_orders.test_parts import BODY, count, leave, stock
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, Trade
from tests.support.locks import SECONDS_MAX, wait_until_waiting

pytestmark = pytest.mark.postgres


@pytest.fixture
def trade(postgres_trade: Trade, monkeypatch: pytest.MonkeyPatch) -> Trade:
    """Return the small brand on PostgreSQL; a change that is undone there is not decided anew."""
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)
    return postgres_trade


def test_a_car_that_leaves_while_its_parts_are_taken_gives_them_back(trade: Trade) -> None:
    (order_id,) = trade.lock(1)
    count(trade, 5)
    built, now = trade.build_order_of(order_id).id, trade.clock.now()
    trade.report(built, Stage.PARTS_READY)
    leave(trade, order_id)
    begun = BuildStageReported(BRAND, built, order_id, "1" * 32, NORTH_PLANT, Stage.PARTS_READY.value, now)
    left = Letter("y" * 32, now, BuildOrderWithdrawn(BRAND, built, order_id, NORTH_PLANT))

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            build_orders_by_id(work, [built], lock=True)
            leaving = other.submit(trade.works.run, SYSTEM, lambda work: on_withdrawn(work, [left]))
            wait_until_waiting(trade.works.engine, 1)
            on_parts_ready(work, [Letter("x" * 32, now, begun)])
        leaving.result(SECONDS_MAX)

    assert stock(trade) == {BODY: 5}
    assert trade.unsound() == []
