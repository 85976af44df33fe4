"""A car's passport as a document of EPCIS 2.0 (JSON-LD): a documented subset, which is read back and checked strictly.

Each link of the chain is one ObjectEvent about the car; what the hash covers goes along under `muster:`, so that
whoever holds the file can replay the chain. No conformance to the standard is claimed beyond the shape of `SCHEMA`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.passport import WORDS, Passport, PassportEntry

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
OWN_CONTEXT: Final = "urn:muster:passport:"
EPC: Final = "urn:vin:"
EVENTS_MAX: Final = 1_000
VIN_PATTERN: Final = "^[A-HJ-NPR-Z0-9]{17}$"
HASH_PATTERN: Final = "^[0-9a-f]{64}$"
TIME_PATTERN: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d$"
OFFSET_PATTERN: Final = r"^[+-]\d\d:\d\d$"
# The action, the business step and the disposition of the standard's vocabulary (CBV 2.0) for each kind of link.
MEANING: Final[Mapping[str, tuple[str, str, str]]] = {
    "identified": ("ADD", "commissioning", "in_progress"),
    "rework": ("OBSERVE", "repairing", "in_progress"),
    "built": ("OBSERVE", "assembling", "active"),
    "allocated": ("OBSERVE", "reserving", "reserved"),
    "loaded": ("OBSERVE", "loading", "in_transit"),
    "in_transit": ("OBSERVE", "departing", "in_transit"),
    "arrived": ("OBSERVE", "arriving", "in_transit"),
    "checked": ("OBSERVE", "inspecting", "active"),
    "inspected": ("OBSERVE", "inspecting", "available"),
    "transport_damage": ("OBSERVE", "inspecting", "damaged"),
    "display": ("OBSERVE", "other", "available"),
    "demo": ("OBSERVE", "other", "available"),
    "rejected_handover": ("OBSERVE", "inspecting", "available"),
    "disclosure_accepted": ("OBSERVE", "accepting", "reserved"),
    "freed": ("OBSERVE", "other", "available"),
    "delivered": ("OBSERVE", "retail_selling", "retail_sold"),
    "scrapped": ("DELETE", "destroying", "destroyed"),
    "lost": ("DELETE", "decommissioning", "inactive"),
}
_EVENT: Final[dict[str, Any]] = {
    "type": {"const": "ObjectEvent"},
    "eventID": {"type": "string", "pattern": r"^ni:///sha-256;[0-9a-f]{64}$"},
    "eventTime": {"type": "string", "pattern": TIME_PATTERN},
    "eventTimeZoneOffset": {"type": "string", "pattern": OFFSET_PATTERN},
    "recordTime": {"type": "string", "pattern": TIME_PATTERN},
    "epcList": {
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "items": {"type": "string", "pattern": f"^{EPC}{VIN_PATTERN[1:]}"},
    },
    "action": {"enum": ["ADD", "OBSERVE", "DELETE"]},
    "bizStep": {"enum": sorted({step for _, step, _ in MEANING.values()})},
    "disposition": {"enum": sorted({disposition for _, _, disposition in MEANING.values()})},
    "muster:kind": {"enum": sorted(MEANING)},
    "muster:sequence": {"type": "integer", "minimum": 1, "maximum": EVENTS_MAX},
    "muster:newness": {"enum": [one.word for one in Newness]},
    "muster:facts": {"type": "object"},
    "muster:previousHash": {"type": "string", "pattern": HASH_PATTERN},
    "muster:hash": {"type": "string", "pattern": HASH_PATTERN},
}
SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A car's passport: a subset of EPCIS 2.0",
    "type": "object",
    "additionalProperties": False,
    "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
    "properties": {
        "@context": {"const": [CONTEXT, {"muster": OWN_CONTEXT}]},
        "type": {"const": "EPCISDocument"},
        "schemaVersion": {"const": "2.0"},
        "creationDate": {"type": "string", "pattern": TIME_PATTERN},
        "epcisBody": {
            "type": "object",
            "additionalProperties": False,
            "required": ["eventList"],
            "properties": {
                "eventList": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": EVENTS_MAX,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": sorted(_EVENT),
                        "properties": _EVENT,
                    },
                }
            },
        },
    },
}


def write_epcis(passport: Passport, *, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """Return a passport as a document; `zone` is the brand's, in which its times are meant to be shown."""
    return {
        "@context": [CONTEXT, {"muster": OWN_CONTEXT}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": _time(now),
        "epcisBody": {"eventList": [_event(passport.vin, entry, zone) for entry in passport.entries]},
    }


def _event(vin: str, entry: PassportEntry, zone: tzinfo) -> dict[str, Any]:
    action, step, disposition = MEANING[entry.kind]
    return {
        "type": "ObjectEvent",
        "eventID": f"ni:///sha-256;{entry.hash}",
        # As the chain has it, in the reporter's own offset: the hash is over these very words.
        "eventTime": entry.at.isoformat(),
        "eventTimeZoneOffset": _offset(entry.at, zone),
        "recordTime": _time(entry.written_at),
        "epcList": [f"{EPC}{vin}"],
        "action": action,
        "bizStep": step,
        "disposition": disposition,
        "muster:kind": entry.kind,
        "muster:sequence": entry.sequence,
        "muster:newness": entry.newness.word,
        "muster:facts": entry.facts,
        "muster:previousHash": entry.previous_hash,
        "muster:hash": entry.hash,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _offset(moment: datetime, zone: tzinfo) -> str:
    """Return what a zone's clocks were ahead of UTC by at a moment: in many zones summer has another offset."""
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "a zone has an offset"
    minutes = int(offset / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


# --- reading one -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadPassport:
    """What a document says; `faults` names where it contradicts itself, the chain's hashes apart."""

    vin: str
    entries: tuple[PassportEntry, ...]
    faults: tuple[str, ...]


def shape_fault(document: Any) -> str | None:
    """Say where a document is not of the shape of `SCHEMA`; None where it is."""
    return _fault(document, SCHEMA, "$")


def _fault(value: Any, rule: Mapping[str, Any], path: str) -> str | None:
    """Check one value by the few words of JSON Schema that `SCHEMA` uses."""
    if "const" in rule and not _same(value, rule["const"]):
        return f"{path}: {rule['const']!r} is wanted"
    if "enum" in rule and not (isinstance(value, str) and value in rule["enum"]):
        return f"{path}: one of {', '.join(rule['enum'])} is wanted"
    match rule.get("type"):
        case "string":
            if not isinstance(value, str) or re.search(rule["pattern"], value) is None or value.endswith("\n"):
                return f"{path}: text of the form {rule['pattern']} is wanted"
        case "integer":
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not rule["minimum"] <= value <= rule["maximum"]:
                return f"{path}: a whole number from {rule['minimum']} to {rule['maximum']} is wanted"
        case "array":
            return _list_fault(value, rule, path)
        case "object":
            return _object_fault(value, rule, path)
        case _:
            pass
    return None


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and bool(value == wanted)


def _list_fault(value: Any, rule: Mapping[str, Any], path: str) -> str | None:
    if not isinstance(value, list) or not rule["minItems"] <= len(value) <= rule["maxItems"]:
        return f"{path}: a list of {rule['minItems']} to {rule['maxItems']} is wanted"
    faults = (_fault(one, rule["items"], f"{path}[{number}]") for number, one in enumerate(value))
    return next((fault for fault in faults if fault is not None), None)


def _object_fault(value: Any, rule: Mapping[str, Any], path: str) -> str | None:
    if not isinstance(value, dict):
        return f"{path}: an object is wanted"
    if "properties" not in rule:
        return None
    known: Mapping[str, Any] = rule["properties"]
    for name in rule["required"]:
        if name not in value:
            return f"{path}: {name} is missing"
    for name in value:
        if name not in known:
            return f"{path}: {name} is not known"
    faults = (_fault(value[name], known[name], f"{path}.{name}") for name in known if name in value)
    return next((fault for fault in faults if fault is not None), None)


def read_epcis(document: Any) -> ReadPassport:
    """Read a document of the right shape; raises ValueError with where it is of another."""
    fault = shape_fault(document)
    if fault is not None:
        raise ValueError(fault)
    events: Sequence[dict[str, Any]] = document["epcisBody"]["eventList"]
    vin = str(events[0]["epcList"][0]).removeprefix(EPC)
    entries = tuple(_entry(event) for event in events)
    faults = [
        fault for event, entry in zip(events, entries, strict=True) for fault in _contradictions(event, vin, entry)
    ]
    newness = Newness.NEW
    for entry in entries:
        if entry.newness < newness:
            faults.append(f"entry {entry.sequence}: {entry.newness.word} cannot follow {newness.word}")
        newness = max(newness, entry.newness)
    return ReadPassport(vin, entries, tuple(faults))


def _entry(event: Mapping[str, Any]) -> PassportEntry:
    return PassportEntry(
        sequence=event["muster:sequence"],
        kind=event["muster:kind"],
        at=datetime.fromisoformat(event["eventTime"]),
        written_at=datetime.fromisoformat(event["recordTime"]),
        newness=WORDS[event["muster:newness"]],
        facts=event["muster:facts"],
        previous_hash=event["muster:previousHash"],
        hash=event["muster:hash"],
    )


def _contradictions(event: Mapping[str, Any], vin: str, entry: PassportEntry) -> list[str]:
    """Name what an event says twice and differently: the standard's words beside the chain's own."""
    told = (event["action"], event["bizStep"], event["disposition"])
    checks = (
        (event["epcList"] == [f"{EPC}{vin}"], "is about another car"),
        (told == MEANING[entry.kind], f"{'/'.join(told)} is not what {entry.kind} means"),
        (event["eventID"] == f"ni:///sha-256;{entry.hash}", "has an eventID that is not its hash"),
        (not {"vin", "at", "newness"} & set(entry.facts), "tells its car, time or newness twice"),
    )
    return [f"entry {entry.sequence} {what}" for holds, what in checks if not holds]
