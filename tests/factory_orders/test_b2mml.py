"""A plant by files: its schedule names every car, its reports are taken once, and a hostile file does nothing."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from typer.testing import CliRunner

from factory_orders.errors import PlantEventGap, PlantFileBroken
from factory_orders.model import PlantReport, Stage
from factory_orders.plant.b2mml import DEPTH_MAX, NAMESPACE, Element, read_performance, read_xml
from factory_orders.plant.tables import plant_events
from graph.identifiers import write_id
from kernel.errors import NotFound
from muster.cli_plant import app
from muster.plant_files import Taken, schedule_of_plant, take_performance
from tests.factory_orders.trade import BUILD, NORTH_PLANT, PLANT_MACHINE, SYSTEM, Trade
from tests.support.databases import Database
from tests.support.site import mark_migrated, surroundings

HEAD = f'<ProductionPerformance xmlns="{NAMESPACE}">'
FOOT = "</ProductionPerformance>"


def response(event_id: str, order: str, stage: str, moment: str, **numbers: object) -> str:
    """Return one response as a plant writes it."""
    data = "".join(
        f"<ProductionData><ID>{name}</ID><Value><ValueString>{value}</ValueString></Value></ProductionData>"
        for name, value in numbers.items()
    )
    return (
        f"<ProductionResponse><ID>{event_id}</ID><ProductionRequestID>{order}</ProductionRequestID><SegmentResponse>"
        f"<ID>{stage}</ID><ActualEndTime>{moment}</ActualEndTime>{data}</SegmentResponse></ProductionResponse>"
    )


def performance(*responses: str) -> bytes:
    return "\n".join((HEAD, *responses, FOOT)).encode()


RIGHT = response("e1", "order", "PAINT", "2026-11-27T12:00:00+08:00", number=3)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_file_of_reports_is_read_in_its_order_with_lines() -> None:
    rework = response("e2", "order", "REWORK", "2026-11-27T18:00:00+08:00", number=5, repairMinor=60_000)

    first, second = read_performance(performance(RIGHT, rework))

    assert (first.line, first.build_order) == (2, "order")
    assert first.report == PlantReport("e1", Stage.PAINT, datetime(2026, 11, 27, 4, tzinfo=UTC), number=3)
    assert second.report.repair_minor == 60_000
    assert second.line == 3


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (b"", 1, "no element found"),
        (b"plant", 1, "syntax error"),
        (b"<a>", 1, "a is not of the namespace"),
        (f'<!DOCTYPE a [<!ENTITY x "y">]>{HEAD}{FOOT}'.encode(), 1, "document type"),
        (f'<!DOCTYPE a SYSTEM "file:///etc/passwd">{HEAD}{FOOT}'.encode(), 1, "document type"),
        (performance("&x;"), 2, "undefined entity"),
        (performance(), 1, "no ProductionResponse"),
        (f'<ProductionSchedule xmlns="{NAMESPACE}"/>'.encode(), 1, "ProductionPerformance is wanted"),
        (performance("<ProductionResponse/>"), 2, "0 of SegmentResponse"),
        (performance(RIGHT, RIGHT.replace("PAINT", "SOON")), 3, "SOON is no stage"),
        (performance(RIGHT.replace("+08:00", "")), 2, "has no zone"),
        (performance(RIGHT.replace("2026-11-27", "yesterday")), 2, "is no time"),
        (performance(RIGHT.replace(">3<", ">three<")), 2, "whole number"),
        (performance(RIGHT.replace(">3<", ">٣<")), 2, "whole number"),
        (performance(RIGHT.replace("number", "colour")), 2, "colour is not known"),
        (performance(RIGHT.replace("<ID>e1</ID>", "<ID> </ID>")), 2, "is empty"),
        (performance(RIGHT.replace("<ID>e1</ID>", "<ID>e1</ID><ID>e2</ID>")), 2, "2 of ID"),
        (performance(RIGHT.replace("e1", "e" * 500)), 2, "longer than"),
        (HEAD.encode() + b"<a>" * DEPTH_MAX, 1, "in each other"),
        (HEAD.encode() + b"\xff\xfe", 1, "not well-formed"),
        (b'<?xml version="1.0" encoding="GB18030"?>' + performance(RIGHT), 1, "write UTF-8"),
        (b'<?xml version="1.0" encoding="martian"?>' + performance(RIGHT), 1, "write UTF-8"),
    ],
)
def test_a_file_that_is_broken_or_hostile_is_refused_with_its_line(data: bytes, line: int, why: str) -> None:
    with pytest.raises(PlantFileBroken) as refused:
        read_performance(data)

    assert refused.value.line == line
    assert why in refused.value.reason


def test_blanks_however_many_are_no_text_and_take_no_time() -> None:
    blanks = "\n" * 200_000
    began = process_time()

    (report,) = read_performance(performance(blanks, RIGHT, blanks))

    assert report.report.event_id == "e1"
    assert process_time() - began < 5


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_read_or_refused(data: bytes) -> None:
    with suppress(PlantFileBroken):
        assert read_xml(data).name


# --- with a plant ----------------------------------------------------------------------------------------------------


def schedule_of(trade: Trade) -> Element:
    lines, _ = schedule_of_plant(trade.works, PLANT_MACHINE, "fir_north")
    return read_xml("\n".join(lines).encode())


def text(element: Element, *path: str) -> str:
    for name in path:
        (element,) = element.all(name)
    return element.text


def test_a_schedule_names_every_car_in_its_order_and_no_buyer(trade: Trade) -> None:
    trade.lock(5)
    orders = trade.build_orders()

    root = schedule_of(trade)

    requests = root.all("ProductionRequest")
    assert text(root, "Location", "EquipmentID") == "fir_north"
    assert [text(one, "ID") for one in requests] == [write_id("BuildOrder", order.id) for order in orders]
    assert [int(text(one, "Priority")) for one in requests] == [order.position for order in orders]
    (segment,) = requests[0].all("SegmentRequirement")
    options = [text(one, "MaterialDefinitionID") for one in segment.all("MaterialConsumedRequirement")]
    assert tuple(options) == orders[0].options
    assert text(requests[0], "StartTime") == f"{orders[0].day.isoformat()}T06:00:00+08:00"
    assert len(requests) == 5


def test_reports_of_a_file_are_taken_once_however_often_it_comes(trade: Trade) -> None:
    trade.lock(2)
    moment = trade.clock.now().isoformat()
    file = performance(
        *(
            response(f"{order.id[-6:]}-{number}", write_id("BuildOrder", order.id), stage.name, moment, number=number)
            for order in trade.build_orders()
            for number, stage in enumerate(BUILD, start=1)
        )
    )

    first = take_performance(trade.works, PLANT_MACHINE, file)
    again = take_performance(trade.works, PLANT_MACHINE, file)

    assert first == Taken(accepted=10)
    assert again == Taken(repeated=10)
    assert trade.build_orders() == []


def test_a_report_that_does_not_fit_is_named_with_its_line_and_the_others_are_taken(trade: Trade) -> None:
    trade.lock(1)
    order = write_id("BuildOrder", trade.build_orders()[0].id)
    moment = trade.clock.now().isoformat()
    file = performance(
        response("e1", order, "PARTS_READY", moment, number=1),
        response("e3", order, "PAINT", moment, number=3),
        response("e9", write_id("Plant", NORTH_PLANT), "BODY", moment),
        response("e2", order, "BODY", moment, number=2),
    )

    taken = take_performance(trade.works, PLANT_MACHINE, file)

    assert taken.accepted == 2
    assert taken.refused == [(3, PlantEventGap(expected=2, reported=3)), (4, NotFound("build order"))]


def test_of_a_broken_file_nothing_is_taken(trade: Trade) -> None:
    trade.lock(1)
    order = write_id("BuildOrder", trade.build_orders()[0].id)
    right = response("e1", order, "PARTS_READY", trade.clock.now().isoformat(), number=1)

    with pytest.raises(PlantFileBroken):
        take_performance(trade.works, PLANT_MACHINE, performance(right, RIGHT.replace("PAINT", "SOON")))

    with trade.works.read(SYSTEM) as work:
        assert work.connection.execute(select(plant_events.c.id)).all() == []


# --- from the command line -------------------------------------------------------------------------------------------


def test_the_commands_write_a_schedule_and_take_reports(trade: Trade, database: Database, tmp_path: Path) -> None:
    trade.lock(1)
    trade.clock.advance(timedelta(hours=1))
    mark_migrated(trade.works.engine)
    order = write_id("BuildOrder", trade.build_orders()[0].id)
    schedule, reports = tmp_path / "schedule.xml", tmp_path / "performance.xml"
    moment = trade.clock.now().isoformat()
    late = response("e5", order, "PASSED", moment, number=5)
    reports.write_bytes(performance(response("e1", order, "PARTS_READY", moment, number=1), late))
    site = {**surroundings(database.url)}
    at = ["--plant", "fir_north", "--brand", "fir"]

    written = CliRunner().invoke(app, ["orders", str(schedule), *at], env=site)
    again = CliRunner().invoke(app, ["orders", str(schedule), *at], env=site)
    taken = CliRunner().invoke(app, ["report", str(reports), *at], env=site)
    elsewhere = CliRunner().invoke(app, ["report", str(reports), "--plant", "moon", "--brand", "fir"], env=site)

    assert written.exit_code == 0, written.output
    assert order in schedule.read_text(encoding="utf-8")
    assert isinstance(again.exception, FileExistsError)
    assert taken.exit_code == 1
    assert "1 taken, 0 known before, 1 refused." in taken.output
    assert isinstance(elsewhere.exception, NotFound)
    reports.write_bytes(b"<no performance")
    broken = CliRunner().invoke(app, ["report", str(reports), *at], env=site)
    assert isinstance(broken.exception, PlantFileBroken)
    assert broken.exception.is_broken_input
