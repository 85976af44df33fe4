"""What was read a moment ago and is believed for a while, without all who ask reading it anew at the same moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Belief(Generic[T]):
    """A value as of a moment of the process (`read_at`, by its monotonic clock).

    Who can read it anew does so once half of its time is over. Who cannot, for that would keep others waiting, goes on
    with it, but for the first one in the second half: that one is sent to where it can be read, and as long as the
    reading takes the others still have it. Were it over for all at once, all of them would go; so they still do where
    nobody asked in the second half.
    """

    value: T
    read_at: float
    _sent: bool = field(default=False, init=False, compare=False)

    def is_young(self, seconds: float) -> bool:
        """Say whether whoever can read it anew need not, where it is believed so many seconds."""
        return time.monotonic() - self.read_at < seconds / 2

    def is_at_hand(self, seconds: float) -> bool:
        """Say whether it is good as it is; in its second half one who asks is told that it is not."""
        if self.is_young(seconds):
            return True
        if self._sent:
            return time.monotonic() - self.read_at < seconds
        self._sent = True
        return False
