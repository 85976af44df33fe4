"""The worker: delivers news, fires timers, sends notices, releases cubes; its own process, as many as one likes.

Each turn takes what is due now; a turn with nothing to do is followed by a short pause.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from types import FrameType
from typing import Final

import structlog

from kernel import outbox, timers
from kernel.outbox import Subscription
from kernel.timers import Handler
from kernel.work import Works

log = structlog.get_logger(__name__)
PAUSE_SECONDS: Final = 0.2
PAUSE_AFTER_ERROR_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Chores:
    """What a worker does: subscriptions for news, handlers for timers, and further loops returning what they did."""

    subscriptions: Sequence[Subscription]
    timers: dict[str, Handler]
    loops: Sequence[Callable[[Works], int]] = ()
    letters_max: int = outbox.BATCH_MAX
    """How many letters are delivered in one change, for which others wait who write."""

    def in_turn(self) -> tuple[Callable[[Works], int], ...]:
        """Return everything there is to do, each returning how many things it did."""
        return (
            lambda works: outbox.deliver(works, self.subscriptions, batch_max=self.letters_max),
            lambda works: timers.fire_due(works, self.timers),
            *self.loops,
        )


def run_until_idle(works: Works, chores: Chores, *, turns_max: int = 10_000) -> int:
    """Take turns until nothing is due at this moment; for tests, seeding and the demo.

    It ends where every chore has had nothing to do since something was done last, in the middle of a turn too.
    """
    in_turn = chores.in_turn()
    done = idle = 0
    for chore in islice(cycle(in_turn), turns_max * len(in_turn)):
        step = chore(works)
        done += step
        idle = 0 if step else idle + 1
        if idle == len(in_turn):
            return done
    raise AssertionError(f"still something due after {turns_max} turns")


def run_worker(works: Works, chores: Chores, *, stop: threading.Event) -> None:
    """Take turns until told to stop; a turn that has begun is finished.

    A chore that fails is logged and comes again with the next turn: a payment provider in trouble, or a database that
    is away for a moment, must neither end the worker nor keep the other chores from being done.
    """
    log.info("worker_started", subscriptions=len(chores.subscriptions), timers=len(chores.timers))
    while not stop.is_set():
        done, failed = 0, False
        for chore in chores.in_turn():
            try:
                done += chore(works)
            except Exception:
                log.exception("chore_failed")
                failed = True
        if failed:
            stop.wait(PAUSE_AFTER_ERROR_SECONDS)
        elif done == 0:
            stop.wait(PAUSE_SECONDS)
    log.info("worker_stopped")


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set; called from the main thread."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    return stop
