"""When a car built in a week is at its store: the simple, documented rule (DOMAIN section 6.4).

The planned day: the Friday of the week + transit + pre-delivery. Transit: a base plus one day per started stretch of
road. P50: two days before, since a week's cars are spread evenly over its days. P90: the day planned for the last week
it may slip to, plus the policy's buffer. Once a plant's cars have taught something, both are the planned day of the
expected week and the margins that were learned (`promises.learning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from factory_orders.policies import PromisePolicy
from factory_orders.promises.learning import HALF_OF_WEEK_DAYS, Margin

FRIDAY = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Window:
    """The week a car is expected in and the last one it may be built in."""

    expected: date
    latest: date


def at_store_on(week: date, *, distance_km: int, policy: PromisePolicy) -> date:
    """Return the day by which every car of this week is planned to be ready at the store."""
    stretches = -(-distance_km // policy.transit_km_per_day)
    return week + FRIDAY + timedelta(days=policy.transit_base_days + stretches + policy.pre_delivery_days)


def promise_days(
    window: Window, *, distance_km: int, policy: PromisePolicy, margin: Margin | None = None
) -> tuple[date, date]:
    """Return P50 and P90; `margin` is what the plant's cars have taught."""
    expected = at_store_on(window.expected, distance_km=distance_km, policy=policy)
    if margin is not None:
        return expected + timedelta(days=margin.p50_days), expected + timedelta(days=margin.p90_days)
    latest = at_store_on(window.latest, distance_km=distance_km, policy=policy)
    return expected + timedelta(days=HALF_OF_WEEK_DAYS), latest + timedelta(days=policy.buffer_days)


def pool_window(held: Sequence[tuple[date, int]], *, members: int, not_before: date) -> Window | None:
    """Return the week in which the next member's place lies, and the last week the pool holds.

    `held` are the pool's weeks with their slots, in order. Places are built in the order they were funded, so member
    n + 1 takes the (n + 1)-th held slot; who joins beyond what is held is promised the last week.
    """
    weeks = [(week, slots) for week, slots in held if slots > 0 and week >= not_before]
    if not weeks:
        return None
    before = 0
    for week, slots in weeks:
        before += slots
        if members < before:
            return Window(week, weeks[-1][0])
    return Window(weeks[-1][0], weeks[-1][0])
