"""What happened in the configurator, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kernel.events import Event, event


@event("configurator.catalogue_published")
@dataclass(frozen=True, slots=True)
class CataloguePublished(Event):
    """A brand has a new catalogue version, in force from a day on."""

    version_id: str
    number: int
    effective_from: date
    content_hash: str
    fulfils_proposals: tuple[str, ...]


@event("configurator.configuration_saved")
@dataclass(frozen=True, slots=True)
class ConfigurationSaved(Event):
    """Somebody keeps a car; a pseudonymous count of these is what demand is made from."""

    configuration_id: str
    account_id: str
    version_id: str
    model: str
    options: tuple[str, ...]
    region: str


@event("configurator.configuration_broken")
@dataclass(frozen=True, slots=True)
class ConfigurationBroken(Event):
    """A newer version does not allow a car that somebody keeps.

    `changes` counts the options that the smallest change takes; without it no car of the model is near.
    """

    configuration_id: str
    account_id: str
    version_id: str
    effective_from: date
    model: str
    changes: int | None
    price_difference_minor: int | None


@event("configurator.quote_issued")
@dataclass(frozen=True, slots=True)
class QuoteIssued(Event):
    """A quote was signed and handed out."""

    quote_id: str
    account_id: str | None
    version_id: str
    model: str
    total_minor: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class QuoteTakenUp:
    """One quote that became the price of a pre-order; `reference` names it."""

    quote_id: str
    account_id: str
    reference: str


@event("configurator.quotes_accepted")
@dataclass(frozen=True, slots=True)
class QuotesAccepted(Event):
    """Quotes became the prices of pre-orders: one piece of news for all of a change."""

    quotes: tuple[QuoteTakenUp, ...]
