"""Reads of what stores are owed: a statement of handovers, and the balance that the ledger makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from configurator.model import LineKind
from configurator.quote_queries import load_quotes
from configurator.service import list_price_minor
from factory_orders.consents.model import reduction_of
from factory_orders.consents.policy import RepairedCarPolicy
from factory_orders.store_shares.model import ShareKind, StoreShare, maker_part, store_account
from factory_orders.store_shares.policy import StoreSharePolicy
from factory_orders.store_shares.tables import store_shares
from factory_orders.vehicles.tables import vehicle_disclosures, vehicles
from kernel import db, ledger, policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class StoreBalance:
    """What the maker owes a store by now, in fen; below zero the store owes it."""

    store_id: str
    owed_minor: int


def maker_part_of(
    work: Work, version_id: str, *, model: str, options: Sequence[str], policy_version: int, repair_minor: int = 0
) -> int:
    """Return what a stock car costs its store, in fen: by its version's list price and the policy of its sale.

    What a repaired car is worth less the maker bears: as much less as the buyer whom it was built for is offered.
    """
    rules = policy.pinned(work, policy_version)
    price = list_price_minor(work, version_id, model=model, options=options)
    if repair_minor:
        less = rules.section(RepairedCarPolicy)
        price -= reduction_of(
            price, repair_minor, price_share_bp=less.price_share_bp, repair_share_bp=less.repair_share_bp
        )
    return maker_part(price, margin_bp=rules.section(StoreSharePolicy).stock_margin_bp)


def repairs_of_sold(work: Work, order_ids: Sequence[str]) -> dict[str, int]:
    """Return by order what the repairs of its car cost in all, of those that bought a repaired car from stock."""
    car, told = vehicles.c, vehicle_disclosures.c
    found = (
        select(car.consented_for, func.sum(told.repair_minor))
        .join(vehicle_disclosures, told.vin == car.vin)
        .where(car.brand_id == work.actor.brand_id, db.among(car.consented_for, order_ids))
        .group_by(car.consented_for)
    )
    return {order_id: int(total) for order_id, total in work.connection.execute(found)}


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
