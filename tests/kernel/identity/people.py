"""Brands, settings and people for the tests of identity; hashing is made cheap here."""

from __future__ import annotations

import random
import re
from typing import Final

from sqlalchemy import select

from kernel import registry
from kernel.actor import Actor, system
from kernel.db import metadata
from kernel.identity.model import IdentitySettings, PasswordCost, SignedIn, TokenPurpose
from kernel.identity.persons import SandboxPersonVerifier, check_digit
from kernel.identity.service import Identity
from kernel.identity.tokens import one_time_token
from kernel.ids import BrandId, PlantId, StoreId
from kernel.news import outbox
from kernel.registry import Brand, Plant, Region, Store
from kernel.work import Work, Works

CHEAP: Final = PasswordCost(memory_kib=8, passes=1, lanes=1)
SETTINGS: Final = IdentitySettings(identity_key=b"a key that only these tests know", password_cost=CHEAP)
QILAN: Final = BrandId("a" * 32)
BOREALIS: Final = BrandId("b" * 32)
CHANGZHOU: Final = PlantId("c" * 32)
PUDONG: Final = StoreId("d" * 32)
FOREIGN_STORE: Final = StoreId("e" * 32)
FOREIGN_PLANT: Final = PlantId("f" * 32)
GUEST: Final = Actor(QILAN, locale="en")
EMAIL: Final = "tingyu@qilan.test"
PASSWORD: Final = "a quiet morning rain"
OTHER_PASSWORD: Final = "seven boats in a row"
ID_NUMBER: Final = "990101199003120019"


def make_identity(works: Works) -> Identity:
    """Return the door to accounts of two brands that are there now."""
    add_two_brands(works)
    return Identity(works, SETTINGS, SandboxPersonVerifier())


def add_two_brands(works: Works) -> None:
    name = {"zh-CN": "名", "en": "name"}
    with works.change(system(QILAN)) as work:
        for brand_id, code, plant_id, store_id in (
            (QILAN, "qilan", CHANGZHOU, PUDONG),
            (BOREALIS, "borealis", FOREIGN_PLANT, FOREIGN_STORE),
        ):
            registry.add_brand(work, Brand(brand_id, code, name, "LQ9"), [Region("east", name)])
            registry.add_plants(work, [Plant(plant_id, brand_id, "plant", name, name, 31.0, 121.0, 900)])
            registry.add_stores(work, [Store(store_id, brand_id, "store", name, name, "east", 31.0, 121.0, False, 0)])


def news(works: Works, kind: str) -> list[dict[str, str]]:
    """Return what was told of one kind, oldest first."""
    with works.read(system(QILAN)) as work:
        rows = work.connection.execute(select(outbox.c.payload).where(outbox.c.kind == kind).order_by(outbox.c.id))
        return [dict(row.payload) for row in rows]


def mailed_token(works: Works, purpose: TokenPurpose) -> str:
    """Return the token that the newest notice of a purpose carries."""
    kind = {
        TokenPurpose.CONFIRMATION: "identity.confirmation_requested",
        TokenPurpose.RECOVERY: "identity.recovery_requested",
        TokenPurpose.INVITATION: "identity.staff_invited",
    }[purpose]
    told = news(works, kind)[-1]
    return one_time_token(SETTINGS.identity_key, purpose, told.get("token_id") or told["invitation_id"])


def signed_up(identity: Identity, works: Works, *, email: str = EMAIL, guest: Actor = GUEST) -> SignedIn:
    """Sign up, confirm, and return the first session."""
    identity.sign_up(guest, email=email, password=PASSWORD, network="192.0.2.1")
    token = mailed_token(works, TokenPurpose.CONFIRMATION)
    return identity.confirm_email(guest, token=token, password=PASSWORD, network="192.0.2.1")


def actor_of(identity: Identity, works: Works, token: str, guest: Actor = GUEST) -> Actor | None:
    """Return who a token belongs to, as a request would find it."""
    with works.read(guest) as work:
        return identity.actor_of(work, token)


def must_act(identity: Identity, works: Works, token: str, guest: Actor = GUEST) -> Actor:
    """Return who a token belongs to; it has to be somebody."""
    actor = actor_of(identity, works, token, guest)
    assert actor is not None
    return actor


def id_number(number: int) -> str:
    """Return the number-th invented ID number of somebody of age."""
    chance = random.Random(number)
    first = f"990101{chance.randrange(1950, 2005)}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
    first += f"{chance.randrange(1000):03d}"
    return first + check_digit(first)


def personal_traces(work: Work, words: re.Pattern[str]) -> list[str]:
    """Return every table whose rows hold one of these words."""
    return [
        table.name
        for table in metadata.sorted_tables
        if any(words.search(str(tuple(row))) for row in work.connection.execute(select(table)))
    ]
