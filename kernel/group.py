"""Many requests, one commit: what has come in while the last commit ran is decided and committed together.

Nothing lingers to fill a group, and nobody is told yes before the commit. A queue that is full says so at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

from kernel.errors import Refusal, TooBusy

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")
GROUP_MAX: Final = 128
QUEUE_MAX: Final = 4096
RETRY_AFTER_SECONDS: Final = 2


class Group(Generic[Request, Outcome]):
    """A door with one writer thread.

    `decide` runs one transaction for the requests it is given, in order of arrival, and returns an outcome or a
    refusal for each, after the commit. If it raises, every request of that group fails with that error. A request
    whose future is cancelled while it waits is not decided at all.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[Request]], Sequence[Outcome | Refusal]],
        *,
        name: str,
        group_max: int = GROUP_MAX,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._decide = decide
        self._group_max = group_max
        self._queue_max = queue_max
        self._waiting: deque[tuple[Request, Future[Outcome]]] = deque()
        self._arrived = threading.Condition()
        self._closed = False
        self._writer = threading.Thread(target=self._run, name=name, daemon=True)
        self._writer.start()

    def submit(self, request: Request) -> Future[Outcome]:
        """Queue a request; the future ends with its outcome or raises its refusal. Refuses TooBusy when full."""
        future: Future[Outcome] = Future()
        with self._arrived:
            if self._closed or len(self._waiting) >= self._queue_max:
                raise TooBusy(RETRY_AFTER_SECONDS)
            self._waiting.append((request, future))
            self._arrived.notify()
        return future

    def close(self) -> None:
        """Decide what is queued, then stop."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        self._writer.join()

    def _run(self) -> None:
        while taken := self._take():
            # Who has gone away in the meantime is left out; the others cannot go away any more.
            group = [(request, future) for request, future in taken if future.set_running_or_notify_cancel()]
            if not group:
                continue
            try:
                outcomes = self._decide([request for request, _ in group])
                assert len(outcomes) == len(group)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait, on their threads
                for _, future in group:
                    future.set_exception(error)
                continue
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _take(self) -> list[tuple[Request, Future[Outcome]]]:
        with self._arrived:
            while not self._waiting and not self._closed:
                self._arrived.wait()
            size = min(len(self._waiting), self._group_max)
            return [self._waiting.popleft() for _ in range(size)]
