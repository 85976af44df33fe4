"""Offers for a long wait whose answer had no consequence: what the audit is to find."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from factory_orders.exchanges.tables import swap_offers
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.waiting.tables import wait_offers
from tests.configurator.small_brand import BRAND
from tests.conftest import MONDAY_MORNING
from tests.muster.planting import Plant


def _answered(connection: Connection, state: str, **more: Any) -> None:
    """Let the buyer of an order that goes on have answered an offer."""
    goes_on = select(orders.c.id).where(orders.c.state != "cancelled")
    order_id = connection.execute(goes_on).scalars().first()
    assert order_id is not None
    times = {"made_at": MONDAY_MORNING, "answer_by": MONDAY_MORNING + timedelta(days=7), "answered_at": MONDAY_MORNING}
    own = {"id": "c" * 32, "brand_id": BRAND, "order_id": order_id, "account_id": "a" * 32, "state": state}
    connection.execute(insert(wait_offers).values(**own, **times, **more, waits_days=60, credit_minor=90_000))


def credit_nothing(connection: Connection) -> None:
    """Say that who stayed was credited, without a movement of money."""
    _answered(connection, "accepted", credited_at=MONDAY_MORNING)


def decline_and_stay(connection: Connection) -> None:
    """Let an order go on whose buyer left for the wait."""
    _answered(connection, "declined")


def take_another_car_in_words_only(connection: Connection) -> None:
    """Let a buyer have said yes to another order's car, and leave the order its own."""
    builds = connection.execute(select(build_orders.c.id, build_orders.c.order_id).limit(2)).all()
    account_id = connection.execute(select(orders.c.account_id).where(orders.c.id == builds[0].order_id)).scalar_one()
    own = {"id": "d" * 32, "brand_id": BRAND, "order_id": builds[0].order_id, "account_id": account_id}
    cars = {"build_order_id": builds[0].id, "with_build_order_id": builds[1].id, "stage": "passed", "days_sooner": 9}
    times = {"offered_at": MONDAY_MORNING, "answer_by": MONDAY_MORNING + timedelta(days=2)}
    answer = {"state": "accepted", "answered_at": MONDAY_MORNING}
    connection.execute(insert(swap_offers).values(**own, **cars, **times, **answer))


PLANTED: Final[Mapping[str, Plant]] = {
    "who stayed for an offer is credited once the car is theirs, and nobody else": credit_nothing,
    "who declined an offer has left": decline_and_stay,
    "who said yes to another order's car has it and comes sooner by it, and only the order's buyer was asked": (
        take_another_car_in_words_only
    ),
}
