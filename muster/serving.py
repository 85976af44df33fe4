"""Processes: the server with its worker beside it, and the worker alone.

A worker that dies is started again; a worker whose server is gone ends by itself.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
import uvicorn
from sqlalchemy.exc import OperationalError

from graph.services import DEFAULT_LIMITS
from kernel import registry
from kernel.actor import system
from kernel.ids import BrandId
from muster.documents_at_hand import check_trusted_documents
from muster.joined import JoinedHttp
from muster.logs import set_up_logs
from muster.settings import SettingError, Settings, check_serving
from muster.terminal import errors

log = structlog.get_logger(__name__)
RESTART_PAUSE_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 10
PARENT_POLL_SECONDS: Final = 1.0
PORT_MAX: Final = 65_535


def serve(settings: Settings, *, with_worker: bool) -> int:
    """Serve until told to stop; returns the exit code."""
    check_serving(settings)
    check_port(settings, change="MUSTER_PORT=")
    check_database(settings)
    check_trusted_documents(settings)
    set_up_logs(settings.log_level)
    stopping = threading.Event()
    keeper: threading.Thread | None = None
    if with_worker:
        worker = _first_worker(settings)
        keeper = threading.Thread(target=_keep_worker, args=(stopping, worker), name="worker-keeper", daemon=True)
        keeper.start()
    # Loading makes a hundred thousand objects that stay: walking over them meanwhile is a fifth of the start.
    gc.disable()
    try:
        uvicorn.run(
            "muster.asgi:create",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.processes,
            access_log=False,
            log_config=None,
            server_header=False,
            http=JoinedHttp,
            ws="websockets-sansio",
            ws_max_size=DEFAULT_LIMITS.body_bytes,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies or None,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        )
    finally:
        stopping.set()
        if keeper is not None:
            keeper.join(GRACE_SECONDS)
    return 0


def check_port(settings: Settings, *, change: str) -> None:
    """Stop a start on a port that is taken before anything is promised; `change` is what to write a free one after.

    Raises SettingError. Another program may still come in between; then the server ends with its own line.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server itself binds: connections of an earlier one that still linger are not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except PermissionError:
            raise SettingError(f"port {settings.port} is not this user's to open: try {_with(change, 8000)}") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingError(f"MUSTER_HOST={settings.host}: {error.strerror}") from None
            other = settings.port + 1 if settings.port < PORT_MAX else 8000
            raise SettingError(f"port {settings.port} is taken: try {_with(change, other)}") from None


def _with(change: str, port: int) -> str:
    return f"{change}{port}" if change.endswith("=") else f"{change} {port}"


def _check_migrated(settings: Settings) -> None:
    """Stop a start on a database of another shape with one clear line."""
    from muster.migrate import is_current
    from muster.opening import open_works

    engine = open_works(settings).engine
    try:
        current = is_current(engine)
    except OperationalError as error:  # A database that is away may come back; until then /ready says so.
        first_line = str(error.orig).splitlines()[0]
        errors.print(f"muster: the database does not answer; serving waits for it: {first_line}", style="yellow")
        current = True
    engine.dispose()
    if not current:
        raise SettingError("the database has not the shape of this version: run `muster migrate`")


def check_database(settings: Settings) -> None:
    """Stop a start on a database of another shape; say where it is away, or lacks the brand of most requests."""
    _check_migrated(settings)
    _warn_without_brand(settings)


def _warn_without_brand(settings: Settings) -> None:
    """Say that requests which name no brand would find none; the brand may still be added while the server runs."""
    from muster.opening import open_works

    works = open_works(settings)
    try:
        with works.read(system(BrandId("platform"))) as work:
            known = [brand.code for brand in registry.all_brands(work)]
    except OperationalError:  # That it is away has been said.
        return
    finally:
        works.engine.dispose()
    if settings.brand not in known:
        there = f"there are {', '.join(known)}" if known else "none is there: `muster add-brand FOLDER`"
        refused = "there is no such brand, requests that name none are refused"
        errors.print(f"muster: MUSTER_BRAND={settings.brand}: {refused}; {there}", style="yellow")


class _Worker(Protocol):
    """A worker's process, as the keeper sees it."""

    def poll(self) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


@dataclass(slots=True)
class _Forked:
    """A child that this process forked, in the words of `subprocess.Popen`."""

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if ended else None
        return self.code

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)


def _first_worker(settings: Settings) -> _Worker:
    """Start the worker that begins with the server: on Linux forked from it, which spares it a second of loading.

    It is forked before there is any thread or connection; one that has to be started again is a program of its own.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return _worker_program()
    import muster.wiring  # noqa: F401 - what both need is loaded once

    parent_id = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return _Forked(child)
    code = 1
    try:
        work(settings, parent_id=parent_id)
        code = 0
    except BaseException:
        log.exception("worker_failed")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _worker_program() -> _Worker:
    return subprocess.Popen([sys.executable, "-m", "muster", "worker", "--parent", str(os.getpid())])


def _keep_worker(stopping: threading.Event, worker: _Worker) -> None:
    """Let a worker run beside the server; one that ends is started again, until the server stops."""
    while True:
        while (code := worker.poll()) is None and not stopping.wait(POLL_SECONDS):
            pass
        if stopping.is_set():
            _end(worker)
            return
        log.error("worker_ended", exit_code=code)
        if stopping.wait(RESTART_PAUSE_SECONDS):
            return
        worker = _worker_program()


def _end(worker: _Worker) -> None:
    """Let a worker finish the turn in hand, and end it where that takes too long."""
    if worker.poll() is not None:
        return
    worker.terminate()
    until = time.monotonic() + GRACE_SECONDS
    while worker.poll() is None:
        if time.monotonic() > until:
            worker.kill()
            return
        time.sleep(POLL_SECONDS)


def work(settings: Settings, *, parent_id: int | None) -> None:
    """Run a worker until told to stop, or until the parent, the process that started it, is gone.

    The parent says its id itself: one that is gone before the worker looks would pass for another's child.
    """
    check_serving(settings)
    _check_migrated(settings)
    from muster.circuits import order_circuits
    from muster.daily import wind_up
    from muster.wiring import wire
    from muster.worker import run_worker, stop_on_signals

    set_up_logs(settings.log_level)
    stop = stop_on_signals()
    if parent_id is not None:
        threading.Thread(target=stop_without_parent, args=(stop, parent_id), daemon=True).start()
    runtime = wire(settings)
    order_circuits(settings)
    wind_up(runtime.works)
    run_worker(runtime.works, runtime.chores, stop=stop)


def stop_without_parent(stop: threading.Event, parent_id: int) -> None:
    """Watch the parent until told to stop, and tell to stop when it is gone, at once where it is gone already."""
    while os.getppid() == parent_id:
        if stop.wait(PARENT_POLL_SECONDS):
            return
    stop.set()
