"""What stores are owed: a statement of the cars that they handed over, and the balance of each store."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries
from factory_orders.store_shares import model
from factory_orders.store_shares.model import ShareKind
from factory_orders.store_shares.queries import StoreBalance as Balance
from graph.access import object_type
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(
    ShareKind,
    name="StoreShareKind",
    description="Why a store is owed something: its fee for a handover, or what a stock car brought.",
)


@object_type(reads=Permission.STOCK_READ)
class StoreShare:
    """A store's part of one car that was signed for: what was sold, less the maker's part; below zero the store owes.

    For a car that was built to order `sold` is the store's fee alone, and all of it is the store's.
    """

    order_code: str
    store_id: strawberry.ID
    vin: str
    kind: ShareKind
    sold: Money
    makers_part: Money
    share: Money
    at: datetime


@object_type(reads=Permission.STOCK_READ)
class StoreBalance:
    """What the maker owes a store by now, what was paid out taken off; below zero the store owes it."""

    store_id: strawberry.ID
    owed: Money


def _show_share(one: model.StoreShare) -> StoreShare:
    return StoreShare(
        order_code=queries.order_code(one.order_id),
        store_id=write_id("Store", one.store_id),
        vin=one.vin,
        kind=one.kind,
        sold=show_minor(one.sold_minor),
        makers_part=show_minor(one.maker_minor),
        share=show_minor(one.share_minor),
        at=one.at,
    )


def _show_balance(one: Balance) -> StoreBalance:
    return StoreBalance(store_id=write_id("Store", one.store_id), owed=show_minor(one.owed_minor))


@query(reads=Permission.STOCK_READ)
def store_statement(
    work: Work, first: int, after: Cursor | None = None, store_id: strawberry.ID | None = None
) -> Connection[StoreShare]:
    """What each handover brought its store, newest orders first: your own store's; a planner sees all, or names one."""
    store = None if store_id is None else raw_id(store_id, "Store")
    return show_page(queries.store_statement(work, page_request(first, after), store_id=store), _show_share)


@query(reads=Permission.STOCK_READ)
def store_balances(work: Work, first: int, after: Cursor | None = None) -> Connection[StoreBalance]:
    """What stores are owed by now: your own, or every store for a planner."""
    return show_page(queries.store_balances(work, page_request(first, after)), _show_balance)
