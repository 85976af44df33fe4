"""A demo server as a process of its own: seeded, started on a free port of loopback, ended by its process id."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from muster.demo.client import Unanswered

READY_SECONDS: Final = 60
END_SECONDS: Final = 15


@contextmanager
def serving(environment: Mapping[str, str], out: Console) -> Iterator[str]:
    """Seed the database of an environment, serve it, and end everything afterwards; yields the address."""
    out.print("Seeding a demo of its own: under a minute on a quiet machine, several on a busy one …")
    subprocess.run([sys.executable, "-m", "muster", "seed"], env=dict(environment), check=True)
    out.print("Starting its server …")
    port = _free_port()
    quiet = {**environment, "MUSTER_PORT": str(port), "MUSTER_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "muster", "serve"]
    process = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=2) as answer:  # noqa: S310 - our own loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Unanswered("the demo server did not start")
