"""The worker goes on: what one chore cannot do keeps no other one from being done."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from kernel.work import Works
from muster.serving import stop_without_parent
from muster.worker import Chores, run_worker


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
