"""Where released demand can be fetched as files."""

from __future__ import annotations

from graph.access import object_type
from graph.context import Request
from graph.operations import query
from kernel.actor import Permission


@object_type(reads=Permission.DEMAND_READ)
class DemandFile:
    """A table as a file: a GET of `url` with the same session answers it, to planners alone."""

    table: str
    form: str
    url: str


@query(reads=Permission.DEMAND_READ, at_most=40)
def demand_files(request: Request) -> list[DemandFile]:
    """Every released table, the forecasts and the expected parts in each form that this server can write."""
    files = request.services.demand_files
    if files is None:
        return []
    return [
        DemandFile(table=table, form=form, url=f"{request.services.public_url}/demand/files/{table}.{form}")
        for table in files.tables
        for form in files.media_types
    ]
