"""Loads and saves quotes; a quote never changes, and has at most one ending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, Select, and_, select

from configurator.model import QuoteId, SignedQuote
from configurator.quotation import decode_quote, encode_quote
from configurator.tables import quote_endings, quotes
from kernel import db
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """A quote with what became of it: `ending` is accepted or superseded, or None."""

    signed: SignedQuote
    account_id: str | None
    ending: str | None
    reference: str | None
    ended_at: datetime | None


def insert_quote(work: Work, signed: SignedQuote) -> None:
    """Write a signed quote; it is never changed afterwards."""
    quote = signed.quote
    facts = quote.facts
    work.connection.execute(
        quotes.insert().values(
            id=facts.id,
            brand_id=facts.brand_id,
            account_id=facts.account_id,
            configuration_id=facts.configuration_id,
            version_id=facts.version_id,
            policy_version=facts.policy_version,
            store_id=facts.store_id,
            vehicle_price_minor=quote.vehicle_price_minor,
            total_minor=quote.total_minor,
            document=encode_quote(quote),
            key_id=signed.key_id,
            signature=signed.signature,
            issued_at=facts.issued_at,
            expires_at=quote.expires_at,
        )
    )


def with_endings() -> Select[tuple[object, ...]]:
    """Return the selection of quotes joined with what became of them, as `quote_of` reads it."""
    endings = quote_endings.c
    return select(quotes, endings.ending, endings.reference, endings.at.label("ended_at")).select_from(
        quotes.outerjoin(quote_endings, endings.quote_id == quotes.c.id)
    )


def load_quotes(work: Work, quote_ids: Sequence[str]) -> dict[str, StoredQuote]:
    """Return quotes of the actor's brand by id with their endings, in one statement."""
    if not quote_ids:
        return {}
    found = with_endings().where(and_(quotes.c.brand_id == work.actor.brand_id, quotes.c.id.in_(set(quote_ids))))
    return {row["id"]: quote_of(row) for row in work.connection.execute(found).mappings()}


def quote_of(row: RowMapping) -> StoredQuote:
    """Turn a row joined with its ending into a quote."""
    signed = SignedQuote(decode_quote(row["document"]), row["key_id"], row["signature"])
    return StoredQuote(signed, row["account_id"], row["ending"], row["reference"], row["ended_at"])


def insert_endings(work: Work, ending: str, references: Mapping[QuoteId, str | None]) -> set[QuoteId]:
    """End quotes and return those that had no ending before: of two at once exactly one wins."""
    rows = [
        {"quote_id": quote_id, "ending": ending, "reference": reference, "by": work.actor.account_id, "at": work.now}
        for quote_id, reference in sorted(references.items())
    ]
    return db.insert_new(work.connection, quote_endings, rows, returning="quote_id")
