"""An account used from several places at once: somebody is always first, and what they did holds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel import personal
from kernel.actor import Actor, Role
from kernel.errors import Refusal
from kernel.identity import account_service
from kernel.identity.erasure_service import IdentityData
from kernel.identity.model import SignedIn, TokenPurpose
from kernel.identity.persons import PersonClaim
from kernel.identity.service import Identity
from kernel.ids import AccountId
from kernel.work import Works
from tests.kernel.identity.people import (
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
    signed_up,
)


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


def at_once(*uses: Callable[[], object]) -> list[object]:
    """Run use cases side by side; a refusal is an outcome, anything else raised fails the test."""

    def outcome(use: Callable[[], object]) -> object:
        try:
            return use()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(uses)) as pool:
        return [call.result(60) for call in [pool.submit(outcome, use) for use in uses]]


def test_who_is_erased_while_signing_in_stays_erased(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)
    actor = must_act(identity, works, session.token)

    def erase() -> None:
        with works.change(actor) as work:
            personal.erase_own_account(work, [IdentityData(SETTINGS)])

    outcomes = at_once(
        lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD),
        erase,
        lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD),
        lambda: identity.request_recovery(GUEST, email=EMAIL),
        lambda: identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, "听雨小满")),
        lambda: identity.change_password(actor, old_password=PASSWORD, new_password=OTHER_PASSWORD),
    )

    assert outcomes[1] is None
    tokens = [session.token, *(one.token for one in outcomes if isinstance(one, SignedIn))]
    assert [actor_of(identity, works, token) for token in tokens] == [None] * len(tokens)


def test_no_session_of_the_old_password_outlives_a_recovery(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    identity.request_recovery(GUEST, email=EMAIL)
    token = mailed_token(works, TokenPurpose.RECOVERY)

    outcomes = at_once(
        *(lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD) for _ in range(3)),
        lambda: identity.recover(GUEST, token=token, new_password=OTHER_PASSWORD),
    )

    *by_old_password, recovered = outcomes
    assert isinstance(recovered, SignedIn)
    alive = [one for one in by_old_password if isinstance(one, SignedIn) and actor_of(identity, works, one.token)]
    assert alive == []
    assert actor_of(identity, works, recovered.token) is not None


def test_a_recovery_token_works_once_however_fast(identity: Identity, works: Works) -> None:
    signed_up(identity, works)
    identity.request_recovery(GUEST, email=EMAIL)
    token = mailed_token(works, TokenPurpose.RECOVERY)

    outcomes = at_once(*(lambda: identity.recover(GUEST, token=token, new_password=OTHER_PASSWORD) for _ in range(4)))

    assert len([one for one in outcomes if isinstance(one, SignedIn)]) == 1


def test_who_is_disabled_while_signing_in_is_out(identity: Identity, works: Works) -> None:
    account_id = signed_up(identity, works).account_id
    operator = Actor(QILAN, frozenset({Role.OPERATOR}), account_id=AccountId("8" * 32))

    def disable() -> None:
        with works.change(operator) as work:
            account_service.disable_account(work, account_id, reason="fraud")

    outcomes = at_once(
        lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD),
        disable,
        lambda: identity.sign_in(GUEST, email=EMAIL, password=PASSWORD),
    )

    assert outcomes[1] is None
    tokens = [one.token for one in outcomes if isinstance(one, SignedIn)]
    assert [actor_of(identity, works, token) for token in tokens] == [None] * len(tokens)
