"""Waiting at a door that gathers requests: an outcome, or a typed word on when to ask again, never a silent wait.

Nothing here ends a decision that has begun: whoever hangs up, or asks again under the same key, finds its outcome.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

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
    waiting = asyncio.wrap_future(future)
    done, _ = await asyncio.wait((waiting,), timeout=door.patience_seconds)
    if not done:
        refusal = door.give_up(future)
        if refusal is not None:
            raise refusal
        done, _ = await asyncio.wait((waiting,), timeout=deciding_seconds)
    if not done:
        request.retry_after_seconds = ASK_AGAIN_SECONDS
        waiting.add_done_callback(_forget)
        text = f"This is still being decided. Ask again in {ASK_AGAIN_SECONDS} s with the same idempotency key."
        raise limit_error("STILL_DECIDING", text)
    return waiting.result()


def _forget(waiting: asyncio.Future[OutcomeT]) -> None:
    """Look at an outcome that nobody waits for any more, so that asyncio does not call it lost."""
    if not waiting.cancelled():
        waiting.exception()
