"""What the tests of quoting share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from configurator.model import (
    Quote,
    QuoteFacts,
    QuoteId,
    Tier,
    VersionId,
)
from tests.configurator.small_brand import (
    BRAND,
    EAST_STORE,
    PLAIN_CAR,
)

TIERS = (Tier(60, 0), Tier(120, 200), Tier(240, 500))
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def facts(*, model: str = "A1", options: tuple[str, ...] = PLAIN_CAR, **changes: Any) -> QuoteFacts:
    values: dict[str, Any] = {
        "id": QuoteId("q" * 32),
        "brand_id": BRAND,
        "account_id": None,
        "configuration_id": None,
        "version_id": VersionId("v" * 32),
        "version_number": 1,
        "content_hash": "h" * 64,
        "policy_version": 0,
        "model": model,
        "options": options,
        "region": "east",
        "day": date(2026, 11, 23),
        "store_id": EAST_STORE,
        "store_fee_minor": 100_000,
        "distance_km": 0,
        "pool": None,
        "promise": None,
        "issued_at": NOON,
    }
    return QuoteFacts(**(values | changes))


def amounts(quote: Quote) -> dict[str, int]:
    return {line.code: line.amount_minor for line in quote.lines}
