"""The worker goes on: what one chore cannot do keeps no other one from being done."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from functools import partial

from kernel.db import open_engine
from kernel.work import Works
from muster.serving import stop_without_parent
from muster.worker import Chores, run_until_idle, run_worker


def test_a_chore_that_fails_holds_up_no_other(works: Works) -> None:
    stop = threading.Event()
    sent: list[str] = []

    def capture(_works: Works) -> int:
        raise RuntimeError("the provider answers nonsense")

    def send(_works: Works) -> int:
        sent.append("notice")
        stop.set()
        return 1

    worker = threading.Thread(target=run_worker, args=(works, Chores((), {}, (capture, send))), kwargs={"stop": stop})
    worker.start()
    worker.join(10)
    stop.set()
    worker.join(10)

    assert sent == ["notice"]
    assert not worker.is_alive()


def test_nothing_is_due_once_every_chore_had_nothing_to_do_since_the_last_thing_was_done(sqlite_url: str) -> None:
    works, left = Works(open_engine(sqlite_url)), {"first": 2, "second": 1}
    asked: list[str] = []

    def chore(name: str, wakes: str, works: Works) -> int:
        asked.append(name)
        if not left[name]:
            return 0
        left[name] -= 1
        left[wakes] += name == "second"
        return 1

    done = run_until_idle(works, Chores((), {}, (partial(chore, "first", "second"), partial(chore, "second", "first"))))

    works.engine.dispose()
    assert done == 4
    assert left == {"first": 0, "second": 0}
    assert asked == ["first", "second", "first", "second", "first", "second", "first"]


def test_a_worker_whose_parent_is_gone_before_it_looks_stops_at_once() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stop = threading.Event()

    stop_without_parent(stop, gone.pid)

    assert stop.is_set()


def test_a_worker_stays_while_its_parent_lives() -> None:
    stop = threading.Event()
    watch = threading.Thread(target=stop_without_parent, args=(stop, os.getppid()), daemon=True)
    watch.start()

    watch.join(0.2)

    assert not stop.is_set()
    stop.set()
    watch.join(5)
    assert not watch.is_alive()
