"""A person's own data: consents that are only added to, an export of everything, an erasure that leaves no trace."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from kernel import consent, db, personal, record
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.consent import Consent, Purpose, consent_entries
from kernel.errors import Conflict, Forbidden, InvalidInput, NotSignedIn, Refusal
from kernel.identity import account_service, queries
from kernel.identity.erasure_service import IdentityData
from kernel.identity.errors import SignInFailed
from kernel.identity.model import NewAccount, SignedIn, TokenPurpose
from kernel.identity.persons import PersonClaim
from kernel.identity.service import Identity
from kernel.identity.tables import accounts, persons
from kernel.ids import AccountId, PersonId
from kernel.personal import ErasureBlocked, PersonalData
from kernel.record import record_salts
from kernel.work import Work, Works
from tests.kernel.identity.people import (
    BOREALIS,
    EMAIL,
    GUEST,
    ID_NUMBER,
    OTHER_PASSWORD,
    PASSWORD,
    QILAN,
    SETTINGS,
    actor_of,
    mailed_token,
    make_identity,
    must_act,
    news,
    personal_traces,
    signed_up,
)

SECOND_EMAIL = "second@qilan.test"


@dataclass
class Garage:
    """A room that keeps something of people, and may have something open with them."""

    name: str = "garage"
    open_order: Refusal | None = None
    erased: list[AccountId] = field(default_factory=list)

    def export(self, work: Work, account_id: AccountId) -> Any:
        return {"cars": [account_id]}

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        return self.open_order

    def erase(self, work: Work, account_id: AccountId) -> None:
        # The account is still there when the rooms above erase.
        assert work.connection.execute(select(accounts.c.email).where(accounts.c.id == account_id)).scalar_one()
        self.erased.append(account_id)


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


@pytest.fixture
def session(identity: Identity, works: Works) -> SignedIn:
    return verified(identity, works, EMAIL)


def verified(identity: Identity, works: Works, email: str) -> SignedIn:
    """Return the session of a verified person."""
    actor = must_act(identity, works, signed_up(identity, works, email=email).token)
    identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))
    return identity.sign_in(GUEST, email=email, password=PASSWORD, device="a blue phone")


def rooms_with(garage: Garage) -> list[PersonalData]:
    return [IdentityData(SETTINGS), garage]


def erase(works: Works, actor: Actor, garage: Garage) -> None:
    with works.change(actor) as work:
        personal.erase_own_account(work, rooms_with(garage))


# --- consent ---------------------------------------------------------------------------------------------------------


def test_the_last_word_on_a_purpose_counts(
    identity: Identity, works: Works, session: SignedIn, clock: FixedClock
) -> None:
    actor = must_act(identity, works, session.token)
    given_at = clock.now()
    with works.change(actor) as work:
        consent.give(work, Purpose.MONTHLY_MESSAGE, text_version="2026-11")
        consent.give(work, Purpose.MAKER_CONTACT, text_version="2026-11")
    clock.advance(timedelta(days=1))
    with works.change(actor) as work:
        consent.withdraw(work, Purpose.MONTHLY_MESSAGE, text_version="2026-11")

    with works.read(actor) as work:
        assert {purpose: consent.who_gave(work, [session.account_id], purpose) for purpose in Purpose} == {
            purpose: {session.account_id} if purpose is Purpose.MAKER_CONTACT else set() for purpose in Purpose
        }
        assert consent.current(work) == {
            Purpose.MONTHLY_MESSAGE: Consent(Purpose.MONTHLY_MESSAGE, False, "2026-11", clock.now()),
            Purpose.MAKER_CONTACT: Consent(Purpose.MAKER_CONTACT, True, "2026-11", given_at),
        }
        assert len(consent.history(work, session.account_id)) == 3


def test_the_last_word_on_a_purpose_counts_however_often_another_was_changed(
    identity: Identity, works: Works, session: SignedIn, clock: FixedClock
) -> None:
    actor = must_act(identity, works, session.token)
    with works.change(actor) as work:
        consent.give(work, Purpose.MAKER_CONTACT, text_version="2026-11")
    clock.advance(timedelta(days=1))
    row = {"brand_id": QILAN, "account_id": session.account_id, "purpose": "terms", "text_version": "1"}

    with works.change(actor) as work:
        rows = [row | {"id": work.new_id(), "given": number % 2 == 0, "at": work.now} for number in range(1_001)]
        db.insert_many(work.connection, consent_entries, rows)

    with works.read(actor) as work:
        assert consent.who_gave(work, [session.account_id], Purpose.MAKER_CONTACT) == {session.account_id}
        assert {purpose: entry.given for purpose, entry in consent.current(work).items()} == {
            Purpose.MAKER_CONTACT: True,
            Purpose.TERMS: True,
        }


def test_the_database_itself_keeps_every_consent(identity: Identity, works: Works, session: SignedIn) -> None:
    with works.change(must_act(identity, works, session.token)) as work:
        consent.give(work, Purpose.TERMS, text_version="1")

    for change in (delete(consent_entries), update(consent_entries).values(given=False)):
        with pytest.raises(DatabaseError, match="never changed"), works.change(system(QILAN)) as work:
            work.connection.execute(change)


def test_nothing_is_agreed_to_in_another_brand_or_by_a_guest(
    identity: Identity, works: Works, session: SignedIn
) -> None:
    with works.change(must_act(identity, works, session.token)) as work:
        consent.give(work, Purpose.CIRCLE_OFFERS, text_version="1")
        with pytest.raises(InvalidInput):
            consent.give(work, Purpose.CIRCLE_OFFERS, text_version=" ")

    with works.read(system(BOREALIS)) as work:
        assert consent.who_gave(work, [session.account_id], Purpose.CIRCLE_OFFERS) == set()
    with works.change(GUEST) as work, pytest.raises(NotSignedIn):
        consent.give(work, Purpose.CIRCLE_OFFERS, text_version="1")


def person_of(works: Works, account_id: AccountId) -> PersonId:
    with works.read(system(QILAN)) as work:
        return queries.persons_of(work, [account_id])[account_id]


def pseudonym(work: Work, person_id: PersonId) -> str:
    return record.pseudonyms(work, "pool:1", [person_id])[person_id]


# --- export and erasure ----------------------------------------------------------------------------------------------


def test_an_export_holds_what_every_room_keeps(identity: Identity, works: Works, session: SignedIn) -> None:
    actor = must_act(identity, works, session.token)
    with works.change(actor) as work:
        consent.give(work, Purpose.CIRCLE_OFFERS, text_version="1")

    with works.read(actor) as work:
        exported = orjson.loads(orjson.dumps(personal.export_own_data(work, rooms_with(Garage()))))

    own = exported["data"]["identity"]
    assert exported["data"]["garage"] == {"cars": [session.account_id]}
    assert (own["email"], own["locale"], [one["role"] for one in own["roles"]]) == (EMAIL, "en", ["consumer"])
    assert "a blue phone" in [one["device"] for one in own["sessions"]]
    assert [(one["purpose"], one["given"]) for one in own["consents"]] == [("circle_offers", True)]
    assert own["personVerifiedAt"] is not None
    assert "argon2" not in str(exported)


def test_an_erased_person_leaves_no_trace(identity: Identity, works: Works, session: SignedIn) -> None:
    actor, garage = must_act(identity, works, session.token), Garage()
    identity.request_recovery(GUEST, email=EMAIL)
    token = mailed_token(works, TokenPurpose.RECOVERY)
    with works.change(actor) as work:
        consent.give(work, Purpose.CIRCLE_OFFERS, text_version="1")
        account_service.change_own_account(work, name="听雨小满")
        pseudonym(work, PersonId(str(actor.person_id)))

    erase(works, actor, garage)

    assert garage.erased == [session.account_id]
    assert actor_of(identity, works, session.token) is None
    with works.read(system(QILAN)) as work:
        traces = re.compile(f"{re.escape(EMAIL)}|听雨小满|a blue phone|argon2|[0-9a-f]{{64}}")
        # What is left was counted under the network address, which is not the person.
        assert personal_traces(work, traces) == ["throttles"]
        assert work.connection.execute(select(record_salts)).all() == []
        assert work.connection.execute(select(persons.c.identity_hash)).scalars().all() == [None]
        assert work.connection.execute(select(accounts.c.state, accounts.c.person_id)).all() == [("erased", None)]
        assert queries.contacts(work, [session.account_id]) == {}
    with pytest.raises(Refusal, match="TOKEN_INVALID"):
        identity.recover(GUEST, token=token, new_password=OTHER_PASSWORD)
    assert len(news(works, "identity.account_erased")) == 1


def test_an_erased_address_can_sign_up_anew(identity: Identity, works: Works, session: SignedIn) -> None:
    erase(works, must_act(identity, works, session.token), Garage())
    with pytest.raises(SignInFailed):
        identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)

    assert signed_up(identity, works).account_id != session.account_id


def test_an_open_order_keeps_the_account(identity: Identity, works: Works, session: SignedIn) -> None:
    actor, garage = must_act(identity, works, session.token), Garage(open_order=Conflict("order", "it is being built"))

    with pytest.raises(ErasureBlocked, match="being built") as caught:
        erase(works, actor, garage)

    assert "订单" not in caught.value.text("en")
    assert garage.erased == []
    assert must_act(identity, works, session.token) == actor
    assert identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token


def test_a_person_with_another_account_is_still_known(identity: Identity, works: Works, session: SignedIn) -> None:
    second = verified(identity, works, SECOND_EMAIL)
    person = person_of(works, session.account_id)
    with works.change(system(QILAN)) as work:
        before = pseudonym(work, person)

    erase(works, must_act(identity, works, session.token), Garage())

    with works.change(system(QILAN)) as work:
        assert pseudonym(work, person) == before
    assert must_act(identity, works, second.token).person_id == person
    erase(works, must_act(identity, works, second.token), Garage())
    with works.read(system(QILAN)) as work:
        assert work.connection.execute(select(record_salts)).all() == []


def test_the_last_administrator_cannot_vanish(identity: Identity, works: Works) -> None:
    with works.change(system(QILAN)) as work:
        password_hash = identity.credentials.hasher.hash(PASSWORD)
        new = [NewAccount(f"{name}@qilan.test", "", "en", password_hash, (Role.BRAND_ADMIN,)) for name in ("a1", "a2")]
        account_service.add_accounts(work, SETTINGS, new)
    first, second = (
        must_act(identity, works, identity.sign_in(GUEST, email=one.email, password=PASSWORD).token) for one in new
    )

    erase(works, first, Garage())

    with pytest.raises(ErasureBlocked):
        erase(works, second, Garage())


def test_only_the_owner_exports_and_erases(works: Works, identity: Identity) -> None:
    with works.change(GUEST) as work, pytest.raises(NotSignedIn):
        personal.erase_own_account(work, rooms_with(Garage()))
    machine = Actor(QILAN, frozenset({Role.PLANT}), account_id=AccountId("5" * 32))
    with works.read(machine) as work, pytest.raises(Forbidden):
        personal.export_own_data(work, rooms_with(Garage()))
