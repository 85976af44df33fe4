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

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(process_id: int) -> float:
    """Return the CPU time of a process and its living descendants, in seconds."""
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
        total += times.user + times.system
    return total


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


def muster(*words: str, environment: Mapping[str, str]) -> None:
    """Run a `muster` command to its end; raises when it fails."""
    subprocess.run([sys.executable, "-m", "muster", *words], cwd=ROOT, env={**os.environ, **environment}, check=True)


@contextmanager
def serving(environment: Mapping[str, str], *words: str, wait_seconds: float = 60) -> Iterator[Running]:
    """Start `muster serve` on a free port of loopback, wait until it is ready, end it afterwards."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "muster", "serve", *words],
        cwd=ROOT,
        env={**os.environ, **environment, "MUSTER_HOST": "127.0.0.1", "MUSTER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port, process, wait_seconds)
        yield Running(port, process)
    finally:
        end(process)


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
