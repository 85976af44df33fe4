"""Every field and argument says who may use it, and every role gets exactly what it says: generated from the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLField,
    get_named_type,
    is_abstract_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from graph.access import Access, Undeclared, object_type, read_access
from graph.documents import Documents, Prepared, Refused
from graph.endpoint import check_permissions
from graph.schema import Api, build_api
from kernel.actor import GRANTS, Actor, Permission, Role
from kernel.ids import AccountId, BrandId, PlantId, StoreId
from tests.graph.client import Http
from tests.graph.conftest import Town
from tests.graph.support import Passes, ask

API: Api = build_api()
DOCUMENTS = Documents(API.schema, API.access)
ROLES: list[Role] = [role for role in Role if role is not Role.SYSTEM]
BRAND = BrandId("b" * 32)
DEPTH = 4


def somebody(role: Role, brand: BrandId = BRAND) -> Actor:
    """Return an actor of a role, bound as such a role is."""
    if role is Role.GUEST:
        return Actor(brand)
    return Actor(
        brand,
        frozenset({role}),
        AccountId(f"{ROLES.index(role):032x}"),
        store_id=StoreId("5" * 32) if role is Role.DEALER else None,
        plant_id=PlantId("6" * 32) if role is Role.PLANT else None,
        locale="en",
    )


def example(kind: Any) -> str:
    """Return a literal that is valid for an input type."""
    if is_non_null_type(kind):
        return example(kind.of_type)
    if is_list_type(kind):
        return f"[{example(kind.of_type)}]"
    if is_input_object_type(kind):
        required = [(name, one) for name, one in kind.fields.items() if is_non_null_type(one.type)]
        return "{" + ", ".join(f"{name}: {example(one.type)}" for name, one in required if not has_default(one)) + "}"
    if hasattr(kind, "values"):
        return str(next(iter(kind.values)))
    known = {
        "Int": "1",
        "Long": "1",
        "Float": "1.0",
        "Boolean": "true",
        "DateTime": '"2026-11-23T02:00:00Z"',
        "Date": '"2026-11-23"',
        "Cursor": '"YzE6eA"',
    }
    return known.get(kind.name, '"x"')


def has_default(one: Any) -> bool:
    """Say whether an argument may be left out."""
    return not is_non_null_type(one.type) or one.default is not None


def arguments(made: GraphQLField) -> str:
    """Return every argument of a field, as far as one must be given or is a page size."""
    given = [f"{name}: {example(one.type)}" for name, one in made.args.items() if not has_default(one)]
    return f"({', '.join(given)})" if given else ""


def selections(kind: Any, depth: int) -> Iterator[tuple[str, str, str]]:
    """Yield type, field and a selection that reaches it, for each field below a type."""
    named = get_named_type(kind)
    if is_leaf_type(named) or depth == 0:
        return
    members = API.schema.get_possible_types(named) if is_abstract_type(named) else [named]
    for member in members:
        wrap = f"... on {member.name} {{ %s }}" if is_abstract_type(named) else "%s"
        for name, made in member.fields.items():
            own = name + arguments(made)
            target = get_named_type(made.type)
            leaf = own if is_leaf_type(target) else f"{own} {{ __typename }}"
            yield member.name, name, wrap % leaf
            for inner_type, inner_name, inner in selections(made.type, depth - 1):
                yield inner_type, inner_name, wrap % f"{own} {{ {inner} }}"


def every_way() -> list[tuple[str, str, str, Prepared]]:
    """Return, once for each type and field, a valid document that asks for it."""
    found: dict[tuple[str, str], str] = {}
    schema = API.schema
    roots = (schema.query_type, "query"), (schema.mutation_type, "mutation"), (schema.subscription_type, "subscription")
    for root, word in roots:
        assert root is not None
        for name, made in root.fields.items():
            own = name + arguments(made)
            target = get_named_type(made.type)
            found.setdefault(
                (root.name, name), f"{word} {{ {own}{'' if is_leaf_type(target) else ' { __typename }'} }}"
            )
            for kind, field, inner in selections(made.type, DEPTH):
                found.setdefault((kind, field), f"{word} {{ {own} {{ {inner} }} }}")
    return [(kind, name, text, DOCUMENTS.prepare(text)) for (kind, name), text in found.items()]


WAYS = every_way()


def test_the_ways_reach_every_field_of_every_type() -> None:
    reached = {(kind, name) for kind, name, _, _ in WAYS}
    interfaces = {kind.name for kind in API.schema.type_map.values() if is_abstract_type(kind)}

    left = {key for key in API.access.fields if key not in reached and key[0] not in interfaces}

    assert left == set()


SHARED = {
    "poolProgress": Permission.PUBLIC_READ,
    "liveStockQuote": Permission.PUBLIC_READ,
    "storeArrivals": Permission.DELIVERY_READ,
    "buildQueue": Permission.PLANT_REPORT,
    "batchProgress": Permission.BATCH_READ,
}


def test_whoever_follows_what_another_may_follow_too_sees_what_both_may_see_and_nothing_else() -> None:
    """One stream is rendered once, for whoever came first: only what belongs to its follower alone may say more."""
    root = API.schema.subscription_type
    assert root is not None
    two = [
        Actor(BRAND, account_id=AccountId(letter * 32), store_id=StoreId("a" * 32), plant_id=PlantId("a" * 32))
        for letter in "de"
    ]

    shared = {
        name for name, watched in API.watched.items() if len({watched.topic_id(one, "a" * 32) for one in two}) == 1
    }
    more = {
        (name, kind, field)
        for name in shared
        for kind, field, _ in [("Subscription", name, ""), *selections(root.fields[name].type, DEPTH)]
        if API.access.fields[kind, field].needs not in {*GRANTS[Role.GUEST], SHARED[name]}
    }

    assert shared == set(SHARED)
    assert {("buildQueue", "BuildOrder", "orderId")} == more


def test_what_belongs_to_a_store_or_a_plant_is_nobody_elses() -> None:
    elsewhere = Actor(BRAND, store_id=StoreId("b" * 32), plant_id=PlantId("b" * 32))

    for name in ("storeArrivals", "buildQueue"):
        for actor in (elsewhere, Actor(BRAND)):
            assert API.watched[name].topic_id(actor, "a" * 32) == "none"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_a_field_exactly_where_it_is_granted(role: Role) -> None:
    actor = somebody(role)
    granted = GRANTS[role]

    for kind, name, text, prepared in WAYS:
        (root,) = prepared.roots
        needs = root.needs_below
        assert API.access.fields[kind, name].needs in needs, text
        may_run = root.needs in granted if prepared.kind.value == "mutation" else True
        if not may_run or needs <= granted:
            check_permissions(prepared, actor)
        else:
            with pytest.raises(Refused) as refused:
                check_permissions(prepared, actor)
            (error,) = refused.value.errors
            assert error.extensions is not None
            assert error.extensions["code"] == ("NOT_SIGNED_IN" if role is Role.GUEST else "FORBIDDEN")


@pytest.mark.parametrize("role", ROLES)
def test_a_mutation_that_a_role_may_not_do_answers_a_typed_refusal(
    http: Http, town: Town, passes: Passes, role: Role
) -> None:
    token = None if role is Role.GUEST else passes.hand_out(somebody(role, town.brand.id))
    expected = "NotSignedIn" if role is Role.GUEST else "Forbidden"

    for kind, name, _, prepared in WAYS:
        if kind == "Mutation" and prepared.roots[0].needs not in GRANTS[role]:
            document = prepared.document.loc
            assert document is not None
            answer = ask(http, document.source.body, token=token)
            assert answer == {"data": {name: {"__typename": expected}}}, name


PUBLIC = {"muster_access": Access(Permission.PUBLIC_READ)}


@strawberry.type
class QueryWithoutWord:
    open_to_all: str = "nobody said so"


@object_type(reads=Permission.PUBLIC_READ)
class Parent:
    name: str


@strawberry.type
class Child(Parent):
    secret: str


def no_child() -> Child | None:
    return None


@strawberry.type
class QueryOfChild:
    child = strawberry.field(no_child, metadata=PUBLIC)


@strawberry.input
class Wish:
    text: str


def repeat(wish: Wish) -> str:
    return wish.text


@strawberry.type
class QueryOfWish:
    wish = strawberry.field(repeat, metadata=PUBLIC)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (QueryWithoutWord, r"QueryWithoutWord\.openToAll"),
        (QueryOfChild, r"Child\.name, Child\.secret"),
        (QueryOfWish, r"Wish\.text"),
    ],
)
def test_what_nobody_declared_stops_the_build(query: type, named: str) -> None:
    with pytest.raises(Undeclared, match=named):
        read_access(strawberry.Schema(query=query)._schema)


def test_a_field_that_asks_for_more_than_its_type_is_closed_to_those_without(http: Http) -> None:
    answer = ask(http, "{ plants { weeklyCapacity } }")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_SIGNED_IN"]
    assert ask(http, "{ plants { code } }") == {"data": {"plants": [{"code": "changzhou"}, {"code": "xiangyang"}]}}
