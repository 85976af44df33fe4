"""A person's way in through the API with the real sign-in: sign up, confirm, sign in, be verified, sign out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from graph.app import build_app
from kernel.actor import Role, system
from kernel.identity import session_store
from kernel.identity.account_service import add_accounts
from kernel.identity.model import IdentitySettings, NewAccount, PasswordCost, TokenPurpose
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.identity.tokens import one_time_token
from kernel.news import outbox
from tests.graph.client import Http, open_http
from tests.graph.conftest import Town, close, make_services
from tests.graph.support import ask, data

KEY = b"an identity key of the tests, 32 bytes and more"
PASSWORD = "correct horse battery staple"
SIGN_IN = """mutation($input: SignInInput!) { signIn(input: $input) {
  __typename ... on Session { token expiresAt } ... on Refusal { code message }
} }"""
VIEWER = "{ viewer { isSignedIn isVerifiedPerson roles } }"


@pytest.fixture
def real(town_on_both: Town) -> Iterator[Http]:
    """Return a client of a server with the real sign-in, on both databases."""
    settings = IdentitySettings(identity_key=KEY, password_cost=PasswordCost(memory_kib=64, passes=1))
    identity = Identity(town_on_both.works, settings, SandboxPersonVerifier())
    services = make_services(town_on_both, identity)
    with open_http(build_app(services)) as http:
        yield http
    identity.close()
    close(services)


def sent_token(town: Town, kind: str, purpose: TokenPurpose) -> str:
    """Return the one-time token that the newest mail of a kind would hold."""
    with town.works.engine.connect() as connection:
        found = select(outbox.c.payload).where(outbox.c.kind == kind).order_by(outbox.c.id.desc()).limit(1)
        payload: dict[str, Any] = connection.execute(found).scalar_one()
    return one_time_token(KEY, purpose, payload["token_id"])


def sign_up(http: Http, town: Town) -> str:
    """Sign up and confirm somebody; returns the token of the session."""
    asked = 'mutation($p: String!) { signUp(input: {email: "li@example.com", password: $p}) { __typename } }'
    assert data(http, asked, {"p": PASSWORD})["signUp"] == {"__typename": "MailSent"}
    token = sent_token(town, "identity.confirmation_requested", TokenPurpose.CONFIRMATION)
    confirm = """mutation($t: String!, $p: String!) { confirmEmail(input: {token: $t, password: $p}) {
      ... on Session { token } ... on Refusal { code } } }"""
    session: str = data(http, confirm, {"t": token, "p": PASSWORD})["confirmEmail"]["token"]
    return session


def test_a_person_signs_up_and_acts_as_a_consumer(real: Http, town_on_both: Town) -> None:
    token = sign_up(real, town_on_both)

    assert data(real, VIEWER, token=token)["viewer"] == {
        "isSignedIn": True,
        "isVerifiedPerson": False,
        "roles": ["consumer"],
    }
    assert data(real, "{ me { email } }", token=token)["me"] == {"email": "li@example.com"}


def test_a_wrong_password_and_an_unknown_address_read_the_same(real: Http, town_on_both: Town) -> None:
    sign_up(real, town_on_both)

    wrong, unknown = (
        data(real, SIGN_IN, {"input": {"email": email, "password": "not this one at all"}})["signIn"]
        for email in ("li@example.com", "nobody@example.com")
    )

    assert wrong == unknown
    assert wrong["code"] == "SIGN_IN_FAILED"


def test_a_session_in_a_cookie_is_never_in_the_answer(real: Http, town_on_both: Town) -> None:
    sign_up(real, town_on_both)
    asked = {"input": {"email": "li@example.com", "password": PASSWORD, "asCookie": True}}

    answer = real.post("/graphql", json={"query": SIGN_IN, "variables": asked})
    own = real.post("/graphql", json={"query": VIEWER})
    left = real.post("/graphql", json={"query": "mutation { signOut { ... on SignedOut { done } } }"})

    assert answer.json()["data"]["signIn"]["token"] is None
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert own.json()["data"]["viewer"]["isSignedIn"] is True
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert real.post("/graphql", json={"query": VIEWER}).json()["data"]["viewer"]["isSignedIn"] is False


def test_a_token_that_has_ended_makes_a_guest_at_once(real: Http, town_on_both: Town) -> None:
    token = sign_up(real, town_on_both)
    assert data(real, VIEWER, token=token)["viewer"]["isSignedIn"]

    data(real, "mutation { signOut { __typename } }", token=token)

    assert not data(real, VIEWER, token=token)["viewer"]["isSignedIn"]


def test_a_forgotten_password_is_recovered(real: Http, town_on_both: Town) -> None:
    old = sign_up(real, town_on_both)
    data(real, 'mutation { requestRecovery(input: {email: "li@example.com"}) { __typename } }')
    token = sent_token(town_on_both, "identity.recovery_requested", TokenPurpose.RECOVERY)
    recover = """mutation($t: String!) { recover(input: {token: $t, newPassword: "another long enough secret"}) {
      __typename ... on Refusal { code } } }"""

    first = data(real, recover, {"t": token})["recover"]
    again = data(real, recover, {"t": token})["recover"]

    assert (first["__typename"], again.get("code")) == ("Session", "TOKEN_INVALID")
    real.app.state.endpoint.sessions.forget(old)
    assert not data(real, VIEWER, token=old)["viewer"]["isSignedIn"]


def test_whoever_is_verified_goes_on_under_a_new_token(real: Http, town_on_both: Town) -> None:
    token = sign_up(real, town_on_both)
    verify = """mutation($id: String!) { verifyPerson(input: {name: "Li", idNumber: $id}) {
      __typename ... on PersonVerified { session { token } } ... on Refusal { code message } } }"""

    wrong = data(real, verify, {"id": "1"}, token=token)["verifyPerson"]
    verified = data(real, verify, {"id": "99010119900307001" + check_digit("99010119900307001")}, token=token)

    assert wrong["code"] == "ID_NUMBER_INVALID"
    fresh = verified["verifyPerson"]["session"]["token"]
    assert data(real, VIEWER, token=fresh)["viewer"]["isVerifiedPerson"] is True
    assert data(real, VIEWER, token=token)["viewer"]["isSignedIn"] is False


def check_digit(body: str) -> str:
    """Return the eighteenth place of an ID number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def test_text_that_no_row_holds_is_refused_before_it_gets_there(real: Http) -> None:
    answer = ask(real, SIGN_IN, {"input": {"email": "a\u0000b@example.com", "password": "x"}})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_consent_is_given_and_withdrawn(real: Http, town_on_both: Town) -> None:
    token = sign_up(real, town_on_both)
    say = """mutation($given: Boolean!) {
      setConsent(input: {purpose: MONTHLY_MESSAGE, given: $given, textVersion: "1"}) {
      ... on Consent { purpose given } ... on Refusal { code } } }"""

    given = data(real, say, {"given": True}, token=token)["setConsent"]
    data(real, say, {"given": False}, token=token)

    assert given == {"purpose": "MONTHLY_MESSAGE", "given": True}
    assert data(real, "{ myConsents { purpose given } }", token=token)["myConsents"] == [
        {"purpose": "MONTHLY_MESSAGE", "given": False}
    ]


def test_staff_join_by_invitation_and_get_what_their_role_grants(real: Http, town_on_both: Town) -> None:
    works, brand = town_on_both.works, town_on_both.brand
    with works.change(system(brand.id)) as work:
        (chief,) = add_accounts(
            work,
            IdentitySettings(identity_key=KEY),
            [NewAccount("chief@example.com", "Chief", roles=(Role.BRAND_ADMIN,))],
        )
    invite = """mutation { inviteStaff(input: {email: "wang@example.com", role: PLANNER}) {
      __typename ... on Refusal { code message } } }"""
    accept = """mutation($t: String!, $p: String!) { acceptInvitation(input: {token: $t, password: $p, name: "Wang"}) {
      __typename ... on Session { token } ... on Refusal { code message } } }"""
    with works.change(system(brand.id)) as work:
        signed_in = session_store.open_session(work, IdentitySettings(identity_key=KEY), chief, device="test")

    assert data(real, invite, token=signed_in.token)["inviteStaff"] == {"__typename": "Invitation"}
    with works.engine.connect() as connection:
        found = select(outbox.c.payload).where(outbox.c.kind == "identity.staff_invited")
        invitation_id = connection.execute(found).scalar_one()["invitation_id"]
    token = one_time_token(KEY, TokenPurpose.INVITATION, invitation_id)
    joined = data(real, accept, {"t": token, "p": PASSWORD})["acceptInvitation"]

    assert data(real, VIEWER, token=joined["token"])["viewer"]["roles"] == ["planner"]
    assert data(real, "{ batches(first: 1) { nodes { id } } }", token=joined["token"]) == {"batches": {"nodes": []}}
    staff = data(real, "{ staff(first: 5) { nodes { name grants { role } } } }", token=signed_in.token)["staff"]
    assert {one["name"]: [grant["role"] for grant in one["grants"]] for one in staff["nodes"]} == {
        "Chief": ["BRAND_ADMIN"],
        "Wang": ["PLANNER"],
    }
