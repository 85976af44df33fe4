"""Runs a prepared document: graphql-core's executor, with a short way for objects whose fields are plain attributes.

The short way reads attributes without a resolver, a path or an info per leaf. Whatever surprises it (a null where none
may be, a value of another type) is left to the executor's own way, which says precisely what went wrong where.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from inspect import isawaitable
from typing import Any, Final

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    get_variable_values,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor, default_field_resolver, default_type_resolver
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values
from graphql.language import OperationType
from graphql.pyutils import Path

from graph.documents import Prepared, Refused
from graph.plain_objects import PlainField, Reader, reader_factory
from graph.straight import object_type_of

VARIABLE_ERRORS_MAX: Final = 20
_INT32: Final = 2**31
_AS_IT_IS: Final[dict[str, type]] = {"String": str, "ID": str, "Boolean": bool, "Long": int, "Cursor": str}
"""Scalars whose value, when it is of this type, goes into the answer unchanged."""


class _NotPlain(Exception):
    """This value takes the long way."""


_SURPRISES: Final = (_NotPlain, AttributeError, TypeError, ValueError, GraphQLError)


class PlainExecutor(Executor[Any]):
    """graphql-core's executor with the short way; what it learns of a document stays with the document."""

    prepared: Prepared

    def execute_fields(
        self,
        parent_type: Any,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        plans = self.prepared.plans
        known = plans.get(id(grouped_field_set))
        if known is None:
            # The grouped set is kept beside its plan, so that its id stays its own.
            known = plans[id(grouped_field_set)] = (
                grouped_field_set,
                _object_reader(self, parent_type, grouped_field_set),
            )
        reader = known[1]
        if reader is not None:
            try:
                return reader(source_value)
            except _SURPRISES:
                pass
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def execute_one_straight(self, root_type: Any, grouped_field_set: Any) -> Any:
        """Return a coroutine that answers the operation's only root field, where nothing stands before its resolver."""
        if len(grouped_field_set) != 1:
            return None
        ((key, details),) = grouped_field_set.items()
        made = self.schema.get_field(root_type, details[0].node.name.value)
        if made is None or not getattr(made.resolve, "is_straight", False):
            return None
        return self._one_straight(root_type, key, details, made)

    async def _one_straight(self, root_type: Any, key: str, details: Any, made: Any) -> dict[str, Any]:
        """Do as the executor does for a field whose resolver is awaited, in one coroutine instead of five."""
        path = Path(None, key, root_type.name)
        info = self.build_resolve_info(made, [one.node for one in details], root_type, path)
        try:
            given = get_argument_values(made, details[0].node, self.variable_values)
            value = await made.resolve(self.root_value, info, **given)
            completed = self.complete_value(made.type, details, info, path, value, None)
            if isawaitable(completed):
                completed = await completed
        except Exception as error:  # noqa: BLE001 - as the executor has it: every error of a field has its place
            self.handle_field_error(error, made.type, details, path)
            completed = None
        return {key: completed}

    def complete_abstract_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """Take the short way for a union's value whose class says which of its types it is."""
        plans = self.prepared.plans
        key = (type(result), id(field_details_list))
        known = plans.get(key)
        if known is None:
            reader = self._abstract_reader(return_type, field_details_list, result)
            known = plans[key] = (field_details_list, reader)
        if known[1] is not None:
            try:
                return known[1](result)
            except _SURPRISES:
                pass
        return super().complete_abstract_value(return_type, field_details_list, info, path, result, position_context)

    def _abstract_reader(self, return_type: Any, details: Any, result: Any) -> Reader | None:
        kind = object_type_of(self.schema, result)
        if kind is None or not self.schema.is_sub_type(return_type, kind):
            return None
        return _object_reader(self, kind, self.collect_subfields(kind, details).grouped_field_set)

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """Take the short way for the plain fields of an object that has others too."""
        plans = self.prepared.plans
        key = (parent_type.name, id(field_details_list))
        known = plans.get(key)
        if known is None:
            known = plans[key] = (field_details_list, _field_reader(self, parent_type, field_details_list))
        if known[1] is not None:
            attribute, reader = known[1]
            try:
                return reader(getattr(source, attribute))
            except _SURPRISES:
                pass
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


def _field_reader(executor: PlainExecutor, kind: Any, details: Any) -> tuple[str, Reader] | None:
    made = executor.schema.get_field(kind, details[0].node.name.value)
    attribute = _attribute(made)
    reader = _value_reader(executor, made.type, details) if made is not None and attribute is not None else None
    return (attribute, reader) if attribute is not None and reader is not None else None


def _object_reader(executor: PlainExecutor, kind: Any, grouped: Any) -> Reader | None:
    """Return a function from a value to its part of the answer, or None where a field has a resolver of its own."""
    fields: list[PlainField] = []
    readers: list[Reader] = []
    tables: list[dict[Enum, Any]] = []
    for key, details in grouped.items():
        name = details[0].node.name.value
        if name == "__typename":
            fields.append(PlainField(key, None, None))
            readers.append(_constant(kind.name))
            continue
        made = executor.schema.get_field(kind, name)
        attribute = _attribute(made)
        if attribute is None:
            return None
        kind_of_value = made.type  # type: ignore[union-attr]  # a plain field exists
        names: dict[Enum, Any] | None = {} if _is_enum(kind_of_value) else None
        reader = _value_reader(executor, kind_of_value, details, names)
        if reader is None:
            return None
        fields.append(PlainField(key, attribute, _common_type(kind_of_value), is_named=names is not None))
        readers.append(reader)
        tables += [names] if names is not None else []
    read: Reader = reader_factory(tuple(fields))(*readers, *tables)
    return read


def _constant(name: str) -> Reader:
    """Return a reader of `__typename`: the same for every object, but there must be one."""
    return _required(lambda _source: name)


def _common_type(kind: Any) -> type | None:
    """Return the Python type that a scalar's value has as it is, if it has one."""
    return _AS_IT_IS.get((kind.of_type if is_non_null_type(kind) else kind).name) if _is_scalar(kind) else None


def _is_enum(kind: Any) -> bool:
    return is_enum_type(kind.of_type if is_non_null_type(kind) else kind)


def _is_scalar(kind: Any) -> bool:
    return is_leaf_type(kind.of_type if is_non_null_type(kind) else kind)


def _attribute(made: Any) -> str | None:
    """Return the Python attribute behind a field that only reads one."""
    if made is None or made.args or not getattr(made.resolve, "_is_default", False):
        return None
    definition = made.extensions.get("strawberry-definition")
    return definition.python_name if definition is not None else None


def _value_reader(
    executor: PlainExecutor, kind: Any, details: Any, names: dict[Enum, Any] | None = None
) -> Reader | None:
    """Return a reader of a field's value; where null may not be, it raises one of `_SURPRISES` on null.

    A reader of an enum writes what it has read into `names`.
    """
    if is_non_null_type(kind):
        inner = _present_reader(executor, kind.of_type, details, names)
        return _required(inner) if inner is not None and is_leaf_type(kind.of_type) else inner
    inner = _present_reader(executor, kind, details, names)
    return None if inner is None else _nullable(inner)


def _present_reader(
    executor: PlainExecutor, kind: Any, details: Any, names: dict[Enum, Any] | None = None
) -> Reader | None:
    """Return a reader of a value that is not null: of an object it takes attributes, of a list each item."""
    if is_list_type(kind):
        item = _value_reader(executor, kind.of_type, details)
        return None if item is None else _list_reader(item)
    if is_leaf_type(kind):
        return _leaf_reader(kind, names)
    if is_object_type(kind):
        grouped = executor.collect_subfields(kind, details).grouped_field_set
        return _object_reader(executor, kind, grouped)
    return None


def _required(inner: Reader) -> Reader:
    def read(value: Any) -> Any:
        if value is None:
            raise _NotPlain
        return inner(value)

    return read


def _nullable(inner: Reader) -> Reader:
    return lambda value: None if value is None else inner(value)


def _list_reader(item: Reader) -> Reader:
    def read(values: Any) -> Any:
        if type(values) is not list and type(values) is not tuple:
            raise _NotPlain
        return [item(value) for value in values]

    return read


def _leaf_reader(kind: Any, names: dict[Enum, Any] | None) -> Reader:
    """Return a reader for a scalar: the common case of each at once, the type's own way for the rest."""
    coerce = kind.coerce_output_value
    expected = _AS_IT_IS.get(kind.name)
    if kind.name == "Int":

        def read_int(value: Any) -> Any:
            return value if (type(value) is int and -_INT32 <= value < _INT32) or value is None else coerce(value)

        return read_int
    if is_enum_type(kind):
        return _enum_reader(coerce, {} if names is None else names)
    if expected is not None:

        def read_plain(value: Any) -> Any:
            return value if type(value) is expected or value is None else coerce(value)

        return read_plain
    return lambda value: None if value is None else coerce(value)


def _enum_reader(coerce: Reader, names: dict[Enum, Any]) -> Reader:
    """Return a reader that asks the type for the name of each of its few values once, and keeps it in `names`."""

    def read(value: Any) -> Any:
        if not isinstance(value, Enum):
            return None if value is None else coerce(value)
        name = names.get(value)
        if name is None:
            name = names[value] = coerce(value)
        return name

    return read


def read_variables(schema: GraphQLSchema, prepared: Prepared, variables: dict[str, Any]) -> Any:
    """Return the coerced variables of a request, or refuse."""
    found = get_variable_values(
        schema, prepared.operation.variable_definitions or (), variables, max_errors=VARIABLE_ERRORS_MAX
    )
    if isinstance(found, list):
        for error in found:
            error.extensions = {"code": "BAD_USER_INPUT"}
        raise Refused(*found)
    return found


async def run(
    schema: GraphQLSchema, prepared: Prepared, *, variables: Any, context: Any, root_value: Any = None
) -> ExecutionResult:
    """Run a prepared document with coerced variables; errors of fields are in the result."""
    executor = PlainExecutor(
        schema,
        prepared.fragment_definitions,
        prepared.fragments,
        root_value,
        context,
        prepared.operation,
        variables,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
    )
    executor.prepared = prepared
    root_type = schema.get_root_type(prepared.kind)
    assert root_type is not None
    if prepared.conditional:
        # What is collected depends on the variables, so it is not kept.
        executor.prepared = replace(prepared, sub_fields={}, plans={})
        collected = _collect(executor, root_type)
    else:
        executor._relevant_sub_fields = prepared.sub_fields
        if prepared.collected is None:
            prepared.collected = _collect(executor, root_type)
        collected = prepared.collected
    try:
        data = executor.execute_one_straight(root_type, collected.grouped_field_set)
        if data is None:
            serially = prepared.kind is OperationType.MUTATION
            data = executor.execute_collected_root_fields(
                root_type, root_value, collected.grouped_field_set, serially, []
            )
        if isawaitable(data):
            data = await data
    except GraphQLError as error:
        executor.collected_errors.add(error, None)
        data = None
    errors = executor.collected_errors.errors
    return ExecutionResult(data=data, errors=errors or None)


def _collect(executor: PlainExecutor, root_type: Any) -> Any:
    return collect_fields(
        executor.schema, executor.fragments, executor.variable_values, root_type, executor.operation, False
    )
