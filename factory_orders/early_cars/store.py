"""Saves rounds and offers of free cars, and gives a car's build order to who takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import update

from factory_orders.early_cars.model import EarlyOffer, EarlyRound
from factory_orders.early_cars.tables import EARLY, early_rounds
from factory_orders.offers.store import insert_offers
from factory_orders.plant.tables import build_orders
from kernel.work import Work


def insert_round(work: Work, made: EarlyRound, offers: Sequence[EarlyOffer]) -> None:
    """Write a round with its offers."""
    work.connection.execute(early_rounds.insert().values(**asdict(made)))
    insert_offers(work, EARLY, offers)


def give_build_order(work: Work, build_order_id: str, order_id: str) -> None:
    """Give a free car's build order to the order that takes the car; its own one is withdrawn by now."""
    work.connection.execute(update(build_orders).where(build_orders.c.id == build_order_id).values(order_id=order_id))
