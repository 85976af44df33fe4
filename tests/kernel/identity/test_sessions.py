"""Sessions end by themselves, one by one or all at once; and a machine's key is a session of its own kind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, Refusal
from kernel.identity import account_service, machine_service
from kernel.identity.errors import RoleNotGrantable, TooManyKeys
from kernel.identity.service import Identity
from kernel.identity.tables import machine_keys, sessions
from kernel.ids import AccountId
from kernel.work import Works
from tests.kernel.identity.people import (
    BOREALIS,
    CHANGZHOU,
    EMAIL,
    FOREIGN_PLANT,
    GUEST,
    PASSWORD,
    QILAN,
    SETTINGS,
    actor_of,
    make_identity,
    must_act,
    personal_traces,
    signed_up,
)

ADMIN = Actor(QILAN, frozenset({Role.BRAND_ADMIN}), account_id=AccountId("9" * 32))


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


def test_an_idle_session_ends_after_two_weeks(identity: Identity, works: Works, clock: FixedClock) -> None:
    session = signed_up(identity, works)
    clock.advance(timedelta(days=14) - timedelta(seconds=1))
    assert must_act(identity, works, session.token).roles == {Role.CONSUMER}
    identity.close()
    clock.advance(timedelta(days=13))
    assert must_act(identity, works, session.token).roles == {Role.CONSUMER}
    identity.close()
    clock.advance(timedelta(days=14))

    assert actor_of(identity, works, session.token) is None


def test_a_used_session_ends_after_sixty_days(identity: Identity, works: Works, clock: FixedClock) -> None:
    session = signed_up(identity, works)
    for _ in range(5):
        clock.advance(timedelta(days=11))
        assert must_act(identity, works, session.token).roles == {Role.CONSUMER}
        identity.close()
    clock.advance(timedelta(days=5))

    assert actor_of(identity, works, session.token) is None


def test_a_token_is_stored_nowhere(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)

    with works.read(system(QILAN)) as work:
        assert personal_traces(work, re.compile(re.escape(session.token) + "|" + re.escape(made.key))) == []
    assert session.token not in repr(session)
    assert made.key not in repr(made)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", session.token)


@pytest.mark.parametrize("token", ["", "x", "mk_", "mk_" + "0" * 32 + "_" + "x" * 43, "é" * 50, "x" * 5000])
def test_a_made_up_token_is_nobodys(identity: Identity, works: Works, token: str) -> None:
    assert actor_of(identity, works, token) is None


def test_one_sees_and_ends_ones_own_sessions_only(identity: Identity, works: Works) -> None:
    first = signed_up(identity, works)
    identity.sign_in(GUEST, email=EMAIL, password=PASSWORD, device="a\x00 phone")
    other = signed_up(identity, works, email="other@qilan.test")
    mine, others = must_act(identity, works, first.token), must_act(identity, works, other.token)
    with works.read(mine) as work:
        seen = account_service.own_sessions(work, SETTINGS)
    with works.read(others) as work:
        foreign = account_service.own_sessions(work, SETTINGS)[0].id

    with works.change(mine) as work:
        account_service.end_own_session(work, seen[0].id)
        for session_id in (foreign, "0" * 32):
            with pytest.raises(NotFound):
                account_service.end_own_session(work, session_id)

    assert [one.device for one in seen] == ["a phone", ""]
    with works.read(mine) as work:
        assert [one.id for one in account_service.own_sessions(work, SETTINGS)] == [seen[1].id]
    assert actor_of(identity, works, other.token) is not None


def test_signing_out_ends_this_session_and_everywhere_ends_all(identity: Identity, works: Works) -> None:
    tokens = [signed_up(identity, works).token]
    tokens += [identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token for _ in range(3)]
    actor = must_act(identity, works, tokens[0])

    with works.change(actor) as work:
        account_service.sign_out(work, tokens[1])
        ended = account_service.sign_out_everywhere(work, but_token=tokens[0])

    assert ended == 2
    assert [actor_of(identity, works, token) is not None for token in tokens] == [True, False, False, False]


def test_the_oldest_sessions_end_beyond_the_most(identity: Identity, works: Works, clock: FixedClock) -> None:
    tokens = [signed_up(identity, works).token]
    for _ in range(SETTINGS.sessions_per_account_max):
        clock.advance(timedelta(minutes=1))
        tokens.append(identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token)

    assert [actor_of(identity, works, token) is not None for token in tokens[:3]] == [False, True, True]


def test_a_disabled_account_is_closed_until_it_is_enabled(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)
    operator = Actor(QILAN, frozenset({Role.OPERATOR}), account_id=AccountId("8" * 32))

    with works.change(operator) as work:
        account_service.disable_account(work, session.account_id, reason="fraud")

    assert actor_of(identity, works, session.token) is None
    with pytest.raises(Refusal, match="SIGN_IN_FAILED"):
        identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)
    with works.change(operator) as work:
        account_service.enable_account(work, session.account_id)
    assert identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token


def test_what_is_over_is_swept_and_nothing_else(identity: Identity, works: Works, clock: FixedClock) -> None:
    signed_up(identity, works)
    clock.advance(timedelta(days=15))
    fresh = identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)

    with works.change(system(QILAN)) as work:
        swept = account_service.sweep(work, SETTINGS)
        left = len(work.connection.execute(select(sessions.c.id)).all())

    assert swept > 1
    assert left == 1
    assert actor_of(identity, works, fresh.token) is not None


# --- machines --------------------------------------------------------------------------------------------------------


def test_a_plants_system_acts_for_its_plant(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)

    actor = must_act(identity, works, made.key)
    machine = Actor(QILAN, frozenset({Role.PLANT}), account_id=made.machine_id, plant_id=CHANGZHOU, locale="en")
    assert actor == machine
    assert actor_of(identity, works, made.key, Actor(BOREALIS)) is None
    assert made.key.startswith(f"mk_{made.machine_id}_")


def test_a_carrier_is_bound_to_its_code(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="trucks", role=Role.CARRIER, party_code="yuanlu")

    with works.read(must_act(identity, works, made.key)) as work:
        assert machine_service.own_machine(work).party_code == "yuanlu"


def test_a_rotated_key_works_on_for_the_overlap(identity: Identity, works: Works, clock: FixedClock) -> None:
    with works.change(ADMIN) as work:
        old = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
    with works.change(ADMIN) as work:
        new = machine_service.rotate_machine_key(work, SETTINGS, old.machine_id, overlap=timedelta(hours=1))

    assert must_act(identity, works, old.key) == must_act(identity, works, new.key)
    clock.advance(timedelta(hours=1))
    assert actor_of(identity, works, old.key) is None
    with works.change(ADMIN) as work:
        newest = machine_service.rotate_machine_key(work, SETTINGS, old.machine_id, overlap=timedelta(0))
    assert actor_of(identity, works, new.key) is None
    assert actor_of(identity, works, newest.key) is not None


def test_a_later_rotation_never_lets_an_old_key_live_longer(
    identity: Identity, works: Works, clock: FixedClock
) -> None:
    with works.change(ADMIN) as work:
        old = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
        machine_service.rotate_machine_key(work, SETTINGS, old.machine_id, overlap=timedelta(hours=1))
        machine_service.rotate_machine_key(work, SETTINGS, old.machine_id, overlap=timedelta(days=7))

    clock.advance(timedelta(hours=2))

    assert actor_of(identity, works, old.key) is None


def test_keys_do_not_pile_up(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
        machine_service.rotate_machine_key(work, SETTINGS, made.machine_id)
        machine_service.rotate_machine_key(work, SETTINGS, made.machine_id)

    with pytest.raises(TooManyKeys), works.change(ADMIN) as work:
        machine_service.rotate_machine_key(work, SETTINGS, made.machine_id)

    with works.read(ADMIN) as work:
        assert len(work.connection.execute(select(machine_keys)).all()) == 3


def test_a_revoked_machine_is_nobody(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)

    with works.change(ADMIN) as work:
        machine_service.revoke_machine(work, made.machine_id)

    assert actor_of(identity, works, made.key) is None
    with works.change(ADMIN) as work:
        assert [one.revoked_at is not None for one in machine_service.list_machines(work)] == [True]
        with pytest.raises(NotFound):
            machine_service.rotate_machine_key(work, SETTINGS, made.machine_id)


def test_a_machine_fits_its_role_and_its_brand(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
        with pytest.raises(Conflict):
            machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
        with pytest.raises(NotFound):
            machine_service.add_machine(work, label="theirs", role=Role.PLANT, plant_id=FOREIGN_PLANT)
        with pytest.raises(RoleNotGrantable):
            machine_service.add_machine(work, label="boss", role=Role.BRAND_ADMIN, party_code="x")
        with pytest.raises(RoleNotGrantable):
            machine_service.add_machine(work, label="truck", role=Role.CARRIER)
        with pytest.raises(InvalidInput):
            machine_service.add_machine(work, label="  ", role=Role.CARRIER, party_code="x")
        with pytest.raises(RoleNotGrantable):
            machine_service.add_machine(work, label="truck", role=Role.CARRIER, party_code=" ")
        assert len(machine_service.list_machines(work)) == 1


def test_a_code_left_empty_is_none(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU, party_code="")
        machine_service.add_machine(work, label="trucks", role=Role.CARRIER, party_code=" yuanlu ")

    with works.read(ADMIN) as work:
        assert {one.label: one.party_code for one in machine_service.list_machines(work)} == {
            "line": None,
            "trucks": "yuanlu",
        }


def test_another_brands_administrator_sees_no_machine(identity: Identity, works: Works) -> None:
    with works.change(ADMIN) as work:
        made = machine_service.add_machine(work, label="line", role=Role.PLANT, plant_id=CHANGZHOU)
    foreign = Actor(BOREALIS, frozenset({Role.BRAND_ADMIN}), account_id=AccountId("7" * 32))

    with works.change(foreign) as work:
        assert machine_service.list_machines(work) == []
        with pytest.raises(NotFound):
            machine_service.revoke_machine(work, made.machine_id)
    with works.change(must_act(identity, works, made.key)) as work, pytest.raises(Forbidden):
        machine_service.list_machines(work)
