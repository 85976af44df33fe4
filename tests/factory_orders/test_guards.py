"""What the database itself holds of orders and cars, whoever writes (DOMAIN section 4)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from factory_orders.deliveries.tables import order_balances
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.service import Damage
from factory_orders.vehicles.tables import vehicles, vin_serials
from tests.factory_orders.trade import SYSTEM, Trade


def test_the_database_delivers_no_car_before_what_happened_to_it_is_accepted(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=Damage("dent", 9_000))

    with pytest.raises(IntegrityError, match="accepted before it is delivered"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(state="delivered"))


def test_the_database_gives_no_number_to_a_second_car(trade: Trade) -> None:
    first, second = trade.lock(2)
    vin = trade.build(first)
    with trade.works.change(SYSTEM) as work:
        # As if the numbers had been set back to the first.
        work.connection.execute(delete(vin_serials))

    with pytest.raises(IntegrityError):
        trade.build(second)

    with trade.works.read(SYSTEM) as work:
        assert list(work.connection.execute(select(vehicles.c.vin)).scalars()) == [vin]
    assert trade.build_order_of(second).stage is Stage.BODY


@pytest.mark.parametrize("part", ["price_minor", "guaranteed_other_minor"])
def test_the_database_lets_no_locked_price_of_an_order_rise(trade: Trade, part: str) -> None:
    (order_id,) = trade.lock()

    with pytest.raises(IntegrityError, match="locked price never rises"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(orders).where(orders.c.id == order_id).values({part: orders.c[part] + 1}))


@pytest.mark.parametrize("part", ["vehicle_minor", "guaranteed_other_minor"])
def test_the_database_asks_nobody_for_more_than_what_was_locked(trade: Trade, part: str) -> None:
    first, second = trade.lock(2)
    trade.bring_to_store(first)
    handover = trade.inspect(trade.book(first))
    trade.ask_balance(handover)
    with trade.works.change(SYSTEM) as work:
        asked = dict(work.connection.execute(select(order_balances)).mappings().one())
        price = work.connection.execute(select(orders).where(orders.c.id == second)).mappings().one()
    assert asked["vehicle_minor"] == price["price_minor"]

    dearer = asked | {"handover_id": handover.id, "order_id": second, part: asked[part] + 1}
    with pytest.raises(IntegrityError, match="more than what was locked"), trade.works.change(SYSTEM) as work:
        work.connection.execute(order_balances.insert().values(**dearer))
