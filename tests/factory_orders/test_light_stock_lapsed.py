"""A car that was sent to a store and never came there: what the ledger of fairness makes of it, and when."""

from __future__ import annotations

from datetime import timedelta

from factory_orders.light_stock import round_service
from factory_orders.light_stock.model import MoveState
from factory_orders.vehicles.model import DisclosureReason
from factory_orders.vehicles.service import disclose
from factory_orders.vehicles.store import lock_vehicle
from kernel.actor import Actor
from tests.configurator.small_brand import EAST_STORE, NORTH_STORE
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_conditions import LARGE
from tests.factory_orders.test_light_stock import answer, car_at_plant, ledger, moves, plan, share
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade


def never_come(trade: Trade, who: Actor) -> None:
    """Let a car be offered to a store, and turn out to be repaired before that store says yes."""
    vin = car_at_plant(trade)
    share(trade)
    (move,) = moves(trade)
    trade.clock.advance(timedelta(hours=1))
    with trade.works.change(SYSTEM) as work:
        rework = DisclosureReason.REWORK
        disclose(work, lock_vehicle(work, vin), None, reason=rework, detail="", repair_minor=LARGE, at=work.now)
    assert answer(trade, move, accepts=True, who=who).state is MoveState.LAPSED


def test_a_car_that_was_repaired_before_it_went_is_none_that_its_store_got(trade: Trade) -> None:
    plan(trade, EAST_STORE, 1_000)
    plan(trade, NORTH_STORE, 0)
    never_come(trade, STORE_ADVISER)
    (first,) = (line for line in ledger(trade) if line.store_id == EAST_STORE)
    car_at_plant(trade, number=30)
    plan(trade, NORTH_STORE, 1_000)

    share(trade)

    lines = [line for line in ledger(trade) if line.round_id != first.round_id]
    (fresh,) = (one for one in moves(trade) if one.state is MoveState.OFFERED)
    assert fresh.store_id == EAST_STORE
    # One car came, and one that was counted before did not: nothing was shared out.
    assert {one.store_id: (one.received, one.entitled) for one in lines} == {EAST_STORE: (0, 0), NORTH_STORE: (0, 0)}
    assert trade.unsound() == []


def test_a_car_that_never_came_is_owed_to_its_store_from_the_next_round_on(trade: Trade) -> None:
    change_policy(trade, light_stock={"unfair_minor": 1_000_000})
    plan(trade, EAST_STORE, 0)
    plan(trade, NORTH_STORE, 1_000)
    never_come(trade, OTHER_STORE)
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
    assert trade.unsound() == []
