"""Stock cars held, bought and paid for as no rule allows: what the audit is to find."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from factory_orders.deliveries.tables import shipments
from factory_orders.early_cars.tables import early_offers, early_rounds
from factory_orders.exchanges.tables import car_swaps, swap_rounds
from factory_orders.light_stock.tables import allocation_rounds, fairness_lines, stock_moves
from factory_orders.parts.tables import part_moves
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.stock.tables import stock_holds, stock_purchases, stock_quotes
from factory_orders.stock_orders.tables import stock_orders
from factory_orders.store_closing.tables import store_changes
from factory_orders.store_shares.tables import store_shares
from factory_orders.vehicles.tables import allocations, vehicles
from kernel.ledger import ledger_transfers
from kernel.registry import stores
from tests.configurator.small_brand import BRAND
from tests.conftest import MONDAY_MORNING

LATER: Final = MONDAY_MORNING + timedelta(days=900)
PAPER: Final[dict[str, Any]] = {"key_id": "k", "signature": "s"}


def _hold(connection: Connection, vin: str, **ended: Any) -> None:
    """Quote a car, and let somebody hold it."""
    store_id = connection.execute(select(shipments.c.store_id)).scalars().first()
    own = {"brand_id": BRAND, "vin": vin, "expires_at": LATER}
    quote = own | PAPER | {"price_minor": 100, "total_minor": 100, "told": 0, "document": {}, "store_id": store_id}
    connection.execute(insert(stock_quotes).values(**quote, id="e" * 32, issued_at=MONDAY_MORNING))
    held = {"id": "d" * 32, "quote_id": "e" * 32, "held_at": MONDAY_MORNING}
    connection.execute(insert(stock_holds).values(**own, **held, **ended))


def _purchase(connection: Connection, vin: str, **state: Any) -> None:
    store_id = connection.execute(select(shipments.c.store_id)).scalars().first()
    own = PAPER | {"brand_id": BRAND, "store_id": store_id, "vin": vin, "contract": {}, "policy_version": 0}
    ids = {"id": "c" * 32, "quote_id": "e" * 32, "hold_id": "d" * 32, "account_id": "a" * 32, "payment_id": "b" * 32}
    times = {"placed_at": MONDAY_MORNING, "payable_until": LATER}
    connection.execute(insert(stock_purchases).values(**own, **ids, **times, **state, deposit_minor=20))


def hold_bound_car(connection: Connection) -> None:
    """Let somebody hold a car that is bound to an order."""
    vin = connection.execute(select(allocations.c.vin).where(allocations.c.ended_at.is_(None))).scalars().first()
    assert vin is not None
    _hold(connection, vin)


def buy_without_order(connection: Connection) -> None:
    """Let a purchase be made that has no order."""
    vin = connection.execute(select(vehicles.c.vin)).scalars().first()
    assert vin is not None
    _hold(connection, vin, ended_at=MONDAY_MORNING, reason="bought")
    _purchase(connection, vin, state="bought", ended_at=MONDAY_MORNING)


def leave_open(connection: Connection) -> None:
    """Let a purchase stay open though its hold has ended."""
    vin = connection.execute(select(vehicles.c.vin)).scalars().first()
    assert vin is not None
    _hold(connection, vin, ended_at=MONDAY_MORNING, reason="expired")
    _purchase(connection, vin, state="open")


def put_down_twice(connection: Connection) -> None:
    """Let more lie on a deposit's account than came."""
    order_id = connection.execute(select(orders.c.id)).scalars().first()
    connection.execute(update(orders).where(orders.c.id == order_id).values(origin="stock"))
    row = {"id": "f" * 32, "brand_id": BRAND, "amount_minor": 1, "currency": "CNY", "at": MONDAY_MORNING}
    accounts = {"debit_account": "sales:nobody", "credit_account": f"stock_deposit:{order_id}"}
    connection.execute(insert(ledger_transfers).values(**row, **accounts, kind="planted", reference="planted"))


def _round(connection: Connection, *, moved: int, bound_minor: int = 0) -> None:
    row = {"id": "1" * 32, "brand_id": BRAND, "made_at": MONDAY_MORNING, "policy_version": 0, "cars": 1, "waiting": 0}
    connection.execute(insert(allocation_rounds).values(**row, moved=moved, cost_minor=0, bound_minor=bound_minor))


def share_without_proof(connection: Connection) -> None:
    """Write a sharing out that something could be cheaper than."""
    _round(connection, moved=0, bound_minor=-1)


def send_nowhere(connection: Connection) -> None:
    """Let an accepted car have no way."""
    _round(connection, moved=1)
    vin = connection.execute(select(vehicles.c.vin)).scalars().first()
    store_id = connection.execute(select(shipments.c.store_id)).scalars().first()
    own = {"id": "2" * 32, "brand_id": BRAND, "round_id": "1" * 32, "vin": vin, "model": "A1", "store_id": store_id}
    names = ("distance_km", "transport_minor", "days_late", "worth_minor", "saved_minor", "next_minor")
    sums: dict[str, Any] = dict.fromkeys(names, 0) | {"is_first": False}
    times = {"offered_at": MONDAY_MORNING, "answer_by": LATER, "answered_at": LATER}
    gone = {"state": "accepted", "shipment_id": "9" * 32}
    connection.execute(insert(stock_moves).values(**own, **sums, **times, **gone))


def owe_out_of_nothing(connection: Connection) -> None:
    """Let a store be owed what no sharing out gave it."""
    _round(connection, moved=0)
    store_id = connection.execute(select(shipments.c.store_id)).scalars().first()
    own = {"id": "3" * 32, "brand_id": BRAND, "round_id": "1" * 32, "store_id": store_id, "model": "A1"}
    owed = {"owed_before": 500, "entitled": 0, "received": 0, "owed_after": 500}
    connection.execute(insert(fairness_lines).values(**own, **owed, at=MONDAY_MORNING))


def order_without_cars(connection: Connection) -> None:
    """Let a stock order have none of its cars."""
    order = connection.execute(select(orders.c.store_id, orders.c.plant_id, orders.c.options)).first()
    assert order is not None
    own = {"id": "4" * 32, "brand_id": BRAND, "store_id": order.store_id, "plant_id": order.plant_id, "model": "A1"}
    car = {"options": order.options, "catalogue_version_id": "5" * 32, "price_minor": 100, "cars": 2}
    counted = {"number": 1, "had": 0, "most": 2, "ordered_at": MONDAY_MORNING}
    connection.execute(insert(stock_orders).values(**own, **car, **counted))


def promise_a_stock_car(connection: Connection) -> None:
    """Let a buyer's order count as one for a store's stock."""
    order_id = connection.execute(select(orders.c.id).where(orders.c.state == "scheduled")).scalars().first()
    connection.execute(update(orders).where(orders.c.id == order_id).values(origin="store"))


def _swap_round(connection: Connection) -> None:
    """Write a round of swaps of two orders."""
    row = {"id": "6" * 32, "brand_id": BRAND, "made_at": MONDAY_MORNING, "orders": 2, "swapped": 2}
    connection.execute(insert(swap_rounds).values(**row, saved_minor=1, saved_at_most_minor=1))


def swap_nothing(connection: Connection) -> None:
    """Let a round say that two orders changed their cars, and none did."""
    _swap_round(connection)


def give_away(connection: Connection) -> None:
    """Let an order get another one's car that nobody gave away."""
    _swap_round(connection)
    builds = connection.execute(select(build_orders.c.id, build_orders.c.order_id).limit(2)).all()
    own = {"id": "7" * 32, "brand_id": BRAND, "round_id": "6" * 32, "order_id": builds[0].order_id}
    cars = {"from_build_order_id": builds[0].id, "to_build_order_id": builds[1].id}
    connection.execute(
        insert(car_swaps).values(**own, **cars, days_late_before=1, days_late_after=0, at=MONDAY_MORNING)
    )


def owe_a_store_more(connection: Connection) -> None:
    """Let a store be owed more of a car than its part."""
    order_id = connection.execute(select(orders.c.id).where(orders.c.state == "delivered")).scalars().first()
    row = {"id": "f" * 32, "brand_id": BRAND, "amount_minor": 1, "currency": "CNY", "at": MONDAY_MORNING}
    accounts = {"debit_account": f"sales:{BRAND}", "credit_account": "store:nobody"}
    share = {"kind": "store_shortfall", "reference": order_id}
    connection.execute(insert(ledger_transfers).values(**row, **accounts, **share))


def halve_a_fee(connection: Connection) -> None:
    """Let a store have had half its fee for a car."""
    share = store_shares.c
    half = {"sold_minor": share.sold_minor // 2, "share_minor": share.share_minor // 2}
    done = connection.execute(update(store_shares).where(share.kind == "fee").values(**half))
    assert done.rowcount >= 1


def offer_nothing(connection: Connection) -> None:
    """Let a round say that it offered a car, and none was."""
    row = {"id": "8" * 32, "brand_id": BRAND, "made_at": MONDAY_MORNING, "cars": 1, "orders": 1, "offered": 1}
    connection.execute(insert(early_rounds).values(**row, saved_minor=0, saved_at_most_minor=0))


def offer_bound_car(connection: Connection) -> None:
    """Offer a car that somebody has."""
    offer_nothing(connection)
    bound = connection.execute(select(allocations.c.vin, allocations.c.order_id)).first()
    assert bound is not None
    own = {"id": "9" * 32, "brand_id": BRAND, "round_id": "8" * 32, "order_id": bound.order_id, "vin": bound.vin}
    open_one = {"account_id": "a" * 32, "days_sooner": 9, "offered_at": MONDAY_MORNING, "answer_by": LATER}
    connection.execute(insert(early_offers).values(**own, **open_one, state="open"))


def send_elsewhere(connection: Connection) -> None:
    """Let a buyer have picked another store than the one that the car goes to."""
    order = connection.execute(select(orders.c.id, orders.c.store_id, orders.c.account_id)).first()
    assert order is not None
    other = connection.execute(select(stores.c.id).where(stores.c.id != order.store_id)).scalars().first()
    own = {"id": "b" * 32, "brand_id": BRAND, "order_id": order.id, "account_id": order.account_id}
    picked = {"from_store_id": order.store_id, "to_store_id": other, "at": MONDAY_MORNING}
    connection.execute(insert(store_changes).values(**own, **picked))


def give_back_parts(connection: Connection) -> None:
    """Let a car that was built give parts back, which somebody counted as gone."""
    used = connection.execute(select(part_moves).where(part_moves.c.kind == "used")).mappings().first()
    assert used is not None
    back = dict(used) | {"id": "e" * 32, "kind": "returned", "quantity": 1}
    lost = dict(used) | {"id": "f" * 32, "kind": "counted", "quantity": -1}
    connection.execute(insert(part_moves), [back, lost])
