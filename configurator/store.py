"""Saves catalogue versions, kept configurations with every change of state, and quotes with their endings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import select, update

from configurator.catalogue import Catalogue
from configurator.catalogue_json import content_hash, encode_catalogue
from configurator.model import (
    ConfigurationId,
    DeletedConfiguration,
    MigratedConfiguration,
    QuoteId,
    SavedConfiguration,
    SignedQuote,
    StaleConfiguration,
    VersionId,
)
from configurator.quotation import encode_quote
from configurator.tables import catalogue_versions, configuration_changes, configurations, quote_endings, quotes
from kernel import db
from kernel.errors import Conflict, NotFound
from kernel.reasons import because
from kernel.work import Work

REASON_LENGTH_MAX: Final = 400


def insert_version(work: Work, catalogue: Catalogue, *, number: int, effective_from: date) -> VersionId:
    """Write a version under a number, or refuse (Conflict) where somebody else has just taken it."""
    version_id = VersionId(work.new_id())
    row = {
        "id": version_id,
        "brand_id": work.actor.brand_id,
        "number": number,
        "label": catalogue.label,
        "effective_from": effective_from,
        "content_hash": content_hash(catalogue),
        "document": encode_catalogue(catalogue),
        "published_at": work.now,
        "published_by": work.actor.account_id,
    }
    if not db.insert_new(work.connection, catalogue_versions, [row], returning="id"):
        raise Conflict("catalogue", because("PUBLISHED_JUST_NOW"))
    return version_id


def number_of_label(work: Work, label: str) -> int | None:
    """Return the number of the brand's version that has a label."""
    table = catalogue_versions.c
    found = select(table.number).where(table.brand_id == work.actor.brand_id, table.label == label).limit(1)
    return work.connection.execute(found).scalar_one_or_none()


def insert_configurations(work: Work, saved: Sequence[SavedConfiguration]) -> None:
    """Write kept configurations, each with its first change."""
    rows = [
        {
            "id": one.id,
            "brand_id": work.actor.brand_id,
            "account_id": one.account_id,
            "name": one.name,
            "version_id": one.car.version_id,
            "model": one.car.model,
            "options": list(one.car.options),
            "region": one.car.region,
            "saved_at": one.saved_at,
            "state": "saved",
            "state_at": one.saved_at,
        }
        for one in saved
    ]
    db.insert_many(work.connection, configurations, rows)
    _note_changes(work, [(one.id, one.account_id) for one in saved], state="saved", reason="saved by its owner")


def write_stale(work: Work, stale: Sequence[StaleConfiguration]) -> set[ConfigurationId]:
    """Mark kept configurations as stale and return those marked; one that changed in between is left alone."""
    return {
        one.saved.id
        for one in stale
        if _change_state(
            work,
            one.saved.id,
            reason="the rules of a newer catalogue do not allow it: " + ", ".join(one.broken_by),
            state="stale",
            only_from=("saved",),
            newer_version_id=one.newer_version_id,
            broken_by=list(one.broken_by),
        )
    }


def write_migrated(work: Work, moved: MigratedConfiguration) -> None:
    """Mark a kept configuration as moved on; refuses (NotFound) one that moved on or went in between."""
    _must_change(
        work,
        moved.saved.id,
        reason="its owner moved on to a newer catalogue",
        state="migrated",
        only_from=("saved", "stale"),
        moved_to=moved.moved_to,
    )


def write_deleted(work: Work, deleted: DeletedConfiguration) -> None:
    """Mark a kept configuration as taken out, without its name; refuses (NotFound) one that went in between."""
    _must_change(
        work,
        deleted.saved.id,
        reason="its owner took it out",
        state="deleted",
        only_from=("saved", "stale", "migrated"),
        moved_to=None,
        name="",
    )


def write_name(work: Work, configuration_id: ConfigurationId, *, name: str) -> None:
    """Write another name; the changes never hold names, so that erasing a person reaches them all."""
    table = configurations.c
    state = work.connection.execute(
        update(configurations)
        .where(table.id == configuration_id, table.state != "deleted")
        .values(name=name)
        .returning(table.state)
    ).scalar()
    if state is None:
        raise NotFound("configuration")
    _note_changes(work, [(configuration_id, work.actor.account_id)], state=state, reason="renamed by its owner")


def clear_names(work: Work, account_id: str) -> None:
    """Take the words that a person gave kept configurations out of them."""
    work.connection.execute(
        update(configurations)
        .where(configurations.c.brand_id == work.actor.brand_id, configurations.c.account_id == account_id)
        .values(name="")
    )


def _must_change(work: Work, configuration_id: str, **how: Any) -> None:
    if not _change_state(work, configuration_id, newer_version_id=None, broken_by=None, **how):
        raise NotFound("configuration")


def _change_state(
    work: Work, configuration_id: str, *, reason: str, state: str, only_from: Sequence[str], **columns: Any
) -> bool:
    changed = work.connection.execute(
        update(configurations)
        .where(configurations.c.id == configuration_id, db.among(configurations.c.state, only_from))
        .values(state=state, state_at=work.now, **columns)
    )
    if changed.rowcount:
        who = [(configuration_id, work.actor.account_id)]
        _note_changes(work, who, state=state, reason=reason[:REASON_LENGTH_MAX])
    return bool(changed.rowcount)


def _note_changes(work: Work, who: Sequence[tuple[str, str | None]], *, state: str, reason: str) -> None:
    """Note a change of configurations, and who made it."""
    rows = [{"configuration_id": one, "state": state, "reason": reason, "by": by, "at": work.now} for one, by in who]
    db.insert_many(work.connection, configuration_changes, rows)


def insert_quotes(work: Work, signed: Sequence[SignedQuote]) -> None:
    """Write signed quotes; they are never changed afterwards."""
    db.insert_many(work.connection, quotes, [_quote_row(one) for one in signed])


def _quote_row(signed: SignedQuote) -> dict[str, Any]:
    quote = signed.quote
    facts = quote.facts
    return {
        "id": facts.id,
        "brand_id": facts.brand_id,
        "account_id": facts.account_id,
        "configuration_id": facts.configuration_id,
        "version_id": facts.version_id,
        "policy_version": facts.policy_version,
        "store_id": facts.store_id,
        "vehicle_price_minor": quote.vehicle_price_minor,
        "total_minor": quote.total_minor,
        "model": facts.model,
        "options": list(facts.options),
        "region": facts.region,
        "class_key": quote.pooling_class.l1_key,
        "document": encode_quote(quote),
        "key_id": signed.key_id,
        "signature": signed.signature,
        "issued_at": facts.issued_at,
        "expires_at": quote.expires_at,
    }


def insert_endings(work: Work, ending: str, references: Mapping[QuoteId, str | None]) -> set[QuoteId]:
    """End quotes and return those that had no ending before: of two at once exactly one wins."""
    rows = [
        {"quote_id": quote_id, "ending": ending, "reference": reference, "by": work.actor.account_id, "at": work.now}
        for quote_id, reference in sorted(references.items())
    ]
    return db.insert_new(work.connection, quote_endings, rows, returning="quote_id")
