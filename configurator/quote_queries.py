"""Reads of quotes, many at a time, each with what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Row, RowMapping, Select, Text, and_, cast, select

from configurator.model import AcceptedQuote, PoolingClass, QuoteStatus, SignedQuote
from configurator.quotation import decode_quote
from configurator.tables import quote_endings, quotes
from kernel import db, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """A quote with what became of it: `ending` is accepted or superseded, or None."""

    signed: SignedQuote
    account_id: str | None
    ending: str | None
    reference: str | None
    ended_at: datetime | None


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
    found = with_endings().where(and_(quotes.c.brand_id == work.actor.brand_id, db.among(quotes.c.id, quote_ids)))
    return {row["id"]: quote_of(row) for row in work.connection.execute(found).mappings()}


def quote_of(row: RowMapping) -> StoredQuote:
    """Turn a row joined with its ending into a quote."""
    signed = SignedQuote(decode_quote(row["document"]), row["key_id"], row["signature"])
    return StoredQuote(signed, row["account_id"], row["ending"], row["reference"], row["ended_at"])


@dataclass(frozen=True, slots=True)
class ClaimableQuote:
    """What a claim on a quote is judged by, from its row; the document is not built anew for it."""

    quote: AcceptedQuote
    account_id: str | None
    signature: str
    ending: str | None
    is_store_closed: bool


def claimable_quotes(work: Work, quote_ids: Sequence[str]) -> dict[str, ClaimableQuote]:
    """Return quotes of the actor's brand by id as a claim needs them, in one statement; their stores stay as they are.

    A stored quote is immutable, so its row is believed; its document, some kilobytes, is not even read.
    """
    if not quote_ids:
        return {}
    found = _CLAIMABLE.where(and_(quotes.c.brand_id == work.actor.brand_id, db.among(quotes.c.id, quote_ids)))
    return {row[0]: _claimable(row) for row in work.connection.execute(found).all()}


_CLAIMABLE: Final = (
    select(
        quotes.c.id,
        quotes.c.configuration_id,
        quotes.c.version_id,
        quotes.c.policy_version,
        quotes.c.model,
        # As text: many buy the same car, whose options are then read once.
        cast(quotes.c.options, Text),
        quotes.c.store_id,
        quotes.c.region,
        quotes.c.vehicle_price_minor,
        quotes.c.total_minor,
        quotes.c.class_key,
        quotes.c.expires_at,
        quotes.c.account_id,
        quotes.c.signature,
        quote_endings.c.ending,
        registry.stores.c.closed_at,
    )
    .select_from(
        quotes.join(registry.stores, registry.stores.c.id == quotes.c.store_id).outerjoin(
            quote_endings, quote_endings.c.quote_id == quotes.c.id
        )
    )
    # What a pre-order's reference to its store takes anyway, here before it is looked at.
    .with_for_update(read=True, key_share=True, of=registry.stores)
)


def _claimable(row: Row[Any]) -> ClaimableQuote:
    """Read a row of `_CLAIMABLE`, by place: names of columns take longer than all the rest."""
    values: Sequence[Any] = row
    quote_id, configuration_id, version_id, policy_version, model, options, store_id, region = values[:8]
    vehicle_price_minor, total_minor, class_key, expires_at, account_id, signature, ending, closed_at = values[8:]
    quote = AcceptedQuote(
        quote_id,
        configuration_id,
        version_id,
        policy_version,
        model,
        _options_of(options),
        store_id,
        region,
        vehicle_price_minor,
        total_minor,
        _class_of(class_key),
        expires_at,
    )
    return ClaimableQuote(quote, account_id, signature, ending, closed_at is not None)


@lru_cache(maxsize=1024)
def _options_of(text: str) -> tuple[str, ...]:
    return tuple(orjson.loads(text))


_class_of: Final = lru_cache(maxsize=1024)(PoolingClass.from_key)


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A signed quote and its status now; `reference` is the order or the quote that ended it."""

    signed: SignedQuote
    account_id: str | None
    status: QuoteStatus
    reference: str | None


def may_see_quote(work: Work, known: StoredQuote) -> bool:
    """Say whether the actor may see a quote: its owner, whoever has a guest's, an auditor, the system."""
    return known.account_id in (None, work.actor.account_id) or work.actor.may(Permission.AUDIT_READ)


def quotes_by_id(work: Work, quote_ids: Sequence[str]) -> dict[str, QuoteView]:
    """Return the quotes that the actor may see by id, in one statement; others are left out."""
    found = load_quotes(work, quote_ids)
    return {quote_id: _quote_view(work, known) for quote_id, known in found.items() if may_see_quote(work, known)}


def own_quotes(work: Work, page: PageRequest) -> Page[QuoteView]:
    """Return the signed-in person's quotes, newest first."""
    found = (
        with_endings()
        .where(quotes.c.brand_id == work.actor.brand_id, quotes.c.account_id == work.actor.signed_in())
        .order_by(quotes.c.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(quotes.c.id < page.after)
    rows = [_quote_view(work, quote_of(row)) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda view: view.signed.quote.facts.id)


def quotes_of(work: Work, account_id: str, *, after_id: str, limit: int) -> list[StoredQuote]:
    """Return up to `limit` quotes of one account of the brand after one, oldest first."""
    found = with_endings().where(quotes.c.brand_id == work.actor.brand_id, quotes.c.account_id == account_id)
    later = found.where(quotes.c.id > after_id).order_by(quotes.c.id).limit(limit)
    return [quote_of(row) for row in work.connection.execute(later).mappings()]


def accepted_after(work: Work, after_id: str, *, limit: int) -> list[StoredQuote]:
    """Return the brand's accepted quotes by id, after one."""
    found = with_endings().where(
        quotes.c.brand_id == work.actor.brand_id, quote_endings.c.ending == "accepted", quotes.c.id > after_id
    )
    rows = work.connection.execute(found.order_by(quotes.c.id).limit(limit)).mappings()
    return [quote_of(row) for row in rows]


def _quote_view(work: Work, known: StoredQuote) -> QuoteView:
    expired = work.now >= known.signed.quote.expires_at
    status = QuoteStatus(known.ending) if known.ending else QuoteStatus.EXPIRED if expired else QuoteStatus.ISSUED
    return QuoteView(known.signed, known.account_id, status, known.reference)
