"""The short way through plain objects answers what graphql-core's own way answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import execute_sync, parse

from graph.access import Access, object_type, read_access
from graph.documents import Documents
from graph.execution import read_variables, run
from kernel.actor import Permission


@object_type(reads=Permission.PUBLIC_READ)
class Wheel:
    size: int
    name: str | None


@object_type(reads=Permission.PUBLIC_READ)
class Car:
    name: str
    wheels: list[Wheel]
    spare: Wheel | None
    tags: list[str | None]


def some_cars() -> list[Car]:
    wheels = [Wheel(size=17, name="small"), Wheel(size=21, name=None)]
    return [
        Car(name="one", wheels=wheels, spare=None, tags=["a", None]),
        Car(name="two", wheels=[], spare=wheels[0], tags=[]),
    ]


def broken_cars() -> list[Car]:
    unnamed: Any = None
    return [*some_cars(), Car(name=unnamed, wheels=[], spare=None, tags=[])]


def late_car() -> Car | None:
    return some_cars()[0]


@strawberry.type
class Query:
    cars = strawberry.field(some_cars, metadata={"muster_access": Access(Permission.PUBLIC_READ)})
    broken = strawberry.field(broken_cars, metadata={"muster_access": Access(Permission.PUBLIC_READ)})
    late = strawberry.field(late_car, metadata={"muster_access": Access(Permission.PUBLIC_READ)})


SCHEMA = strawberry.Schema(query=Query)._schema


@dataclass
class Asked:
    document: str
    variables: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "asked",
    [
        Asked("{ cars { name wheels { size name } spare { size } tags } }"),
        Asked("{ cars { kind: __typename n: name w: wheels { __typename s: size } } }"),
        Asked("{ cars { ...A wheels { name } } } fragment A on Car { name wheels { size } }"),
        Asked("{ cars { ... on Car { name } ... { tags } } }"),
        Asked("query($y: Boolean!) { cars { name @skip(if: $y) tags @include(if: $y) } }", {"y": True}),
        Asked("query($y: Boolean!) { cars { name @skip(if: $y) tags @include(if: $y) } }", {"y": False}),
        Asked("{ broken { name } late { name } }"),
        Asked("{ a: cars { name } b: cars { spare { name } } __typename }"),
    ],
)
def test_the_short_way_and_the_long_way_agree(asked: Asked) -> None:
    expected = execute_sync(SCHEMA, parse(asked.document), variable_values=asked.variables)
    documents = Documents(SCHEMA, read_access(SCHEMA))

    prepared = documents.prepare(asked.document)
    for _ in range(2):
        variables = read_variables(SCHEMA, prepared, asked.variables)
        found = asyncio.run(run(SCHEMA, prepared, variables=variables, context=None))
        assert found.data == expected.data
        assert [error.formatted for error in found.errors or ()] == [error.formatted for error in expected.errors or ()]
