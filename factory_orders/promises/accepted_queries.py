"""Reads the dates that buyers accepted with their quotes, whatever pool these were given for (DOMAIN section 6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from configurator.quote_queries import load_quotes
from factory_orders.planning.model import OrderTerms
from kernel.work import Work

AT_ONCE: Final = 500


def quoted_dates(work: Work, orders: Sequence[OrderTerms]) -> dict[str, date]:
    """Return by order the day (P90) that its quote gave; who had none, or whose quote is gone, is missing."""
    found: dict[str, date] = {}
    for start in range(0, len(orders), AT_ONCE):
        some = orders[start : start + AT_ONCE]
        quotes = load_quotes(work, [terms.quote_id for terms in some])
        for terms in some:
            quote = quotes.get(terms.quote_id)
            promise = None if quote is None else quote.signed.quote.facts.promise
            if promise is not None:
                found[terms.id] = promise.p90
    return found


def earliest_dates(work: Work, orders: Sequence[OrderTerms]) -> dict[str, date]:
    """Return by order the earlier of the date that was accepted and the contract's; who has neither is missing."""
    quoted = quoted_dates(work, orders)
    found: dict[str, date] = {}
    for terms in orders:
        dates = [day for day in (quoted.get(terms.id), terms.promised_by) if day is not None]
        if dates:
            found[terms.id] = min(dates)
    return found


def due_dates(work: Work, orders: Sequence[OrderTerms]) -> dict[str, date]:
    """Return by order the day that planning keeps: the contract's, and until there is one the day that was accepted."""
    undated = [terms for terms in orders if terms.promised_by is None and terms.has_buyer]
    dated = {terms.id: terms.promised_by for terms in orders if terms.promised_by is not None}
    return quoted_dates(work, undated) | dated
