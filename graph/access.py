"""Who may read a field, give an argument, do a mutation: declared on every one of them, or the schema does not build.

What a document needs is known before it runs, so checking it costs nothing per field (see `documents`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, dataclass_transform

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
)

from kernel.actor import Permission

TypeT = TypeVar("TypeT", bound=type[Any])
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ACCESS_KEY: Final = "muster_access"
CLASS_ACCESS: Final = "__muster_access__"
LIST_SIZE_ASSUMED: Final = 10


@dataclass(frozen=True, slots=True)
class Access:
    """What one field asks for.

    `kept_by` names what an answer depends on besides its arguments, brand and locale (`catalogue`), where it is the
    same for everybody; `at_most` is the assumed length of a list that is not paged; `arguments` are stricter needs.
    """

    needs: Permission
    kept_by: str | None = None
    at_most: int = LIST_SIZE_ASSUMED
    arguments: Mapping[str, Permission] | None = None


class Undeclared(Exception):
    """A field or an argument says nothing of who may use it; the start stops here."""


def field(
    resolver: Callable[..., Any] | None = None,
    *,
    reads: Permission | None = None,
    about: str | None = None,
    at_most: int = LIST_SIZE_ASSUMED,
    name: str | None = None,
    deprecated: str | None = None,
) -> Any:
    """Declare a field that asks for more than its type does, or has a resolver, a text or a longest list of its own."""
    metadata = {ACCESS_KEY: (reads, at_most)}
    made = strawberry.field(description=about, metadata=metadata, name=name, deprecation_reason=deprecated)
    return made(resolver) if resolver is not None else made


@dataclass_transform(kw_only_default=True, field_specifiers=(field, strawberry.field))
def object_type(*, reads: Permission, name: str | None = None, interface: bool = False) -> Callable[[TypeT], TypeT]:
    """Make a class a GraphQL object (or interface) whose fields `reads` opens, unless one asks for more itself."""

    def declare(cls: TypeT) -> TypeT:
        setattr(cls, CLASS_ACCESS, Access(reads))
        make = strawberry.interface if interface else strawberry.type
        made: TypeT = make(cls, name=name, description=_description(cls))
        return made

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(field, strawberry.field))
def input_type(*, takes: Permission) -> Callable[[TypeT], TypeT]:
    """Make a class a GraphQL input whose fields `takes` opens."""

    def declare(cls: TypeT) -> TypeT:
        setattr(cls, CLASS_ACCESS, Access(takes))
        made: TypeT = strawberry.input(cls, description=_description(cls))
        return made

    return declare


def resolved(
    *,
    about: str,
    reads: Permission | None = None,
    at_most: int = LIST_SIZE_ASSUMED,
) -> Callable[[FunctionT], FunctionT]:
    """Declare a field that a method answers: a relation through a loader, or a text that is rarely asked for."""

    def declare(function: FunctionT) -> FunctionT:
        made: FunctionT = field(function, reads=reads, about=about, at_most=at_most)
        return made

    return declare


def _description(cls: type[Any]) -> str | None:
    # A dataclass without a docstring would get its signature as one.
    return inspect.cleandoc(cls.__doc__ or "") or None


@dataclass(frozen=True, slots=True)
class AccessMap:
    """What every field, argument and input field of a schema asks for, by its GraphQL name."""

    fields: Mapping[tuple[str, str], Access]
    arguments: Mapping[tuple[str, str, str], Permission]
    inputs: Mapping[tuple[str, str], Permission]


def read_access(schema: GraphQLSchema) -> AccessMap:
    """Walk over the whole schema and return what it declares; raises Undeclared with everything that is not."""
    fields: dict[tuple[str, str], Access] = {}
    arguments: dict[tuple[str, str, str], Permission] = {}
    inputs: dict[tuple[str, str], Permission] = {}
    missing: list[str] = []
    for kind in schema.type_map.values():
        if is_introspection_type(kind):
            continue
        if isinstance(kind, GraphQLInputObjectType):
            access = _class_access(kind)
            for name in kind.fields:
                if access is None:
                    missing.append(f"{kind.name}.{name}")
                else:
                    inputs[kind.name, name] = access.needs
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, made in kind.fields.items():
                found = _field_access(kind, made)
                if found is None:
                    missing.append(f"{kind.name}.{name}")
                    continue
                fields[kind.name, name] = found
                stricter = found.arguments or {}
                arguments.update({(kind.name, name, one): stricter.get(one, found.needs) for one in made.args})
    if missing:
        raise Undeclared(f"say who may use {', '.join(sorted(missing))}")
    return AccessMap(fields, arguments, inputs)


def _class_access(kind: Any) -> Access | None:
    definition = kind.extensions.get("strawberry-definition")
    if definition is None:
        return None
    # A page of stores is a class of its own, made from the one that was declared.
    declared = definition.concrete_of or definition
    access: Access | None = declared.origin.__dict__.get(CLASS_ACCESS)
    return access


def _field_access(kind: Any, made: Any) -> Access | None:
    definition = made.extensions.get("strawberry-definition")
    declared = definition.metadata.get(ACCESS_KEY) if definition is not None else None
    if isinstance(declared, Access):
        return declared
    whole = _class_access(kind)
    needs, at_most = declared if declared is not None else (None, LIST_SIZE_ASSUMED)
    if needs is None and whole is not None:
        needs = whole.needs
    return Access(needs, at_most=at_most) if needs is not None else None
