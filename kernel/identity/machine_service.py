"""Machine accounts: a plant's system, a supplier's, a carrier's; their keys are shown once and rotate with overlap."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, or_, select, update

from kernel import db, registry
from kernel.actor import Permission, Role
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.identity.errors import TooManyKeys
from kernel.identity.events import MachineKeyMade, MachineRevoked
from kernel.identity.model import IdentitySettings, Machine, MachineKey, check_machine_role, clean_name
from kernel.identity.tables import machine_keys, machines
from kernel.identity.tokens import new_machine_key
from kernel.ids import AccountId, PlantId
from kernel.reasons import because
from kernel.work import Work

MACHINES_MAX = 1000
PARTY_CODE_LENGTH_MAX = 40


def add_machine(
    work: Work, *, label: str, role: Role, plant_id: PlantId | None = None, party_code: str | None = None
) -> MachineKey:
    """Make a machine account and its first key; a plant's system has no party code, an empty one is none.

    Refuses InvalidInput, RoleNotGrantable, NotFound for another brand's plant, and Conflict for a label that is taken.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    name = clean_name(label)
    if not name:
        raise InvalidInput("label", because("LABEL_MISSING"))
    code = (party_code or "").strip() or None
    if code is not None and not (len(code) <= PARTY_CODE_LENGTH_MAX and code.isprintable()):
        raise InvalidInput("partyCode", because("LENGTH_PRINTABLE", most=PARTY_CODE_LENGTH_MAX))
    check_machine_role(role, plant_id, code)
    if plant_id is not None and plant_id not in {plant.id for plant in registry.list_plants(work)}:
        raise NotFound("plant")
    machine_id = AccountId(work.new_id())
    row = {
        "id": machine_id,
        "brand_id": work.actor.brand_id,
        "label": name,
        "role": role.value,
        "plant_id": plant_id,
        "party_code": code,
        "created_by": work.actor.account_id,
        "created_at": work.now,
    }
    if not db.insert_new(work.connection, machines, [row], returning="id"):
        raise Conflict("machine account", because("LABEL_TAKEN"))
    return _make_key(work, machine_id)


def rotate_machine_key(
    work: Work, settings: IdentitySettings, machine_id: str, *, overlap: timedelta = timedelta(days=1)
) -> MachineKey:
    """Make another key; the ones before it work on for `overlap`, at most a week, or end at once where it is zero.

    Refuses NotFound, InvalidInput, and TooManyKeys where rotations follow each other too fast.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    if not timedelta(0) <= overlap <= settings.key_overlap_max:
        raise InvalidInput("overlapHours", because("DAYS_MOST", most=settings.key_overlap_max.days))
    machine = _lock_machine(work, machine_id)
    table = machine_keys.c
    until = work.now + overlap
    work.connection.execute(
        update(machine_keys)
        .where(table.machine_id == machine, or_(table.expires_at.is_(None), table.expires_at > until))
        .values(expires_at=until)
    )
    live = select(func.count()).where(table.machine_id == machine, table.expires_at > work.now)
    if work.connection.execute(live).scalar_one() >= settings.keys_per_machine_max:
        raise TooManyKeys(settings.keys_per_machine_max)
    return _make_key(work, machine)


def revoke_machine(work: Work, machine_id: str) -> None:
    """Close a machine account; none of its keys works from now on. Refuses NotFound."""
    work.actor.require(Permission.STAFF_MANAGE)
    machine = _lock_machine(work, machine_id)
    who = work.actor.account_id
    work.connection.execute(
        update(machines).where(machines.c.id == machine).values(revoked_at=work.now, revoked_by=who)
    )
    work.record(MachineRevoked(work.actor.brand_id, machine, who or ""))


def list_machines(work: Work) -> list[Machine]:
    """Return the machine accounts of the brand, newest first, closed ones too."""
    work.actor.require(Permission.STAFF_MANAGE)
    names = [machines.c[name] for name in Machine.__dataclass_fields__]
    found = (
        select(*names)
        .where(machines.c.brand_id == work.actor.brand_id)
        .order_by(machines.c.id.desc())
        .limit(MACHINES_MAX)
    )
    return [Machine(**{**row, "role": Role(row["role"])}) for row in work.connection.execute(found).mappings()]


def own_machine(work: Work) -> Machine:
    """Return the machine account that acts: what a supplier or carrier is bound to. Refuses NotFound."""
    names = [machines.c[name] for name in Machine.__dataclass_fields__]
    found = select(*names).where(machines.c.id == work.actor.signed_in(), machines.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("machine account")
    return Machine(**{**row, "role": Role(row["role"])})


def _lock_machine(work: Work, machine_id: str) -> AccountId:
    found = (
        select(machines.c.id)
        .where(
            machines.c.id == machine_id,
            machines.c.brand_id == work.actor.brand_id,
            machines.c.revoked_at.is_(None),
        )
        .with_for_update()
    )
    known = work.connection.execute(found).scalar_one_or_none()
    if known is None:
        raise NotFound("machine account")
    return AccountId(known)


def _make_key(work: Work, machine_id: AccountId) -> MachineKey:
    made, key_hash = new_machine_key(machine_id)
    work.connection.execute(
        machine_keys.insert().values(
            id=work.new_id(),
            machine_id=machine_id,
            key_hash=key_hash,
            made_by=work.actor.account_id,
            made_at=work.now,
        )
    )
    work.record(MachineKeyMade(work.actor.brand_id, machine_id, work.actor.account_id or ""))
    return made
