"""Reads of what comes to a store, of its calendar, and of the hours that a buyer can book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select

from configurator.quote_service import road_km
from factory_orders.deliveries.appointments import HOUR, GivenHours, free_hours, places_of
from factory_orders.deliveries.model import OPEN, ShipmentState
from factory_orders.deliveries.queries import order_code, orders_by_id, taken_places
from factory_orders.deliveries.tables import handovers, shipments
from factory_orders.hours.model import Arrival, CalendarDay, ComingCar, Expected, StoreArrivals
from factory_orders.hours.tables import store_hours
from factory_orders.light_stock.tables import stock_moves
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.promise import at_store_on
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.policies import HandoverPolicy, PromisePolicy
from factory_orders.vehicles.tables import vehicles
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.work import Work

DAYS_MAX = 31
CARS_MAX = 2_000
SHOWN_MAX = 100
OVERDUE = timedelta(days=30)
"""An appointment that nobody kept is followed for so long."""
_ON_THE_WAY = (ShipmentState.PLANNED, ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED)


def store_calendar(work: Work, *, first: date, days: int) -> list[CalendarDay]:
    """Return the adviser's own store day by day: cars that come, people who come, places that are free.

    What should have come before the first day and has not is listed on the first day.
    """
    work.actor.require(Permission.DELIVERY_READ)
    if not 1 <= days <= DAYS_MAX:
        raise InvalidInput("days", because("COUNT", least=1, most=DAYS_MAX))
    store = registry.stores_by_id(work, [work.actor.own_store()]).get(work.actor.own_store())
    if store is None:
        raise NotFound("store")
    last = first + timedelta(days=days - 1)
    arrivals: dict[date, list[Arrival]] = {}
    shipped = ((day, arrival) for _, day, arrival in cars_on_the_way(work, {store.id: store}))
    for day, arrival in (*shipped, *_planned(work, store)):
        if day <= last:
            arrivals.setdefault(max(day, first), []).append(arrival)
    expected, free = _appointments(work, store, first=first, last=last)
    return [
        CalendarDay(day, tuple(arrivals.get(day, ())), tuple(expected.get(day, ())), free.get(day, 0))
        for day in (first + timedelta(days=number) for number in range(days))
    ]


def cars_on_the_way(work: Work, stores: Mapping[str, registry.Store]) -> Iterator[tuple[str, date, Arrival]]:
    """Yield the cars that are on their way to stores, by shipment: the store, the day they are expected, the car.

    For the room's use cases; at most 2,000 a store.
    """
    way, car, move = shipments.c, vehicles.c, stock_moves.c
    found = (
        select(way.id, way.vin, way.order_id, way.store_id, way.state, way.planned_at, way.loaded_at, way.arrived_at)
        .add_columns(car.model, car.plant_id, move.distance_km)
        .join(vehicles, car.vin == way.vin)
        .outerjoin(stock_moves, move.shipment_id == way.id)
        .where(
            way.brand_id == work.actor.brand_id,
            db.among(way.store_id, stores),
            db.among(way.state, [state.value for state in _ON_THE_WAY]),
        )
        .order_by(way.id)
        .limit(CARS_MAX * len(stores))
    )
    times, zone = policy.current(work).section(PromisePolicy), registry.own_brand(work).zone
    plants = {plant.id: plant for plant in registry.list_plants(work)}
    for row in work.connection.execute(found):
        code = None if row.order_id is None else order_code(row.order_id)
        arrival = Arrival(row.model, code, row.state, row.vin, row.id)
        if row.arrived_at is not None:
            yield row.store_id, row.arrived_at.astimezone(zone).date(), arrival
            continue
        km = road_km(plants[row.plant_id], stores[row.store_id]) if row.distance_km is None else row.distance_km
        stretches = -(-km // times.transit_km_per_day)
        left = (row.loaded_at or row.planned_at).astimezone(zone).date()
        yield row.store_id, left + timedelta(days=times.transit_base_days + stretches), arrival


def _planned(work: Work, store: registry.Store) -> Iterator[tuple[date, Arrival]]:
    """Yield the cars that are still to be built for a store's orders, with the day they are ready there."""
    built = build_orders.c
    found = (
        select(orders.c.id, orders.c.model, orders.c.state, orders.c.origin, built.week, built.plant_id)
        .join(build_orders, (built.order_id == orders.c.id) & (built.stage != "withdrawn"))
        .where(orders.c.brand_id == work.actor.brand_id, orders.c.store_id == store.id, orders.c.state == "scheduled")
        .order_by(orders.c.id)
        .limit(CARS_MAX)
    )
    times = policy.current(work).section(PromisePolicy)
    plants = {plant.id: plant for plant in registry.list_plants(work)}
    for row in work.connection.execute(found):
        day = at_store_on(row.week, distance_km=road_km(plants[row.plant_id], store), policy=times)
        code = None if row.origin == OrderOrigin.STORE.value else order_code(row.id)
        yield day, Arrival(row.model, code, row.state, None, None)


def _appointments(
    work: Work, store: registry.Store, *, first: date, last: date
) -> tuple[dict[date, list[Expected]], dict[date, int]]:
    zone = registry.own_brand(work).zone
    begins = datetime.combine(first, time.min, zone).astimezone(UTC)
    ends = datetime.combine(last + timedelta(days=1), time.min, zone).astimezone(UTC)
    table = handovers.c
    found = (
        select(table.id, table.order_id, table.vin, table.appointment_at, table.state, vehicles.c.model)
        .join(vehicles, vehicles.c.vin == table.vin)
        .where(
            table.store_id == store.id,
            table.brand_id == work.actor.brand_id,
            db.among(table.state, [state.value for state in OPEN]),
            table.appointment_at >= begins,
            table.appointment_at < ends,
        )
        .order_by(table.appointment_at, table.id)
    )
    expected: dict[date, list[Expected]] = {}
    for row in work.connection.execute(found):
        one = Expected(row.id, order_code(row.order_id), row.model, row.vin, row.appointment_at, row.state)
        expected.setdefault(row.appointment_at.astimezone(zone).date(), []).append(one)
    rules = policy.current(work).section(HandoverPolicy)
    taken = taken_places(work, store.id, since=begins, until=ends)
    given = given_hours(work, store.id, since=begins, until=ends)
    free: dict[date, int] = {}
    hour = begins
    while hour < ends:
        left = places_of(hour, zone=zone, policy=rules, given=given) - len(taken.get(hour, ()))
        if hour > work.now and left > 0:
            day = hour.astimezone(zone).date()
            free[day] = free.get(day, 0) + left
        hour += HOUR
    return expected, free


def store_arrivals(work: Work, store_ids: Sequence[str]) -> dict[str, StoreArrivals]:
    """Return what comes to those of the stores that are the brand's, all read together, at most a hundred cars each.

    The caller checks whose stores they are.
    """
    work.actor.require(Permission.DELIVERY_READ)
    stores = registry.stores_by_id(work, list(dict.fromkeys(store_ids)))
    if not stores:
        return {}
    coming: dict[str, list[ComingCar]] = {store_id: [] for store_id in stores}
    for store_id, day, car in cars_on_the_way(work, stores):
        coming[store_id].append(ComingCar(day, car))
    scheduled, people = _scheduled_cars(work, stores), _people_of(work, stores)
    return {
        store_id: _arrivals(store_id, scheduled.get(store_id, 0), cars, people.get(store_id, ()))
        for store_id, cars in coming.items()
    }


def _arrivals(store_id: str, scheduled: int, cars: list[ComingCar], people: Sequence[Expected]) -> StoreArrivals:
    here = [one for one in cars if one.car.state == ShipmentState.ARRIVED.value]
    away = [one for one in cars if one.car.state != ShipmentState.ARRIVED.value]
    first = [*sorted(here, key=_by_day), *sorted(away, key=_by_day)][:SHOWN_MAX]
    return StoreArrivals(store_id, scheduled, len(away), len(here), tuple(first), tuple(people[:SHOWN_MAX]))


def _by_day(one: ComingCar) -> tuple[str, str]:
    return one.day.isoformat(), one.car.shipment_id or ""


def _scheduled_cars(work: Work, store_ids: Iterable[str]) -> Mapping[str, int]:
    table = orders.c
    found = (
        select(table.store_id, func.count())
        .where(table.brand_id == work.actor.brand_id, db.among(table.store_id, store_ids), table.state == "scheduled")
        .group_by(table.store_id)
    )
    return {store_id: int(count) for store_id, count in work.connection.execute(found)}


def _people_of(work: Work, store_ids: Iterable[str]) -> Mapping[str, list[Expected]]:
    table = handovers.c
    found = (
        select(table.id, table.order_id, table.store_id, table.vin, table.appointment_at, table.state, vehicles.c.model)
        .join(vehicles, vehicles.c.vin == table.vin)
        .where(
            table.brand_id == work.actor.brand_id,
            db.among(table.store_id, store_ids),
            table.appointment_at >= work.now - OVERDUE,
            db.among(table.state, [state.value for state in OPEN]),
        )
        .order_by(table.appointment_at, table.id)
    )
    people: dict[str, list[Expected]] = {}
    for row in work.connection.execute(found):
        one = Expected(row.id, order_code(row.order_id), row.model, row.vin, row.appointment_at, row.state)
        people.setdefault(row.store_id, []).append(one)
    return people


def free_appointments(work: Work, order_id: str, *, first: date, days: int) -> list[datetime]:
    """Return the hours in which the buyer of an order can be received at its store; refuses another's (NotFound)."""
    work.actor.require(Permission.OWN_READ)
    if not 1 <= days <= DAYS_MAX:
        raise InvalidInput("days", because("COUNT", least=1, most=DAYS_MAX))
    order = orders_by_id(work, [order_id]).get(order_id)
    if order is None:
        raise NotFound("order")
    rules = policy.current(work).section(HandoverPolicy)
    zone = registry.own_brand(work).zone
    begins = max(datetime.combine(first, time.min, zone).astimezone(UTC) - HOUR, work.now)
    ends = datetime.combine(first + timedelta(days=days), time.min, zone).astimezone(UTC) - HOUR
    until = min(ends, work.now + timedelta(days=rules.days_ahead_max))
    store_id = order.terms.store_id
    return list(
        free_hours(
            now=work.now,
            after=begins,
            until=until,
            zone=zone,
            taken=taken_places(work, store_id, since=work.now, until=until),
            policy=rules,
            given=given_hours(work, store_id, since=work.now, until=until),
        )
    )


def given_hours(work: Work, store_id: str, *, since: datetime, until: datetime) -> list[GivenHours]:
    """Return a store's words on hours that touch a stretch of time, the latest last."""
    return given_hours_of(work, [store_id], since=since, until=until)[store_id]


def given_hours_of(
    work: Work, store_ids: Sequence[str], *, since: datetime, until: datetime
) -> dict[str, list[GivenHours]]:
    """Return by store its words on hours that touch a stretch of time, the latest last."""
    table = store_hours.c
    found = (
        select(table.store_id, table.begins_at, table.ends_at, table.places)
        .where(
            db.among(table.store_id, store_ids),
            table.brand_id == work.actor.brand_id,
            table.ends_at > since,
            table.begins_at <= until,
        )
        .order_by(table.id)
    )
    given: dict[str, list[GivenHours]] = {store_id: [] for store_id in store_ids}
    for row in work.connection.execute(found):
        given[row.store_id].append(GivenHours(row.begins_at, row.ends_at, row.places))
    return given
