"""What happened to comparisons; who answered stays out of the news."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("demand.comparison_opened")
@dataclass(frozen=True, slots=True)
class ComparisonOpened(Event):
    """Twelve proposals can be compared."""

    comparison_id: str
    proposal_ids: tuple[str, ...]


@event("demand.comparison_closed")
@dataclass(frozen=True, slots=True)
class ComparisonClosed(Event):
    """A comparison takes no answers any more; the worker works them out."""

    comparison_id: str


@event("demand.comparison_released")
@dataclass(frozen=True, slots=True)
class ComparisonReleased(Event):
    """A comparison's outcome can be read; with too few persons it has none."""

    comparison_id: str
    has_outcome: bool
