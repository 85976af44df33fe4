"""A passport as a document: of the published shape, the same after reading, and no change to it goes unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_orders import queries, service
from factory_orders.deliveries.shipment_service import CARRIERS
from factory_orders.errors import VinInvalid
from factory_orders.model import DisclosureReason, Newness, Stage
from factory_orders.vehicles.epcis import MEANING, SCHEMA, read_epcis, shape_fault, write_epcis
from factory_orders.vehicles.passport import Passport, PassportEntry
from kernel import record
from kernel.errors import InvalidInput, NotFound
from muster.verification import verify_document
from tests.factory_orders.trade import BUILD, SYSTEM, Trade

VALID = jsonschema_rs.Draft202012Validator(SCHEMA)
VIN = "L0LL50C11VA000125"
NOW = datetime(2026, 11, 27, 4, 30, 0, 125, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def chained(*links: tuple[str, Newness]) -> Passport:
    """Return a passport whose links fit each other."""
    entries: list[PassportEntry] = []
    for number, (kind, newness) in enumerate(links, start=1):
        at = NOW + timedelta(hours=number)
        facts: dict[str, Any] = {"repair_minor": 60_000} if kind == "rework" else {}
        previous = entries[-1].hash if entries else record.GENESIS
        body = {"vin": VIN, "at": at.isoformat(), "newness": newness.word} | facts
        made = record.entry_hash(
            chain=f"vin:{VIN}", sequence=number, kind=kind, body=body, previous_hash=previous, at=at
        )
        entries.append(PassportEntry(number, kind, at, at, newness, facts, previous, made))
    return Passport(VIN, entries[-1].newness, tuple(entries), verified=True)


WHOLE = chained(
    *((kind, Newness.NEW_DISCLOSED if number else Newness.NEW) for number, kind in enumerate(MEANING) if number < 13)
)


def written(passport: Passport = WHOLE) -> dict[str, Any]:
    return write_epcis(passport, now=NOW, zone=SHANGHAI)


def test_a_document_is_of_the_published_shape_and_says_the_same_when_it_is_read() -> None:
    document = written()

    read = read_epcis(orjson.loads(orjson.dumps(document)))

    assert VALID.is_valid(document)
    assert (read.vin, read.entries, read.faults) == (VIN, WHOLE.entries, ())
    assert verify_document(document).is_sound
    first = document["epcisBody"]["eventList"][0]
    assert (first["action"], first["bizStep"], first["epcList"]) == ("ADD", "commissioning", [f"urn:vin:{VIN}"])
    assert first["eventTimeZoneOffset"] == "+08:00"
    assert first["eventID"] == f"ni:///sha-256;{WHOLE.entries[0].hash}"


def test_a_time_that_a_plant_told_in_its_own_zone_keeps_its_hash() -> None:
    at = NOW.astimezone(SHANGHAI)
    body = {"vin": VIN, "at": at.isoformat(), "newness": Newness.NEW.word}
    made = record.entry_hash(
        chain=f"vin:{VIN}", sequence=1, kind="identified", body=body, previous_hash=record.GENESIS, at=NOW
    )
    entry = PassportEntry(1, "identified", at, NOW, Newness.NEW, {}, record.GENESIS, made)

    document = written(Passport(VIN, Newness.NEW, (entry,), verified=True))

    assert VALID.is_valid(document)
    assert verify_document(document).is_sound


def test_the_published_schema_is_the_one_that_documents_are_checked_by() -> None:
    file = Path(__file__).parents[2] / "docs" / "examples" / "passport.schema.json"

    assert orjson.loads(file.read_bytes()) == SCHEMA


def test_whatever_can_stand_in_a_passport_has_its_words() -> None:
    kinds = {one.value for one in (*DisclosureReason, *CARRIERS)}

    assert kinds <= set(MEANING)


@pytest.mark.parametrize(
    ("zone", "told"),
    [(timezone(-timedelta(hours=3, minutes=30)), "-03:30"), (UTC, "+00:00"), (SHANGHAI, "+08:00")],
)
def test_an_offset_is_written_with_its_sign(zone: tzinfo, told: str) -> None:
    document = write_epcis(WHOLE, now=NOW, zone=zone)

    assert {event["eventTimeZoneOffset"] for event in document["epcisBody"]["eventList"]} == {told}


def test_an_offset_is_that_of_the_events_own_day() -> None:
    in_summer = replace(WHOLE.entries[1], at=datetime(2027, 7, 1, tzinfo=UTC))
    both = replace(WHOLE, entries=(WHOLE.entries[0], in_summer))

    events = write_epcis(both, now=NOW, zone=ZoneInfo("Europe/Berlin"))["epcisBody"]["eventList"]

    assert [event["eventTimeZoneOffset"] for event in events] == ["+01:00", "+02:00"]


# --- changes ---------------------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every part of a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


OTHERS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2_000), st.text(max_size=20), st.just([]), st.just({}), st.just("ADD\n")
)


@given(st.sampled_from(list(places(written()))), OTHERS)
def test_what_the_published_schema_refuses_is_refused_and_nothing_else(path: tuple[Any, ...], other: Any) -> None:
    document = copy.deepcopy(written())
    _put(document, path, other)

    assert (shape_fault(document) is None) == VALID.is_valid(document)


NEWEST: Final = ("epcisBody", "eventList", len(WHOLE.entries) - 1)


@given(st.sampled_from([path for path in places(written()) if path != NEWEST]))
def test_a_part_that_is_missing_is_refused(path: tuple[Any, ...]) -> None:
    document = copy.deepcopy(written())
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]

    assert (shape_fault(document) is None) == VALID.is_valid(document)
    assert not _is_believed(document)


def test_a_document_without_its_newest_event_is_the_passport_of_an_earlier_hour_and_says_so() -> None:
    document = written()
    del document["epcisBody"]["eventList"][-1]

    verdict = verify_document(document)

    assert verdict.is_sound
    earlier = WHOLE.entries[-2]
    assert f"the last with hash {earlier.hash}" in verdict.says[0]
    assert earlier.written_at.isoformat(timespec="seconds") in verdict.says[2]


@given(st.sampled_from(list(places(written()))), OTHERS)
def test_no_change_to_what_happened_is_believed(path: tuple[Any, ...], other: Any) -> None:
    document = copy.deepcopy(written())
    before = copy.deepcopy(document)
    _put(document, path, other)

    assert not _is_believed(document) or document == before


def _put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def _is_believed(document: dict[str, Any]) -> bool:
    try:
        return verify_document(document).is_sound
    except InvalidInput:
        return False


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("bizStep", "retail_selling", "is not what built means"),
        ("epcList", ["urn:vin:L0LL50C1XVA000124"], "is about another car"),
        ("eventID", "ni:///sha-256;" + "0" * 64, "eventID"),
        ("eventTime", "2026-11-27T04:30:00.000125+00:00", "does not fit the hashes"),
        ("muster:newness", "new", "does not fit the hashes"),
        ("muster:facts", {"newness": "new"}, "twice"),
    ],
)
def test_a_change_within_the_shape_is_named(name: str, value: Any, fault: str) -> None:
    document = written()
    document["epcisBody"]["eventList"][2][name] = value

    verdict = verify_document(document)

    assert any(fault in one for one in verdict.faults), verdict.faults


def test_a_car_that_became_newer_is_named_though_its_chain_fits() -> None:
    document = written(chained(("identified", Newness.REPAIRED), ("built", Newness.NEW)))

    assert verify_document(document).faults == ("entry 2: new cannot follow repaired",)


def test_an_event_that_is_left_out_or_exchanged_is_seen() -> None:
    shorter, turned = written(), written()
    del shorter["epcisBody"]["eventList"][3]
    events = turned["epcisBody"]["eventList"]
    events[3], events[4] = events[4], events[3]

    assert not verify_document(shorter).is_sound
    assert not verify_document(turned).is_sound


# --- a real car ------------------------------------------------------------------------------------------------------


def test_a_real_cars_document_verifies_from_the_paint_to_the_handover(trade: Trade, tmp_path: Path) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id, stages=(*BUILD[:-1], Stage.REWORK, Stage.PASSED), repair_minor=60_000)
    trade.ship(order_id)
    trade.receive(order_id, damage=service.Damage("A scratch on the left door.", 30_000))
    with trade.works.read(SYSTEM) as work:
        document = queries.passport_document(work, vin)

    file = tmp_path / "passport.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    verdict = verify_document(json.loads(file.read_text(encoding="utf-8")))

    assert verdict.is_sound, verdict.faults
    assert VALID.is_valid(document)
    kinds = [event["muster:kind"] for event in document["epcisBody"]["eventList"]]
    assert kinds[:4] == ["identified", "rework", "built", "allocated"]
    assert "transport_damage" in kinds
    assert "scratch" not in json.dumps(document)
    assert verdict.says[1].endswith("new_disclosed")


def test_a_number_that_is_none_and_a_car_that_is_not_there_are_refused(trade: Trade) -> None:
    with trade.works.read(SYSTEM) as work:
        with pytest.raises(VinInvalid):
            queries.passport_document(work, "NOT-A-VIN")
        with pytest.raises(NotFound):
            queries.passport_document(work, VIN)
