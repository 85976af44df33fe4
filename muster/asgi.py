"""The ASGI application of a server process: `uvicorn --factory muster.asgi:create`."""

from __future__ import annotations

import gc
import os

from starlette.applications import Starlette

import muster.tables as _tables  # noqa: F401 - every table is known before the first statement
from graph.app import build_app
from muster.logs import set_up_logs
from muster.settings import read_settings
from muster.wiring import services, wire


def create() -> Starlette:
    """Build the application from the environment's settings."""
    settings = read_settings(os.environ)
    set_up_logs(settings.log_level)
    app = build_app(services(wire(settings)))
    # What is loaded stays for the life of the process: the collector need not walk over it again and again.
    gc.collect()
    gc.freeze()
    return app
