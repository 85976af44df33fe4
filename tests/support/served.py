"""The small brand with everything in it behind a server in this process; a token says who acts: a role, a buyer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from starlette.applications import Starlette

from graph.app import build_app
from kernel import db
from kernel.actor import Actor, Role
from kernel.identity.model import IdentitySettings
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.ids import AccountId, PersonId
from kernel.money import yuan
from kernel.work import Work, Works
from muster.settings import read_settings
from muster.wiring import Runtime, services, wire
from tests.configurator.small_brand import BRAND, EAST_STORE
from tests.factory_orders.trade import NORTH_PLANT
from tests.support.known_words import known_ids
from tests.support.site import surroundings

ROLES: Final = ("guest", "consumer", "dealer", "planner", "brand_admin", "operator", "auditor", "plant", "carrier")
MEMBER: Final = 20
"""The consumer is one of the members of the open pool."""


class Known(Identity):
    """The real identity, but that `planner` or `buyer-7` is a session which nothing ends."""

    def actors_of(self, work: Work, tokens: Sequence[str]) -> dict[str, Actor]:
        """Return the actors of such tokens, and whose sessions the others are."""
        named = {token: one for token in tokens if (one := _named(token)) is not None}
        return named | super().actors_of(work, [token for token in tokens if token not in named])


def _named(token: str) -> Actor | None:
    name, _, number = token.partition("-")
    if name == "buyer" and number.isdecimal():
        return buyer(int(number))
    return actor_of_role(token) if token in ROLES else None


def buyer(number: int) -> Actor:
    """Return a verified person, as the rooms' tests know them."""
    word = f"{number:032x}"
    return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(word), PersonId(word), locale="en")


def actor_of_role(role: str) -> Actor:
    """Return somebody of a role, bound to a store or a plant where the role is."""
    if role == "consumer":
        return buyer(MEMBER)
    return Actor(
        BRAND,
        frozenset({Role(role)}),
        AccountId(f"{ROLES.index(role):032x}"),
        store_id=EAST_STORE if role == "dealer" else None,
        plant_id=NORTH_PLANT if role == "plant" else None,
        locale="en",
    )


@dataclass(frozen=True, slots=True)
class Served:
    """The server, and the words that mean something to it."""

    app: Starlette
    runtime: Runtime
    ids: dict[str, list[str]]
    words: dict[str, list[str]]


def serve(url: str, works: Works) -> Served:
    """Serve a brand in this process, wired as the composition root does it."""
    settings = read_settings(surroundings(url) | {"MUSTER_BRAND": "fir"})
    identity = Known(works, IdentitySettings(identity_key=settings.secrets.identity), SandboxPersonVerifier())
    runtime = replace(wire(settings, works=works), identity=identity)
    with works.engine.connect() as connection:
        ids = known_ids(connection)
        words = _words(runtime, connection)
    return Served(build_app(services(runtime)), runtime, ids, words)


def add_people(works: Works) -> None:
    """Write accounts for the people of every role."""
    accounts = db.metadata.tables["accounts"]
    with works.change(actor_of_role("operator")) as work:
        for role in ROLES[1:-2]:
            address = f"{role}@fir.test"
            row: dict[str, Any] = {
                "id": actor_of_role(role).account_id,
                "brand_id": BRAND,
                "name": role,
                "locale": "en",
            }
            row |= {"email": address, "email_key": address, "state": "active"}
            row |= {"confirmed_at": work.now, "created_at": work.now, "changed_at": work.now}
            work.connection.execute(accounts.insert().values(**row))


def _words(runtime: Runtime, connection: Any) -> dict[str, list[str]]:
    classes = connection.exec_driver_sql("SELECT DISTINCT class_key FROM pools").scalars().all()
    tokens = [
        runtime.sandbox.authorise(
            account_id=buyer(MEMBER).signed_in(),
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
