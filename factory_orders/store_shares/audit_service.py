"""What must hold of stores' parts on a live database: one a handover, of the right size, as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from factory_orders.planning.tables import orders
from factory_orders.store_shares.model import ShareKind
from factory_orders.store_shares.queries import maker_part_of, repairs_of_sold, store_fees
from factory_orders.store_shares.tables import store_shares
from kernel.soundness import Check, rows_violating
from kernel.work import Work

AT_ONCE: Final = 500
_SHARES: Final = """
    SELECT orders.id FROM orders LEFT JOIN store_shares ON store_shares.order_id = orders.id
    WHERE orders.brand_id = :brand_id AND (
        (orders.state = 'delivered') <> (store_shares.order_id IS NOT NULL)
        OR store_shares.store_id <> orders.store_id OR store_shares.vin <> orders.vin
        OR (store_shares.kind = 'stock') <> (orders.origin = 'stock')
        OR (store_shares.kind = 'stock'
            AND store_shares.sold_minor <> orders.price_minor + orders.agreed_minor + orders.guaranteed_other_minor)
        OR (store_shares.kind = 'fee' AND store_shares.sold_minor > orders.guaranteed_other_minor)
        OR store_shares.share_minor <> COALESCE((SELECT SUM(CASE WHEN ledger_transfers.kind = 'store_share'
            THEN ledger_transfers.amount_minor ELSE -ledger_transfers.amount_minor END) FROM ledger_transfers
            WHERE ledger_transfers.reference = orders.id
            AND ledger_transfers.kind IN ('store_share', 'store_shortfall')), 0)
    )
"""


def _wrong_parts(work: Work) -> Iterator[str]:
    """Hold each part against the order, the sale and the ledger, and the maker's part against the car's list price."""
    yield from rows_violating(_SHARES, shape="order {id}")(work)
    car = (orders.c.catalogue_version_id, orders.c.model, orders.c.options)
    found = (
        select(store_shares.c.order_id, store_shares.c.maker_minor, store_shares.c.policy_version, *car)
        .join(orders, orders.c.id == store_shares.c.order_id)
        .where(store_shares.c.brand_id == work.actor.brand_id, store_shares.c.kind == ShareKind.STOCK.value)
    )
    known: dict[tuple[object, ...], int] = {}
    rows = work.connection.execute(found).all()
    repairs = repairs_of_sold(work, [row.order_id for row in rows])
    for order_id, maker_minor, policy_version, version_id, model, options in rows:
        repair_minor = repairs.get(order_id, 0)
        key = (policy_version, version_id, model, repair_minor, *options)
        if key not in known:
            known[key] = maker_part_of(
                *(work, version_id),
                model=model,
                options=options,
                policy_version=policy_version,
                repair_minor=repair_minor,
            )
        if known[key] != maker_minor:
            yield f"order {order_id}: the maker's part is {maker_minor}, by its list price {known[key]}"


def _wrong_fees(work: Work) -> Iterator[str]:
    """Hold each fee against that of the buyer's quote."""
    found = (
        select(store_shares.c.order_id, store_shares.c.sold_minor, orders.c.quote_id)
        .join(orders, orders.c.id == store_shares.c.order_id)
        .where(store_shares.c.brand_id == work.actor.brand_id, store_shares.c.kind == ShareKind.FEE.value)
        .order_by(store_shares.c.order_id)
    )
    rows = work.connection.execute(found).all()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        fees = store_fees(work, [row.quote_id for row in some])
        for order_id, sold_minor, quote_id in some:
            if sold_minor != fees.get(quote_id):
                yield f"order {order_id}: the store's fee is {sold_minor}, by the buyer's quote {fees.get(quote_id)}"


CHECKS: Final = (
    Check("a store's fee for a car is that of its buyer's quote", 1, _wrong_fees),
    Check(
        "a store has its part of each car that was signed for, as the ledger has it",
        1,
        _wrong_parts,
    ),
)
