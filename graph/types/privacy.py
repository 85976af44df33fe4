"""What one has agreed to, what is kept of one, and how to be forgotten."""

from __future__ import annotations

from datetime import datetime

import orjson
import strawberry

from graph.access import input_type, object_type
from graph.context import Request
from graph.operations import mutation, query
from kernel import consent, personal
from kernel.actor import Permission
from kernel.consent import Purpose
from kernel.personal import ErasureBlocked
from kernel.work import Work

strawberry.enum(Purpose, name="ConsentPurpose", description="What somebody may be asked to agree to.")


@object_type(reads=Permission.ACCOUNT_OWN)
class Consent:
    """Your last word on one purpose, and to which text."""

    purpose: Purpose
    given: bool
    text_version: str
    at: datetime


@object_type(reads=Permission.ACCOUNT_OWN)
class DataExport:
    """Everything that is kept of you, as JSON."""

    json: str


@object_type(reads=Permission.ACCOUNT_OWN)
class AccountErased:
    """Nothing tells any more whose account this was."""

    done: bool


@input_type(takes=Permission.ACCOUNT_OWN)
class ConsentInput:
    """Whether you agree to the text of a version."""

    purpose: Purpose
    given: bool
    text_version: str


@query(reads=Permission.ACCOUNT_OWN, at_most=10)
def my_consents(work: Work) -> list[Consent]:
    """What you have agreed to, or not any more."""
    return [_show(one) for one in consent.current(work).values()]


def _show(one: consent.Consent) -> Consent:
    return Consent(purpose=one.purpose, given=one.given, text_version=one.text_version, at=one.at)


@query(reads=Permission.ACCOUNT_OWN)
def my_data(work: Work, request: Request) -> DataExport:
    """Everything that is kept of you."""
    found = personal.export_own_data(work, request.services.personal_data)
    return DataExport(json=orjson.dumps(found).decode())


@mutation(does=Permission.ACCOUNT_OWN, result="SetConsentResult")
def set_consent(work: Work, input: ConsentInput) -> Consent:  # noqa: A002  # the API's word
    """Agree to something, or agree no more."""
    enter = consent.give if input.given else consent.withdraw
    return _show(enter(work, input.purpose, text_version=input.text_version))


@mutation(does=Permission.ACCOUNT_OWN, refuses=(ErasureBlocked,), result="EraseMyAccountResult")
def erase_my_account(work: Work, request: Request) -> AccountErased:
    """Erase everything that tells who you are; refused while an order is open, or money is owed to you."""
    personal.erase_own_account(work, request.services.personal_data)
    request.old_tokens.append(request.token)
    request.signed_out = True
    return AccountErased(done=True)
