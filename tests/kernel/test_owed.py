"""Nobody's account is erased while the brand owes them money: the refusal says how much and what to do."""

from __future__ import annotations

import pytest

from kernel import ledger, personal
from kernel.actor import Actor, Role, system
from kernel.ids import AccountId, BrandId
from kernel.ledger import Transfer, account
from kernel.money import Money
from kernel.owed import OwedMoney, payable_account
from kernel.personal import ErasureBlocked
from kernel.work import Works

BRAND = BrandId("b" * 32)
PERSON = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("c" * 32))
OWED = payable_account(PERSON.signed_in())
ROOMS = [OwedMoney()]


def move(works: Works, *, kind: str, debit: str, credit: str, amount_minor: int) -> None:
    with works.change(system(BRAND)) as work:
        way = Transfer(kind, "d" * 32, ledger.AccountName(debit), ledger.AccountName(credit), Money(amount_minor))
        ledger.book(work, way)


def test_an_account_that_is_owed_money_is_not_erased_until_it_is_paid(works: Works) -> None:
    bonus, bank = account("bonus", BRAND), account("bank", BRAND)
    move(works, kind="early_bonus", debit=bonus, credit=OWED, amount_minor=20_000)

    with pytest.raises(ErasureBlocked, match=r"¥200.*pay it out") as caught, works.change(PERSON) as work:
        personal.erase_own_account(work, ROOMS)
    move(works, kind="paid_out", debit=OWED, credit=bank, amount_minor=20_000)
    with works.change(PERSON) as work:
        personal.erase_own_account(work, ROOMS)

    assert "提现" in caught.value.text("zh-CN")
    with works.read(system(BRAND)) as work:
        assert ledger.balance(work, OWED) == 0


def test_the_export_says_what_is_owed(works: Works) -> None:
    move(works, kind="early_bonus", debit=account("bonus", BRAND), credit=OWED, amount_minor=20_000)

    with works.read(PERSON) as work:
        assert personal.export_own_data(work, ROOMS)["data"] == {"owed": {"owedMinor": 20_000}}
