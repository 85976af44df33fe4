"""News of cubes."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("demand.cubes_released")
@dataclass(frozen=True, slots=True)
class CubesReleased(Event):
    """A new release can be read."""

    release: int
    cells: int
