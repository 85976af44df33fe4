"""Releases what circles bring, once a day: nothing of fewer than k persons, nor by holding two days side by side."""

from __future__ import annotations

from typing import Final

from sqlalchemy import true

from demand.circles.model import release_figures
from demand.circles.queries import persons_behind
from demand.circles.store import hold_circles, released_before, save_released
from demand.cubes.policy import CubePolicy
from kernel import policy
from kernel.actor import Permission
from kernel.work import Work

CIRCLES_TIMER: Final = "demand.circles_release"


def release_circles(work: Work, _brand_id: str = "", _payload: object = None) -> int:
    """Release the figures of every circle of the brand that changed enough; returns how many did."""
    work.actor.require(Permission.SYSTEM)
    rules = policy.current(work).section(CubePolicy)
    # Held before they are read: whoever is erased meanwhile is either not counted any more, or not yet.
    hold_circles(work, true())
    before = released_before(work)
    behind = persons_behind(work)
    released = 0
    for circle_id in sorted({*before, *behind}):
        known = before.get(circle_id, {})
        after = release_figures(behind.get(circle_id, {}), known, k=rules.k, rounding=rules.rounding)
        released += save_released(work, circle_id, known, after)
    return released
