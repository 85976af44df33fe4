"""Where planners fetch released demand as files: a plain GET with the session's token or cookie, for one table.

It shows what the queries show, by the same permission; who may not read demand gets no file.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from graph import http
from graph.context import DemandFiles, Services, Threads
from graph.sessions import Sessions
from kernel.actor import Actor, Permission
from kernel.errors import Forbidden, NotFound, NotSignedIn, Refusal

ROUTE: Final = "/demand/files/{table}.{form}"
STATUSES: Final[dict[type[Refusal], int]] = {NotSignedIn: 401, Forbidden: 403, NotFound: 404}


async def answer_file(services: Services, threads: Threads, sessions: Sessions, request: HttpRequest) -> Response:
    """Answer GET /demand/files/{table}.{form}: the file, else 401, 403, 404 or 409 with the refusal's code."""
    client = request.client
    caller = await sessions.caller(http.read_headers(request.scope), address=client.host if client else "")
    table, form = request.path_params["table"], request.path_params["form"]
    try:
        body = await threads.run(read_file, services, caller.actor, table, form)
    except Refusal as refusal:
        told = {"code": refusal.code, "message": refusal.text(caller.actor.locale)}
        return JSONResponse(told, STATUSES.get(type(refusal), 409), headers={"cache-control": "no-store"})
    headers = {"content-disposition": f'attachment; filename="{table}.{form}"', "cache-control": "private, no-store"}
    return Response(body, media_type=_files(services).media_types[form], headers=headers)


def read_file(services: Services, actor: Actor, table: str, form: str) -> bytes:
    """Return a table as a file; refuses who may not read demand, a table or a form that there is not (NotFound)."""
    if actor.account_id is None:
        raise NotSignedIn
    actor.require(Permission.DEMAND_READ)
    files = _files(services)
    if table not in files.tables or form not in files.media_types:
        raise NotFound("file")
    with services.works.read(actor) as work:
        return files.write(work, table, form)


def _files(services: Services) -> DemandFiles:
    assert services.demand_files is not None, "a server hands out files"
    return services.demand_files
