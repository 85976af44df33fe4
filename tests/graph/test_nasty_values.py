"""Whatever a caller writes into an argument, as whoever may use it, nothing of ours breaks; on both databases."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest
from graphql import (
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

from graph.app import build_app
from graph.identifiers import write_id
from kernel.actor import GRANTS, Role
from kernel.identity.model import IdentitySettings, PasswordCost
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.paging import encode_cursor
from tests.graph.client import Http, open_http
from tests.graph.conftest import Town, close, make_services
from tests.graph.support import Passes
from tests.graph.test_access import API, ROLES, somebody

ROUNDS: Final = 3
# These write rows that point at an account, and the people of these tests are passes without one.
WRITES_OF_ACCOUNTS: Final = frozenset({"setConsent", "eraseMyAccount"})
TEXTS: Final = (
    "",
    "x",
    "a" * 300,
    "a" * 5000,
    "\u202e\u0301é",
    "😀",
    "'; drop table x;--",
    "%",
    "L5",
    "P_CLOUD_WHITE",
    "\\",
    "\n\t\x01\x7f",
    "-1",
    "NaN",
    "sandbox",
    "deposit:x",
    "pools",
    "[[1,2]]",
    "9" * 30,
    "null",
    "1e999",
    "a@b.co",
    "Q1/changzhou/PT_BEV_50/-/T_PURE",
    "a/b/c/d/e",
    "LQL11111111111111",
    "\u0661\u0662",
    "ß" * 90,
)
KINDS: Final = (
    "Comparison",
    "Backing",
    "Store",
    "Quote",
    "Pool",
    "PreOrder",
    "Order",
    "Plant",
    "Batch",
    "Handover",
    "Proposal",
    "Session",
)
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "Int": (0, 1, 100, -1, 2**31 - 1, -(2**31)),
    "Long": (0, 1, -1, 500_000, 2**53 - 1, -(2**53 - 1)),
    "Float": (0.0, -1e308),
    "Boolean": (True, False),
    "DateTime": ("2026-11-23T02:00:00Z", "1901-01-01T00:00:00+14:00", "2199-12-31T23:59:59-12:00"),
    "Date": ("2026-11-23", "1901-01-01", "2199-12-31"),
    "Cursor": tuple(encode_cursor(key) for key in ("x", "0" * 32, "2026-11-23/1", "/", "-5", "é", "a" * 150)),
    "ID": tuple(write_id(kind, raw) for kind in KINDS for raw in ("0" * 32, "none", "a" * 80)) + TEXTS,
    "String": TEXTS,
}


def nasty(chance: random.Random, kind: Any) -> Any:
    """Return a value that the schema allows and nobody expects."""
    if is_non_null_type(kind):
        return nasty(chance, kind.of_type)
    if is_list_type(kind):
        return [nasty(chance, kind.of_type) for _ in range(chance.choice((0, 1, 1, 4)))]
    if is_input_object_type(kind):
        return {
            name: nasty(chance, one.type)
            for name, one in kind.fields.items()
            if is_required_input_field(one) or chance.random() < 0.6
        }
    if is_enum_type(kind):
        return chance.choice(list(kind.values))
    return chance.choice(VALUES[kind.name])


def selection(kind: Any, depth: int) -> str:
    """Return everything below a type that needs no argument."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if is_abstract_type(named):
        return " { __typename }"
    parts = [
        f"{name}{selection(one.type, depth - 1)}"
        for name, one in named.fields.items()
        if depth > 1 or is_leaf_type(get_named_type(one.type))
    ]
    return f" {{ __typename {' '.join(parts)} }}"


def requests(chance: random.Random) -> list[tuple[str, Role, str, dict[str, Any]]]:
    """Return, for every query and mutation, a document with nasty variables and a role that may send it."""
    made = []
    for root, word in ((API.schema.query_type, "query"), (API.schema.mutation_type, "mutation")):
        assert root is not None
        for name, one in root.fields.items():
            if name in WRITES_OF_ACCOUNTS:
                continue
            needs = API.access.fields[root.name, name].needs
            role = chance.choice([role for role in ROLES if needs in GRANTS[role]])
            given = {
                key: chance.choice((1, 100)) if key == "first" else nasty(chance, argument.type)
                for key, argument in one.args.items()
                if is_required_argument(argument) or chance.random() < 0.6
            }
            declared = ", ".join(f"${key}: {one.args[key].type}" for key in given)
            passed = ", ".join(f"{key}: ${key}" for key in given)
            head = f"{word}({declared})" if given else word
            call = f"{name}({passed})" if given else name
            made.append((name, role, f"{head} {{ {call}{selection(one.type, 3)} }}", given))
    return made


class SignIn(Passes):
    """Passes for who asks; everything else of sign-in is the real one."""

    def __init__(self, real: Identity) -> None:
        super().__init__()
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_no_value_breaks_the_server(town_on_both: Town, seed: int) -> None:
    settings = IdentitySettings(identity_key=b"k" * 32, password_cost=PasswordCost(memory_kib=64, passes=1))
    passes = SignIn(Identity(town_on_both.works, settings, SandboxPersonVerifier()))
    services = make_services(town_on_both, passes)
    tokens = {role: passes.hand_out(somebody(role, town_on_both.brand.id)) for role in ROLES}

    with open_http(build_app(services)) as http:
        broken = [
            (name, role, document, given, answer)
            for name, role, document, given in requests(random.Random(seed))
            if (answer := trouble(http, tokens[role], document, given)) is not None
        ]

    close(services)
    assert broken == []


def trouble(http: Http, token: str, document: str, given: dict[str, Any]) -> str | None:
    """Return what broke: anything but data, or an error that is the caller's own."""
    headers = {"authorization": f"Bearer {token}"}
    answer = http.post("/graphql", json={"query": document, "variables": given}, headers=headers)
    if answer.status_code != 200:
        return answer.text
    codes = {error["extensions"]["code"] for error in answer.json().get("errors", ())}
    return str(codes) if codes - {"BAD_USER_INPUT", "TOO_DEAR", "FORBIDDEN", "NOT_SIGNED_IN"} else None
