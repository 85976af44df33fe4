"""A server and its worker: the first shares what is loaded, one that dies is replaced, none outlives the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.processes import muster, serving

SECONDS_MAX = 60


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def workers_of(server: psutil.Process) -> list[psutil.Process]:
    """Return the children that are workers: forked from the server, or a program of their own."""
    return [
        child
        for child in server.children()
        if child.status() != psutil.STATUS_ZOMBIE and {"serve", "worker"} & set(child.cmdline())
    ]


def test_a_worker_that_dies_is_replaced_and_none_outlives_its_server(tmp_path: Path) -> None:
    environment = {"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": f"sqlite:///{tmp_path / 'muster.db'}"}
    muster("migrate", environment=environment)

    with serving(environment) as running:
        server = psutil.Process(running.process.pid)
        (first,) = workers_of(server)
        assert ("serve" in first.cmdline()) == (sys.platform == "linux")
        first.kill()
        wait_until(lambda: [one.pid for one in workers_of(server)] not in ([], [first.pid]))
        (second,) = workers_of(server)
        assert "worker" in second.cmdline()

    wait_until(lambda: not second.is_running())
