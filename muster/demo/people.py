"""The people of a demo brand who sign in by name, and the ID numbers of the others; all of them invented."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from kernel import registry
from kernel.actor import Role
from kernel.identity.account_service import add_accounts
from kernel.identity.machine_service import add_machine
from kernel.identity.model import IdentitySettings, NewAccount
from kernel.identity.passwords import Hasher
from kernel.identity.persons import check_digit
from kernel.ids import AccountId
from kernel.work import Work

INVENTED_REGION: Final = "990101"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who signs in to look at the demo, and what they are there for, by locale."""

    email: str
    role: str
    name: dict[str, str]
    locale: str
    store: str
    id_number: str
    note: dict[str, str]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody of one people.toml."""

    password: str
    personas: tuple[Persona, ...]
    machines: tuple[dict[str, str], ...]


def read_cast(folder: Path) -> Cast:
    """Read the people of a demo brand."""
    data = tomllib.loads((folder / "people.toml").read_text(encoding="utf-8"))
    consumers = [_persona(row | {"role": Role.CONSUMER.value}) for row in data.get("consumers", [])]
    staff = [_persona(row) for row in data.get("staff", [])]
    return Cast(data["password"], (*consumers, *staff), tuple(data.get("machines", [])))


def _persona(row: dict[str, Any]) -> Persona:
    name = {"zh-CN": row["zh"], "en": row["en"]}
    return Persona(
        email=row["email"],
        role=row["role"],
        name=name,
        locale=row.get("locale", "zh-CN"),
        store=row.get("store", ""),
        id_number=row.get("id_number", ""),
        note={"zh-CN": row.get("note_zh", name["zh-CN"]), "en": row.get("note_en", name["en"])},
    )


def add_cast(work: Work, cast: Cast, settings: IdentitySettings, hasher: Hasher) -> dict[str, AccountId]:
    """Make the accounts and machine accounts of a cast in the actor's brand; returns account ids by address.

    They share one password, so it is hashed once.
    """
    stores = {store.code: store.id for store in registry.list_stores(work)}
    plants = {plant.code: plant.id for plant in registry.list_plants(work)}
    password_hash = hasher.hash(cast.password)
    new = [
        NewAccount(
            email=persona.email,
            name=persona.name[persona.locale],
            locale=persona.locale,
            password_hash=password_hash,
            roles=(Role(persona.role),),
            store_id=stores[persona.store] if persona.role == Role.DEALER else None,
            id_number=persona.id_number or None,
        )
        for persona in cast.personas
    ]
    account_ids = add_accounts(work, settings, new)
    for machine in cast.machines:
        role = Role(machine["role"])
        if role is Role.PLANT:
            add_machine(work, label=machine["name"], role=role, plant_id=plants[machine["plant"]])
        else:
            add_machine(work, label=machine["name"], role=role, party_code=machine["name"])
    return dict(zip((persona.email for persona in cast.personas), account_ids, strict=True))


def invented_id_number(number: int) -> str:
    """Return the ID number, of the right form but of a region that does not exist, of the n-th invented person."""
    day, sequence = divmod(number, 1000)
    born = date(1965, 1, 1) + timedelta(days=day % 14_000)
    first_17 = f"{INVENTED_REGION}{born:%Y%m%d}{sequence:03d}"
    return first_17 + check_digit(first_17)
