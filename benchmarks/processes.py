"""Servers under test as real processes: started, measured (CPU seconds, PSS) and ended by their process ids."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from configurator.engine.shelf import SUFFIX

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(process_id: int) -> float:
    """Return the CPU time of a process, its living descendants and those that they have seen end, in seconds.

    It never falls: what a child took stays counted with its parent when it ends.
    """
    total = 0.0
    try:
        parent = psutil.Process(process_id)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def postmaster_of(address: str) -> int:
    """Return the process at the root of a PostgreSQL server on this machine."""
    with psycopg.connect(address) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        root = backend.parent()
    assert root is not None, "a backend is a child of its postmaster"
    return root.pid


def pss_mb(process_id: int) -> float:
    """Return the proportional set size of one process, in MB (Linux)."""
    for line in Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return float("nan")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its port and the process at its root."""

    port: int
    process: subprocess.Popen[bytes]

    def answering(self) -> list[int]:
        """Return the processes that answer requests: the one at the root, or, of several, those it started."""
        children = psutil.Process(self.process.pid).children()
        servers = [child.pid for child in children if "spawn_main" in command_of(child)]
        return servers or [self.process.pid]


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process; empty where it has ended since it was listed."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def muster(*words: str, environment: Mapping[str, str]) -> None:
    """Run a `muster` command to its end; raises when it fails."""
    command = [sys.executable, "-m", "muster", *words]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def serving(
    environment: Mapping[str, str], *words: str, log: Path | None = None, wait_seconds: float = 60
) -> Iterator[Running]:
    """Start `muster serve` on a free port of loopback, wait until it is ready, end it afterwards.

    What it logs goes into `log`, or to our own standard error.
    """
    port = free_port()
    written = log.open("ab") if log is not None else None
    process = subprocess.Popen(
        [sys.executable, "-m", "muster", "serve", *words],
        cwd=ROOT,
        env={**os.environ, **environment, "MUSTER_HOST": "127.0.0.1", "MUSTER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=written,
    )
    try:
        _wait_until_ready(port, process, wait_seconds)
        yield Running(port, process)
    finally:
        end(process)
        if written is not None:
            written.close()


def wait_for_circuits(running: Running, *, processes: int, seconds_max: float) -> bool:
    """Wait until each answering process has mapped compiled rules; False where that takes too long (Linux)."""
    until = time.monotonic() + seconds_max
    while True:
        answering = running.answering()
        if len(answering) == processes and all(map(_walks_circuit, answering)):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.25)


def _walks_circuit(process_id: int) -> bool:
    return f"{SUFFIX}\n" in Path(f"/proc/{process_id}/maps").read_text(encoding="utf-8")


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it was ready")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"not ready after {wait_seconds} s")


def end(process: subprocess.Popen[bytes], *, wait_seconds: float = 10) -> None:
    """End a process and its descendants: politely, then for good."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    try:
        process.wait(wait_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(wait_seconds)
    for orphan in psutil.wait_procs(family, timeout=2)[1]:
        orphan.kill()
