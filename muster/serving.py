"""Processes: the server with its worker beside it, and the worker alone.

A worker that dies is started again; a worker whose server is gone ends by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Final

import structlog
import uvicorn
from sqlalchemy.exc import OperationalError

from graph.limits import DEFAULT_LIMITS
from muster.joined import JoinedHttp
from muster.logs import set_up_logs
from muster.settings import SettingError, Settings, check_providers

log = structlog.get_logger(__name__)
RESTART_PAUSE_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 10
PARENT_POLL_SECONDS: Final = 1.0


def serve(settings: Settings, *, with_worker: bool) -> int:
    """Serve until told to stop; returns the exit code."""
    check_providers(settings)
    _check_migrated(settings)
    set_up_logs(settings.log_level)
    stopping = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(stopping,), name="worker-keeper", daemon=True)
    if with_worker:
        keeper.start()
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
        if with_worker:
            keeper.join(GRACE_SECONDS)
    return 0


def _check_migrated(settings: Settings) -> None:
    """Stop a start on a database of another shape with one clear line."""
    from muster.migrate import is_current
    from muster.wiring import open_works

    engine = open_works(settings).engine
    try:
        current = is_current(engine)
    except OperationalError:  # A database that is away may come back; until then /ready says so.
        current = True
    engine.dispose()
    if not current:
        raise SettingError("the database has not the shape of this version: run `muster migrate`")


def _keep_worker(stopping: threading.Event) -> None:
    while not stopping.is_set():
        worker = subprocess.Popen([sys.executable, "-m", "muster", "worker", "--parent", str(os.getpid())])
        while worker.poll() is None and not stopping.wait(0.1):
            pass
        if stopping.is_set():
            worker.terminate()
            try:
                worker.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
            return
        log.error("worker_ended", exit_code=worker.returncode)
        stopping.wait(RESTART_PAUSE_SECONDS)


def work(settings: Settings, *, parent_id: int | None) -> None:
    """Run a worker until told to stop, or until the parent, the process that started it, is gone.

    The parent says its id itself: one that is gone before the worker looks would pass for another's child.
    """
    check_providers(settings)
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
