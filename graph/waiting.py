"""Waiting at a door that gathers requests: an outcome, or a typed word on when to ask again, never a silent wait.

Nothing here ends a decision that has begun: whoever hangs up, or asks again under the same key, finds its outcome.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from graph.context import Request
from graph.limits import limit_error
from kernel.group import Group

AskedT = TypeVar("AskedT")
OutcomeT = TypeVar("OutcomeT")
DECIDING_SECONDS: Final = 20.0
ASK_AGAIN_SECONDS: Final = 5


async def outcome_of(
    door: Group[AskedT, OutcomeT], asked: AskedT, request: Request, *, deciding_seconds: float = DECIDING_SECONDS
) -> OutcomeT:
    """Return a request's outcome or raise its refusal.

    One that is still in the queue after the door's patience is taken back and refused TooBusy. One whose commit takes
    longer than `deciding_seconds` more (the database does not answer) ends with the error STILL_DECIDING, for nobody
    can say yet what becomes of it; the same idempotency key tells later.
    """
    future = door.submit(asked)
    if await _is_done(future, door.patience_seconds):
        return future.result()
    refusal = door.give_up(future)
    if refusal is not None:
        raise refusal
    if await _is_done(future, deciding_seconds):
        return future.result()
    request.retry_after_seconds = ASK_AGAIN_SECONDS
    text = f"This is still being decided. Ask again in {ASK_AGAIN_SECONDS} s with the same idempotency key."
    raise limit_error("STILL_DECIDING", text)


async def _is_done(future: Future[Any], seconds: float) -> bool:
    """Wait for an outcome at most so long and say whether it is there."""
    loop = asyncio.get_running_loop()
    deliveries = _deliveries.get(loop)
    if deliveries is None:
        deliveries = _deliveries[loop] = _Deliveries(loop)
    arrived: asyncio.Future[None] = loop.create_future()
    future.add_done_callback(lambda _done: deliveries.deliver(arrived))
    try:
        async with asyncio.timeout(seconds):
            await arrived
    except TimeoutError:
        return future.done() and not future.cancelled()
    return True


class _Deliveries:
    """Wakes those who wait on one event loop: for a whole group of outcomes the loop is called once from the writer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[asyncio.Future[None]] = deque()
        self._called = False

    def deliver(self, arrived: asyncio.Future[None]) -> None:
        """Wake one who waits; called on the writer's thread."""
        self._arrived.append(arrived)
        if not self._called:
            self._called = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # The mark goes first: what is appended from here on is either taken below or calls again.
        self._called = False
        while self._arrived:
            arrived = self._arrived.popleft()
            if not arrived.done():
                arrived.set_result(None)


_deliveries: WeakKeyDictionary[asyncio.AbstractEventLoop, _Deliveries] = WeakKeyDictionary()
