"""The database of the settings, opened: all that a command needs which asks no use case, such as a migration."""

from __future__ import annotations

from kernel import db
from kernel.clock import SystemClock
from kernel.work import Works
from muster.demo.clock import DemoClock
from muster.settings import Settings, make_data_folder


def open_works(settings: Settings) -> Works:
    """Open the database of these settings; makes the folder of the default SQLite file."""
    make_data_folder(settings)
    engine = db.open_engine(settings.database_url, connections_max=settings.connections_max)
    return Works(engine, clock=DemoClock(engine) if settings.demo else SystemClock())
