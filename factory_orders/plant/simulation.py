"""A plant that is not there: the events a build order would cause, with times; pure and the same for one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from factory_orders.plant.model import PlantReport, Stage

STEPS: tuple[tuple[Stage, timedelta], ...] = (
    (Stage.PARTS_READY, timedelta(hours=2)),
    (Stage.BODY, timedelta(hours=9)),
    (Stage.PAINT, timedelta(hours=11)),
    (Stage.ASSEMBLY, timedelta(hours=14)),
)
FINAL_CHECK = timedelta(hours=2)
REWORK_TIME = timedelta(hours=6)


def simulate_build(
    build_order_id: str, *, starts_at: datetime, seed: int = 0, rework_percent: int = 4, repair_minor: int = 60_000
) -> Iterator[PlantReport]:
    """Yield the reports of one build order in order; up to a quarter of each step's time is left to chance.

    About `rework_percent` of the cars need rework at the line's end. Event ids are the same for the same seed.
    """
    digest = hashlib.sha256(f"{seed}:{build_order_id}".encode()).digest()
    moment = starts_at
    for number, (stage, takes) in enumerate(STEPS):
        moment += takes + takes * digest[number] // 1024
        yield PlantReport(_event_id(build_order_id, stage, seed), stage, moment)
    moment += FINAL_CHECK
    if int.from_bytes(digest[8:12], "big") % 100 < rework_percent:
        yield PlantReport(_event_id(build_order_id, Stage.REWORK, seed), Stage.REWORK, moment, repair_minor)
        moment += REWORK_TIME
    yield PlantReport(_event_id(build_order_id, Stage.PASSED, seed), Stage.PASSED, moment)


def _event_id(build_order_id: str, stage: Stage, seed: int) -> str:
    return f"sim-{seed}-{build_order_id}-{stage.value}"
