"""Money as the API shows it: whole minor units, currency, and the text a person reads."""

from __future__ import annotations

import strawberry  # noqa: F401  # the decorators' annotations are read in this namespace

from graph.access import object_type
from graph.scalars import Long
from kernel import money
from kernel.actor import Permission


@object_type(reads=Permission.PUBLIC_READ)
class Money:
    """An amount of money in whole minor units (fen)."""

    minor: Long
    currency: str
    text: str


def show_money(amount: money.Money) -> Money:
    """Return an amount with its text, such as ¥129,800."""
    return Money(minor=Long(amount.minor), currency=amount.currency, text=money.format_money(amount))


def show_minor(amount_minor: int, currency: str = "CNY") -> Money:
    """Return minor units of a currency with their text."""
    return show_money(money.Money(amount_minor, currency))
