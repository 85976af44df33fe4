"""What planners, stores, suppliers, the carrier and the operator of the simulated year do: stock, damage, late parts.

Each acts as itself through the use cases that the API calls, in a change of its own; done again, a step finds nothing
left to do.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from benchmarks.year_people import people_of
from benchmarks.year_plot import Plot, day_of, drawn, falls, still_plant_stop
from configurator.step_service import ConfigureRequest, configure
from factory_orders import service
from factory_orders.conditions.model import Condition, Flaw, HandOver, Mark, Party, Place
from factory_orders.conditions.tables import damage_cases
from factory_orders.deliveries.model import Shipment
from factory_orders.deliveries.tables import shipments
from factory_orders.errors import CapacityTaken
from factory_orders.light_stock.tables import stock_moves
from factory_orders.parts.tables import call_offs
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import orders
from factory_orders.plant.simulation import PlantConduct, part_days_late
from factory_orders.plant.tables import build_orders
from factory_orders.stock.policy import StockPurchasePolicy
from factory_orders.stock.queries import stock_cars_by_vin
from factory_orders.stock.tables import stock_holds
from factory_orders.stock_orders.errors import LightStockFull
from factory_orders.store_closing.errors import StoreHasCars
from factory_orders.vehicles.model import Newness, VehicleState
from factory_orders.vehicles.tables import vehicles
from kernel import policy, registry
from kernel.actor import Actor, Role, system
from kernel.identity.machine_service import add_machine
from kernel.identity.tables import accounts, machines
from kernel.ids import AccountId, StoreId
from kernel.money import Money
from kernel.work import Work
from muster.demo.activity import Stage
from muster.demo.crowd import add_consumers, authorise
from muster.demo.hands import ADVISER, CARRIER, PLANT_SYSTEM

PLANNER: Final = AccountId("0" * 31 + "d")
OPERATOR: Final = AccountId("0" * 31 + "e")
ADMINISTRATOR: Final = AccountId("0" * 31 + "f")
SCRATCH_MINOR: Final = (40_000, 200_000)
DENT_MINOR: Final = (600_000, 1_500_000)
WRECK_MINOR: Final = (3_000_000, 6_000_000)
PRICE_SHARE: Final = (950, 1_010)
"""A store asks so many thousandths of the list price for a car of its stock."""
IN_TIME_DAYS: Final = 3
PHOTO: Final = "0" * 64


def live_as_trade(stage: Stage, plot: Plot, number: int) -> None:
    """Let everybody but the buyers do what a day of the story, counted from 0, brings."""
    _supply(stage, plot)
    _close_cases(stage, plot)
    if number >= plot.store_closes:
        _close_a_store(stage)
    if day_of(number) == day_of(plot.stands_still):
        _take_capacity_away(stage, plot.still_plant)
    with stage.works.read(system(stage.brand.id)) as work:
        stage.stores = [store for store in registry.list_stores(work) if store.closed_at is None]
    _answer_moves(stage, plot)
    if number % plot.stock_every == 0 and number <= plot.days - plot.last_pool_before_end:
        _order_stock(stage, plot, number)
    _sell_stock(stage, plot, number)


def planner(stage: Stage) -> Actor:
    """Return the planner."""
    return Actor(stage.brand.id, frozenset({Role.PLANNER}), PLANNER)


def adviser(stage: Stage, store_id: str) -> Actor:
    """Return an adviser of a store."""
    return Actor(stage.brand.id, frozenset({Role.DEALER}), ADVISER, store_id=StoreId(store_id))


# --- parts -----------------------------------------------------------------------------------------------------------


def _supply(stage: Stage, plot: Plot) -> None:
    """Let suppliers answer what is called off, late where a plant waits for a part, and plants receive what is due."""
    with stage.works.read(system(stage.brand.id)) as work:
        today = work.now.astimezone(stage.brand.zone).date()
        asked = select(call_offs).where(call_offs.c.brand_id == stage.brand.id).order_by(call_offs.c.id)
        waiting = work.connection.execute(asked.where(call_offs.c.state == "open")).all()
        coming = work.connection.execute(
            asked.where(call_offs.c.state == "confirmed", call_offs.c.arrives_on <= today)
        ).all()
        known = select(machines.c.party_code, machines.c.id).where(machines.c.role == Role.SUPPLIER.value)
        suppliers = {row.party_code: row.id for row in work.connection.execute(known)}
    if missing := {row.supplier for row in waiting} - set(suppliers):
        with stage.works.change(Actor(stage.brand.id, frozenset({Role.BRAND_ADMIN}), ADMINISTRATOR)) as work:
            for supplier in sorted(missing):
                made = add_machine(work, label=supplier, role=Role.SUPPLIER, party_code=supplier)
                suppliers[supplier] = made.machine_id
    with stage.works.change(system(stage.brand.id)) as work:
        for row in waiting:
            who = Actor(stage.brand.id, frozenset({Role.SUPPLIER}), AccountId(suppliers[row.supplier]))
            late = part_days_late(row.plant_id, row.week, conduct=plot.conduct, seed=0)
            # One part in some is the late one; the others of the week come in time.
            days = late if late and falls("late part", f"{row.part}:{row.week}", 150) else -IN_TIME_DAYS
            arrives_on = max(today, row.week + timedelta(days=days))
            service.answer_call_off(work.acting(who), row.id, arrives_on=arrives_on)
        for row in coming:
            plant = Actor(stage.brand.id, frozenset({Role.PLANT}), PLANT_SYSTEM, plant_id=row.plant_id)
            service.receive_call_off(work.acting(plant), row.id)


# --- the plant that stands still -------------------------------------------------------------------------------------


def still_conduct(plot: Plot) -> dict[str, PlantConduct]:
    """Return how the plant works that comes to stand still."""
    return {plot.still_plant: replace(plot.conduct, still=still_plant_stop(plot))}


def _take_capacity_away(stage: Stage, plant: str) -> None:
    """Let no more cars be planned into the weeks in which the plant stands still; those that are in stay in."""
    with stage.works.change(planner(stage)) as work:
        today = work.now.astimezone(stage.brand.zone).date()
        monday = today - timedelta(days=today.weekday())
        for week in (monday, monday + WEEK):
            try:
                service.change_capacity(work, plant, week=week, resource="slot", capacity=0)
            except CapacityTaken as refusal:
                service.change_capacity(work, plant, week=week, resource="slot", capacity=refusal.taken)


# --- damage on the way -----------------------------------------------------------------------------------------------


def find_damage(plot: Plot, work: Work, shipment: Shipment) -> service.Damage | None:
    """Return what the store finds on a car that has come for a buyer; a scratch goes into a case of its own.

    A lot is drawn for each way, so that the car that is built again comes well, most likely.
    """
    if shipment.order_id is None:
        return None
    system_work = work.acting(system(work.actor.brand_id))
    account = select(orders.c.account_id).where(orders.c.id == shipment.order_id)
    number = people_of(system_work).number(work.connection.execute(account).scalar_one())
    ways = select(func.count()).select_from(shipments).where(shipments.c.order_id == shipment.order_id)
    about = f"{number}:{work.connection.execute(ways).scalar_one()}"
    lot, rates = drawn("damage", about, 1_000), plot.rates
    if lot < rates.wrecked:
        return service.Damage("the trailer braked hard, the front is pushed in", _between(about, WRECK_MINOR))
    if lot < rates.wrecked + rates.dented:
        return service.Damage("a dent in the left door", _between(about, DENT_MINOR))
    if lot < rates.wrecked + rates.dented + rates.scratched:
        marks = (Mark(Place.LEFT, Flaw.SCRATCH),)
        seen = Condition(odometer_km=10, photos=(PHOTO,), marks=marks)
        service.check_condition(work, shipment.id, HandOver.INSPECTED, vin=shipment.vin, seen=seen)
        return service.Damage("a scratch on the left side", _between(about, SCRATCH_MINOR))
    return None


def _between(about: str, bounds: tuple[int, int]) -> int:
    least, most = bounds
    return least + drawn("repair", about, most - least)


def _close_cases(stage: Stage, plot: Plot) -> None:
    """Let the carrier answer its damage cases, and a planner close those that are answered."""
    cases = damage_cases.c
    with stage.works.read(system(stage.brand.id)) as work:
        found = select(cases.id, cases.state, cases.vin).where(cases.brand_id == stage.brand.id).order_by(cases.id)
        left = work.connection.execute(found.where(cases.state != "closed")).all()
    carrier = Actor(stage.brand.id, frozenset({Role.CARRIER}), CARRIER)
    for row in left:
        if row.state == "open":
            accepts = not falls("disputes", row.vin, plot.rates.carrier_disputes)
            with stage.works.change(carrier) as work:
                service.answer_damage_case(work, row.id, accepts=accepts)
        else:
            borne_by = Party.CARRIER if row.state == "accepted" else Party.PLANT
            with stage.works.change(planner(stage)) as work:
                # Now and then the workshop says more than the store did.
                repair = _between(row.vin, (30_000, 260_000))
                service.close_damage_case(work, row.id, borne_by=borne_by, repair_minor=repair)


# --- a store that closes ---------------------------------------------------------------------------------------------


def _close_a_store(stage: Stage) -> None:
    """Close the store to which most cars are on their way and none waits for its buyer, once."""
    with stage.works.read(system(stage.brand.id)) as work:
        stores = registry.list_stores(work)
        if any(store.closed_at is not None for store in stores):
            return
        coming = (
            select(orders.c.store_id)
            .where(orders.c.brand_id == stage.brand.id, orders.c.state.in_(["scheduled", "built", "in_transit"]))
            .group_by(orders.c.store_id)
            .order_by(func.count().desc(), orders.c.store_id)
        )
        wanted = list(work.connection.execute(coming).scalars())
    operator = Actor(stage.brand.id, frozenset({Role.OPERATOR}), OPERATOR)
    for store_id in wanted:
        try:
            with stage.works.change(operator) as work:
                service.close_store(work, store_id)
        except StoreHasCars:
            continue
        return


# --- stock -----------------------------------------------------------------------------------------------------------


def _order_stock(stage: Stage, plot: Plot, number: int) -> None:
    """Let a few stores order one or two cars each, as far as light inventory has room; again it is the same order."""
    models = sorted(stage.options)
    for place in range(plot.stock_stores):
        about = f"{number}:{place}"
        store = stage.stores[drawn("stock store", about, len(stage.stores))]
        model = models[drawn("stock model", about, len(models))]
        with stage.works.change(planner(stage)) as work:
            service.plan_stock_sales(work, store.id, model, weekly_milli=250 + drawn("sales", about, 500))
            options = configure(work, ConfigureRequest(model, (), region=store.region)).step.cheapest.options
        cars = 1 + drawn("stock cars", about, 2)
        request = service.StockRequest(model, options, cars=cars, idempotency_key=f"stock-{about}")
        # In a change of its own, which a refusal undoes whole: else its key would stay without an outcome.
        with suppress(LightStockFull), stage.works.change(adviser(stage, store.id)) as work:
            service.order_stock(work, request)


def _answer_moves(stage: Stage, plot: Plot) -> None:
    """Let stores take the cars that they are sent, refuse some, and leave some offers to their time."""
    with stage.works.read(system(stage.brand.id)) as work:
        moves = stock_moves.c
        found = select(moves.id, moves.store_id, moves.vin).where(moves.brand_id == stage.brand.id)
        offered = work.connection.execute(found.where(moves.state == "offered").order_by(moves.id)).all()
    for row in offered:
        lot = drawn("stock move", row.id, 1_000)
        if lot >= plot.rates.store_refuses_car + plot.rates.store_answers_not:
            with stage.works.change(adviser(stage, row.store_id)) as work:
                service.answer_stock_move(work, row.id, accepts=True)
        elif lot < plot.rates.store_refuses_car:
            with stage.works.change(adviser(stage, row.store_id)) as work:
                service.answer_stock_move(work, row.id, accepts=False)


def _sell_stock(stage: Stage, plot: Plot, number: int) -> None:
    """Let stores name their prices, show some cars, and people come who buy one, or only hold it."""
    with stage.works.read(system(stage.brand.id)) as work:
        standing = select(vehicles.c.vin, orders.c.price_minor).join(
            build_orders, build_orders.c.id == vehicles.c.build_order_id
        )
        standing = standing.join(orders, orders.c.id == build_orders.c.order_id).where(
            vehicles.c.brand_id == stage.brand.id, vehicles.c.state == VehicleState.BUILT.value
        )
        listed = {row.vin: row.price_minor for row in work.connection.execute(standing.order_by(vehicles.c.vin))}
        stock = stock_cars_by_vin(work, list(listed))
        held = set(work.connection.execute(select(stock_holds.c.vin).where(stock_holds.c.ended_at.is_(None))).scalars())
        open_stores = {store.id for store in registry.list_stores(work) if store.closed_at is None}
    for vin, car in sorted(stock.items()):
        if car.store_id not in open_stores:
            continue
        if car.price_minor is None:
            with stage.works.change(adviser(stage, car.store_id)) as work:
                if falls("shown", vin, plot.rates.shown):
                    service.show_stock_car(work, vin, use=Newness.DISPLAY)
                else:
                    least, most = PRICE_SHARE
                    asked = listed[vin] * (least + drawn("asked", vin, most - least)) // 1_000
                    service.price_stock_car(work, vin, price_minor=asked)
        elif vin not in held and falls("sold", f"{vin}:{number}", plot.rates.sold_a_day):
            _sell(stage, plot, vin)


def _sell(stage: Stage, plot: Plot, vin: str) -> None:
    """Let somebody ask for a quote, hold the car and buy it; some give it back."""
    with stage.works.read(system(stage.brand.id)) as work:
        first = 1 + work.connection.execute(select(func.count()).select_from(accounts)).scalar_one()
    (buyer,) = add_consumers(stage.runtime, stage.brand, first_number=first, count=1)
    with stage.works.change(buyer) as work:
        quote = service.ask_stock_quote(work, stage.runtime.desk, vin)
        held = service.hold_stock_car(work, quote.id)
        if falls("held only", held.id, plot.rates.held_only):
            return
        deposit = Money(policy.current(work).section(StockPurchasePolicy).deposit_minor)
        token = authorise(work, stage.runtime, deposit, reference=held.id)
        request = service.BuyRequest(f"stock-{held.id}", held.id, token)
        service.buy_stock_car(work, stage.runtime.desk, stage.runtime.providers, request)
