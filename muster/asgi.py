"""The ASGI application of a server process: `uvicorn --factory muster.asgi:create`."""

from __future__ import annotations

import os

from starlette.applications import Starlette

import muster.tables as _tables  # noqa: F401 - every table is known before the first statement
from graph.app import build_app
from graph.metrics import Metrics
from muster import garbage
from muster.circuits import serve_from_circuits
from muster.gauges import DoorReader, add_gauges
from muster.logs import set_up_logs
from muster.settings import read_settings
from muster.wiring import services, wire


def create() -> Starlette:
    """Build the application from the environment's settings."""
    settings = read_settings(os.environ)
    set_up_logs(settings.log_level)
    runtime, metrics = wire(settings), Metrics()
    serve_from_circuits(settings, runtime.works)
    gauges = add_gauges(metrics.registry, runtime.works)
    made = services(runtime, watch_groups=gauges.group_sizes.observe)
    if made.pre_order_door is not None:
        metrics.registry.register(DoorReader(made.pre_order_door))
    app = build_app(made, metrics=metrics)
    garbage.settle()
    return app
