"""A process that dies at a commit: just before it, with everything written and nothing kept, or just after, unheard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kernel.actor import Actor
from kernel.work import Work, Works


class PowerCut(BaseException):
    """The process is gone. No `except Exception` of ours may notice it."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The commit at which the power goes: the n-th one (from 1), before it or right after."""

    number: int
    is_committed: bool


class CrashingWorks(Works):
    """Opens changes and counts their commits; at one boundary the power goes, once."""

    commits: int = 0
    boundary: Boundary | None = None

    @contextmanager
    def change(self, actor: Actor, *, ahead: bool = False) -> Iterator[Work]:
        """Open a change that may find no end, or one that nobody hears of."""
        with super().change(actor, ahead=ahead) as work:
            yield work
            self.commits += 1
            here = self.boundary if self.boundary is not None and self.boundary.number == self.commits else None
            if here is not None and not here.is_committed:
                raise PowerCut
        if here is not None:
            raise PowerCut
