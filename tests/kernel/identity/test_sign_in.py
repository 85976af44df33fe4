"""Signing up, confirming, signing in: one account an address, and no answer that tells whether one is known."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from kernel.actor import Actor, Permission, Role, system
from kernel.clock import FixedClock
from kernel.errors import InvalidInput, Refusal
from kernel.identity.errors import PasswordTooWeak, SignInFailed, SignInThrottled, TokenInvalid
from kernel.identity.model import IdentitySettings, PasswordCost, TokenPurpose
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.identity.tables import accounts, sessions
from kernel.work import Works
from tests.kernel.identity.people import (
    BOREALIS,
    EMAIL,
    GUEST,
    OTHER_PASSWORD,
    PASSWORD,
    QILAN,
    SETTINGS,
    actor_of,
    mailed_token,
    make_identity,
    must_act,
    news,
    signed_up,
)


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


def count(works: Works, what: object) -> int:
    with works.read(system(QILAN)) as work:
        return int(work.connection.execute(select(func.count()).select_from(what)).scalar_one())  # type: ignore[arg-type]  # a table is a from clause


def refusal(call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value


def test_who_signs_up_and_confirms_is_a_consumer(identity: Identity, works: Works) -> None:
    signed_in = signed_up(identity, works)

    actor = must_act(identity, works, signed_in.token)
    assert actor == Actor(QILAN, frozenset({Role.CONSUMER}), account_id=signed_in.account_id, locale="en")
    assert actor.may(Permission.PREORDER)


def test_a_session_found_by_its_token_costs_one_statement(identity: Identity, works: Works) -> None:
    signed_in = signed_up(identity, works)
    statements: list[str] = []
    event.listen(works.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    actor_of(identity, works, signed_in.token)

    assert len([one for one in statements if one.startswith("SELECT sessions")]) == 1
    assert len([one for one in statements if not one.startswith("BEGIN")]) == 1


def test_many_sessions_are_found_in_one_statement_and_each_is_its_own(identity: Identity, works: Works) -> None:
    people = [signed_up(identity, works, email=f"person{number}@example.com") for number in range(4)]
    statements: list[str] = []
    event.listen(works.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    with works.read(GUEST) as work:
        found = identity.actors_of(work, [*(one.token for one in people), people[0].token, "nobody's", "x" * 500])

    assert {token: actor.account_id for token, actor in found.items()} == {one.token: one.account_id for one in people}
    assert len([one for one in statements if not one.startswith("BEGIN")]) == 1


def test_an_unconfirmed_account_is_refused_like_a_wrong_password(identity: Identity) -> None:
    identity.sign_up(GUEST, email=EMAIL, password=PASSWORD)

    unconfirmed = refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD))
    unknown = refusal(lambda: identity.sign_in(GUEST, email="nobody@qilan.test", password=PASSWORD))

    assert unconfirmed == unknown == SignInFailed()


def test_an_address_is_known_however_it_is_written(identity: Identity, works: Works) -> None:
    signed_up(identity, works)

    signed_in = identity.sign_in(GUEST, email=f"  {EMAIL.upper()} ", password=PASSWORD)

    assert must_act(identity, works, signed_in.token).account_id == signed_in.account_id


def test_signing_up_again_tells_the_caller_nothing_and_the_owner_everything(identity: Identity, works: Works) -> None:
    signed_in = signed_up(identity, works)

    identity.sign_up(GUEST, email=EMAIL.title(), password=OTHER_PASSWORD)

    assert [one["account_id"] for one in news(works, "identity.sign_up_repeated")] == [signed_in.account_id]
    assert count(works, accounts) == 1
    assert refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=OTHER_PASSWORD)) == SignInFailed()


def test_a_confirmation_wants_the_password_too(identity: Identity, works: Works) -> None:
    identity.sign_up(GUEST, email=EMAIL, password=PASSWORD)
    token = mailed_token(works, TokenPurpose.CONFIRMATION)

    assert refusal(lambda: identity.confirm_email(GUEST, token=token, password=OTHER_PASSWORD)) == SignInFailed()

    assert count(works, sessions) == 0
    assert identity.confirm_email(GUEST, token=token, password=PASSWORD).token


def test_a_squatted_address_goes_to_who_signs_up_last_and_reads_its_mail(identity: Identity, works: Works) -> None:
    identity.sign_up(GUEST, email=EMAIL, password=OTHER_PASSWORD)
    squatters_token = mailed_token(works, TokenPurpose.CONFIRMATION)

    signed_up(identity, works)

    assert (
        refusal(lambda: identity.confirm_email(GUEST, token=squatters_token, password=OTHER_PASSWORD)) == TokenInvalid()
    )
    assert refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=OTHER_PASSWORD)) == SignInFailed()


def test_a_token_confirms_once_and_not_after_its_time(identity: Identity, works: Works, clock: FixedClock) -> None:
    signed_up(identity, works)
    token = mailed_token(works, TokenPurpose.CONFIRMATION)
    identity.sign_up(GUEST, email="late@qilan.test", password=PASSWORD)
    late = mailed_token(works, TokenPurpose.CONFIRMATION)
    clock.advance(SETTINGS.confirmation_lifetime)

    assert refusal(lambda: identity.confirm_email(GUEST, token=token, password=PASSWORD)) == TokenInvalid()
    assert refusal(lambda: identity.confirm_email(GUEST, token=late, password=PASSWORD)) == TokenInvalid()


@pytest.mark.parametrize("forged", ["", "x", "0" * 96, "a" * 32 + "é" * 64])
def test_a_forged_token_is_refused(identity: Identity, forged: str) -> None:
    assert refusal(lambda: identity.confirm_email(GUEST, token=forged, password=PASSWORD)) == TokenInvalid()
    assert refusal(lambda: identity.recover(GUEST, token=forged, new_password=OTHER_PASSWORD)) == TokenInvalid()


def test_two_who_sign_up_at_once_get_one_account(identity: Identity, works: Works) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(identity.sign_up, GUEST, email=EMAIL, password=PASSWORD) for _ in range(3)]
        outcomes = [call.result(60) for call in calls]

    assert outcomes == [None, None, None]
    assert count(works, accounts) == 1


def test_brands_know_the_same_address_apart(identity: Identity, works: Works) -> None:
    here = signed_up(identity, works)
    there = signed_up(identity, works, guest=Actor(BOREALIS, locale="en"))

    assert here.account_id != there.account_id
    assert actor_of(identity, works, here.token, Actor(BOREALIS)) is None
    assert actor_of(identity, works, there.token, GUEST) is None


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.de", "a@@b.cd", "名@例.cn", "a@b.cd\n", "a" * 65 + "@b.cd"])
def test_what_is_no_address_is_refused(identity: Identity, works: Works, email: str) -> None:
    if email.strip() == email:
        assert isinstance(refusal(lambda: identity.sign_up(GUEST, email=email, password=PASSWORD)), InvalidInput)
        assert count(works, accounts) == 0


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "Password 1234", "x" * 201, EMAIL, "tingyu123tingyu"])
def test_a_weak_password_is_refused(identity: Identity, works: Works, password: str) -> None:
    assert isinstance(refusal(lambda: identity.sign_up(GUEST, email=EMAIL, password=password)), PasswordTooWeak)
    assert count(works, accounts) == 0


def test_a_sign_in_ends_the_session_it_replaces(identity: Identity, works: Works) -> None:
    first = signed_up(identity, works)

    second = identity.sign_in(GUEST, email=EMAIL, password=PASSWORD, replacing=first.token)

    assert actor_of(identity, works, first.token) is None
    assert actor_of(identity, works, second.token) is not None


def test_new_parameters_rehash_the_password_at_the_next_sign_in(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    dearer = IdentitySettings(SETTINGS.identity_key, password_cost=PasswordCost(16, 2, 1))
    later = Identity(works, dearer, SandboxPersonVerifier())

    later.sign_in(GUEST, email=EMAIL, password=PASSWORD)

    with works.read(GUEST) as work:
        stored = work.connection.execute(select(accounts.c.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert later.sign_in(GUEST, email=EMAIL, password=PASSWORD).token


@pytest.mark.parametrize("text", ["\x00", "\ud800", "é@qilan.test", "x" * 10_000])
def test_whatever_is_typed_is_answered_like_a_wrong_password(identity: Identity, text: str) -> None:
    assert refusal(lambda: identity.sign_in(GUEST, email=text, password=text)) == SignInFailed()


# --- throttling ------------------------------------------------------------------------------------------------------


def fail(identity: Identity, email: str = EMAIL, network: str = "192.0.2.9") -> Refusal:
    return refusal(lambda: identity.sign_in(GUEST, email=email, password="wrong all the time", network=network))


def test_after_five_wrong_passwords_the_right_one_has_to_wait(
    identity: Identity, works: Works, clock: FixedClock
) -> None:
    signed_up(identity, works)

    outcomes = [fail(identity) for _ in range(6)]

    assert outcomes == [SignInFailed()] * 5 + [SignInThrottled(30)]
    assert refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)) == SignInThrottled(30)
    clock.advance(timedelta(seconds=30))
    assert fail(identity) == SignInFailed()
    assert fail(identity) == SignInThrottled(60)
    clock.advance(timedelta(seconds=60))
    assert identity.sign_in(GUEST, email=EMAIL, password=PASSWORD).token
    assert fail(identity) == SignInFailed()


def test_an_unknown_address_is_throttled_like_a_known_one(identity: Identity) -> None:
    outcomes = [fail(identity, email="nobody@qilan.test") for _ in range(6)]

    assert outcomes == [SignInFailed()] * 5 + [SignInThrottled(30)]


def test_one_network_address_cannot_try_many_accounts(identity: Identity) -> None:
    outcomes = [fail(identity, email=f"{number}@qilan.test") for number in range(41)]

    assert outcomes == [SignInFailed()] * 40 + [SignInThrottled(5)]
    assert fail(identity, email="0@qilan.test", network="2001:db8::1") == SignInFailed()


def test_own_sign_ins_do_not_clear_what_a_network_address_has_tried(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    for number in range(40):
        fail(identity, email=f"{number}@qilan.test", network="192.0.2.7")

    throttled = refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD, network="192.0.2.7"))

    assert throttled == SignInThrottled(5)


def test_processes_that_try_at_once_are_counted_together(identity: Identity, works: Works) -> None:
    other = Identity(works, SETTINGS, SandboxPersonVerifier())

    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(fail, door) for door in (identity, other) for _ in range(6)]
        outcomes = [call.result(60) for call in calls]

    assert sorted(outcome.code for outcome in outcomes) == ["SIGN_IN_FAILED"] * 5 + ["SIGN_IN_THROTTLED"] * 7


# --- recovery --------------------------------------------------------------------------------------------------------


def test_a_recovery_sets_a_password_ends_the_sessions_and_confirms(identity: Identity, works: Works) -> None:
    identity.sign_up(GUEST, email=EMAIL, password=PASSWORD)
    identity.request_recovery(GUEST, email=EMAIL)
    first = identity.recover(GUEST, token=mailed_token(works, TokenPurpose.RECOVERY), new_password=PASSWORD)
    identity.request_recovery(GUEST, email=EMAIL)
    token = mailed_token(works, TokenPurpose.RECOVERY)

    second = identity.recover(GUEST, token=token, new_password=OTHER_PASSWORD)

    assert actor_of(identity, works, first.token) is None
    assert must_act(identity, works, second.token).roles == {Role.CONSUMER}
    assert refusal(lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)) == SignInFailed()
    assert refusal(lambda: identity.recover(GUEST, token=token, new_password=PASSWORD)) == TokenInvalid()


def test_a_recovery_of_an_unknown_address_answers_the_same_and_sends_nothing(identity: Identity, works: Works) -> None:
    identity.request_recovery(GUEST, email="nobody@qilan.test")

    assert news(works, "identity.recovery_requested") == []


def test_nobody_is_flooded_with_mail(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    identity.request_recovery(GUEST, email=EMAIL)
    identity.request_recovery(GUEST, email=EMAIL)

    known = refusal(lambda: identity.request_recovery(GUEST, email=EMAIL))

    assert known == SignInThrottled(600)
    assert len(news(works, "identity.recovery_requested")) == 2


def test_a_changed_password_ends_every_other_session(identity: Identity, works: Works) -> None:
    first = signed_up(identity, works)
    elsewhere = identity.sign_in(GUEST, email=EMAIL, password=PASSWORD)
    actor = must_act(identity, works, first.token)

    fresh = identity.change_password(actor, old_password=PASSWORD, new_password=OTHER_PASSWORD)

    assert [actor_of(identity, works, one.token) is None for one in (first, elsewhere, fresh)] == [True, True, False]
    wrong = refusal(lambda: identity.change_password(actor, old_password=PASSWORD, new_password=OTHER_PASSWORD))
    assert isinstance(wrong, InvalidInput) and wrong.field == "oldPassword"
