"""What a person has agreed to: a log that is only added to; the last word on a purpose counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Column, ColumnElement, ForeignKey, Index, String, Table, func, select

from kernel import db
from kernel.actor import Permission
from kernel.db import Id, Instant, metadata
from kernel.errors import InvalidInput
from kernel.ids import AccountId
from kernel.immutable import append_only
from kernel.reasons import because
from kernel.work import Work

TEXT_VERSION_LENGTH_MAX = 40
ENTRIES_SHOWN_MAX = 1000

consent_entries = Table(
    "consent_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("given", Boolean, nullable=False),
    Column("text_version", String(TEXT_VERSION_LENGTH_MAX), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("text_version <> ''", name="text_named"),
)
Index(
    "ix_consent_entries_account_id_purpose",
    consent_entries.c.account_id,
    consent_entries.c.purpose,
    consent_entries.c.id,
)
append_only(consent_entries)


class Purpose(StrEnum):
    """What somebody may be asked; nothing is assumed, and each is given and withdrawn by itself."""

    TERMS = "terms"
    PRIVACY = "privacy"
    MONTHLY_MESSAGE = "monthly_message"
    MAKER_CONTACT = "maker_contact"
    CIRCLE_OFFERS = "circle_offers"


@dataclass(frozen=True, slots=True)
class Consent:
    """One entry of the log: given or withdrawn, to the text of which version."""

    purpose: Purpose
    given: bool
    text_version: str
    at: datetime


def give(work: Work, purpose: Purpose, *, text_version: str) -> Consent:
    """Note that the actor agrees to the text of a version. Refuses InvalidInput."""
    return _enter(work, purpose, given=True, text_version=text_version)


def withdraw(work: Work, purpose: Purpose, *, text_version: str) -> Consent:
    """Note that the actor agrees no more; it holds from now on. Refuses InvalidInput."""
    return _enter(work, purpose, given=False, text_version=text_version)


def _enter(work: Work, purpose: Purpose, *, given: bool, text_version: str) -> Consent:
    work.actor.require(Permission.ACCOUNT_OWN)
    version = text_version.strip()
    if not 1 <= len(version) <= TEXT_VERSION_LENGTH_MAX or not version.isprintable():
        raise InvalidInput("textVersion", because("TEXT_VERSION", most=TEXT_VERSION_LENGTH_MAX))
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "account_id": work.actor.signed_in(),
        "purpose": purpose.value,
        "given": given,
        "text_version": version,
        "at": work.now,
    }
    work.connection.execute(consent_entries.insert().values(**row))
    return Consent(purpose, given, version, work.now)


def who_gave(work: Work, account_ids: Sequence[str], purpose: Purpose) -> set[str]:
    """Return which accounts of the actor's brand agree now, in one statement."""
    table = consent_entries.c
    ranked = (
        select(table.account_id, table.given, _newest_first(table.account_id))
        .where(
            table.brand_id == work.actor.brand_id,
            db.among(table.account_id, account_ids),
            table.purpose == purpose.value,
        )
        .subquery()
    )
    found = select(ranked.c.account_id).where(ranked.c.place == 1, ranked.c.given)
    return set(work.connection.execute(found).scalars())


def current(work: Work) -> Mapping[Purpose, Consent]:
    """Return the actor's last word on each purpose that they were ever asked, however often they changed it."""
    work.actor.require(Permission.ACCOUNT_OWN)
    table = consent_entries.c
    ranked = (
        select(consent_entries, _newest_first(table.purpose))
        .where(table.account_id == work.actor.signed_in(), table.brand_id == work.actor.brand_id)
        .subquery()
    )
    found = work.connection.execute(select(ranked).where(ranked.c.place == 1))
    return {Purpose(row.purpose): Consent(Purpose(row.purpose), row.given, row.text_version, row.at) for row in found}


def history(work: Work, account_id: AccountId) -> list[Consent]:
    """Return the log of an account of the actor's brand, newest first; for its owner and for the proof of a consent."""
    table = consent_entries.c
    found = (
        select(consent_entries)
        .where(table.account_id == account_id, table.brand_id == work.actor.brand_id)
        .order_by(table.at.desc(), table.id.desc())
        .limit(ENTRIES_SHOWN_MAX)
    )
    return [
        Consent(Purpose(row.purpose), row.given, row.text_version, row.at) for row in work.connection.execute(found)
    ]


def _newest_first(partition: ColumnElement[str]) -> ColumnElement[int]:
    table = consent_entries.c
    newest = func.row_number().over(partition_by=partition, order_by=(table.at.desc(), table.id.desc()))
    return newest.label("place")
