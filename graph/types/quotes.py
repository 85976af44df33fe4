"""The all-in quote: issued, read, verified and recomputed."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Any, cast

import orjson
import strawberry
from strawberry.types import Info

from configurator import quote_queries, quote_service
from configurator.errors import (
    AnswerTooHard,
    ConfigurationIncomplete,
    ModelUnknown,
    OptionExcluded,
    OptionUnknown,
    QuoteTaken,
    VersionNotInForce,
)
from configurator.model import QuoteId, QuoteStatus
from configurator.quote_service import QuoteDesk
from graph.access import field, input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import brand
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(QuoteStatus, description="What has become of a quote.")


@object_type(reads=Permission.QUOTE)
class QuoteLine:
    """One line of a quote; a guaranteed one never rises after acceptance, the others follow the day."""

    kind: str
    code: str
    text: str
    amount: Money
    guaranteed: bool


@object_type(reads=Permission.QUOTE)
class TierPrice:
    """What the car and the whole quote come to at one tier of the pool."""

    members: int
    discount_basis_points: int
    vehicle_price: Money
    total: Money


@object_type(reads=Permission.QUOTE)
class Promise:
    """When the car would be at the store: half of such promises are met by `p50`, nine in ten by `p90`.

    `conditional` ones hold if the pool locks. Where no pool takes the car it is false: the days are those of the
    plant's free weeks, and nobody can order the car at them until a pool opens.
    """

    p50: date
    p90: date
    conditional: bool


@object_type(reads=Permission.PUBLIC_READ)
class PoolingClass:
    """The class whose pre-orders gather in one pool; `key` names it with the trim, `wideKey` without."""

    platform: str
    plant: str
    powertrain: str
    long_lead: list[str]
    trim: str
    key: str
    wide_key: str


@object_type(reads=Permission.QUOTE)
class Quote(Node):
    """An immutable, signed all-in price of one car at one store and day."""

    id: strawberry.ID
    status: QuoteStatus
    model: str
    options: list[str] = field(at_most=60)
    region: str
    day: date
    lines: list[QuoteLine] = field(at_most=60)
    vehicle_price: Money
    price_now: Money
    total: Money
    guaranteed_total: Money
    tiers: list[TierPrice]
    pool_id: strawberry.ID | None
    pooling_class: PoolingClass
    promise: Promise | None
    tax_day: date
    issued_at: datetime
    expires_at: datetime
    catalogue_version_id: strawberry.ID
    policy_version: int
    key_id: str
    signature: str
    store_id: strawberry.ID
    view: strawberry.Private[quote_queries.QuoteView]

    @resolved(about="The chosen store.")
    async def store(self, info: Info[Request, None]) -> brand.Store | None:
        """Load the chosen store."""
        raw = self.view.signed.quote.facts.store_id
        return cast("brand.Store | None", await info.context.load("stores", brand.load_stores, raw))

    @resolved(about="The signed document as JSON: keep it with signature and keyId, and verify it offline.")
    def document(self) -> str:
        """Write the document that was signed."""
        return quote_service.document_of(self.view.signed).decode()


@object_type(reads=Permission.PUBLIC_READ)
class QuoteKey:
    """The public key that checks this brand's quotes (Ed25519, base64url)."""

    key_id: str
    public_key: str


@object_type(reads=Permission.PUBLIC_READ)
class QuoteVerification:
    """Whether a document is, to the last character, what was signed with the published key."""

    is_genuine: bool


@object_type(reads=Permission.QUOTE)
class Recomputation:
    """A quote computed anew from its pinned versions, and whether that agrees to the fen."""

    agrees: bool
    stored_total: Money
    computed_total: Money


@input_type(takes=Permission.QUOTE)
class IssueQuoteInput:
    """A complete car at a store; `supersedes` names an own earlier quote that this one replaces."""

    model: str
    options: list[str]
    store_id: strawberry.ID
    configuration_id: strawberry.ID | None = None
    supersedes: strawberry.ID | None = None
    accepts_wider_class: bool = False


@input_type(takes=Permission.QUOTE)
class QuoteDocumentInput:
    """What a buyer took away: the document as JSON, its signature and the key's name."""

    document: str
    key_id: str
    signature: str


def show_class(cls: Any) -> PoolingClass:
    """Return a pooling class."""
    return PoolingClass(
        platform=cls.platform,
        plant=cls.plant,
        powertrain=cls.powertrain,
        long_lead=list(cls.long_lead),
        trim=cls.trim,
        key=cls.l1_key,
        wide_key=cls.l2_key,
    )


def show_quote(view: quote_queries.QuoteView, locale: str) -> Quote:
    """Return a quote with its texts in one language."""
    quote = view.signed.quote
    facts = quote.facts
    promise = facts.promise
    return Quote(
        id=write_id("Quote", facts.id),
        status=view.status,
        model=facts.model,
        options=list(facts.options),
        region=facts.region,
        day=facts.day,
        lines=[
            QuoteLine(
                kind=line.kind.value,
                code=line.code,
                text=line.text.in_locale(locale),
                amount=show_minor(line.amount_minor),
                guaranteed=line.guaranteed,
            )
            for line in quote.lines
        ],
        vehicle_price=show_minor(quote.vehicle_price_minor),
        price_now=show_minor(quote.price_now_minor),
        total=show_minor(quote.total_minor),
        guaranteed_total=show_minor(quote.guaranteed_minor),
        tiers=[
            TierPrice(
                members=tier.members,
                discount_basis_points=tier.discount_bp,
                vehicle_price=show_minor(tier.vehicle_price_minor),
                total=show_minor(tier.total_minor),
            )
            for tier in quote.tiers
        ],
        pool_id=write_id("Pool", facts.pool.pool_id) if facts.pool is not None else None,
        pooling_class=show_class(quote.pooling_class),
        promise=None if promise is None else Promise(p50=promise.p50, p90=promise.p90, conditional=promise.conditional),
        tax_day=quote.tax_day,
        issued_at=facts.issued_at,
        expires_at=quote.expires_at,
        catalogue_version_id=write_id("CatalogueVersion", facts.version_id),
        policy_version=facts.policy_version,
        key_id=view.signed.key_id,
        signature=view.signed.signature,
        store_id=write_id("Store", facts.store_id),
        view=view,
    )


def load_quotes(work: Work, quote_ids: list[str]) -> dict[str, Quote]:
    """Return the quotes this actor may see by id."""
    return {
        key: show_quote(view, work.actor.locale) for key, view in quote_queries.quotes_by_id(work, quote_ids).items()
    }


@query(reads=Permission.QUOTE)
def quote(work: Work, id: strawberry.ID) -> Quote | None:  # noqa: A002  # the API's word
    """A quote by its id: your own, or a guest's whose id you have."""
    raw = raw_id(id, "Quote")
    return load_quotes(work, [raw]).get(raw)


@query(reads=Permission.OWN_READ)
def my_quotes(work: Work, request: Request, first: int, after: Cursor | None = None) -> Connection[Quote]:
    """Your quotes, newest first."""
    return show_page(
        quote_queries.own_quotes(work, page_request(first, after)), lambda one: show_quote(one, request.locale)
    )


@query(reads=Permission.PUBLIC_READ)
def quote_key(request: Request) -> QuoteKey:
    """The public key that checks this brand's quotes."""
    key = _desk(request).key
    return QuoteKey(key_id=key.key_id, public_key=base64.urlsafe_b64encode(key.public).decode())


@query(reads=Permission.QUOTE)
def verify_quote(request: Request, input: QuoteDocumentInput) -> QuoteVerification:  # noqa: A002  # the API's word
    """Check a quote that somebody holds against the published key; nothing is looked up."""
    try:
        document = orjson.loads(input.document)
    except orjson.JSONDecodeError:
        return QuoteVerification(is_genuine=False)
    taken = {"document": document, "key_id": input.key_id, "signature": input.signature}
    return QuoteVerification(is_genuine=quote_service.is_genuine(taken, _desk(request)))


@query(reads=Permission.QUOTE)
def recompute_quote(work: Work, id: strawberry.ID) -> Recomputation | None:  # noqa: A002  # the API's word
    """Compute a quote anew from the versions it pins."""
    raw = raw_id(id, "Quote")
    if raw not in quote_queries.quotes_by_id(work, [raw]):
        return None
    found = quote_service.recompute_quote(work, raw)
    return Recomputation(
        agrees=found.agrees,
        stored_total=show_minor(found.stored.total_minor),
        computed_total=show_minor(found.computed.total_minor),
    )


@mutation(
    does=Permission.QUOTE,
    refuses=(
        ModelUnknown,
        OptionUnknown,
        OptionExcluded,
        AnswerTooHard,
        ConfigurationIncomplete,
        VersionNotInForce,
        QuoteTaken,
    ),
    result="IssueQuoteResult",
)
def issue_quote(work: Work, request: Request, input: IssueQuoteInput) -> Quote:  # noqa: A002  # the API's word
    """Issue a signed all-in quote for a complete car at a store."""
    asked = quote_service.QuoteRequest(
        model=input.model,
        options=tuple(input.options),
        store_id=raw_id(input.store_id, "Store"),
        configuration_id=raw_id(input.configuration_id, "Configuration") if input.configuration_id else None,
        supersedes=QuoteId(raw_id(input.supersedes, "Quote")) if input.supersedes else None,
        accepts_wider_class=input.accepts_wider_class,
    )
    signed = quote_service.issue_quote(work, _desk(request), asked)
    view = quote_queries.QuoteView(signed, signed.quote.facts.account_id, QuoteStatus.ISSUED, None)
    return show_quote(view, request.locale)


def _desk(request: Request) -> QuoteDesk:
    desk: QuoteDesk = request.services.quote_desk
    return desk
