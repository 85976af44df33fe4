"""Many requests, one commit: what has come in while the last commit ran is decided and committed together.

Nothing lingers to fill a group, and nobody is told yes before the commit. Whoever would wait too long is told at once
when to come back, and those who come back find the door in the order in which they were sent away.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from kernel.errors import Refusal, TooBusy

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")
GROUP_MAX: Final = 256
QUEUE_MAX: Final = 4096
PATIENCE_SECONDS: Final = 10.0
RETRY_AFTER_SECONDS: Final = 2
RETRY_AFTER_SECONDS_MAX: Final = 60
OWNER_REQUESTS_MAX: Final = 8


@dataclass(slots=True)
class Pace:
    """How long a group takes, learned from those decided, and how many were sent away to come back later.

    Groups are full when it matters, so a wait is a number of groups. The seconds a person is told to stay away grow
    with everybody who was sent away before and is not back yet, so a crowd comes back spread out and not all at once.
    """

    group_max: int
    group_seconds: float | None = None
    sent_away: float = 0.0

    def note(self, decided: int, seconds: float) -> None:
        """Learn from one group; the last few count most."""
        known = self.group_seconds
        self.group_seconds = seconds if known is None else 0.8 * known + 0.2 * seconds
        self.sent_away = max(0.0, self.sent_away - decided)

    def wait_seconds(self, ahead: float) -> float:
        """Return how long somebody with so many ahead would wait; nothing is known before the first group."""
        return 0.0 if self.group_seconds is None else ahead / self.group_max * self.group_seconds

    def send_away(self, waiting: int) -> int:
        """Return after how many seconds to come back, behind those who wait and those sent away before."""
        self.sent_away += 1
        if self.group_seconds is None:
            return RETRY_AFTER_SECONDS
        seconds = math.ceil(self.wait_seconds(waiting + self.sent_away))
        return min(max(seconds, 1), RETRY_AFTER_SECONDS_MAX)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Request, Outcome]):
    request: Request
    owner: str | None
    future: Future[Outcome] = field(default_factory=Future)


class Group(Generic[Request, Outcome]):
    """A door with one writer thread.

    `decide` runs one transaction for the requests it is given, in order of arrival, and returns an outcome or a
    refusal for each, after the commit. If it raises, every request of that group fails with that error. A request
    whose future is cancelled while it waits is not decided at all.

    The queue ends at `queue_max` requests, and before that where the wait for it, at the pace of the last groups, is
    longer than `patience_seconds`, or a group has been taking longer than that. `owner_of` says whose a request is:
    nobody has more than a few in the queue, so one caller cannot push the others out.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[Request]], Sequence[Outcome | Refusal]],
        *,
        name: str,
        group_max: int = GROUP_MAX,
        queue_max: int = QUEUE_MAX,
        patience_seconds: float = PATIENCE_SECONDS,
        owner_of: Callable[[Request], str | None] | None = None,
    ) -> None:
        self._decide = decide
        self._group_max = group_max
        self._queue_max = queue_max
        self.patience_seconds = patience_seconds
        self._owner_of = owner_of
        self._owners: Counter[str] = Counter()
        self._waiting: deque[_Waiting[Request, Outcome]] = deque()
        self._arrived = threading.Condition()
        self._pace = Pace(group_max)
        self._deciding_since: float | None = None
        self._refused = 0
        self._closed = False
        self._writer = threading.Thread(target=self._run, name=name, daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """Return how many requests are in the queue."""
        return len(self._waiting)

    @property
    def refused(self) -> int:
        """Return how many requests were told to come back later."""
        return self._refused

    def submit(self, request: Request) -> Future[Outcome]:
        """Queue a request; the future ends with its outcome or raises its refusal. Refuses TooBusy, see above."""
        owner = self._owner_of(request) if self._owner_of is not None else None
        one: _Waiting[Request, Outcome] = _Waiting(request, owner)
        with self._arrived:
            if not self._has_room(owner):
                raise TooBusy(self._send_away())
            self._waiting.append(one)
            if owner is not None:
                self._owners[owner] += 1
            self._arrived.notify()
        return one.future

    def give_up(self, future: Future[Outcome]) -> TooBusy | None:
        """Take a request back that has waited too long; None where it is being decided and will have its outcome."""
        if not future.cancel():
            return None
        with self._arrived:
            return TooBusy(self._send_away())

    def _has_room(self, owner: str | None) -> bool:
        if self._closed or len(self._waiting) >= self._queue_max:
            return False
        if owner is not None and self._owners[owner] >= OWNER_REQUESTS_MAX:
            return False
        since = self._deciding_since
        if since is not None and time.monotonic() - since > self.patience_seconds:
            return False
        return self._pace.wait_seconds(len(self._waiting)) <= self.patience_seconds

    def _send_away(self) -> int:
        self._refused += 1
        return self._pace.send_away(len(self._waiting))

    def close(self) -> None:
        """Decide what is queued, then stop."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        self._writer.join()

    def _run(self) -> None:
        while taken := self._take():
            # Who has gone away in the meantime is left out; the others cannot go away any more.
            group = [one for one in taken if one.future.set_running_or_notify_cancel()]
            if not group:
                continue
            started = self._deciding_since = time.monotonic()
            try:
                outcomes = self._decide([one.request for one in group])
                assert len(outcomes) == len(group)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait, on their threads
                for one in group:
                    one.future.set_exception(error)
                continue
            finally:
                self._deciding_since = None
            with self._arrived:
                self._pace.note(len(group), time.monotonic() - started)
            for one, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    one.future.set_exception(outcome)
                else:
                    one.future.set_result(outcome)

    def _take(self) -> list[_Waiting[Request, Outcome]]:
        with self._arrived:
            while not self._waiting and not self._closed:
                self._arrived.wait()
            size = min(len(self._waiting), self._group_max)
            taken = [self._waiting.popleft() for _ in range(size)]
            for one in taken:
                if one.owner is not None:
                    self._owners[one.owner] -= 1
                    if not self._owners[one.owner]:
                        del self._owners[one.owner]
            return taken
