"""A real server with its worker on loopback, and callers who send what buyers send, also while it is killed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import psutil
from alembic import command
from sqlalchemy import Engine

from benchmarks.processes import Running
from graph.identifiers import read_id, write_id
from kernel import db
from kernel.work import Works
from muster import migrate
from muster.audit import audit
from muster.demo.crowd import Buyer
from muster.settings import read_settings
from muster.wiring import Runtime, wire

SECONDS_MAX: Final = 30.0
PLACE: Final = """mutation($input: PlacePreOrderInput!) { placePreOrder(input: $input) {
  __typename ... on PreOrder { id state payments { id state } } ... on Refusal { code message }
} }"""
WITHDRAW: Final = """mutation($input: PreOrderInput!) { withdrawPreOrder(input: $input) {
  __typename ... on PreOrder { id state } ... on PreOrderClosed { state } ... on Refusal { code message }
} }"""
Item = TypeVar("Item")
Found = TypeVar("Found")


def surroundings(url: str, *, processes: int = 1) -> dict[str, str]:
    """Return the environment of a demo server on this database, without whatever else is set here."""
    return {
        "MUSTER_DEMO": "1",
        "MUSTER_DATABASE_URL": url,
        "MUSTER_PROCESSES": str(processes),
        "MUSTER_LOG_LEVEL": "ERROR",
    }


def mark_migrated(engine: Engine) -> None:
    """Note in a database made from the tables that it is at the newest revision; a test holds both to be the same."""
    with engine.execution_options(**{db.WRITE: True}).begin() as connection:
        alembic = migrate.config()
        alembic.attributes["connection"] = connection
        command.stamp(alembic, "head")


def wire_here(url: str, engine: Engine) -> Runtime:
    """Wire the same installation in this process, on the clock of the system as the server has it."""
    return wire(read_settings(surroundings(url)), works=Works(engine))


def unsound(runtime: Runtime) -> list[str]:
    """Return every line that the audit finds."""
    return [
        f"{finding.check.name}: {line}"
        for brand in audit(runtime.works, runtime.checks)
        for finding in brand.findings
        for line in finding.violations
    ]


# --- callers ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Site:
    """One address that requests are sent to; where a server is killed behind it, they are refused or cut off."""

    port: int
    client: httpx.AsyncClient

    async def ask(self, token: str, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Send one operation and return the whole answer; raises httpx.TransportError where none comes."""
        answer = await self.client.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": document, "variables": dict(variables)},
            headers={"authorization": f"Bearer {token}", "accept-language": "en"},
        )
        found: dict[str, Any] = answer.json()
        return found

    async def place(self, buyer: Buyer, pool_id: str, *, funded: bool = True) -> dict[str, Any]:
        """Place a buyer's pre-order under its one idempotency key."""
        asked = buyer.request(pool_id=pool_id)
        given = {
            "idempotencyKey": asked.idempotency_key,
            "quoteId": write_id("Quote", asked.quote_id),
            "priceCap": {"minor": asked.price_cap_minor},
            "poolId": write_id("Pool", pool_id),
            "acceptsFrozen": True,
            "authorisation": asked.authorisation if funded else None,
        }
        return await self.ask(buyer.token, PLACE, {"input": given})


def raw(global_id: str) -> str:
    """Return the id that a global id stands for."""
    found = read_id(global_id)
    assert found is not None
    return found[1]


def go(work: Callable[[Site], Awaitable[Found]], *, port: int, callers: int) -> Found:
    """Run async work with one client of at most so many connections."""

    async def run() -> Found:
        limits = httpx.Limits(max_connections=callers, max_keepalive_connections=callers)
        async with httpx.AsyncClient(limits=limits, timeout=SECONDS_MAX, trust_env=False) as client:
            return await work(Site(port, client))

    return asyncio.run(run())


async def each(items: Iterable[Item], act: Callable[[Item], Awaitable[Found]], *, callers: int) -> list[Found]:
    """Act on items, so many at once; the results are in the order in which they came in."""
    left = iter(items)
    found: list[Found] = []

    async def caller() -> None:
        for item in left:
            found.append(await act(item))  # noqa: PERF401 - the others append between

    await asyncio.gather(*(caller() for _ in range(callers)))
    return found


# --- kill -9 ---------------------------------------------------------------------------------------------------------


def family(running: Running) -> Sequence[psutil.Process]:
    """Return the processes of a server: its root first, then those it started."""
    root = psutil.Process(running.process.pid)
    return [root, *root.children(recursive=True)]


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes as a power cut would: no handler runs, nothing is flushed."""
    chosen = list(processes)
    for process in chosen:
        if process.is_running():
            os.kill(process.pid, 9)
    psutil.wait_procs(chosen, timeout=SECONDS_MAX)
