"""Any thing by its id: each kind is read by the function that knows whose it is; another's reads as none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import strawberry

from graph.identifiers import read_id
from graph.operations import query
from graph.types import (
    backings,
    brand,
    catalogue,
    circles,
    comparisons,
    configurations,
    orders,
    plant,
    pools,
    pre_orders,
    proposals,
    quotes,
)
from graph.types.pages import Node
from kernel.actor import Permission
from kernel.work import Work

# Each takes raw ids and returns what this actor may see of them, by raw id.
LOADERS: Final[dict[str, tuple[Permission, Callable[[Work, list[str]], Mapping[str, Any]]]]] = {
    "Store": (Permission.PUBLIC_READ, brand.load_stores),
    "Plant": (Permission.PUBLIC_READ, brand.load_plants),
    "CarModel": (Permission.CATALOGUE_READ, catalogue.load_models),
    "CatalogueVersion": (Permission.CATALOGUE_READ, catalogue.load_versions),
    "Quote": (Permission.QUOTE, quotes.load_quotes),
    "Pool": (Permission.PUBLIC_READ, pools.load_pools),
    "Proposal": (Permission.PUBLIC_READ, proposals.load_proposals),
    "Circle": (Permission.PUBLIC_READ, circles.load_circles),
    "Comparison": (Permission.PUBLIC_READ, comparisons.load_comparisons),
    "Backing": (Permission.VOTE, backings.load_backings),
    "PreOrder": (Permission.OWN_READ, pre_orders.load_pre_orders),
    "Order": (Permission.OWN_READ, orders.load_orders),
    "Batch": (Permission.BATCH_READ, plant.load_batches),
    "Configuration": (Permission.OWN_READ, configurations.load_configurations),
}


@query(reads=Permission.PUBLIC_READ)
def node(work: Work, id: strawberry.ID) -> Node | None:  # noqa: A002  # Relay's word
    """A thing by its id; null where there is none or none for you."""
    found = read_id(id)
    if found is None or found[0] not in LOADERS:
        return None
    kind, raw = found
    needs, load = LOADERS[kind]
    return load(work, [raw]).get(raw) if work.actor.may(needs) else None
