"""A car's passport: what happened to it, as links of one hash chain that anybody with its number may verify."""

from __future__ import annotations

from datetime import datetime

import orjson

from factory_orders import queries
from factory_orders.errors import VinInvalid
from graph.access import field, object_type
from graph.operations import query
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class PassportEntry:
    """One link: what happened, when by its reporter's clock and by ours; `facts` is JSON without names."""

    sequence: int
    kind: str
    at: datetime
    written_at: datetime
    newness: str
    facts: str
    previous_hash: str
    hash: str


@object_type(reads=Permission.PUBLIC_READ)
class Passport:
    """A car's whole story; its newness follows from it and only descends."""

    vin: str
    newness: str
    verified: bool
    entries: list[PassportEntry] = field(at_most=60)


@object_type(reads=Permission.PUBLIC_READ)
class PassportDocument:
    """A passport as JSON-LD: a subset of EPCIS 2.0 which `muster verify` checks offline."""

    vin: str
    json: str


@query(reads=Permission.PUBLIC_READ, refuses=(VinInvalid,), result="PassportResult")
def passport(work: Work, vin: str) -> Passport:
    """The passport of the car with this number."""
    found = queries.passport(work, vin)
    return Passport(
        vin=found.vin,
        newness=found.newness.word,
        verified=found.verified,
        entries=[
            PassportEntry(
                sequence=one.sequence,
                kind=one.kind,
                at=one.at,
                written_at=one.written_at,
                newness=one.newness.word,
                facts=orjson.dumps(one.facts, option=orjson.OPT_SORT_KEYS).decode(),
                previous_hash=one.previous_hash,
                hash=one.hash,
            )
            for one in found.entries
        ],
    )


@query(reads=Permission.PUBLIC_READ, refuses=(VinInvalid,), result="PassportDocumentResult")
def passport_document(work: Work, vin: str) -> PassportDocument:
    """The passport of the car with this number as a document to keep."""
    document = queries.passport_document(work, vin)
    (about,) = document["epcisBody"]["eventList"][0]["epcList"]
    return PassportDocument(vin=about.removeprefix("urn:vin:"), json=orjson.dumps(document).decode())
