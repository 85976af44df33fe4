"""Where the time comes from: the only module that asks the machine what time it is. Times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; a `Work` reads it once, so one change happens at one instant."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, to the microsecond."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for seeding."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward; a clock here never runs backwards."""
        assert by >= timedelta(0)
        self._now += by

    def set(self, moment: datetime) -> None:
        """Jump to a later moment."""
        self.advance(moment - self._now)


class ShiftedClock:
    """The machine's clock plus an offset that is asked for anew each time; lets a demo look three weeks ahead.

    `remembered` tells the offset without asking anybody; None where that cannot be.
    """

    def __init__(
        self, offset: Callable[[], timedelta], *, remembered: Callable[[], timedelta | None] = lambda: None
    ) -> None:
        self._offset = offset
        self._remembered = remembered

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset()

    def at_hand(self) -> datetime | None:
        """Tell the time where that waits for nobody."""
        offset = self._remembered()
        return None if offset is None else datetime.now(UTC) + offset
