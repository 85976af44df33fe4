"""The straight way to a root field's resolver: arguments become values by functions that are made once.

Strawberry declares; what it would do at every call (names, kinds of types, wrappers) is known when the schema is built.
Whatever it does that is not known here leaves the field as Strawberry made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Final

from graphql import GraphQLSchema, is_object_type
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.unset import UNSET

from graph.context import Request

STRAIGHT: Final = "__muster_straight__"
"""Set on resolvers that take `info` for its context and raw form alone, and everything else as arguments."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PlainInfo:
    """What such a resolver takes of a request."""

    context: Request
    _raw_info: Any


class _Unknown(Exception):
    """A type that is not converted here."""


def straighten(schema: GraphQLSchema, config: StrawberryConfig, scalars: Mapping[object, Any]) -> int:
    """Give root fields with such resolvers the straight way; returns how many got it."""
    straightened = 0
    for root in (schema.query_type, schema.mutation_type):
        for made in root.fields.values() if root is not None else ():
            definition = made.extensions.get("strawberry-definition")
            resolver = definition.base_resolver if definition is not None else None
            function = resolver.wrapped_func if resolver is not None else None
            if function is None or not getattr(function, STRAIGHT, False) or definition.extensions:
                continue
            try:
                converters = _Converters(config, scalars)
                taken = [
                    (config.name_converter.from_argument(one), one.python_name, converters.of(one.type))
                    for one in definition.arguments
                ]
            except _Unknown:
                continue
            made.resolve = _resolver(function, taken)
            straightened += 1
    return straightened


def _resolver(function: Callable[..., Any], taken: list[tuple[str, str, Convert]]) -> Callable[..., Any]:
    def resolve(_source: Any, info: Any, **given: Any) -> Any:
        arguments = {python: convert(given[name]) for name, python, convert in taken if name in given}
        return function(PlainInfo(info.context, info), **arguments)

    # `execution` reads attributes itself where a field has no resolver of its own; this one has.
    resolve._is_default = False  # type: ignore[attr-defined]  # Strawberry's own mark
    resolve.is_straight = True  # type: ignore[attr-defined]  # what it returns is awaited, always
    return resolve


class _Converters:
    """Makes a function from a coerced value to a Python value for each type, once a type."""

    def __init__(self, config: StrawberryConfig, scalars: Mapping[object, Any]) -> None:
        self._config = config
        self._scalars = scalars
        self._inputs: dict[type, Convert] = {}

    def of(self, kind: Any) -> Convert:
        """Return the function of a type; raises _Unknown for what only Strawberry knows."""
        if isinstance(kind, StrawberryMaybe):
            raise _Unknown
        if isinstance(kind, StrawberryOptional):
            return _or_none(self.of(kind.of_type))
        if isinstance(kind, StrawberryList):
            return _list_of(self.of(kind.of_type))
        if isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind):
            return _as_it_is
        if is_scalar(kind, self._scalars) and kind is not GlobalID:
            return _as_it_is
        if has_object_definition(kind):
            return self._input(kind)
        raise _Unknown

    def _input(self, kind: Any) -> Convert:
        if kind in self._inputs:
            return self._inputs[kind]
        definition = kind.__strawberry_definition__
        if not definition.is_input or getattr(definition, "from_input", None) is not None:
            raise _Unknown
        fields: list[tuple[str, str, Convert]] = []

        def convert(value: Any) -> Any:
            if value is None or value is UNSET:
                return value
            given = {python: of(value[name]) for name, python, of in fields if name in value}
            return kind(**(absent | given))

        # A type that holds itself finds its function here.
        self._inputs[kind] = convert
        absent = {
            one.python_name: None
            for one in definition.fields
            if one.default_value is MISSING and one.default_factory is MISSING
        }
        fields += [
            (
                self._config.name_converter.from_field(one),
                one.python_name,
                self.of(one.resolve_type(type_definition=definition)),
            )
            for one in definition.fields
        ]
        return convert


def _as_it_is(value: Any) -> Any:
    return value


def _or_none(inner: Convert) -> Convert:
    return inner if inner is _as_it_is else lambda value: None if value is None else inner(value)


def _list_of(inner: Convert) -> Convert:
    def convert(value: Any) -> Any:
        # A default is the same list for every request, so it is copied.
        return value if value is None or value is UNSET else [inner(one) for one in value]

    return convert


def object_type_of(schema: GraphQLSchema, value: Any) -> Any:
    """Return the object type of the schema that a value's class was made into, where that is plain to see, or None."""
    definition = type(value).__dict__.get("__strawberry_definition__")
    if definition is None or definition.is_graphql_generic or definition.concrete_of is not None:
        return None
    made = schema.type_map.get(definition.name)
    if made is None or not is_object_type(made) or made.extensions.get("strawberry-definition") is not definition:
        return None
    return made
