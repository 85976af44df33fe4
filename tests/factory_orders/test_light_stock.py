"""Light inventory: free cars are shared out with proof, stores answer, cars move, and no buyer's car does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from factory_orders import queries, service
from factory_orders.deliveries.tables import shipments
from factory_orders.errors import StockQuoteDead
from factory_orders.light_stock import round_service
from factory_orders.light_stock.model import AllocationRound, FairnessLine, MoveState, StockMove, StoreLevel
from factory_orders.light_stock.queries import free_stock
from factory_orders.light_stock.sharing import Sharing, SharingProblem, share_stock
from factory_orders.light_stock.tables import allocation_rounds, stock_moves
from factory_orders.model import Newness, ShipmentState
from factory_orders.planning.tables import orders
from factory_orders.vehicles.model import VehicleState
from factory_orders.vehicles.tables import allocations, vehicles
from kernel.actor import Actor
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ids import StoreId
from kernel.paging import PageRequest
from kernel.registry import stores
from kernel.timers import fire_due
from tests.configurator.small_brand import EAST_STORE, NORTH_STORE, PLANNER
from tests.factory_orders.test_conditions import LARGE, SCRATCH, close
from tests.factory_orders.test_stock import ask, free_car, hold, listed, set_price
from tests.factory_orders.trade import BUILD, CARRIER, LEGS, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer


def car_at_plant(trade: Trade, *, number: int = 1) -> str:
    """Build a car whose buyer left while it was on the line: it passes for nobody."""
    (order_id,) = trade.lock(pool_id=f"{number:032x}", first_buyer=number)
    return leave_at_plant(trade, order_id)


def leave_at_plant(trade: Trade, order_id: str) -> str:
    """Build an order's car and let its buyer leave meanwhile; returns its number."""
    build_order_id = trade.build_order_of(order_id).id
    for stage in BUILD[:-1]:
        done = trade.report(build_order_id, stage)
    with trade.works.change(SYSTEM) as work:
        ended = {"state": "cancelled", "ended_at": work.now, "reason": "late"}
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(**ended))
    trade.report(build_order_id, BUILD[-1])
    assert done.vin is not None
    return done.vin


def plan(trade: Trade, store_id: str, weekly_milli: int, who: Actor = PLANNER) -> None:
    with trade.works.change(who) as work:
        service.plan_stock_sales(work, store_id, "A1", weekly_milli=weekly_milli)


def share(trade: Trade) -> None:
    """Share out as the worker does in the morning."""
    with trade.works.change(PLANNER) as work:
        service.ask_for_round(work)
    service.share_out_wanted(trade.works)


def moves(trade: Trade, who: Actor = PLANNER) -> list[StockMove]:
    with trade.works.read(who) as work:
        return list(queries.moves_made(work, PageRequest(20)).items)


def rounds(trade: Trade) -> list[AllocationRound]:
    with trade.works.read(STORE_ADVISER) as work:
        return list(queries.allocation_rounds_made(work, PageRequest(20)).items)


def ledger(trade: Trade) -> list[FairnessLine]:
    with trade.works.read(OTHER_STORE) as work:
        return list(queries.fairness_ledger(work, PageRequest(20)).items)


def level(trade: Trade, store_id: str) -> StoreLevel:
    with trade.works.read(PLANNER) as work:
        found = queries.store_levels(work, PageRequest(50)).items
    return next(one for one in found if (one.store_id, one.model) == (store_id, "A1"))


def answer(trade: Trade, move: StockMove, *, accepts: bool, who: Actor = STORE_ADVISER) -> StockMove:
    with trade.works.change(who) as work:
        return service.answer_stock_move(work, move.id, accepts=accepts)


def drive(trade: Trade, shipment_id: str) -> None:
    for leg in LEGS:
        trade.clock.advance(timedelta(hours=6))
        with trade.works.change(CARRIER) as work:
            service.report_shipment(work, shipment_id, leg, occurred_at=trade.clock.now())


def receive(trade: Trade, move: StockMove, who: Actor) -> None:
    assert move.shipment_id is not None
    drive(trade, move.shipment_id)
    with trade.works.change(who) as work:
        service.inspect_arrival(work, move.shipment_id, vin=move.vin)


def free(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        return [car.vin for car in free_stock(work)]


def test_a_car_that_nobody_waits_for_goes_from_the_plant_to_the_store_that_needs_it(trade: Trade) -> None:
    vin = car_at_plant(trade)
    plan(trade, EAST_STORE, 500)
    plan(trade, NORTH_STORE, 0)

    share(trade)
    (move,) = moves(trade)
    answer(trade, move, accepts=True)
    (sent,) = moves(trade, STORE_ADVISER)
    receive(trade, sent, STORE_ADVISER)

    assert (move.vin, move.from_store_id, move.store_id, move.state) == (vin, None, EAST_STORE, MoveState.OFFERED)
    assert move.transport_minor == 30_000 + 300 * move.distance_km
    assert move.saved_minor > move.next_minor
    (made,) = rounds(trade)
    assert (made.cars, made.moved, made.waiting) == (1, 1, 0)
    assert made.cost_minor == made.bound_minor
    with trade.works.read(STORE_ADVISER) as work:
        assert [car.vin for car in queries.own_stock(work, PageRequest(9)).items] == [vin]
    assert level(trade, EAST_STORE).standing == 1
    assert trade.unsound() == []


def test_what_a_store_does_not_answer_goes_by_itself_and_what_it_refuses_is_not_sent_again(trade: Trade) -> None:
    vin = car_at_plant(trade)
    plan(trade, NORTH_STORE, 0)
    share(trade)
    (move,) = moves(trade)

    refused = answer(trade, move, accepts=False)
    share(trade)

    assert refused.state is MoveState.REFUSED
    assert [one.state for one in moves(trade)] == [MoveState.REFUSED]
    assert free(trade) == [vin]
    with pytest.raises(Conflict):
        answer(trade, move, accepts=True)
    plan(trade, NORTH_STORE, 1_000)
    share(trade)
    trade.clock.advance(timedelta(hours=25))
    fire_due(trade.works, service.TIMERS)
    (latest, _) = moves(trade)
    assert (latest.store_id, latest.state) == (NORTH_STORE, MoveState.ACCEPTED)
    assert trade.unsound() == []


def test_what_stores_are_owed_is_carried_on_from_round_to_round_for_all_to_see(trade: Trade) -> None:
    plan(trade, EAST_STORE, 3_000)
    plan(trade, NORTH_STORE, 1_000)
    car_at_plant(trade)
    share(trade)

    first = {line.store_id: line for line in ledger(trade)}
    car_at_plant(trade, number=30)
    share(trade)
    later = {line.store_id: line for line in reversed(ledger(trade))}

    assert {line.entitled for line in first.values()} >= {750, 250}
    assert sum(line.owed_after for line in first.values()) == 0
    for store_id, line in later.items():
        assert line.owed_before == first[store_id].owed_after
        assert line.owed_after == line.owed_before + line.entitled - 1_000 * line.received
    assert trade.unsound() == []


def test_a_car_moves_from_a_store_that_needs_it_less_and_its_quotes_end(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    quote = ask(trade, vin)
    plan(trade, EAST_STORE, 0)
    plan(trade, NORTH_STORE, 1_000)

    share(trade)
    (move,) = moves(trade)
    assert (move.from_store_id, move.store_id) == (EAST_STORE, NORTH_STORE)
    sent = answer(trade, move, accepts=True, who=OTHER_STORE)

    assert listed(trade) == []
    with pytest.raises(StockQuoteDead):
        hold(trade, quote)
    assert level(trade, NORTH_STORE).inbound == 1
    receive(trade, sent, OTHER_STORE)
    assert level(trade, NORTH_STORE).standing == 1
    with trade.works.read(OTHER_STORE) as work:
        assert [car.price_minor for car in queries.own_stock(work, PageRequest(9)).items] == [None]
    assert trade.unsound() == []


def test_a_car_that_somebody_holds_or_bought_meanwhile_stays_and_the_move_lapses(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    plan(trade, EAST_STORE, 0)
    plan(trade, NORTH_STORE, 1_000)
    share(trade)
    (move,) = moves(trade)

    hold(trade, ask(trade, vin))
    answered = answer(trade, move, accepts=True, who=OTHER_STORE)

    assert (answered.state, answered.reason) == (MoveState.LAPSED, "changed")
    with trade.works.read(SYSTEM) as work:
        own = select(func.count()).select_from(shipments).where(shipments.c.order_id.is_(None))
        assert work.connection.execute(own).scalar_one() == 0
    row = {"id": "f" * 32, "brand_id": PLANNER.brand_id, "vin": vin, "store_id": NORTH_STORE, "state": "planned"}
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(shipments.insert().values(**row, planned_at=work.now))
    share(trade)
    assert [one.state for one in moves(trade)] == [MoveState.LAPSED]


def test_no_customers_car_is_moved_and_none_that_is_not_new(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    free_car(trade, number=5, damage=service.Damage("scratch", 0), marks=(SCRATCH,))
    close(trade, LARGE)
    plan(trade, EAST_STORE, 0)
    plan(trade, NORTH_STORE, 1_000)

    share(trade)

    assert moves(trade) == []
    assert rounds(trade) == []


def test_a_closed_store_gets_nothing_and_what_stands_there_goes_to_another(trade: Trade) -> None:
    vin = free_car(trade)
    plan(trade, NORTH_STORE, 500)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stores).where(stores.c.id == EAST_STORE).values(closed_at=work.now))

    share(trade)

    (move,) = moves(trade)
    assert (move.vin, move.from_store_id, move.store_id) == (vin, None, NORTH_STORE)
    with pytest.raises(NotFound):
        plan(trade, EAST_STORE, 100)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stores).where(stores.c.id == NORTH_STORE).values(closed_at=work.now))
    assert answer(trade, move, accepts=True, who=OTHER_STORE).reason == "closed"


def test_a_display_car_is_not_new_any_more_and_is_sold_no_more_as_new(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    with pytest.raises(NotFound), trade.works.change(OTHER_STORE) as work:
        service.show_stock_car(work, vin, use=Newness.DISPLAY)
    with pytest.raises(InvalidInput), trade.works.change(STORE_ADVISER) as work:
        service.show_stock_car(work, vin, use=Newness.USED)

    with trade.works.change(STORE_ADVISER) as work:
        shown = service.show_stock_car(work, vin, use=Newness.DISPLAY)

    assert shown.newness is Newness.DISPLAY
    assert listed(trade) == []
    assert free(trade) == []
    found = level(trade, EAST_STORE)
    assert (found.standing, found.display, found.display_wanted, found.demo) == (0, 1, 1, 0)
    with pytest.raises(NotFound), trade.works.change(STORE_ADVISER) as work:
        service.show_stock_car(work, vin, use=Newness.DEMO)
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=0))
    assert trade.unsound() == []


def test_a_car_goes_one_way_at_a_time(trade: Trade) -> None:
    car_at_plant(trade)
    share(trade)
    (move,) = moves(trade)
    sent = answer(trade, move, accepts=True, who=replace(STORE_ADVISER, store_id=StoreId(move.store_id)))
    row = {"id": "f" * 32, "brand_id": PLANNER.brand_id, "vin": sent.vin, "store_id": NORTH_STORE, "state": "planned"}

    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(shipments.insert().values(**row, planned_at=work.now))
    assert sent.shipment_id is not None
    with trade.works.change(CARRIER) as work:
        loaded = service.report_shipment(work, sent.shipment_id, ShipmentState.LOADED, occurred_at=trade.clock.now())
    assert loaded.order_id is None
    assert free(trade) == []


def test_a_step_that_fails_keeps_no_car_from_being_shared_out(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise LookupError

    monkeypatch.setattr(round_service, "swap_cars", fail)
    vin = car_at_plant(trade)

    share(trade)

    assert [one.vin for one in moves(trade)] == [vin]


def test_a_sharing_out_is_taken_once_however_many_workers_there_are(trade: Trade) -> None:
    car_at_plant(trade)
    with trade.works.change(PLANNER) as work:
        service.ask_for_round(work)
        service.ask_for_round(work)

    assert [service.share_out_wanted(trade.works) for _ in range(2)] == [1, 0]
    assert len(rounds(trade)) == 1


def test_a_round_keeps_no_proof_of_cars_that_others_were_quicker_for(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold, other = free_car(trade), car_at_plant(trade, number=30)
    plan(trade, NORTH_STORE, 4_000)
    set_price(trade, sold)
    quote = ask(trade, sold)
    with trade.works.change(PLANNER) as work:
        service.ask_for_round(work)
    with trade.works.read(SYSTEM) as work:
        before = share_stock(round_service.read_problem(work))
    found = []

    def solve_slowly(problem: SharingProblem, earlier: Sharing | None) -> Sharing:
        """Solve as always; the first time a buyer holds a car meanwhile."""
        found.append(share_stock(problem, earlier))
        if earlier is None:
            hold(trade, quote)
        return found[-1]

    monkeypatch.setattr(round_service, "share_stock", solve_slowly)
    assert service.share_out_wanted(trade.works) == 1

    (made,) = rounds(trade)
    assert before.cost_minor == found[0].cost_minor
    assert [one.vin for one in moves(trade)] == [other]
    assert (made.cars, made.moved, made.cost_minor, made.bound_minor) == (
        1,
        1,
        found[1].cost_minor,
        found[1].cost_minor,
    )
    assert made.cost_minor != before.cost_minor
    with trade.works.change(PLANNER) as work:
        service.ask_for_round(work)
        assert round_service.write_round(work.acting(SYSTEM), before) is None
    assert len(rounds(trade)) == 1
    assert trade.unsound() == []


def test_every_store_has_its_first_car_before_another_has_two(trade: Trade) -> None:
    plan(trade, EAST_STORE, 3_000)
    plan(trade, NORTH_STORE, 400)
    for number in (1, 30):
        car_at_plant(trade, number=number)

    share(trade)

    assert sorted((one.store_id, one.is_first) for one in moves(trade)) == [(EAST_STORE, True), (NORTH_STORE, True)]
    assert trade.unsound() == []


def test_an_allocation_without_its_proof_is_not_written(trade: Trade) -> None:
    row = {"id": "f" * 32, "brand_id": PLANNER.brand_id, "policy_version": 0, "cars": 1, "moved": 0, "waiting": 1}

    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(allocation_rounds.insert().values(**row, made_at=work.now, cost_minor=5, bound_minor=4))
    car_at_plant(trade)
    share(trade)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stock_moves).values(state="refused", answered_at=work.now))
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stock_moves).values(state="offered", answered_at=None))


def test_only_planners_plan_and_only_the_store_itself_answers(trade: Trade) -> None:
    car_at_plant(trade)
    plan(trade, NORTH_STORE, 0)
    share(trade)
    (move,) = moves(trade)

    with pytest.raises(NotFound):
        answer(trade, move, accepts=True, who=OTHER_STORE)
    with pytest.raises(Forbidden):
        plan(trade, EAST_STORE, 100, STORE_ADVISER)
    with pytest.raises(Forbidden), trade.works.change(STORE_ADVISER) as work:
        service.ask_for_round(work)
    with pytest.raises(Forbidden), trade.works.read(buyer()) as work:
        queries.fairness_ledger(work, PageRequest(5))
    with pytest.raises(InvalidInput):
        plan(trade, EAST_STORE, 10_001)
    assert moves(trade, OTHER_STORE) == []
    with trade.works.read(STORE_ADVISER) as work:
        assert {one.store_id for one in queries.store_levels(work, PageRequest(50)).items} == {EAST_STORE}
    with trade.works.read(SYSTEM) as work:
        bound = select(func.count()).select_from(allocations).where(allocations.c.ended_at.is_(None))
        assert work.connection.execute(bound).scalar_one() == 0
        states = set(work.connection.execute(select(vehicles.c.state)).scalars())
    assert states == {VehicleState.BUILT.value}
