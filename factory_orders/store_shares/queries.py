"""Reads of what stores are owed: a statement of handovers, and the balance that the ledger makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from configurator.model import LineKind
from configurator.quote_queries import load_quotes
from configurator.service import list_price_minor
from factory_orders.store_shares.model import ShareKind, StoreShare, maker_part, store_account
from factory_orders.store_shares.policy import StoreSharePolicy
from factory_orders.store_shares.tables import store_shares
from kernel import ledger, policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class StoreBalance:
    """What the maker owes a store by now, in fen; below zero the store owes it."""

    store_id: str
    owed_minor: int


def maker_part_of(work: Work, version_id: str, *, model: str, options: Sequence[str], policy_version: int) -> int:
    """Return what a stock car costs its store, in fen: by its version's list price and the policy of its sale."""
    rules = policy.pinned(work, policy_version).section(StoreSharePolicy)
    price = list_price_minor(work, version_id, model=model, options=options)
    return maker_part(price, margin_bp=rules.stock_margin_bp)


def store_fees(work: Work, quote_ids: Sequence[str]) -> dict[str, int]:
    """Return the stores' fees as buyers' quotes have them; a store's fee of another day does not count."""
    return {
        quote_id: sum(line.amount_minor for line in stored.signed.quote.lines if line.kind is LineKind.STORE_FEE)
        for quote_id, stored in load_quotes(work, quote_ids).items()
    }


def store_statement(work: Work, page: PageRequest, *, store_id: str | None = None) -> Page[StoreShare]:
    """Return what handovers brought their stores, newest orders first: the own store's to an adviser, all to a planner.

    With `store_id` that store's alone; refuses another one than an adviser's own (NotFound).
    """
    work.actor.require(Permission.STOCK_READ)
    wanted = store_id if work.actor.may(Permission.BATCH_READ) else work.actor.own_store()
    if store_id not in (None, wanted):
        raise NotFound("store")
    if wanted is not None and not registry.stores_by_id(work, [wanted]):
        raise NotFound("store")
    table = store_shares.c
    found = select(store_shares).where(table.brand_id == work.actor.brand_id)
    if wanted is not None:
        found = found.where(table.store_id == wanted)
    if page.after is not None:
        found = found.where(table.order_id < page.after)
    rows = work.connection.execute(found.order_by(table.order_id.desc()).limit(page.size + 1)).mappings()
    return make_page([_share(row) for row in rows], page, lambda one: one.order_id)


def _share(row: Mapping[Any, Any]) -> StoreShare:
    values = {name: row[name] for name in StoreShare.__dataclass_fields__}
    return StoreShare(**(values | {"kind": ShareKind(row["kind"])}))


def store_balances(work: Work, page: PageRequest) -> Page[StoreBalance]:
    """Return by store what the maker owes it now, what was paid out taken off: the own store's, or all to a planner."""
    work.actor.require(Permission.STOCK_READ)
    wanted = None if work.actor.may(Permission.BATCH_READ) else work.actor.own_store()
    stores = sorted(str(store.id) for store in registry.list_stores(work) if wanted in (None, store.id))
    asked = [one for one in stores if page.after is None or one > page.after][: page.size + 1]
    owed = ledger.balances(work, [store_account(one) for one in asked])
    return make_page([StoreBalance(one, owed[store_account(one)]) for one in asked], page, lambda one: one.store_id)
