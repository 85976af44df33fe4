"""What the digest tells: one piece of news for all planners of a brand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kernel.events import Event, event


@dataclass(frozen=True, slots=True)
class DigestReader:
    """An account that the digest goes to."""

    account_id: str


@event("demand.digest_made")
@dataclass(frozen=True, slots=True)
class DigestMade(Event):
    """What there is to tell of a week, a line each, in codes and figures that need no language."""

    week: date
    changes: tuple[str, ...]
    votes: tuple[str, ...]
    pools: tuple[str, ...]
    planners: tuple[DigestReader, ...]
