"""Sessions that come in together are looked up in one read; each request gets its own, and a failure ends with it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import event

from graph.services import Services, Threads
from graph.sessions import Sessions
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from kernel.work import Work
from tests.graph.conftest import Town
from tests.graph.support import Passes

PEOPLE = 20


@dataclass(slots=True)
class BrokenOnce(Passes):
    """Passes whose first look-up fails."""

    failed: bool = False

    def actors_of(self, work: Work, tokens: Sequence[str]) -> dict[str, Actor]:
        """Fail, the first time."""
        if not self.failed:
            self.failed = True
            raise RuntimeError("the database is away")
        return Passes.actors_of(self, work, tokens)


def people(town: Town, passes: Passes) -> list[str]:
    roles = frozenset({Role.CONSUMER})
    actors = [Actor(town.brand.id, roles, account_id=AccountId(f"{number:032x}")) for number in range(PEOPLE)]
    return [passes.hand_out(actor) for actor in actors]


async def account_of(sessions: Sessions, token: str) -> str | None:
    caller = await sessions.caller({b"authorization": f"Bearer {token}".encode()})
    return caller.actor.account_id


async def accounts_of(sessions: Sessions, tokens: list[str]) -> list[str | None]:
    return list(await asyncio.gather(*(account_of(sessions, token) for token in tokens)))


def test_each_of_many_gets_its_own_account_from_a_few_reads(town: Town, services: Services, passes: Passes) -> None:
    tokens = people(town, passes)
    sessions = Sessions(services, Threads(4))
    reads: list[object] = []

    async def ask() -> list[str | None]:
        await account_of(sessions, "nobody's")
        event.listen(town.works.engine, "checkout", lambda *arguments: reads.append(arguments))
        return await accounts_of(sessions, [*tokens, "made up"])

    found = asyncio.run(ask())

    assert found == [*(f"{number:032x}" for number in range(PEOPLE)), None]
    assert 1 <= len(reads) <= 2


def test_a_failed_look_up_fails_those_who_waited_for_it_and_no_other(town: Town, services: Services) -> None:
    passes = BrokenOnce()
    token = people(town, passes)[0]
    sessions = Sessions(replace(services, identity=passes), Threads(4))

    async def ask() -> str | None:
        with pytest.raises(RuntimeError, match="the database is away"):
            await account_of(sessions, token)
        return await account_of(sessions, token)

    assert asyncio.run(ask()) == f"{0:032x}"


def test_who_hangs_up_does_not_stop_the_others(town: Town, services: Services, passes: Passes) -> None:
    first, second = people(town, passes)[:2]
    sessions = Sessions(services, Threads(4))

    async def ask() -> str | None:
        await account_of(sessions, "nobody's")
        gone = asyncio.create_task(account_of(sessions, first))
        stays = asyncio.create_task(account_of(sessions, second))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(ask()) == f"{1:032x}"
