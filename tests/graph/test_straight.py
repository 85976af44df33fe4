"""The straight way to a resolver gives it what Strawberry would, and every root field has it."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema, coerce_input_value
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_argument

from graph.scalars import SCALARS
from graph.schema import build_api
from graph.straight import _Converters

CONFIG = StrawberryConfig(scalar_map=SCALARS)
PLACE = {"idempotencyKey": "a key", "quoteId": "UQ==", "priceCap": {"minor": 5}}
GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("PlacePreOrderInput", PLACE),
    ("PlacePreOrderInput", {**PLACE, "failureChoice": "ROLL", "vehiclePrice": {"minor": 7}, "poolId": None}),
    ("OpenPoolInput", {"classKey": "a/b", "capacity": 60, "tiers": [{"members": 3, "discountBasisPoints": 100}]}),
    ("OpenPoolInput", {"classKey": "a/b", "capacity": 60, "tiers": None, "firstWeek": "2026-12-07", "level": "L2"}),
    ("ConfigureInput", {"model": "L5", "choices": [{"option": "RED"}, {"option": "BLUE", "wanted": False}]}),
]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_api().schema


def test_every_root_field_has_the_straight_way(schema: GraphQLSchema) -> None:
    roots = [root for root in (schema.query_type, schema.mutation_type) if root is not None]

    crooked = [
        name for root in roots for name, made in root.fields.items() if not getattr(made.resolve, "is_straight", False)
    ]

    assert crooked == []


@pytest.mark.parametrize(("name", "given"), GIVEN)
def test_an_input_becomes_the_value_that_strawberry_makes(
    schema: GraphQLSchema, name: str, given: dict[str, Any]
) -> None:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLInputObjectType)
    coerced = coerce_input_value(given, kind)
    origin = kind.extensions["strawberry-definition"].origin
    registry = strawberry.Schema(query=_Nothing, config=CONFIG).schema_converter.scalar_registry

    made = _Converters(CONFIG, registry).of(origin)(coerced)

    assert made == convert_argument(coerced, origin, registry, CONFIG)
    assert isinstance(made, origin)


@strawberry.type
class _Nothing:
    """A root of its own for the registry of scalars."""

    nothing: int = 0
