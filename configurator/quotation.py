"""Composes the all-in quote from facts and pinned versions, and writes and reads it as canonical JSON.

Composing is a pure function, so an accepted quote can be recomputed to the fen (DOMAIN section 4.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from configurator.catalogue import Catalogue
from configurator.catalogue_json import canonical_bytes
from configurator.model import (
    LineKind,
    PoolingClass,
    PoolOffer,
    Promise,
    Quote,
    QuoteFacts,
    QuoteId,
    QuoteLine,
    Text,
    Tier,
    TierPrice,
    VersionId,
    member_price_minor,
)
from configurator.pooling import pooling_class
from configurator.pricing import price_vehicle
from configurator.tax import TaxPolicy, is_window, purchase_tax_minor
from kernel.bounds import DAYS_MAX, MINOR_MAX, check_bounds, check_rows
from kernel.money import BASIS_POINTS, divide_half_up, round_half_up_to_yuan
from kernel.policy import policy_section

FORMAT: Final = "muster.quote/1"
TRANSPORT: Final = Text("物流费", "Transport")
STORE_FEE: Final = Text("门店服务费", "Store service fee")
PURCHASE_TAX: Final = Text("车辆购置税", "Purchase tax")
INSURANCE: Final = Text("保险（预估）", "Insurance (estimate)")
PLATE: Final = Text("上牌费", "Number plates")
SUBSIDY: Final = Text("国家补贴", "State subsidy")


@policy_section("quote")
@dataclass(frozen=True, slots=True)
class QuotePolicy:
    """A brand's numbers for quotes, amounts in fen.

    `subsidies` are rows of energy, first day, last day, amount; none by default. Insurance is an estimate: the
    compulsory traffic insurance (¥950 a year for a private car of up to six seats) and a commercial one by price. The
    plate fee is plates, licence and registration certificate. Logistics go by whole kilometres from plant to store.
    """

    valid_hours: int = 168
    delivery_days_assumed: int = 56
    subsidies: tuple[tuple[str, str, str, int], ...] = ()
    insurance_compulsory_minor: int = 95_000
    insurance_commercial_base_minor: int = 120_000
    insurance_commercial_bp: int = 130
    plate_fee_minor: int = 12_500
    logistics_base_minor: int = 60_000
    logistics_per_km_minor: int = 120

    def __post_init__(self) -> None:
        fee = (0, MINOR_MAX)
        check_bounds(
            self,
            valid_hours=(1, 24 * 90),
            delivery_days_assumed=(0, DAYS_MAX),
            insurance_compulsory_minor=fee,
            insurance_commercial_base_minor=fee,
            insurance_commercial_bp=(0, BASIS_POINTS),
            plate_fee_minor=fee,
            logistics_base_minor=fee,
            logistics_per_km_minor=fee,
        )
        stored: tuple[object, ...] = self.subsidies
        for row in stored:
            assert isinstance(row, tuple), "a subsidy is energy, first day, last day, amount"
            assert len(row) == 4, "a subsidy is energy, first day, last day, amount"
            assert is_window(row[1], row[2]), "a subsidy needs two days, the first not after the last"
        check_rows("subsidies", self.subsidies, (0, MINOR_MAX))


@dataclass(frozen=True, slots=True)
class Terms:
    """The pinned versions a quote is computed under."""

    catalogue: Catalogue
    quote_policy: QuotePolicy
    tax_policy: TaxPolicy


def compose_quote(facts: QuoteFacts, terms: Terms, *, features: frozenset[str]) -> Quote:
    """Compose the quote of a buildable car; `features` are the car's true features, abstract ones included."""
    vehicle = price_vehicle(terms.catalogue, model=facts.model, features=features)
    tax_day = _tax_day(facts, terms.quote_policy)
    others = _other_lines(facts, terms, vehicle.total_minor, tax_day)
    prices = [(tier, member_price_minor(vehicle.total_minor, tier.discount_bp)) for tier in _tiers(facts)]
    now_bp = facts.pool.discount_now_bp() if facts.pool else 0
    return Quote(
        facts=facts,
        pooling_class=pooling_class(terms.catalogue, model=facts.model, features=features),
        lines=vehicle.lines + others,
        vehicle_price_minor=vehicle.total_minor,
        total_minor=vehicle.total_minor + _sum(others),
        tiers=tuple(
            TierPrice(tier.members, tier.discount_bp, price, price + _sum(_other_lines(facts, terms, price, tax_day)))
            for tier, price in prices
        ),
        price_now_minor=member_price_minor(vehicle.total_minor, now_bp) if facts.pool else vehicle.total_minor,
        tax_day=tax_day,
        expires_at=facts.issued_at + timedelta(hours=terms.quote_policy.valid_hours),
    )


def _tiers(facts: QuoteFacts) -> tuple[Tier, ...]:
    return facts.pool.tiers if facts.pool else ()


def _tax_day(facts: QuoteFacts, policy: QuotePolicy) -> date:
    if facts.promise is not None:
        return facts.promise.p90
    return facts.day + timedelta(days=policy.delivery_days_assumed)


def _sum(lines: tuple[QuoteLine, ...]) -> int:
    return sum(line.amount_minor for line in lines)


def _other_lines(facts: QuoteFacts, terms: Terms, price_minor: int, tax_day: date) -> tuple[QuoteLine, ...]:
    """Return every line but the car's own, for the car at this price: taxes and fees follow it."""
    policy = terms.quote_policy
    energy = terms.catalogue.model_by_code[facts.model].energy
    tax = purchase_tax_minor(terms.tax_policy, price_minor=price_minor, new_energy=energy.is_new_energy, day=tax_day)
    logistics = policy.logistics_base_minor + policy.logistics_per_km_minor * facts.distance_km
    commercial = divide_half_up(price_minor * policy.insurance_commercial_bp, BASIS_POINTS)
    insurance = policy.insurance_compulsory_minor + policy.insurance_commercial_base_minor + commercial
    lines = [
        QuoteLine(LineKind.LOGISTICS, "LOGISTICS", round_half_up_to_yuan(logistics), TRANSPORT),
        QuoteLine(LineKind.STORE_FEE, "STORE_FEE", facts.store_fee_minor, STORE_FEE),
        QuoteLine(LineKind.PURCHASE_TAX, "PURCHASE_TAX", tax, PURCHASE_TAX),
        QuoteLine(LineKind.INSURANCE, "INSURANCE", round_half_up_to_yuan(insurance), INSURANCE),
        QuoteLine(LineKind.PLATE, "PLATE", policy.plate_fee_minor, PLATE),
    ]
    if subsidy := _subsidy_minor(policy, energy.value, tax_day):
        lines.append(QuoteLine(LineKind.SUBSIDY, "SUBSIDY", -subsidy, SUBSIDY))
    return tuple(lines)


def third_party_minor(facts: QuoteFacts, terms: Terms, *, vehicle_price_minor: int, day: date) -> int:
    """Return the lines that follow the day (tax, insurance, plate, subsidy) for the car at a price, in fen."""
    return _sum(tuple(line for line in _other_lines(facts, terms, vehicle_price_minor, day) if not line.guaranteed))


def stock_lines(facts: QuoteFacts, terms: Terms, *, price_minor: int) -> tuple[QuoteLine, ...]:
    """Return every line of a car that stands at its store; the store's price has its way and the fee in it."""
    car = QuoteLine(LineKind.BASE, facts.model, price_minor, terms.catalogue.model_by_code[facts.model].name)
    others = _other_lines(facts, terms, price_minor, facts.day)
    return (car, *(line for line in others if not line.guaranteed))


def _subsidy_minor(policy: QuotePolicy, energy: str, day: date) -> int:
    return sum(
        amount
        for of_energy, first_day, last_day, amount in policy.subsidies
        if of_energy == energy and date.fromisoformat(first_day) <= day <= date.fromisoformat(last_day)
    )


# --- as JSON ---------------------------------------------------------------------------------------------------------


def encode_quote(quote: Quote) -> dict[str, Any]:
    """Return the quote as JSON values: no floats, times in UTC, so its canonical bytes are always the same."""
    return {
        "format": FORMAT,
        "facts": _encode_facts(quote.facts),
        "class": {
            "platform": quote.pooling_class.platform,
            "plant": quote.pooling_class.plant,
            "powertrain": quote.pooling_class.powertrain,
            "long_lead": list(quote.pooling_class.long_lead),
            "trim": quote.pooling_class.trim,
        },
        "lines": [
            {
                "kind": line.kind.value,
                "code": line.code,
                "amount_minor": line.amount_minor,
                "guaranteed": line.guaranteed,
                "zh": line.text.zh,
                "en": line.text.en,
            }
            for line in quote.lines
        ],
        "vehicle_price_minor": quote.vehicle_price_minor,
        "total_minor": quote.total_minor,
        "tiers": [[tier.members, tier.discount_bp, tier.vehicle_price_minor, tier.total_minor] for tier in quote.tiers],
        "price_now_minor": quote.price_now_minor,
        "tax_day": quote.tax_day.isoformat(),
        "expires_at": quote.expires_at.isoformat(),
    }


def quote_bytes(quote: Quote) -> bytes:
    """Return the bytes that are signed."""
    return canonical_bytes(encode_quote(quote))


def decode_quote(document: dict[str, Any]) -> Quote:
    """Return the quote that `encode_quote` wrote; for documents whose signature or row has been checked."""
    assert document["format"] == FORMAT, document["format"]
    return Quote(
        facts=_decode_facts(document["facts"]),
        pooling_class=decode_class(document["class"]),
        lines=tuple(
            QuoteLine(LineKind(line["kind"]), line["code"], line["amount_minor"], Text(line["zh"], line["en"]))
            for line in document["lines"]
        ),
        vehicle_price_minor=document["vehicle_price_minor"],
        total_minor=document["total_minor"],
        tiers=tuple(TierPrice(*tier) for tier in document["tiers"]),
        price_now_minor=document["price_now_minor"],
        tax_day=date.fromisoformat(document["tax_day"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
    )


def decode_class(stored: dict[str, Any]) -> PoolingClass:
    """Return a quote document's pooling class."""
    return PoolingClass(
        stored["platform"], stored["plant"], stored["powertrain"], tuple(stored["long_lead"]), stored["trim"]
    )


def _encode_facts(facts: QuoteFacts) -> dict[str, Any]:
    pool, promise = facts.pool, facts.promise
    return {
        "id": facts.id,
        "brand_id": facts.brand_id,
        "account_id": facts.account_id,
        "configuration_id": facts.configuration_id,
        "version_id": facts.version_id,
        "version_number": facts.version_number,
        "content_hash": facts.content_hash,
        "policy_version": facts.policy_version,
        "model": facts.model,
        "options": list(facts.options),
        "region": facts.region,
        "day": facts.day.isoformat(),
        "store_id": facts.store_id,
        "store_fee_minor": facts.store_fee_minor,
        "distance_km": facts.distance_km,
        "pool": None
        if pool is None
        else {
            "pool_id": pool.pool_id,
            "tiers": [[tier.members, tier.discount_bp] for tier in pool.tiers],
            "members": pool.members,
            "deadline": pool.deadline.isoformat(),
        },
        "promise": None
        if promise is None
        else {"p50": promise.p50.isoformat(), "p90": promise.p90.isoformat(), "conditional": promise.conditional},
        "issued_at": facts.issued_at.isoformat(),
    }


def _decode_facts(stored: dict[str, Any]) -> QuoteFacts:
    pool, promise = stored["pool"], stored["promise"]
    changed = {
        "id": QuoteId(stored["id"]),
        "version_id": VersionId(stored["version_id"]),
        "options": tuple(stored["options"]),
        "day": date.fromisoformat(stored["day"]),
        "issued_at": datetime.fromisoformat(stored["issued_at"]),
        "pool": pool
        and PoolOffer(
            pool["pool_id"],
            tuple(Tier(*tier) for tier in pool["tiers"]),
            pool["members"],
            datetime.fromisoformat(pool["deadline"]),
        ),
        "promise": promise
        and Promise(date.fromisoformat(promise["p50"]), date.fromisoformat(promise["p90"]), promise["conditional"]),
    }
    return QuoteFacts(**(stored | changed))
