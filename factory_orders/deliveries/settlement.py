"""The ledger's side of a handover: what the buyer owes, what is set off against it, and all of it taken back."""

from __future__ import annotations

from collections.abc import Sequence

from factory_orders.deliveries.balance import Balance, earnest_account_of
from factory_orders.deliveries.model import Handover
from factory_orders.planning.model import OrderTerms
from kernel.ledger import AccountName, Transfer, account
from kernel.money import Money
from kernel.owed import payable_account


def balance_transfers(handover: Handover, terms: OrderTerms, balance: Balance) -> list[Transfer]:
    """Book the price of the day as owed, and earnest money and late credits against it; zero lines are left out."""
    receivable = account("receivable", terms.id)
    third_party = account("third_party", terms.brand_id)
    lines: list[tuple[str, AccountName, AccountName, int]] = [
        ("balance_guaranteed", receivable, account("sales", terms.brand_id), balance.guaranteed_minor),
        ("balance_third_party", receivable, third_party, balance.third_party_minor),
        ("balance_subsidy", third_party, receivable, -balance.third_party_minor),
        ("earnest_applied", earnest_account_of(terms), receivable, balance.earnest_minor),
        ("late_credit_applied", payable_account(terms.account_id), receivable, balance.late_credit_minor),
    ]
    return [
        Transfer(kind, handover.id, debit, credit, Money(amount)) for kind, debit, credit, amount in lines if amount > 0
    ]


def reversed_transfers(transfers: Sequence[Transfer]) -> list[Transfer]:
    """Book the same the other way round."""
    return [Transfer(f"{one.kind}_reversed", one.reference, one.credit, one.debit, one.amount) for one in transfers]
