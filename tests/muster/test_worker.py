"""The worker goes on: what one chore cannot do keeps no other one from being done."""

from __future__ import annotations

import threading

from kernel.work import Works
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
