"""A document made ready once: parsed, within the limits, valid, with what it needs, costs and may be kept for.

The cache is bounded and holds valid documents only; the pages' own documents are registered and trusted.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.language import OperationType

from graph.access import AccessMap
from graph.limits import Cost, check_page_size, check_shape, limit_error, root_fields
from graph.services import DEFAULT_LIMITS, Limits
from kernel.actor import Permission
from kernel.paging import PAGE_SIZE_MAX

DOCUMENTS_MAX: Final = 1_000
# A document in memory is some hundred times its text, so the texts are what bounds the cache.
CHARACTERS_MAX: Final = 400_000
ERRORS_MAX: Final = 20
_CONDITIONS: Final = ("skip", "include")


@dataclass(frozen=True, slots=True)
class RootField:
    """A field an operation starts with: its name, its answer's key, and what it and all below it need."""

    name: str
    key: str
    needs: Permission
    needs_below: frozenset[Permission]
    kept_by: str | None


@dataclass(slots=True)
class Prepared:
    """A valid document and everything that is known of it before it runs; the last three are filled by running it."""

    text_hash: str
    document: DocumentNode
    operation: OperationDefinitionNode
    fragment_definitions: dict[str, FragmentDefinitionNode]
    fragments: dict[str, FragmentDetails]
    roots: tuple[RootField, ...]
    root_nodes: tuple[FieldNode, ...]
    cost: Cost
    cost_depends: bool
    conditional: bool
    cost_total: int
    characters: int
    trusted: bool = False
    collected: Any = None
    sub_fields: dict[Any, Any] = field(default_factory=dict)
    plans: dict[Any, Any] = field(default_factory=dict)

    @property
    def kind(self) -> OperationType:
        """Say whether it reads, changes or follows."""
        return self.operation.operation

    @property
    def name(self) -> str:
        """Return the operation's name, or an empty string."""
        return self.operation.name.value if self.operation.name is not None else ""

    @property
    def kept_by(self) -> str | None:
        """Return what the whole answer depends on, where it is the same for everybody."""
        kept = {root.kept_by for root in self.roots}
        # Introspection never changes, so it goes along with whatever stands beside it.
        kept = kept - {"schema"} or kept
        return kept.pop() if len(kept) == 1 and self.kind is OperationType.QUERY else None


class Refused(Exception):
    """A request that does not run: errors without a path, and nothing has happened."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(*(error.message for error in errors))
        self.errors = errors


class Documents:
    """Makes documents ready and remembers them, up to a number of them."""

    def __init__(self, schema: GraphQLSchema, access: AccessMap, limits: Limits = DEFAULT_LIMITS) -> None:
        self.schema = schema
        self.access = access
        self.limits = limits
        self._known: OrderedDict[str, Prepared] = OrderedDict()
        self._characters = 0
        self._trusted: dict[str, Prepared] = {}

    def trust(self, text: str) -> str:
        """Register a document of the pages and return its hash, by which it is asked for."""
        prepared = self._prepare(text, text_hash(text))
        prepared.trusted = True
        self._trusted[prepared.text_hash] = prepared
        return prepared.text_hash

    def by_hash(self, wanted: str) -> Prepared:
        """Return a registered document, or refuse."""
        found = self._trusted.get(wanted)
        if found is None:
            raise Refused(limit_error("PERSISTED_QUERY_NOT_FOUND", "No document is registered under this hash."))
        return found

    def prepare(self, text: str) -> Prepared:
        """Return a document made ready, from the cache where it is known; raises Refused."""
        key = text_hash(text)
        found = self._trusted.get(key) or self._known.get(key)
        if found is None:
            found = self._known[key] = self._prepare(text, key)
            self._characters += found.characters
            while len(self._known) > DOCUMENTS_MAX or self._characters > CHARACTERS_MAX:
                _, gone = self._known.popitem(last=False)
                self._characters -= gone.characters
        elif key in self._known:
            self._known.move_to_end(key)
        return found

    def _prepare(self, text: str, key: str) -> Prepared:
        document = self._parse(text)
        try:
            operation = check_shape(document, self.limits)
            self._validate(document)
            return self._describe(text, key, document, operation)
        except GraphQLError as error:
            raise Refused(error) from None

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_tokens=self.limits.tokens)
        except GraphQLSyntaxError as error:
            too_long = "contains more than" in error.message
            code = "TOO_MANY_TOKENS" if too_long else "GRAPHQL_PARSE_FAILED"
            error.extensions = {"code": code}
            raise Refused(error) from None
        except RecursionError:
            raise Refused(limit_error("TOO_DEEP", "The document is nested too deeply.")) from None

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(self.schema, document, specified_rules, max_errors=ERRORS_MAX)
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
        if errors:
            raise Refused(*errors)

    def _describe(self, text: str, key: str, document: DocumentNode, operation: OperationDefinitionNode) -> Prepared:
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        reader = _Reader(self.schema, self.access, fragments)
        root_type = self.schema.get_root_type(operation.operation)
        assert root_type is not None
        costs = []
        roots = []
        root_nodes = tuple(root_fields(operation.selection_set, fragments))
        for node in root_nodes:
            below: set[Permission] = set()
            costs.append(reader.read_field(root_type.name, node, below))
            access = self.access.fields.get((root_type.name, node.name.value))
            roots.append(
                RootField(
                    name=node.name.value,
                    key=node.alias.value if node.alias is not None else node.name.value,
                    needs=access.needs if access is not None else Permission.PUBLIC_READ,
                    needs_below=frozenset(below),
                    kept_by=access.kept_by if access is not None else "schema",
                )
            )
        cost = Cost(1, tuple(costs))
        return Prepared(
            text_hash=key,
            document=document,
            operation=operation,
            fragment_definitions=fragments,
            fragments={name: FragmentDetails(one, None) for name, one in fragments.items()},
            roots=tuple(roots),
            root_nodes=root_nodes,
            cost=cost,
            cost_depends=cost.depends(),
            cost_total=0 if cost.depends() else cost.total({}),
            conditional=reader.conditional or any(_has_condition(one) for one in operation.selection_set.selections),
            characters=len(text),
        )


def text_hash(text: str) -> str:
    """Return SHA-256 of a document, as `sha256` of a registered one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _has_condition(node: Any) -> bool:
    return any(one.name.value in _CONDITIONS for one in node.directives or ())


class _Reader:
    """Reads off a valid document what its fields need and cost."""

    def __init__(
        self, schema: GraphQLSchema, access: AccessMap, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self.schema = schema
        self.access = access
        self.fragments = fragments
        self.conditional = False

    def read_field(self, parent: str, node: FieldNode, needs: set[Permission]) -> Cost:
        """Return a field's cost, and add to `needs` whatever it and its arguments and children ask for."""
        self.conditional = self.conditional or _has_condition(node)
        name = node.name.value
        parent_type: Any = self.schema.type_map[parent]
        made = self.schema.get_field(parent_type, name)
        assert made is not None, "the document is valid"
        access = self.access.fields.get((parent, name))
        if access is not None:
            needs.add(access.needs)
            needs.update(self.access.arguments[parent, name, one.name.value] for one in node.arguments or ())
        target = get_named_type(made.type)
        children = tuple(self._read_children(target.name, node.selection_set, needs)) if node.selection_set else ()
        return Cost(self._times(node, made, access), children)

    def _read_children(self, kind: str, selections: SelectionSetNode, needs: set[Permission]) -> Iterable[Cost]:
        for selection in selections.selections:
            self.conditional = self.conditional or _has_condition(selection)
            if isinstance(selection, FieldNode):
                yield self.read_field(kind, selection, needs)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                yield from self._read_children(fragment.type_condition.name.value, fragment.selection_set, needs)
            elif isinstance(selection, InlineFragmentNode):
                inner = selection.type_condition.name.value if selection.type_condition is not None else kind
                yield from self._read_children(inner, selection.selection_set, needs)

    def _times(self, node: FieldNode, made: Any, access: Any) -> int | str:
        """Return how often the children come: the page size, or a list's assumed length."""
        for argument in node.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, IntValueNode):
                    size = int(argument.value.value)
                    check_page_size(size)
                    return size
                return argument.value.name.value if isinstance(argument.value, VariableNode) else PAGE_SIZE_MAX
        kind = made.type.of_type if is_non_null_type(made.type) else made.type
        return access.at_most if access is not None and is_list_type(kind) else 1
