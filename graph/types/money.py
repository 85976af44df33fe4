"""Money as the API shows it: whole minor units, currency, and the text a person reads."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import strawberry  # noqa: F401  # the decorators' annotations are read in this namespace

from graph.access import input_type, object_type
from graph.scalars import Long
from kernel import money
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because

AMOUNTS_MAX: Final = 8_192


@object_type(reads=Permission.PUBLIC_READ)
class Money:
    """An amount of money in whole minor units (fen)."""

    minor: Long
    currency: str
    text: str


@input_type(takes=Permission.PUBLIC_READ)
class MoneyInput:
    """An amount in whole minor units (fen)."""

    minor: Long
    currency: str = "CNY"


def read_money(given: MoneyInput, name: str) -> money.Money:
    """Return an amount, or refuse a currency that nothing here is priced in; `name` is the argument's."""
    if given.currency != "CNY":
        raise InvalidInput(name, because("CURRENCY"))
    return money.Money(given.minor, given.currency)


def show_money(amount: money.Money) -> Money:
    """Return an amount with its text, such as ¥129,800."""
    return Money(minor=Long(amount.minor), currency=amount.currency, text=money.format_money(amount))


@lru_cache(AMOUNTS_MAX)
def show_minor(amount_minor: int, currency: str = "CNY") -> Money:
    """Return minor units of a currency with their text; prices come again and again, so the value may be shared."""
    return show_money(money.Money(amount_minor, currency))
