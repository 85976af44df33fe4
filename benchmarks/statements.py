"""How many SQL statements an operation takes: counted in this process, on the application that a server would run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import httpx
from sqlalchemy import Engine, event

from benchmarks.load import LOOPBACK
from benchmarks.operations import Operation
from graph.app import build_app
from muster.wiring import Runtime, services

WARM_UP: Final = 3
TRIES: Final = 3
GROUP: Final = 32


class Counter:
    """Counts what goes to the database over one engine: every statement, but not BEGIN, COMMIT and savepoints."""

    def __init__(self, engine: Engine) -> None:
        self.statements = 0
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
        self.statements += not statement.lstrip().upper().startswith(words)


def count_statements(runtime: Runtime, operations: Sequence[Operation]) -> dict[str, str]:
    """Return by operation how many statements one takes; what is scarce is counted alone and in a group as well."""
    return asyncio.run(_count(runtime, operations))


async def _count(runtime: Runtime, operations: Sequence[Operation]) -> dict[str, str]:
    counter = Counter(runtime.works.engine)
    transport = httpx.ASGITransport(app=build_app(services(runtime)))
    found: dict[str, str] = {}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{LOOPBACK}", timeout=60) as client:
        for one in operations:
            for request in islice(one.requests, WARM_UP):
                await _send(client, one, request)
            # Now and then a request also reads what is believed for a moment (the demo's clock, a version's stamp).
            alone = min([await _statements(counter, client, one, 1) for _ in range(TRIES)])
            found[one.name] = f"{alone:.0f}"
            if one.is_scarce:
                found[one.name] += f"; {await _statements(counter, client, one, GROUP):.1f} in a group"
    return found


async def _statements(counter: Counter, client: httpx.AsyncClient, operation: Operation, count: int) -> float:
    before = counter.statements
    await asyncio.gather(*(_send(client, operation, request) for request in islice(operation.requests, count)))
    return (counter.statements - before) / count


async def _send(client: httpx.AsyncClient, operation: Operation, request: bytes) -> None:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    headers = {name.decode(): value.decode() for name, _, value in lines if name != b"Content-Length"}
    answer = await client.post("/graphql", content=body, headers=headers)
    assert operation.is_good(answer.content), answer.text[:500]
