"""A car that was sent to a store and never came there: what the ledger of fairness makes of it, and when."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from factory_orders.light_stock import round_service
from factory_orders.light_stock.model import MoveState
from factory_orders.vehicles.tables import vehicles
from tests.configurator.small_brand import EAST_STORE, NORTH_STORE
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_light_stock import answer, car_at_plant, ledger, moves, plan, share, unsound
from tests.factory_orders.trade import OTHER_STORE, SYSTEM, Trade


def test_a_car_that_was_sold_before_it_went_is_none_that_its_store_got(trade: Trade) -> None:
    plan(trade, EAST_STORE, 1_000)
    plan(trade, NORTH_STORE, 0)
    vin = car_at_plant(trade)
    share(trade)
    (move,) = moves(trade)
    trade.clock.advance(timedelta(hours=1))
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=2))
    assert answer(trade, move, accepts=True).state is MoveState.LAPSED
    (first,) = (line for line in ledger(trade) if line.store_id == EAST_STORE)
    car_at_plant(trade, number=30)
    plan(trade, NORTH_STORE, 1_000)

    share(trade)

    lines = {line.store_id: line for line in ledger(trade) if line.round_id != first.round_id}
    (fresh,) = (one for one in moves(trade) if one.state is MoveState.OFFERED)
    # One car came, and one that was counted before did not: nothing was shared out.
    assert lines[EAST_STORE].received == (0 if fresh.store_id == EAST_STORE else -1)
    assert sum(line.received for line in lines.values()) == sum(line.entitled for line in lines.values()) == 0
    assert unsound(trade) == []


def test_a_car_that_never_came_is_owed_to_its_store_from_the_next_round_on(trade: Trade) -> None:
    change_policy(trade, light_stock={"unfair_minor": 1_000_000})
    plan(trade, EAST_STORE, 0)
    plan(trade, NORTH_STORE, 1_000)
    vin = car_at_plant(trade)
    share(trade)
    (move,) = moves(trade)
    trade.clock.advance(timedelta(hours=1))
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=2))
    answer(trade, move, accepts=True, who=OTHER_STORE)
    plan(trade, EAST_STORE, 1_000)
    car_at_plant(trade, number=30)

    with trade.works.read(SYSTEM) as work:
        problem = round_service.read_problem(work)
    share(trade)

    # The road is shorter to the eastern store, and a share of half a car would be each one's had the first one come.
    assert problem.claims == {(EAST_STORE, "A1"): 0, (NORTH_STORE, "A1"): 1_000}
    (fresh,) = (one for one in moves(trade) if one.state is MoveState.OFFERED)
    assert fresh.store_id == NORTH_STORE
    assert {line.store_id: line.owed_after for line in ledger(trade)[:2]} == {EAST_STORE: 0, NORTH_STORE: 0}
    assert unsound(trade) == []
