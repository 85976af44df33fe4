"""The small brand with everything in it, and a server of it that each role may try to break."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from graph.app import build_app
from kernel import db
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.identity.model import IdentitySettings
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.ids import AccountId, PersonId, SeededIds
from kernel.money import yuan
from kernel.work import Work, Works
from muster.settings import read_settings
from muster.wiring import Runtime, services, wire
from tests.configurator.small_brand import BRAND, EAST_STORE
from tests.conftest import MONDAY_MORNING
from tests.factory_orders.trade import NORTH_PLANT
from tests.support.databases import copy_sqlite
from tests.support.known_words import known_ids
from tests.support.site import surroundings
from tests.support.sound_world import make_sound_world

ROLES = ("guest", "consumer", "dealer", "planner", "brand_admin", "operator", "auditor", "plant", "carrier")
BUYER = f"{20:032x}"
"""Whose pre-orders are there: the fuzzer's consumer acts as one of the members of the open pool."""


class Known(Identity):
    """The real identity, but that a role's name is a session of it which nothing ends."""

    def actor_of(self, work: Work, token: str) -> Actor | None:
        """Return the actor of a role, or whose session it is."""
        return actor_of_role(token) if token in ROLES else super().actor_of(work, token)


def actor_of_role(role: str) -> Actor:
    """Return somebody of a role, bound to a store or a plant where the role is."""
    account_id = AccountId(BUYER if role == "consumer" else f"{ROLES.index(role):032x}")
    return Actor(
        BRAND,
        frozenset({Role(role)}),
        account_id,
        PersonId(BUYER) if role == "consumer" else None,
        store_id=EAST_STORE if role == "dealer" else None,
        plant_id=NORTH_PLANT if role == "plant" else None,
        locale="en",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """The server under fire, and the words that mean something to it."""

    app: Starlette
    runtime: Runtime
    ids: dict[str, list[str]]
    words: dict[str, list[str]]


@pytest.fixture(scope="module", params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Return each role in turn."""
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def full_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FixedClock]:
    """Make the file with the small brand, in which everything has happened, and people of every role."""
    path = tmp_path_factory.mktemp("fuzz") / "full.db"
    clock = FixedClock(MONDAY_MORNING)
    engine = db.open_engine(copy_sqlite(sqlite_template, path))
    make_sound_world(Works(engine, clock=clock, ids=SeededIds(1)), clock)
    _add_people(Works(engine, clock=clock))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path, clock


def _add_people(works: Works) -> None:
    accounts = db.metadata.tables["accounts"]
    with works.change(actor_of_role("operator")) as work:
        for role in ROLES[1:-2]:
            actor = actor_of_role(role)
            row: dict[str, Any] = {"id": actor.account_id, "brand_id": BRAND, "name": role, "locale": "en"}
            address = f"{role}@fir.test"
            row |= {"email": address, "email_key": address, "state": "active"}
            row |= {"confirmed_at": work.now, "created_at": work.now, "changed_at": work.now}
            work.connection.execute(accounts.insert().values(**row))


@pytest.fixture(scope="module")
def target(full_file: tuple[Path, FixedClock], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Serve a copy of the brand in this process, as the composition root does."""
    path, clock = full_file
    url = copy_sqlite(path, tmp_path_factory.mktemp("fuzz") / "target.db")
    settings = read_settings(surroundings(url) | {"MUSTER_BRAND": "fir"})
    engine = db.open_engine(url)
    works = Works(engine, clock=FixedClock(clock.now()))
    identity = Known(works, IdentitySettings(identity_key=settings.secrets.identity), SandboxPersonVerifier())
    runtime = replace(wire(settings, works=works), identity=identity)
    with engine.connect() as connection:
        ids = known_ids(connection)
        words = _words(runtime, connection)
    yield Target(build_app(services(runtime)), runtime, ids, words)
    engine.dispose()


def _words(runtime: Runtime, connection: Any) -> dict[str, list[str]]:
    classes = connection.exec_driver_sql("SELECT DISTINCT class_key FROM pools").scalars().all()
    tokens = [
        runtime.sandbox.authorise(
            account_id=BUYER,
            amount=yuan(amount),
            reference=f"fuzz-{amount}",
            wallet="fuzz",
            expires_at=runtime.works.clock.now() + timedelta(days=1),
        )
        for amount in (5_000, 100)
    ]
    return {
        "model": ["A1", "B2"],
        "code": ["A1", "fir", "RED"],
        "option": ["RED", "BLUE", "W17", "PT_SMALL", "TR_BASE"],
        "options": ["RED", "W17", "PT_SMALL", "TR_BASE"],
        "region": ["east", "north"],
        "classKey": list(classes),
        "vin": list(connection.exec_driver_sql("SELECT vin FROM vehicles").scalars()),
        "chain": list(connection.exec_driver_sql("SELECT chain FROM record_heads LIMIT 20").scalars()),
        "authorisation": tokens,
        "email": ["consumer@fir.test", "nobody@fir.test"],
        "debit": ["deposit:nobody", "bonus:x"],
        "credit": ["payable:somebody"],
        "plantCode": ["fir_north", "fir_south"],
        "point": ["vin_matches", "interior"],
    }
