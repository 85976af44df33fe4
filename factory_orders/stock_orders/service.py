"""Use cases of orders for stock: a store or a planner orders light inventory, and the plant builds it like any car.

A car for stock belongs to its store until somebody buys it: its order has no buyer, no promise and no money, goes the
way of every order to the line, and ends where the car becomes stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from configurator.service import BuildableCar, buildable_car
from factory_orders.light_stock.queries import levels_of_store
from factory_orders.planning.model import (
    CancelledOrder,
    OrderOrigin,
    OrderTerms,
    ScheduledOrder,
    order_state,
)
from factory_orders.planning.order_service import form_batches, withdraw_build_order
from factory_orders.planning.order_store import insert_orders, orders_of_pool, save_order
from factory_orders.planning.queries import plant_by_id
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import BEFORE_THE_LINE
from factory_orders.plant.store import lock_with_order
from factory_orders.stock_orders.errors import StockOrderBegun
from factory_orders.stock_orders.events import StockOrdered
from factory_orders.stock_orders.model import CARS_MAX, StockOrder, StockOrderView, check_room
from factory_orders.stock_orders.queries import stock_order_by_id, stock_order_seen
from factory_orders.stock_orders.store import insert_stock_order, next_number
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.idempotency import Fresh, Keyed, Replay, claim, keep
from kernel.outbox import Letter, Subscription
from kernel.reasons import because
from kernel.registry import Store
from kernel.work import Work

TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class StockRequest:
    """Equal cars for a store's stock; an adviser's store is the own one, a planner names it.

    Without a key (the command line) the same request again is another order.
    """

    model: str
    options: tuple[str, ...]
    cars: int
    store_id: str | None = None
    idempotency_key: str | None = None

    def keyed(self, account_id: str, key: str) -> Keyed:
        """Return the request under its key."""
        body: dict[str, Any] = {"stock": self.model, "options": list(self.options), "cars": self.cars}
        return Keyed(account_id, key, body | {"store": self.store_id})


def order_stock(work: Work, request: StockRequest) -> StockOrderView:
    """Order cars for a store's stock, within what light inventory allows: base stock, display and demo cars.

    Cars there, on their way and ordered before count, of this store and model. The same key again is the same order.
    Refuses LightStockFull, a store that is closed or not one's own (NotFound), a car that cannot be built, and a number
    out of bounds (InvalidInput).
    """
    work.actor.require(Permission.STOCK_ORDER)
    claimed = None
    if request.idempotency_key is not None:
        claimed = claim(work, request.keyed(work.actor.signed_in(), request.idempotency_key))
        if isinstance(claimed, Replay):
            return stock_order_seen(work, claimed.outcome["stock_order_id"])
    if not 1 <= request.cars <= CARS_MAX:
        raise InvalidInput("cars", because("COUNT", least=1, most=CARS_MAX))
    store = registry.hold_open_store(work, store_meant(work, request.store_id))
    car = buildable_car(work, model=request.model, options=request.options, region=store.region)
    order = _write(work, request, store, car)
    insert_orders(work, _terms(work, order, car))
    if isinstance(claimed, Fresh):
        keep(work, claimed, {"stock_order_id": order.id})
    work.record(StockOrdered(order.brand_id, order.id, order.store_id, order.plant_id, order.cars))
    return stock_order_seen(work, order.id)


def store_meant(work: Work, named: str | None) -> str:
    """Return the store that is spoken of; a planner names one (InvalidInput), an adviser has one (NotFound)."""
    if work.actor.may(Permission.BATCH_MANAGE):
        if named is None:
            raise InvalidInput("storeId", because("NAME_THE_STORE"))
        return named
    own = work.actor.own_store()
    if named not in (None, own):
        raise NotFound("store")
    return own


def _write(work: Work, request: StockRequest, store: Store, car: BuildableCar) -> StockOrder:
    """Write the order behind those before it: who is second of two at once counts again and sees the first."""
    for _ in range(TRIES):
        number = next_number(work, store.id, request.model)
        level = levels_of_store(work, store.id)[request.model]
        check_room(cars=request.cars, had=level.cars, most=level.most)
        order = StockOrder(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            store_id=store.id,
            plant_id=registry.plant_by_code(work, car.cls.plant).id,
            model=request.model,
            options=car.options,
            catalogue_version_id=car.version_id,
            cars=request.cars,
            price_minor=car.price_minor,
            number=number,
            had=level.cars,
            most=level.most,
            ordered_by=work.actor.account_id,
            ordered_at=work.now,
        )
        if insert_stock_order(work, order):
            return order
    raise Conflict("stock order", because("CHANGED_JUST_NOW"))


def _terms(work: Work, order: StockOrder, car: BuildableCar) -> list[OrderTerms]:
    """Return each car as an order: it is its store's own, at the list price, and nobody else pays or is promised it."""
    version = policy.current(work).version
    return [
        OrderTerms(
            id=work.new_id(),
            brand_id=order.brand_id,
            pool_id=order.id,
            place=place,
            account_id=order.store_id,
            person_id=None,
            quote_id=order.id,
            store_id=order.store_id,
            plant_id=order.plant_id,
            class_l1=car.cls.l1_key,
            model=order.model,
            options=order.options,
            catalogue_version_id=order.catalogue_version_id,
            policy_version=version,
            price_minor=order.price_minor,
            guaranteed_other_minor=0,
            third_party_minor=0,
            promised_by=None,
            locked_at=work.now,
            origin=OrderOrigin.STORE,
        )
        for place in range(1, order.cars + 1)
    ]


def cancel_stock_order(work: Work, stock_order_id: str) -> StockOrderView:
    """End what of a stock order is not begun; what is begun is built. Again, it changes nothing.

    Refuses another store's order (NotFound) and one of which every car is begun (StockOrderBegun).
    """
    work.actor.require(Permission.STOCK_ORDER)
    order = stock_order_by_id(work, stock_order_id)
    if not work.actor.may(Permission.BATCH_MANAGE) and order.store_id != work.actor.own_store():
        raise NotFound("stock order")
    stages = [_cancel_car(work, order_id) for order_id in orders_of_pool(work, order.id)]
    if None not in stages:
        raise StockOrderBegun(str(stages[0]))
    return stock_order_seen(work, order.id)


def _cancel_car(work: Work, order_id: str) -> str | None:
    """End a car that is not begun; returns None for one that has ended so, else where it stands.

    The build order is locked before the order, as a plant's report does.
    """
    built, order = lock_with_order(work, order_id)
    if isinstance(order, CancelledOrder):
        return None
    if not isinstance(order, ScheduledOrder):
        return order_state(order)
    if built is not None and built.stage not in BEFORE_THE_LINE:
        return built.stage.value
    withdraw_build_order(work, order.terms)
    save_order(work, CancelledOrder(order.terms, "stock_cancelled", work.now))
    if built is not None:
        complete_batch(work, built.batch_id)
    return None


def on_stock_ordered(work: Work, letters: Sequence[Letter]) -> None:
    """Form the batches of plants that have cars for stock to build; the same news twice finds nothing left to do."""
    plants = {letter.event.plant_id for letter in letters if isinstance(letter.event, StockOrdered)}
    for plant_id in sorted(plants):
        form_batches(work, plant_by_id(work, plant_id))


SUBSCRIPTIONS: Final = (Subscription("factory_orders.stock_orders", frozenset({StockOrdered.kind}), on_stock_ordered),)
