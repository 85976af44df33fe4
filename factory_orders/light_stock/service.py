"""Use cases of light inventory: planned sales, display and demo cars, and a store's answer to a car that it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from configurator.queries import open_showroom
from factory_orders.deliveries.shipment_service import plan_stock_way
from factory_orders.light_stock.events import StockCarLeaves
from factory_orders.light_stock.model import ANSWER_TIMER, MoveState, StockMove
from factory_orders.light_stock.queries import free_stock
from factory_orders.light_stock.store import insert_plan, lock_move, save_move
from factory_orders.stock.queries import stock_cars_by_vin
from factory_orders.vehicles.model import Disclosure, DisclosureReason, Newness, Vehicle, descend
from factory_orders.vehicles.service import enter
from factory_orders.vehicles.store import insert_disclosure, lock_vehicle, save_vehicle
from factory_orders.vehicles.vin import read_vin
from kernel import registry
from kernel.actor import Permission, system
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.identity.queries import advisers_of_stores
from kernel.reasons import because
from kernel.timers import cancel_timer
from kernel.work import Work

WEEKLY_MILLI_MAX: Final = 10_000
USES: Final = {Newness.DISPLAY: DisclosureReason.DISPLAY, Newness.DEMO: DisclosureReason.DEMO}


def plan_stock_sales(work: Work, store_id: str, model: str, *, weekly_milli: int) -> None:
    """Say how many stock cars of a model a store is expected to sell a week, in thousandths; base stock follows it.

    Refuses a store that is closed or another brand's (NotFound), a model that is none and a number out of bounds
    (InvalidInput).
    """
    work.actor.require(Permission.BATCH_MANAGE)
    if not 0 <= weekly_milli <= WEEKLY_MILLI_MAX:
        raise InvalidInput("weeklyMilli", because("COUNT", least=0, most=WEEKLY_MILLI_MAX))
    store = registry.open_store(work, store_id)
    version, _ = open_showroom(work, region="")
    if model not in version.catalogue.model_by_code:
        raise NotFound("model")
    insert_plan(work, store.id, model, weekly_milli)


def answer_stock_move(work: Work, move_id: str, *, accepts: bool) -> StockMove:
    """Take the word of the store that a car is sent to; the same answer again changes nothing.

    A refused car stays where it is and is not sent there again; what the store is owed does not rise by a refusal.
    Refuses another store's move (NotFound) and one that was answered otherwise (Conflict).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    move = lock_move(work, move_id)
    if move.store_id != work.actor.own_store():
        raise NotFound("stock move")
    wanted = MoveState.ACCEPTED if accepts else MoveState.REFUSED
    if move.state is wanted:
        return move
    if move.state is not MoveState.OFFERED:
        raise Conflict("stock move", because("STANDS_AT", state=move.state.value))
    cancel_timer(work, ANSWER_TIMER, move.id)
    if accepts:
        return _send(work, move)
    refused = replace(move, state=MoveState.REFUSED, answered_at=work.now)
    save_move(work, refused)
    return refused


def send_unanswered(work: Work, move_id: str, _payload: object = None) -> None:
    """Send a car whose store has not answered; the timer of an offer."""
    work.actor.require(Permission.SYSTEM)
    move = lock_move(work, move_id)
    if move.state is MoveState.OFFERED:
        _send(work, move)


def _send(work: Work, move: StockMove) -> StockMove:
    """Plan the car's way, unless it was taken or moved meanwhile, or its store has closed: then the move lapses."""
    vehicle = lock_vehicle(work, move.vin)
    store = registry.stores_by_id(work, [move.store_id])[move.store_id]
    if store.closed_at is not None:
        return _lapse(work, move, "closed")
    free = free_stock(work, [move.vin], though_offered=True)
    if not free or free[0].store_id != move.from_store_id:
        return _lapse(work, move, "changed")
    way = plan_stock_way(work, vehicle, store_id=move.store_id)
    sent = replace(move, state=MoveState.ACCEPTED, answered_at=work.now, shipment_id=way.id)
    save_move(work, sent)
    if move.from_store_id is not None:
        told = advisers_of_stores(work.acting(system(work.actor.brand_id)), [move.from_store_id])
        advisers = tuple(told[move.from_store_id])
        work.record(StockCarLeaves(move.brand_id, move.id, move.vin, move.from_store_id, move.store_id, advisers))
    return sent


def _lapse(work: Work, move: StockMove, reason: str) -> StockMove:
    lapsed = replace(move, state=MoveState.LAPSED, answered_at=work.now, reason=reason)
    save_move(work, lapsed)
    return lapsed


def show_stock_car(work: Work, vin: str, *, use: Newness) -> Vehicle:
    """Show a car of the own store's stock, or let it be driven: it is a display or demo car from then on, and not new.

    Nothing takes that back. Refuses a car that is not in the own store's stock or is held (NotFound), and a use that is
    neither (InvalidInput).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    if use not in USES:
        raise InvalidInput("use", because("STATES_NEEDED", states=tuple(one.word for one in USES)))
    number = read_vin(vin).text
    vehicle = lock_vehicle(work, number)
    car = stock_cars_by_vin(work, [number]).get(number)
    if car is None or car.store_id != work.actor.own_store() or car.held_until is not None:
        raise NotFound("stock car")
    lowered = replace(vehicle, newness=descend(vehicle.newness, use))
    save_vehicle(work, lowered)
    insert_disclosure(work, Disclosure(work.new_id(), number, USES[use], "", 0, work.now))
    enter(work, lowered, USES[use].value, work.now)
    return lowered
