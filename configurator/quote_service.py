"""Use cases of quotes: issue, examine, accept, recompute."""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, assert_never

from configurator.configuration_queries import load_configuration
from configurator.configuring import complete_car
from configurator.errors import PriceMismatch, QuoteAltered, QuoteExpired, QuoteTaken
from configurator.events import QuoteIssued, QuotesAccepted, QuoteTakenUp
from configurator.model import AcceptedQuote, Quote, QuoteClaim, QuoteFacts, QuoteId, QuoteLine, SignedQuote, VersionId
from configurator.pooling import pooling_class
from configurator.ports import NoPools, NoPromises, PoolTermsSource, PromiseSource
from configurator.queries import LoadedVersion, open_showroom, version_by_id
from configurator.quotation import QuotePolicy, Terms, compose_quote, quote_bytes, stock_lines, third_party_minor
from configurator.quote_queries import ClaimableQuote, accepted_after, claimable_quotes, load_quotes, may_see_quote
from configurator.signing import QuoteKey, sign_document, sign_quote, verify_offline
from configurator.store import insert_endings, insert_quotes
from configurator.tax import TaxPolicy
from kernel import policy, registry
from kernel.actor import Actor, Permission
from kernel.errors import NotFound, Refusal
from kernel.money import Money
from kernel.soundness import Check
from kernel.work import Work

AUDITED_AT_ONCE: Final = 200
EARTH_RADIUS_KM: Final = 6371.0
ROAD_FACTOR: Final = 1.3
"""Roads are about a third longer than the line; whole kilometres enter the quote, so it stays recomputable."""


@dataclass(frozen=True, slots=True)
class QuoteDesk:
    """What issuing quotes needs from outside: the key, and answers from the rooms above."""

    key: QuoteKey
    pools: PoolTermsSource = field(default_factory=NoPools)
    promises: PromiseSource = field(default_factory=NoPromises)


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """A complete car at a store; `supersedes` names an own earlier quote that this one replaces.

    `accepts_wider_class` shows the prices of a pool of every trim where none of the own trim is open.
    """

    model: str
    options: tuple[str, ...]
    store_id: str
    configuration_id: str | None = None
    supersedes: QuoteId | None = None
    accepts_wider_class: bool = False


def issue_quote(work: Work, desk: QuoteDesk, request: QuoteRequest) -> SignedQuote:
    """Issue a signed all-in quote for a complete car, pinned to the versions in force now."""
    return issue_quotes(work, desk, [(work.actor, request)])[0]


def issue_quotes(work: Work, desk: QuoteDesk, requests: Sequence[tuple[Actor, QuoteRequest]]) -> list[SignedQuote]:
    """Issue quotes to people of one brand, all or none; the same car at the same store is worked out once."""
    priced: dict[QuoteRequest, Quote] = {}
    issued: list[SignedQuote] = []
    for actor, request in requests:
        assert actor.brand_id == work.actor.brand_id, "one brand's cars have one price"
        own = work.acting(actor)
        actor.require(Permission.QUOTE)
        if request.configuration_id is not None:
            load_configuration(own, request.configuration_id)
        car = replace(request, configuration_id=None, supersedes=None)
        if car not in priced:
            priced[car] = _price(own, desk, car)
        nobodys = priced[car]
        facts = replace(
            nobodys.facts,
            id=QuoteId(work.new_id()),
            account_id=actor.account_id,
            configuration_id=request.configuration_id,
        )
        issued.append(sign_quote(replace(nobodys, facts=facts), desk.key))
    insert_quotes(work, issued)
    for (actor, request), signed in zip(requests, issued, strict=True):
        if request.supersedes is not None:
            _supersede(work.acting(actor), request.supersedes, by=signed.quote.facts.id)
        work.record(_issued(signed.quote))
    return issued


def _price(work: Work, desk: QuoteDesk, request: QuoteRequest) -> Quote:
    """Return the quote of a car at a store as everybody who asks at this moment gets it; it is nobody's yet."""
    at = registry.open_store(work, request.store_id)
    version, room = open_showroom(work, region=at.region)
    features = complete_car(room, model=request.model, options=request.options)
    rules = policy.current(work)
    cls = pooling_class(version.catalogue, model=request.model, features=features)
    options = tuple(option.code for option in version.catalogue.options if option.code in features)
    pool = desk.pools.open_pool(work, cls, wider=request.accepts_wider_class)
    facts = QuoteFacts(
        id=QuoteId(""),
        brand_id=work.actor.brand_id,
        account_id=None,
        configuration_id=None,
        version_id=version.id,
        version_number=version.number,
        content_hash=version.content_hash,
        policy_version=rules.version,
        model=request.model,
        options=options,
        region=at.region,
        day=room.context.day,
        store_id=at.id,
        store_fee_minor=at.service_fee_minor,
        distance_km=road_km(registry.plant_by_code(work, cls.plant), at),
        pool=pool,
        promise=desk.promises.promise(
            work,
            cls,
            model=request.model,
            options=options,
            store_id=at.id,
            day=room.context.day,
            pool_id=None if pool is None else pool.pool_id,
        ),
        issued_at=work.now,
    )
    return compose_quote(facts, _terms(version, rules), features=features)


def _issued(quote: Quote) -> QuoteIssued:
    facts = quote.facts
    return QuoteIssued(
        facts.brand_id,
        facts.id,
        facts.account_id,
        facts.version_id,
        facts.model,
        quote.total_minor,
        quote.expires_at,
    )


def road_km(plant: registry.Plant | registry.Store, at: registry.Store) -> int:
    """Estimate the road from a plant, or another store, to a store, in whole kilometres.

    It is the great circle (haversine) times `ROAD_FACTOR`.
    """
    latitude_a, latitude_b = math.radians(plant.latitude), math.radians(at.latitude)
    half_latitude = (latitude_b - latitude_a) / 2
    half_longitude = math.radians(at.longitude - plant.longitude) / 2
    chord = math.sin(half_latitude) ** 2 + math.cos(latitude_a) * math.cos(latitude_b) * math.sin(half_longitude) ** 2
    return round(2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord)) * ROAD_FACTOR)


def _terms(version: LoadedVersion, rules: policy.PolicyVersion) -> Terms:
    return Terms(version.catalogue, rules.section(QuotePolicy), rules.section(TaxPolicy))


def _supersede(work: Work, quote_id: QuoteId, *, by: QuoteId) -> None:
    account_id = work.actor.signed_in()
    known = load_quotes(work, [quote_id]).get(quote_id)
    if known is None or known.account_id != account_id:
        raise NotFound("quote")
    if not insert_endings(work, "superseded", {quote_id: by}):
        raise QuoteTaken(known.ending or "accepted")


@dataclass(frozen=True, slots=True)
class Recomputation:
    """A stored quote beside the same computed anew from its pinned versions."""

    stored: Quote
    computed: Quote

    @property
    def agrees(self) -> bool:
        """Say whether both are the same to the last character."""
        return quote_bytes(self.stored) == quote_bytes(self.computed)


def recompute_quote(work: Work, quote_id: str) -> Recomputation:
    """Compute a quote anew from its facts under the versions it pins (DOMAIN section 4.8)."""
    known = load_quotes(work, [quote_id]).get(quote_id)
    if known is None or not may_see_quote(work, known):
        raise NotFound("quote")
    stored = known.signed.quote
    facts = stored.facts
    version, room = open_showroom(work, region=facts.region, version_id=facts.version_id, day=facts.day)
    features = complete_car(room, model=facts.model, options=facts.options)
    terms = _terms(version, policy.pinned(work, facts.policy_version))
    return Recomputation(stored, compose_quote(facts, terms, features=features))


def unsound_quotes(work: Work) -> Iterator[str]:
    """Yield a line for every accepted quote of the brand that its pinned versions do not give again to the fen."""
    after = ""
    while batch := accepted_after(work, after, limit=AUDITED_AT_ONCE):
        for known in batch:
            facts = known.signed.quote.facts
            if not recompute_quote(work, facts.id).agrees:
                yield f"quote {facts.id} is not what version {facts.version_number} and its policy give"
        after = batch[-1].signed.quote.facts.id


CHECKS: Final = (Check("accepted quotes recompute from their pinned versions", 8, unsound_quotes),)


def examine_quotes(work: Work, claims: Sequence[QuoteClaim]) -> list[AcceptedQuote | Refusal]:
    """Look at many claims in one statement and say for each whether its quote may be accepted; writes nothing.

    Refuses a quote that is unknown or another person's, or whose store has closed (NotFound), expired, accepted or
    superseded before, altered, or of another price than expected. A closing of the stores waits for this change.
    """
    known = claimable_quotes(work, [claim.quote_id for claim in claims])
    return [_examined(work, claim, known.get(claim.quote_id)) for claim in claims]


def _examined(work: Work, claim: QuoteClaim, known: ClaimableQuote | None) -> AcceptedQuote | Refusal:
    if known is None or known.account_id not in (None, claim.account_id):
        return NotFound("quote")
    quote = known.quote
    if claim.signature is not None and not hmac.compare_digest(claim.signature.encode(), known.signature.encode()):
        return QuoteAltered()
    if known.ending is not None:
        return QuoteTaken(known.ending)
    if work.now >= quote.expires_at:
        return QuoteExpired(quote.expires_at)
    if claim.vehicle_price_minor not in (None, quote.vehicle_price_minor):
        assert claim.vehicle_price_minor is not None
        return PriceMismatch(Money(claim.vehicle_price_minor), Money(quote.vehicle_price_minor))
    if known.is_store_closed:
        return NotFound("store")
    return quote


def accept_quotes(work: Work, references: Mapping[QuoteId, tuple[str, str]]) -> set[QuoteId]:
    """Mark examined quotes as accepted, by quote id: (account, what was ordered on it); returns those that were free.

    A quote that is missing from the answer was accepted or superseded by somebody else in between.
    """
    won = insert_endings(work, "accepted", {quote_id: order for quote_id, (_, order) in references.items()})
    if won:
        taken = tuple(QuoteTakenUp(quote_id, *references[quote_id]) for quote_id in sorted(won))
        work.record(QuotesAccepted(work.actor.brand_id, taken))
    return won


def accept_quote(work: Work, claim: QuoteClaim, *, reference: str) -> AcceptedQuote:
    """Accept one quote for an order, or refuse; see `examine_quotes`."""
    outcome = examine_quotes(work, [claim])[0]
    match outcome:
        case Refusal():
            raise outcome
        case AcceptedQuote():
            pass
        case _:
            assert_never(outcome)
    if not accept_quotes(work, {claim.quote_id: (claim.account_id, reference)}):
        raise QuoteTaken("accepted")
    return outcome


@dataclass(frozen=True, slots=True)
class DayOfCar:
    """A quote's car, the price in fen that it is sold for, and the day that tax, plate and the like follow."""

    quote_id: str
    vehicle_price_minor: int
    day: date


def third_party_of_day(
    work: Work, quote_id: str, *, vehicle_price_minor: int, day: date, policy_version: int | None = None
) -> int:
    """Return what tax, insurance, plate and subsidy of a quote's car come to on a day, at the price it is sold for.

    These lines follow the day (DOMAIN section 4.7), so the brand's numbers in force now count; an audit
    names the `policy_version` that was in force.
    The caller says whose quote it may ask about; refuses NotFound for another brand's.
    """
    (minor,) = third_party_of_days(work, [DayOfCar(quote_id, vehicle_price_minor, day)], policy_version=policy_version)
    return minor


def third_party_of_days(work: Work, asked: Sequence[DayOfCar], *, policy_version: int | None = None) -> list[int]:
    """Return what these lines of many quotes' cars come to, each as `third_party_of_day` does."""
    known = load_quotes(work, [one.quote_id for one in asked])
    if any(one.quote_id not in known for one in asked):
        raise NotFound("quote")
    rules = policy.current(work) if policy_version is None else policy.pinned(work, policy_version)
    facts = {quote_id: stored.signed.quote.facts for quote_id, stored in known.items()}
    terms = {
        version_id: _terms(version_by_id(work, version_id), rules)
        for version_id in dict.fromkeys(one.version_id for one in facts.values())
    }
    return [
        third_party_minor(
            (own := facts[one.quote_id]),
            terms[own.version_id],
            vehicle_price_minor=one.vehicle_price_minor,
            day=one.day,
        )
        for one in asked
    ]


@dataclass(frozen=True, slots=True)
class StockCarOffer:
    """A car that stands at a store, at the store's price."""

    version_id: str
    model: str
    options: tuple[str, ...]
    store_id: str
    price_minor: int


def lines_of_stock_car(work: Work, offer: StockCarOffer) -> tuple[QuoteLine, ...]:
    """Return the lines of a car that stands at a store, for somebody who takes it today; refuses a closed store."""
    at = registry.open_store(work, offer.store_id)
    facts, terms = _stock_facts(work, offer, at, policy.current(work))
    return stock_lines(facts, terms, price_minor=offer.price_minor)


def third_party_of_stock_car(work: Work, offer: StockCarOffer, *, day: date, policy_version: int | None = None) -> int:
    """Return what tax, insurance, plate and subsidy of a stock car come to on a day; see `third_party_of_day`."""
    at = registry.stores_by_id(work, [offer.store_id])[offer.store_id]
    rules = policy.current(work) if policy_version is None else policy.pinned(work, policy_version)
    facts, terms = _stock_facts(work, offer, at, rules)
    return third_party_minor(facts, terms, vehicle_price_minor=offer.price_minor, day=day)


def _stock_facts(
    work: Work, offer: StockCarOffer, at: registry.Store, rules: policy.PolicyVersion
) -> tuple[QuoteFacts, Terms]:
    version = version_by_id(work, VersionId(offer.version_id))
    facts = QuoteFacts(
        id=QuoteId(""),
        brand_id=work.actor.brand_id,
        account_id=None,
        configuration_id=None,
        version_id=version.id,
        version_number=version.number,
        content_hash=version.content_hash,
        policy_version=rules.version,
        model=offer.model,
        options=offer.options,
        region=at.region,
        day=work.now.astimezone(registry.own_brand(work).zone).date(),
        store_id=at.id,
        store_fee_minor=0,
        distance_km=0,
        pool=None,
        promise=None,
        issued_at=work.now,
    )
    return facts, _terms(version, rules)


def sign_stock_document(desk: QuoteDesk, document: dict[str, Any]) -> tuple[str, str]:
    """Sign a stock car's quote as every quote is signed; returns the key's name and the signature."""
    return desk.key.key_id, sign_document(document, desk.key)


def document_of(signed: SignedQuote) -> bytes:
    """Return the canonical JSON that was signed: what a buyer keeps beside signature and key id."""
    return quote_bytes(signed.quote)


def is_genuine(taken: dict[str, Any], desk: QuoteDesk) -> bool:
    """Say whether what a buyer kept is, to the last character, what this desk's key signed."""
    return verify_offline(taken, desk.key.public)
