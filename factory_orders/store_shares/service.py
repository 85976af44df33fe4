"""Use case: a buyer has signed for a car, so its store has its part, in the same change as the signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from factory_orders.planning.model import OrderOrigin, OrderTerms
from factory_orders.store_shares.model import ShareKind, StoreShare, share_transfers
from factory_orders.store_shares.queries import maker_part_of, repairs_of_sold, store_fees
from factory_orders.store_shares.tables import store_shares
from kernel import db
from kernel.ledger import book
from kernel.work import Work


def book_shares(work: Work, sold: Sequence[tuple[OrderTerms, str]]) -> list[StoreShare]:
    """Book stores' parts of cars that were signed for, orders with their cars; a second time breaks the change.

    The fee is that of the buyer's quote; what a stock car costs its store follows the policy that its sale was made
    under and the list price of the version that the car was built from.
    """
    fees = store_fees(work, [terms.quote_id for terms, _ in sold if terms.origin is not OrderOrigin.STOCK])
    repairs = repairs_of_sold(work, [terms.id for terms, _ in sold if terms.origin is OrderOrigin.STOCK])
    shares = [_share(work, terms, vin, fees, repairs.get(terms.id, 0)) for terms, vin in sold]
    names = tuple(StoreShare.__dataclass_fields__)
    rows = [{name: getattr(share, name) for name in names} | {"kind": share.kind.value} for share in shares]
    db.insert_many(work.connection, store_shares, rows)
    book(work, *(transfer for share in shares for transfer in share_transfers(share)))
    return shares


def _share(work: Work, terms: OrderTerms, vin: str, fees: Mapping[str, int], repair_minor: int) -> StoreShare:
    is_stock = terms.origin is OrderOrigin.STOCK
    sold = terms.vehicle_minor + terms.guaranteed_other_minor if is_stock else fees[terms.quote_id]
    part = _maker_part(work, terms, repair_minor) if is_stock else 0
    return StoreShare(
        order_id=terms.id,
        brand_id=terms.brand_id,
        store_id=terms.store_id,
        vin=vin,
        kind=ShareKind.STOCK if is_stock else ShareKind.FEE,
        sold_minor=sold,
        maker_minor=part,
        share_minor=sold - part,
        policy_version=terms.policy_version,
        at=work.now,
    )


def _maker_part(work: Work, terms: OrderTerms, repair_minor: int) -> int:
    return maker_part_of(
        work,
        terms.catalogue_version_id,
        model=terms.model,
        options=terms.options,
        policy_version=terms.policy_version,
        repair_minor=repair_minor,
    )
