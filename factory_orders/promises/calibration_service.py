"""Use cases of calibration: a car stood ready or is lost to its buyer, a month is over, anybody asks."""

from __future__ import annotations

from factory_orders.promises.calibration import calibrate, last_month_over
from factory_orders.promises.store import insert_calibration, last_calibrated_day, outcomes_until, write_ready
from kernel import registry
from kernel.actor import Permission
from kernel.work import Work


def note_ready(work: Work, order_id: str) -> None:
    """Note that an order's car stands ready at the store since today, for its buyer's promise."""
    write_ready(work, order_id, work.now.astimezone(registry.own_brand(work).zone).date())


def note_not_ready(work: Work, order_id: str) -> None:
    """Note that the car that stood ready is not this buyer's any more; another one is built."""
    write_ready(work, order_id, None)


def release_calibration(work: Work) -> int:
    """Publish what of each plant's promises fell due up to the end of last month; returns how many plants had some.

    Fewer than ten persons wait until later months make them more. What is published stays as it is.
    """
    work.actor.require(Permission.SYSTEM)
    until = last_month_over(work.now.astimezone(registry.own_brand(work).zone).date())
    released = 0
    for plant in registry.list_plants(work):
        after = last_calibrated_day(work, plant.id)
        if after is not None and after >= until:
            continue
        found = calibrate(outcomes_until(work, plant.id, after=after, until=until), after=after, until=until)
        if found is not None:
            insert_calibration(work, plant.id, found)
            released += 1
    return released
