"""A store's part of what a buyer paid: the fixed fee of a car that was built to order, or what a stock car brought.

The maker sells at one price everywhere, and the store earns its fee (DOMAIN section 6.7). A stock car's price is the
store's: what it brings beyond the maker's part is the store's, and so is what it brings less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.ledger import AccountName, Transfer, account
from kernel.money import Money, share_basis_points

SHARE_KIND: Final = "store_share"
SHORTFALL_KIND: Final = "store_shortfall"


class ShareKind(StrEnum):
    """Why a store is owed something."""

    FEE = "fee"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class StoreShare:
    """What a store has of one handover, in fen: `share_minor` is what was sold less the maker's part.

    `sold_minor` is the fee alone for a car that was built to order. Below zero the store owes it.
    """

    order_id: str
    brand_id: str
    store_id: str
    vin: str
    kind: ShareKind
    sold_minor: int
    maker_minor: int
    share_minor: int
    policy_version: int
    at: datetime


def store_account(store_id: str) -> AccountName:
    """Name the account of what the maker owes a store (above zero), or a store the maker."""
    return account("store", store_id)


def maker_part(list_minor: int, *, margin_bp: int) -> int:
    """Return what a stock car costs its store: the list price less the margin.

    Half a fen counts for the store: its margin is rounded half up, the maker's part half down.
    """
    return list_minor - share_basis_points(list_minor, margin_bp)


def share_transfers(share: StoreShare) -> list[Transfer]:
    """Book a store's part out of the sale, or what it sold below the maker's part into it; nothing for nothing."""
    sales, store = account("sales", share.brand_id), store_account(share.store_id)
    if share.share_minor > 0:
        return [Transfer(SHARE_KIND, share.order_id, sales, store, Money(share.share_minor))]
    if share.share_minor < 0:
        return [Transfer(SHORTFALL_KIND, share.order_id, store, sales, Money(-share.share_minor))]
    return []
