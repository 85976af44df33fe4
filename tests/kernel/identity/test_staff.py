"""The staff of a brand: invited, given roles, let go; and always somebody who manages it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from kernel.actor import Actor, Permission, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotFound, NotSignedIn, Refusal
from kernel.identity import account_service, queries, staff_service
from kernel.identity.errors import (
    LastAdministrator,
    RoleNotGrantable,
    RoleTaken,
    SignInFailed,
    SignInThrottled,
    TokenInvalid,
)
from kernel.identity.model import Contact, NewAccount, SignedIn, TokenPurpose
from kernel.identity.service import Identity
from kernel.identity.tables import accounts, invitations, role_grants
from kernel.ids import AccountId, BrandId, StoreId
from kernel.paging import PageRequest
from kernel.work import Works
from tests.kernel.identity.people import (
    BOREALIS,
    EMAIL,
    FOREIGN_STORE,
    GUEST,
    ID_NUMBER,
    OTHER_PASSWORD,
    PASSWORD,
    PUDONG,
    QILAN,
    SETTINGS,
    actor_of,
    mailed_token,
    make_identity,
    must_act,
    news,
    signed_up,
)

PAGE = PageRequest(20)
DEALER_EMAIL = "dealer@qilan.test"


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


@pytest.fixture
def admin(identity: Identity, works: Works) -> Actor:
    return add_admin(identity, works, "admin@qilan.test")


def add_admin(identity: Identity, works: Works, email: str, brand_id: BrandId = QILAN) -> Actor:
    with works.change(system(brand_id)) as work:
        password_hash = identity.credentials.hasher.hash(PASSWORD)
        new = NewAccount(email, "Admin", "en", password_hash, roles=(Role.BRAND_ADMIN,))
        account_service.add_accounts(work, SETTINGS, [new])
    guest = Actor(brand_id, locale="en")
    return must_act(identity, works, identity.sign_in(guest, email=email, password=PASSWORD).token, guest)


def invite(
    works: Works, admin: Actor, role: Role = Role.DEALER, store: StoreId | None = PUDONG, email: str = DEALER_EMAIL
) -> str:
    """Invite somebody and return the token they are sent."""
    with works.change(admin) as work:
        staff_service.invite_staff(work, SETTINGS, email=email, role=role, store_id=store)
    return mailed_token(works, TokenPurpose.INVITATION)


def accept(identity: Identity, token: str, password: str = PASSWORD, guest: Actor = GUEST) -> SignedIn:
    return staff_service.accept_invitation(identity.credentials, guest, token=token, password=password, name="Li")


def refused(works: Works, admin: Actor, role: Role, store: StoreId | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        invite(works, admin, role, store)
    return caught.value


def test_who_accepts_an_invitation_works_at_that_store(identity: Identity, works: Works, admin: Actor) -> None:
    session = accept(identity, invite(works, admin))

    actor = must_act(identity, works, session.token)
    assert actor == Actor(QILAN, frozenset({Role.DEALER}), session.account_id, store_id=PUDONG, locale="en")
    assert not actor.may(Permission.PREORDER)
    with works.read(system(QILAN)) as work:
        assert queries.contacts(work, [session.account_id]) == {
            session.account_id: Contact(session.account_id, DEALER_EMAIL, "Li", "en")
        }
        assert work.connection.execute(select(invitations.c.email)).scalars().all() == [None]


def test_an_invitation_is_accepted_once(identity: Identity, works: Works, admin: Actor) -> None:
    token = invite(works, admin)
    accept(identity, token)

    with pytest.raises(TokenInvalid):
        accept(identity, token)


def test_two_who_accept_at_once_are_one(identity: Identity, works: Works, admin: Actor) -> None:
    token = invite(works, admin)

    def attempt() -> str:
        try:
            return accept(identity, token).account_id
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(3) as pool:
        outcomes = [call.result(60) for call in [pool.submit(attempt) for _ in range(3)]]

    assert len([one for one in outcomes if len(one) == 32]) == 1
    with works.read(system(QILAN)) as work:
        grants = work.connection.execute(select(role_grants.c.role).where(role_grants.c.role == "dealer")).all()
    assert len(grants) == 1


def test_an_old_or_revoked_invitation_is_refused(
    identity: Identity, works: Works, admin: Actor, clock: FixedClock
) -> None:
    revoked = invite(works, admin)
    with works.change(admin) as work:
        open_one = staff_service.list_invitations(work, PAGE).items[0]
        staff_service.revoke_invitation(work, open_one.id)
    old = invite(works, admin)
    clock.advance(SETTINGS.invitation_lifetime)

    for token in (revoked, old):
        with pytest.raises(TokenInvalid):
            accept(identity, token)
    with works.change(admin) as work, pytest.raises(NotFound):
        staff_service.revoke_invitation(work, open_one.id)


def test_who_has_an_account_joins_with_its_password(identity: Identity, works: Works, admin: Actor) -> None:
    consumer = signed_up(identity, works, email=DEALER_EMAIL)
    token = invite(works, admin)
    with pytest.raises(SignInFailed):
        accept(identity, token, OTHER_PASSWORD)

    session = accept(identity, token)

    assert session.account_id == consumer.account_id
    assert must_act(identity, works, session.token).roles == {Role.CONSUMER, Role.DEALER}
    assert actor_of(identity, works, consumer.token) is None


def test_an_invitation_confirms_an_address_that_a_stranger_took(identity: Identity, works: Works, admin: Actor) -> None:
    identity.sign_up(GUEST, email=DEALER_EMAIL, password=OTHER_PASSWORD)
    strangers = mailed_token(works, TokenPurpose.CONFIRMATION)

    accept(identity, invite(works, admin))

    with pytest.raises(SignInFailed):
        identity.sign_in(GUEST, email=DEALER_EMAIL, password=OTHER_PASSWORD)
    with pytest.raises(TokenInvalid):
        identity.confirm_email(GUEST, token=strangers, password=OTHER_PASSWORD)


def test_a_token_of_one_purpose_is_none_of_another(identity: Identity, works: Works, admin: Actor) -> None:
    token = invite(works, admin)

    with pytest.raises(TokenInvalid):
        identity.recover(GUEST, token=token, new_password=PASSWORD)
    with pytest.raises(TokenInvalid):
        accept(identity, token, guest=Actor(BOREALIS))


def test_what_an_administrator_cannot_give_is_refused(works: Works, admin: Actor) -> None:
    assert isinstance(refused(works, admin, Role.OPERATOR), RoleNotGrantable)
    assert isinstance(refused(works, admin, Role.SYSTEM), RoleNotGrantable)
    assert isinstance(refused(works, admin, Role.PLANT), RoleNotGrantable)
    assert isinstance(refused(works, admin, Role.DEALER), RoleNotGrantable)
    assert isinstance(refused(works, admin, Role.PLANNER, PUDONG), RoleNotGrantable)
    assert refused(works, admin, Role.DEALER, FOREIGN_STORE) == NotFound("store")
    assert news(works, "identity.staff_invited") == []


def test_an_invited_address_is_not_flooded(works: Works, admin: Actor) -> None:
    for _ in range(3):
        invite(works, admin)

    assert refused(works, admin, Role.DEALER, PUDONG) == SignInThrottled(600)


def test_who_loses_a_role_loses_their_sessions(identity: Identity, works: Works, admin: Actor) -> None:
    session = accept(identity, invite(works, admin))

    with works.change(admin) as work:
        staff_service.revoke_role(work, session.account_id, role=Role.DEALER)

    assert actor_of(identity, works, session.token) is None
    again = must_act(identity, works, identity.sign_in(GUEST, email=DEALER_EMAIL, password=PASSWORD).token)
    assert again == Actor(QILAN, account_id=session.account_id, locale="en")
    with works.read(admin) as work:
        assert [one.email for one in staff_service.list_staff(work, PAGE).items] == ["admin@qilan.test"]


def test_a_dealer_moves_to_another_store_by_two_steps(identity: Identity, works: Works, admin: Actor) -> None:
    session = accept(identity, invite(works, admin))
    with works.change(admin) as work:
        with pytest.raises(RoleTaken):
            staff_service.grant_role(work, session.account_id, role=Role.DEALER, store_id=PUDONG)
        with pytest.raises(NotFound):
            staff_service.revoke_role(work, session.account_id, role=Role.DEALER, store_id=StoreId("f" * 32))
        staff_service.revoke_role(work, session.account_id, role=Role.DEALER)
        with pytest.raises(NotFound):
            staff_service.grant_role(work, session.account_id, role=Role.DEALER, store_id=FOREIGN_STORE)
        staff_service.grant_role(work, session.account_id, role=Role.DEALER, store_id=PUDONG)
        staff_service.grant_role(work, session.account_id, role=Role.PLANNER)

    with works.read(admin) as work:
        members = staff_service.list_staff(work, PAGE).items
    assert [(one.role, one.store_id) for one in members[1].grants] == [(Role.DEALER, PUDONG), (Role.PLANNER, None)]


def test_a_consumer_is_nobody_to_an_administrator(identity: Identity, works: Works, admin: Actor) -> None:
    consumer = signed_up(identity, works)

    with works.change(admin) as work:
        for account_id in (consumer.account_id, "0" * 32):
            with pytest.raises(NotFound):
                staff_service.grant_role(work, account_id, role=Role.PLANNER)
            with pytest.raises(NotFound):
                staff_service.revoke_role(work, account_id, role=Role.PLANNER)
        with pytest.raises(RoleNotGrantable):
            staff_service.revoke_role(work, consumer.account_id, role=Role.CONSUMER)
        with pytest.raises(Forbidden):
            queries.contacts(work, [consumer.account_id])


def test_the_last_administrator_stays(identity: Identity, works: Works, admin: Actor) -> None:
    assert admin.account_id is not None
    with works.change(system(QILAN)) as work:
        never_signed_in = NewAccount("never@qilan.test", "Admin", "en", None, roles=(Role.BRAND_ADMIN,))
        account_service.add_accounts(work, SETTINGS, [never_signed_in])
    with pytest.raises(LastAdministrator), works.change(admin) as work:
        staff_service.revoke_role(work, admin.account_id, role=Role.BRAND_ADMIN)

    second = add_admin(identity, works, "second@qilan.test")
    with works.change(second) as work:
        staff_service.revoke_role(work, admin.account_id, role=Role.BRAND_ADMIN)
    with works.change(second) as work, pytest.raises(LastAdministrator):
        staff_service.revoke_role(work, second.signed_in(), role=Role.BRAND_ADMIN)


def test_an_administrator_who_never_set_a_password_may_leave_unless_alone(identity: Identity, works: Works) -> None:
    with works.change(system(QILAN)) as work:
        new = [
            NewAccount(f"{name}@qilan.test", "Admin", "en", None, roles=(Role.BRAND_ADMIN,)) for name in ("one", "two")
        ]
        first, second = account_service.add_accounts(work, SETTINGS, new)

    with works.change(system(QILAN)) as work:
        account_service.disable_account(work, first, reason="never came")

    with works.change(system(QILAN)) as work, pytest.raises(LastAdministrator):
        account_service.disable_account(work, second, reason="never came")
    with works.read(system(QILAN)) as work:
        kept = work.connection.execute(select(accounts.c.id).where(accounts.c.state == "active")).scalars().all()
    assert kept == [second]


def test_two_administrators_who_leave_at_once_leave_one(identity: Identity, works: Works, admin: Actor) -> None:
    second = add_admin(identity, works, "second@qilan.test")

    def leave(leaving: Actor) -> str:
        try:
            with works.change(leaving) as work:
                staff_service.revoke_role(work, leaving.signed_in(), role=Role.BRAND_ADMIN)
        except LastAdministrator as refusal:
            return refusal.code
        return "left"

    with ThreadPoolExecutor(2) as pool:
        outcomes = [call.result(60) for call in [pool.submit(leave, one) for one in (admin, second)]]

    assert sorted(outcomes) == ["LAST_ADMINISTRATOR", "left"]


def test_a_foreign_administrator_sees_and_changes_nothing(identity: Identity, works: Works, admin: Actor) -> None:
    session = accept(identity, invite(works, admin))
    invite(works, admin, Role.PLANNER, None, "planner@qilan.test")
    foreign = add_admin(identity, works, "admin@qilan.test", BOREALIS)
    with works.read(admin) as work:
        invitation_id = staff_service.list_invitations(work, PAGE).items[0].id

    with works.change(foreign) as work:
        assert staff_service.list_invitations(work, PAGE).items == ()
        assert [one.account_id for one in staff_service.list_staff(work, PAGE).items] == [foreign.account_id]
        with pytest.raises(NotFound):
            staff_service.revoke_invitation(work, invitation_id)
        with pytest.raises(NotFound):
            staff_service.grant_role(work, session.account_id, role=Role.PLANNER)
        with pytest.raises(NotFound):
            staff_service.revoke_role(work, session.account_id, role=Role.DEALER)
        with pytest.raises(NotFound):
            staff_service.revoke_role(work, admin.signed_in(), role=Role.BRAND_ADMIN)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.BRAND_ADMIN, Role.SYSTEM, Role.GUEST}))
def test_nobody_else_manages_staff(identity: Identity, works: Works, role: Role) -> None:
    actor = Actor(QILAN, frozenset({role}), account_id=AccountId("6" * 32))

    with works.change(actor) as work:
        with pytest.raises(Forbidden):
            staff_service.list_staff(work, PAGE)
        with pytest.raises(Forbidden):
            staff_service.invite_staff(work, SETTINGS, email=EMAIL, role=Role.BRAND_ADMIN)
    with works.change(GUEST) as work, pytest.raises(NotSignedIn):
        staff_service.list_staff(work, PAGE)


def test_the_staff_is_paged(identity: Identity, works: Works, admin: Actor) -> None:
    with works.change(system(QILAN)) as work:
        new = [NewAccount(f"{number}@qilan.test", "", "en", roles=(Role.PLANNER,)) for number in range(3)]
        account_service.add_accounts(work, SETTINGS, new)

    with works.read(admin) as work:
        first = staff_service.list_staff(work, PageRequest(2))
        second = staff_service.list_staff(work, PageRequest(2, after=first.items[-1].account_id))

    seen = [one.email for one in (*first.items, *second.items)]
    assert seen == ["admin@qilan.test", "0@qilan.test", "1@qilan.test", "2@qilan.test"]
    assert (first.has_next, second.has_next) == (True, False)


# --- the platform ----------------------------------------------------------------------------------------------------


def test_an_operator_is_made_by_command_only(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)

    with works.change(system(QILAN)) as work:
        assert queries.account_by_email(work, EMAIL.upper()) == session.account_id
        account_service.grant_operator(work, session.account_id)

    assert actor_of(identity, works, session.token) is None
    token = identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token
    assert must_act(identity, works, token).may(Permission.MONEY_BY_HAND)
    with works.change(system(QILAN)) as work:
        account_service.revoke_operator(work, session.account_id)
    assert actor_of(identity, works, token) is None
    consumer = must_act(identity, works, signed_up(identity, works, email="x@qilan.test").token)
    with works.change(consumer) as work, pytest.raises(Forbidden):
        account_service.grant_operator(work, session.account_id)


def test_accounts_are_made_many_at_once_and_a_person_only_once(identity: Identity, works: Works) -> None:
    new = [
        NewAccount(f"{number}@qilan.test", "听雨", id_number=ID_NUMBER if number < 2 else None) for number in range(3)
    ]

    with works.change(system(QILAN)) as work:
        made = account_service.add_accounts(work, SETTINGS, new)

    with works.read(system(QILAN)) as work:
        persons = queries.persons_of(work, made)
    assert set(persons) == set(made[:2])
    assert len(set(persons.values())) == 1


def test_making_accounts_refuses_a_taken_address_and_makes_none(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    new = [NewAccount("new@qilan.test", ""), NewAccount(EMAIL.upper(), "")]

    with pytest.raises(Refusal, match="ADDRESS_TAKEN"), works.change(system(QILAN)) as work:
        account_service.add_accounts(work, SETTINGS, new)

    with works.read(system(QILAN)) as work:
        assert work.connection.execute(select(accounts.c.email)).scalars().all() == [EMAIL]


def test_one_changes_ones_own_name_and_language(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)
    actor = must_act(identity, works, session.token)

    with works.change(actor) as work:
        changed = account_service.change_own_account(work, name=" 听雨  小满 ", locale="zh-CN")
        with pytest.raises(InvalidInput):
            account_service.change_own_account(work, locale="fr")
        with pytest.raises(InvalidInput):
            account_service.change_own_account(work, name="a\x00b")

    assert (changed.name, changed.locale) == ("听雨 小满", "zh-CN")
    assert must_act(identity, works, session.token).locale == "zh-CN"
