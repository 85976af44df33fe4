"""Use case: a buyer has signed for a car, so its store has its part, in the same change as the signature."""

from __future__ import annotations

from configurator.model import LineKind
from configurator.quote_queries import load_quotes
from configurator.service import list_price_minor
from factory_orders.planning.model import OrderOrigin, OrderTerms
from factory_orders.store_shares.model import ShareKind, StoreShare, maker_part, share_transfers
from factory_orders.store_shares.policy import StoreSharePolicy
from factory_orders.store_shares.tables import store_shares
from kernel import policy
from kernel.ledger import book
from kernel.work import Work


def book_share(work: Work, terms: OrderTerms, vin: str) -> StoreShare:
    """Book a store's part of a car that was signed for; a second time breaks the change.

    The fee is that of the buyer's quote; what a stock car costs its store follows the policy that its sale was made
    under and the list price of the version that the car was built from.
    """
    is_stock = terms.origin is OrderOrigin.STOCK
    sold = terms.vehicle_minor + terms.guaranteed_other_minor if is_stock else _fee(work, terms)
    share = StoreShare(
        order_id=terms.id,
        brand_id=terms.brand_id,
        store_id=terms.store_id,
        vin=vin,
        kind=ShareKind.STOCK if is_stock else ShareKind.FEE,
        sold_minor=sold,
        maker_minor=(part := _maker_part(work, terms) if is_stock else 0),
        share_minor=sold - part,
        policy_version=terms.policy_version,
        at=work.now,
    )
    row = {name: getattr(share, name) for name in StoreShare.__dataclass_fields__} | {"kind": share.kind.value}
    work.connection.execute(store_shares.insert().values(**row))
    book(work, *share_transfers(share))
    return share


def _fee(work: Work, terms: OrderTerms) -> int:
    """Return the store's fee as the buyer's quote has it; a store's fee of another day does not count."""
    quote = load_quotes(work, [terms.quote_id])[terms.quote_id].signed.quote
    return sum(line.amount_minor for line in quote.lines if line.kind is LineKind.STORE_FEE)


def _maker_part(work: Work, terms: OrderTerms) -> int:
    rules = policy.pinned(work, terms.policy_version).section(StoreSharePolicy)
    price = list_price_minor(work, terms.catalogue_version_id, model=terms.model, options=terms.options)
    return maker_part(price, margin_bp=rules.stock_margin_bp)
