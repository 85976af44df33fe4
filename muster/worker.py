"""The worker: delivers news, fires timers, sends notices, releases cubes; its own process, as many as one likes.

Each turn takes what is due now; a turn with nothing to do is followed by a short pause.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def run_turn(works: Works, chores: Chores) -> int:
    """Do once what is due; returns how many things were done."""
    done = outbox.deliver(works, chores.subscriptions)
    done += timers.fire_due(works, chores.timers)
    for loop in chores.loops:
        done += loop(works)
    return done


def run_until_idle(works: Works, chores: Chores, *, turns_max: int = 10_000) -> int:
    """Take turns until nothing is due at this moment; for tests, seeding and the demo."""
    done = 0
    for _ in range(turns_max):
        step = run_turn(works, chores)
        if step == 0:
            return done
        done += step
    raise AssertionError(f"still something due after {turns_max} turns")


def run_worker(works: Works, chores: Chores, *, stop: threading.Event) -> None:
    """Take turns until told to stop; a turn that has begun is finished."""
    log.info("worker_started", subscriptions=len(chores.subscriptions), timers=len(chores.timers))
    while not stop.is_set():
        try:
            done = run_turn(works, chores)
        except Exception:  # A database that is away for a moment must not end the worker.
            log.exception("worker_turn_failed")
            stop.wait(PAUSE_AFTER_ERROR_SECONDS)
            continue
        if done == 0:
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
