"""Use cases of calibration: a car stood ready or is lost to its buyer, a month is over, anybody asks."""

from __future__ import annotations

from collections.abc import Sequence

from factory_orders.policies import PromisePolicy
from factory_orders.promises.calibration import calibrate, last_month_over
from factory_orders.promises.learning import OBSERVED_LEAST, Prior, learn
from factory_orders.promises.margin_store import decided_residuals, insert_margin, margin_at
from factory_orders.promises.store import insert_calibration, last_calibrated_day, outcomes_until, write_ready
from kernel import policy, registry
from kernel.actor import Permission
from kernel.work import Work


def note_ready(work: Work, order_ids: Sequence[str]) -> None:
    """Note that orders' cars stand ready at their stores since today, for their buyers' promises."""
    write_ready(work, order_ids, work.now.astimezone(registry.own_brand(work).zone).date())


def note_not_ready(work: Work, order_id: str) -> None:
    """Note that the car that stood ready is not this buyer's any more; another one is built."""
    write_ready(work, [order_id], None)


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


def learn_margins(work: Work) -> int:
    """Learn each plant's margins from what became of its latest promises; returns how many plants' have changed.

    A plant whose decided orders are fewer than ten persons' keeps what it had.
    """
    work.actor.require(Permission.SYSTEM)
    rules = policy.current(work).section(PromisePolicy)
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    prior = Prior(rules.prior_weight, rules.prior_late_days)
    changed = 0
    for plant in registry.list_plants(work):
        seen = decided_residuals(work, plant.id, today=today, most=rules.learn_from)
        if len({one.person for one in seen}) < OBSERVED_LEAST:
            continue
        margin = learn([one.days for one in seen], prior, least_days=rules.margin_least_days)
        before = margin_at(work, plant.id, work.now)
        if before is None or (before.p50_days, before.p90_days) != (margin.p50_days, margin.p90_days):
            insert_margin(work, plant.id, margin)
            changed += 1
    return changed
