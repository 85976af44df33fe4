"""What a store, a planner and a stock buyer find in a seeded demo of light inventory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from factory_orders import queries
from factory_orders.model import CancelledOrder, Newness
from factory_orders.stock.model import PurchaseState
from kernel import registry
from kernel.actor import Actor, Role, system
from kernel.identity.queries import account_by_email
from kernel.ids import BrandId
from kernel.paging import PageRequest
from kernel.work import Works
from muster.demo.light_stock import BINJIANG, NAMED_BUYER, PLANNER, PUDONG

ALL = PageRequest(100)


def demo_actor(works: Works, email: str, role: Role, *, store: str = "") -> Actor:
    """Return somebody of the demo brand who signs in by name."""
    with works.read(system(BrandId("platform"))) as work:
        brand = registry.brand_by_code(work, "qilan")
    with works.read(system(brand.id)) as work:
        stores = {one.code: one.id for one in registry.list_stores(work)}
        found = account_by_email(work, email)
    assert found is not None
    actor = Actor(brand.id, frozenset({role}), found)
    return replace(actor, store_id=stores[store]) if store else actor


def assert_light_stock_is_told(works: Works) -> None:
    """Look at the demo as those do who work with stock cars; it is told for the Monday of the tests."""
    planner = demo_actor(works, PLANNER, Role.PLANNER)
    with works.read(planner) as work:
        states = Counter(car.state for view in queries.stock_orders_made(work, ALL).items for car in view.cars)
        (made,) = queries.allocation_rounds_made(work, ALL).items
        moves = queries.moves_made(work, ALL).items
        stores = {str(one.id): one.code for one in registry.list_stores(work)}
    assert states == {"at_store": 12, "batched": 7}
    assert made.cost_minor == made.bound_minor
    assert {move.state.value for move in moves} == {"accepted"}
    assert (PUDONG, BINJIANG) in {(stores.get(move.from_store_id or ""), stores[move.store_id]) for move in moves}

    adviser = demo_actor(works, "dealer.pudong@qilan.test", Role.DEALER, store=PUDONG)
    with works.read(adviser) as work:
        standing = queries.own_stock(work, ALL).items
        levels = {one.model: one for one in queries.store_levels(work, ALL).items if one.store_id == adviser.store_id}
        arrivals = queries.store_arrivals(work, [adviser.own_store()])[adviser.own_store()]
    assert Counter(car.held_until is not None for car in standing) == {False: 1, True: 1}
    assert all(car.price_minor is not None and car.newness is Newness.NEW for car in standing)
    assert (levels["L5"].display, levels["L5"].demo, levels["L5"].demo_wanted) == (1, 1, 1)
    assert len(arrivals.people) == 1

    buyer = demo_actor(works, NAMED_BUYER, Role.CONSUMER)
    with works.read(buyer) as work:
        (bought,) = queries.own_stock_purchases(work, ALL).items
        order = queries.orders_by_id(work, [bought.id])[bought.id]
    assert bought.state is PurchaseState.BOUGHT
    assert not isinstance(order, CancelledOrder)
