"""Saves the hours that stores give."""

from __future__ import annotations

from factory_orders.deliveries.appointments import GivenHours
from factory_orders.hours.tables import store_hours
from kernel.work import Work


def insert_hours(work: Work, store_id: str, given: GivenHours) -> None:
    """Write a store's word on its hours; the latest counts."""
    work.connection.execute(
        store_hours.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            store_id=store_id,
            begins_at=given.begins_at,
            ends_at=given.ends_at,
            places=given.places,
            by_account_id=work.actor.account_id,
            at=work.now,
        )
    )
