"""Gives a fuzzer words that mean something here: ids of things that are there, codes; the rest stays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import (
    ArgumentNode,
    GraphQLSchema,
    ObjectFieldNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    visit,
)
from sqlalchemy import Connection, select

from graph.identifiers import write_id
from kernel.db import metadata

PER_KIND_MAX: Final = 6
# Kinds of ids of the API and the tables they come from, with the column of the raw id.
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "Account": ("accounts", "id"),
    "Backing": ("backings", "id"),
    "Batch": ("batches", "id"),
    "BuildOrder": ("build_orders", "id"),
    "CallOff": ("call_offs", "id"),
    "CatalogueVersion": ("catalogue_versions", "id"),
    "Comparison": ("comparisons", "id"),
    "ConditionCheck": ("condition_checks", "id"),
    "Configuration": ("configurations", "id"),
    "DamageCase": ("damage_cases", "id"),
    "Delivery": ("orders", "id"),
    "EarlyOffer": ("early_offers", "id"),
    "CarSwapOffer": ("swap_offers", "id"),
    "Handover": ("handovers", "id"),
    "Machine": ("machines", "id"),
    "Movement": ("money_by_hand", "id"),
    "Notice": ("notices", "id"),
    "Order": ("orders", "id"),
    "Paper": ("papers", "id"),
    "Payment": ("payments", "id"),
    "Plant": ("plants", "id"),
    "PlantHook": ("plant_hooks", "id"),
    "Pool": ("pools", "id"),
    "PreOrder": ("pre_orders", "id"),
    "PromiseHold": ("promise_holds", "id"),
    "Proposal": ("proposals", "id"),
    "Quote": ("quotes", "id"),
    "Session": ("sessions", "id"),
    "Shipment": ("shipments", "id"),
    "StockHold": ("stock_holds", "id"),
    "StockMove": ("stock_moves", "id"),
    "StockOrder": ("stock_orders", "id"),
    "StockPurchase": ("stock_purchases", "id"),
    "StockQuote": ("stock_quotes", "id"),
    "Store": ("stores", "id"),
}


def known_ids(connection: Connection) -> dict[str, list[str]]:
    """Return some ids of every kind, as the API writes them."""
    found: dict[str, list[str]] = {}
    for kind, (table_name, column) in TABLES.items():
        key = metadata.tables[table_name].c[column]
        raw = connection.execute(select(key).order_by(key.desc()).limit(PER_KIND_MAX)).scalars().all()
        found[kind] = [write_id(kind, one) for one in raw]
    return found


class Replacing(Visitor):
    """Puts known words in the place of three out of four texts, the same for the same text every time."""

    def __init__(self, info: TypeInfo, ids: Mapping[str, Sequence[str]], words: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._info = info
        self._ids = ids
        self._words = words

    def enter_string_value(
        self, node: StringValueNode, _key: Any, _parent: Any, _path: Any, ancestors: Any
    ) -> StringValueNode | None:
        kind = get_named_type(self._info.get_input_type())
        choices = list(self._choices(_name_of([*_flat(ancestors)]), is_id=kind is not None and kind.name == "ID"))
        chance = zlib.crc32(node.value.encode("utf-8", "replace"))
        if not choices or chance % 4 == 0:
            return None
        return StringValueNode(value=choices[chance // 4 % len(choices)])

    def _choices(self, name: str, *, is_id: bool) -> Iterator[str]:
        if not is_id:
            yield from self._words.get(name, ())
            return
        kind = name.removesuffix("Id")
        own = self._ids.get(kind[:1].upper() + kind[1:], ())
        yield from own or (one for many in self._ids.values() for one in many)


def _flat(ancestors: Any) -> Iterator[Any]:
    for one in ancestors:
        if isinstance(one, list | tuple):
            yield from one
        else:
            yield one


def _name_of(ancestors: Sequence[Any]) -> str:
    """Return the name of the innermost argument or input field."""
    named = [one.name.value for one in ancestors if isinstance(one, ArgumentNode | ObjectFieldNode)]
    return named[-1] if named else ""


def with_known_words(
    text: str, schema: GraphQLSchema, ids: Mapping[str, Sequence[str]], words: Mapping[str, Sequence[str]]
) -> str:
    """Return a document in which texts that stand for things name things that are there."""
    info = TypeInfo(schema)
    return print_ast(visit(parse(text, no_location=True), TypeInfoVisitor(info, Replacing(info, ids, words))))
