"""What a document may ask for at most, checked before anything runs; each limit is refused with a code of its own.

Cost counts every field once, times the page sizes (`first`, or a list's assumed length) above it: roughly the number
of values in the answer. Introspection counts each field once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
)
from graphql.language import OperationType

from graph.services import Limits
from kernel.paging import PAGE_SIZE_MAX


def limit_error(code: str, message: str, node: Node | None = None) -> GraphQLError:
    """Return the typed answer to a document that asks for too much."""
    return GraphQLError(message, node, extensions={"code": code})


@dataclass(slots=True)
class _Counts:
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    depth: int = 0


def check_shape(document: DocumentNode, limits: Limits) -> OperationDefinitionNode:
    """Return the one operation of a document that stays within the limits; raises a typed GraphQLError."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    if len(operations) + len(fragments) != len(document.definitions):
        raise limit_error("BAD_REQUEST", "A document holds an operation and its fragments only.")
    if len(operations) != 1:
        raise limit_error("ONE_OPERATION", f"Send one operation in a document; this one has {len(operations)}.")
    operation = operations[0]
    counts = _Counts()
    for definition in document.definitions:
        _count_flat(definition, counts)
    if counts.aliases > limits.aliases:
        raise limit_error("TOO_MANY_ALIASES", f"{counts.aliases} aliases; at most {limits.aliases} are answered.")
    if counts.directives > limits.directives:
        raise limit_error(
            "TOO_MANY_DIRECTIVES", f"{counts.directives} directives; at most {limits.directives} are answered."
        )
    _walk(operation.selection_set, fragments, (), 1, counts, limits, introspects=False)
    _check_roots(operation, fragments, limits)
    return operation


def _count_flat(definition: Any, counts: _Counts) -> None:
    """Count aliases and directives once each, wherever their fragment is spread, and look for text no row can hold."""
    stack: list[Any] = [definition]
    while stack:
        node = stack.pop()
        counts.directives += len(getattr(node, "directives", None) or ())
        if isinstance(node, FieldNode) and node.alias is not None:
            counts.aliases += 1
        if isinstance(node, StringValueNode) and "\x00" in node.value:
            raise limit_error("BAD_USER_INPUT", "Take the NUL character out of the text.", node)
        for key in node.keys:
            value = getattr(node, key, None)
            if isinstance(value, Node):
                stack.append(value)
            elif isinstance(value, tuple | list):
                stack.extend(one for one in value if isinstance(one, Node))


def _walk(
    selections: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    inside: tuple[str, ...],
    depth: int,
    counts: _Counts,
    limits: Limits,
    *,
    introspects: bool,
) -> None:
    for selection in selections.selections if selections is not None else ():
        # Spreads count too: fragments that spread each other twice grow without ever coming to a field.
        counts.fields += 1
        if counts.fields > limits.fields:
            raise limit_error("TOO_MANY_FIELDS", f"More than {limits.fields} fields; split the request.", selection)
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in inside:
                raise limit_error("GRAPHQL_VALIDATION_FAILED", f"Fragment {name} spreads itself.", selection)
            if name in fragments:
                _walk(
                    fragments[name].selection_set,
                    fragments,
                    (*inside, name),
                    depth,
                    counts,
                    limits,
                    introspects=introspects,
                )
            continue
        nested = getattr(selection, "selection_set", None)
        if not isinstance(selection, FieldNode):
            _walk(nested, fragments, inside, depth, counts, limits, introspects=introspects)
            continue
        asks_schema = introspects or selection.name.value.startswith("__")
        deepest = limits.introspection_depth if asks_schema else limits.depth
        if depth > deepest:
            raise limit_error("TOO_DEEP", f"Deeper than {deepest} levels; ask for less at once.", selection)
        _walk(nested, fragments, inside, depth + 1, counts, limits, introspects=asks_schema)


def _check_roots(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], limits: Limits
) -> None:
    roots = len(root_fields(operation.selection_set, fragments))
    most = limits.root_mutations if operation.operation is OperationType.MUTATION else limits.root_fields
    if roots > most:
        raise limit_error("TOO_MANY_ROOT_FIELDS", f"{roots} root fields; at most {most} are answered.", operation)


def root_fields(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[FieldNode]:
    """Return the fields an operation starts with, fragments opened."""
    found: list[FieldNode] = []
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            found.append(selection)
        elif isinstance(selection, FragmentSpreadNode):
            fragment = fragments.get(selection.name.value)
            found.extend(root_fields(fragment.selection_set, fragments) if fragment is not None else ())
        else:
            nested = getattr(selection, "selection_set", None)
            found.extend(root_fields(nested, fragments) if nested is not None else ())
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What a field costs: itself, and its children as often as its list is long (a number or a variable's name)."""

    times: int | str
    children: tuple[Cost, ...]

    def total(self, variables: Mapping[str, Any]) -> int:
        """Return the number of fields below, oneself included; refuses a page size out of bounds."""
        times = self.times
        if isinstance(times, str):
            times = variables.get(times, PAGE_SIZE_MAX)
            if isinstance(times, int):
                check_page_size(times)
            else:
                times = PAGE_SIZE_MAX
        return 1 + times * sum(child.total(variables) for child in self.children)

    def depends(self) -> bool:
        """Say whether a variable sets a page size somewhere below."""
        return isinstance(self.times, str) or any(child.depends() for child in self.children)


def check_page_size(first: int) -> None:
    """Refuse a page size that no list answers."""
    if not 1 <= first <= PAGE_SIZE_MAX:
        raise limit_error("BAD_USER_INPUT", f"first: ask for 1 to {PAGE_SIZE_MAX}, not {first}.")


def check_cost(total: int, limits: Limits) -> None:
    """Refuse an operation that is too dear."""
    if total > limits.cost:
        raise limit_error("TOO_DEAR", f"This costs {total}, at most {limits.cost} is answered: ask for smaller pages.")


def check_variables(variables: Any, limits: Limits, depth: int = 1) -> None:
    """Refuse values nested too deeply and text that no row can hold."""
    if depth > limits.variables_depth:
        raise limit_error("BAD_USER_INPUT", f"Variables are nested deeper than {limits.variables_depth} levels.")
    if isinstance(variables, str):
        if "\x00" in variables:
            raise limit_error("BAD_USER_INPUT", "Take the NUL character out of the text.")
    elif isinstance(variables, dict):
        for value in variables.values():
            check_variables(value, limits, depth + 1)
    elif isinstance(variables, list):
        for value in variables:
            check_variables(value, limits, depth + 1)
