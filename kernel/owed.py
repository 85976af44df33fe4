"""What a brand owes a person: a credit on the ledger account `payable:<account>` until it is set off or paid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from kernel import ledger
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.ledger import AccountName, account
from kernel.money import Money
from kernel.work import Work


@dataclass(unsafe_hash=True)
class MoneyOwed(Refusal):
    """The brand owes the person money; with the account erased nobody would know whom to pay."""

    code = "MONEY_OWED"
    en = "You still have {amount} to get from us. Ask our service to pay it out; then leave."
    zh = "我们还应付您{amount}，请先联系客服提现，到账后再注销。"
    amount: Money


def payable_account(account_id: str) -> AccountName:
    """Name the account of what the brand owes a person."""
    return account("payable", account_id)


@dataclass(frozen=True, slots=True)
class OwedMoney:
    """The ledger's part of what is kept of people. Transfers stay for the legal term; they hold ids only."""

    name: ClassVar[str] = "owed"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return what is owed to the person, in fen."""
        return {"owedMinor": ledger.balance(work, payable_account(account_id))}

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Refuse until everything owed has been set off or paid out."""
        owed_minor = ledger.balance(work, payable_account(account_id))
        return MoneyOwed(Money(owed_minor)) if owed_minor > 0 else None

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Leave the books as they are."""
