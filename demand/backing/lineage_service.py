"""From wishes to cars: notes, when a car gets its number, which proposals are behind its options (DOMAIN 6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demand.backing.store import fulfilments_of, insert_cars
from demand.pools.queries import pre_orders_seen
from kernel.actor import Permission
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class NumberedCar:
    """A car that has its number, with the options that it was built with, of the catalogue version it was ordered from.

    `order_id` is a pre-order's, or that of an order for stock.
    """

    vin: str
    order_id: str
    version_id: str
    options: tuple[str, ...]


def note_cars(work: Work, cars: Sequence[NumberedCar]) -> None:
    """Note the proposals behind the options of cars; a car that is told of twice is noted once.

    An option counts from the catalogue version on that says so: whoever ordered it before did so without the wish. Ids
    of versions rise with time.
    """
    work.actor.require(Permission.SYSTEM)
    wanted = {option for car in cars for option in car.options}
    named = fulfilments_of(work, sorted(wanted)) if wanted else []
    if not named:
        return
    ordered = pre_orders_seen(work, [car.order_id for car in cars])
    rows = [
        {
            "proposal_id": proposal_id,
            "vin": car.vin,
            "option": option,
            "brand_id": work.actor.brand_id,
            "pre_order_id": car.order_id if car.order_id in ordered else None,
            "version_id": car.version_id,
            "at": work.now,
        }
        for car in cars
        for proposal_id, option, version_id in named
        if option in car.options and car.version_id >= version_id
    ]
    insert_cars(work, rows)
