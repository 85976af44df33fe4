"""Files for a plant's system in a documented subset of B2MML 6 (ISA-95): what to build goes out, what was done in.

XML is read without document types, so that nothing in a file expands or fetches anything; depth and size are bounded.
No conformance to the standard is claimed beyond what `docs/guides/plant.md` shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from factory_orders.errors import PlantFileBroken
from factory_orders.plant.model import BuildOrder, PlantReport, Stage

NAMESPACE: Final = "http://www.mesa.org/xml/B2MML"
BYTES_MAX: Final = 20_000_000
DEPTH_MAX: Final = 12
ELEMENTS_MAX: Final = 500_000
TEXT_MAX: Final = 400
NUMBERS: Final = {"number": "number", "repairMinor": "repair_minor"}


# --- out -------------------------------------------------------------------------------------------------------------


def write_schedule(
    orders: Iterable[BuildOrder],
    *,
    schedule_id: str,
    plant_code: str,
    published_at: datetime,
    starts_at: Callable[[BuildOrder], datetime],
    write_id: Callable[[str], str],
) -> Iterator[str]:
    """Yield a ProductionSchedule line by line: a request for each build order, in the order given.

    `write_id` makes the ids by which a plant knows build orders; `starts_at` is when a car's day begins on the line.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<ProductionSchedule xmlns="{NAMESPACE}">'
    yield f"  <ID>{escape(schedule_id)}</ID>"
    yield "  <Location>"
    yield f"    <EquipmentID>{escape(plant_code)}</EquipmentID>"
    yield "    <EquipmentElementLevel>Site</EquipmentElementLevel>"
    yield "  </Location>"
    yield f"  <PublishedDate>{published_at.isoformat()}</PublishedDate>"
    for order in orders:
        yield from _request(order, starts_at(order), write_id(order.id))
    yield "</ProductionSchedule>"


def _request(order: BuildOrder, starts_at: datetime, written_id: str) -> Iterator[str]:
    yield "  <ProductionRequest>"
    yield f"    <ID>{escape(written_id)}</ID>"
    yield f"    <ProductProductionRuleID>{escape(order.model)}</ProductProductionRuleID>"
    yield f"    <StartTime>{starts_at.isoformat()}</StartTime>"
    if order.position is not None:
        yield f"    <Priority>{order.position}</Priority>"
    yield "    <SegmentRequirement>"
    yield f"      <ID>{order.stage.name}</ID>"
    for option in order.options:
        yield "      <MaterialConsumedRequirement>"
        yield f"        <MaterialDefinitionID>{escape(option)}</MaterialDefinitionID>"
        yield "        <Quantity><QuantityString>1</QuantityString></Quantity>"
        yield "      </MaterialConsumedRequirement>"
    yield "    </SegmentRequirement>"
    yield "  </ProductionRequest>"


# --- in --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Element:
    """One element of a file: its name without the namespace, its own text, and the line on which it begins."""

    name: str
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the children of a name."""
        return [one for one in self.children if one.name == name]


def read_xml(data: bytes) -> Element:
    """Read a file into elements; refuses PlantFileBroken with the line: no XML, a document type, too deep, too big."""
    if len(data) > BYTES_MAX:
        raise PlantFileBroken(0, f"the file is larger than {BYTES_MAX:,} bytes")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise PlantFileBroken(error.lineno, expat.ErrorString(error.code) or "no XML") from None
    except (LookupError, ValueError):  # Raised for an encoding that Python does not know, or of several bytes a sign.
        raise PlantFileBroken(1, "its encoding is not read; write UTF-8") from None
    assert reader.root is not None, "a file without an element is no XML"
    return reader.root


class _Reader:
    """Builds elements as expat tells of them, and stops at the first thing that a plant's file has no use for."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.root: Element | None = None
        self._open: list[Element] = []
        self._seen = 0
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _broken(self, reason: str) -> PlantFileBroken:
        return PlantFileBroken(self.parser.CurrentLineNumber, reason)

    def _doctype(self, *_words: object) -> None:
        raise self._broken("a document type is not read, nor anything that it declares")

    def _start(self, name: str, _attributes: object) -> None:
        namespace, _, own = name.rpartition(" ")
        if namespace != NAMESPACE:
            raise self._broken(f"{own} is not of the namespace {NAMESPACE}")
        self._seen += 1
        if len(self._open) >= DEPTH_MAX or self._seen > ELEMENTS_MAX:
            raise self._broken(f"at most {DEPTH_MAX} elements in each other and {ELEMENTS_MAX:,} in all are read")
        element = Element(own, self.parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        element = self._open[-1]
        # Blanks between elements, however many, are no text.
        if text.isspace():
            text = "" if element.text.endswith(" ") else " "
        element.text += text
        if len(element.text) > TEXT_MAX:
            raise self._broken(f"the text of {element.name} is longer than {TEXT_MAX} characters")


@dataclass(frozen=True, slots=True)
class FiledReport:
    """One report of a file: the line, the build order as the plant names it, and what it says."""

    line: int
    build_order: str
    report: PlantReport


def read_performance(data: bytes) -> list[FiledReport]:
    """Read a ProductionPerformance: a report for each response, in the file's order. Refuses PlantFileBroken."""
    root = read_xml(data)
    if root.name != "ProductionPerformance":
        raise PlantFileBroken(root.line, f"ProductionPerformance is wanted, not {root.name}")
    reports = [_report(response) for response in root.all("ProductionResponse")]
    if not reports:
        raise PlantFileBroken(root.line, "there is no ProductionResponse in it")
    return reports


def _report(response: Element) -> FiledReport:
    segment = _one(response, "SegmentResponse")
    stage = _text_of(segment, "ID")
    if stage not in Stage.__members__:
        names = ", ".join(one.name for one in Stage)
        raise PlantFileBroken(segment.line, f"{stage} is no stage; one of {names} is wanted")
    moment = _text_of(segment, "ActualEndTime")
    try:
        occurred_at = datetime.fromisoformat(moment)
    except ValueError:
        raise PlantFileBroken(segment.line, f"{moment} is no time; write 2026-11-27T12:00:00+08:00") from None
    if occurred_at.tzinfo is None:
        raise PlantFileBroken(segment.line, f"{moment} has no zone; write 2026-11-27T12:00:00+08:00")
    numbers = dict(_numbers(segment.all("ProductionData")))
    report = PlantReport(
        _text_of(response, "ID"),
        Stage[stage],
        occurred_at,
        repair_minor=numbers.get("repair_minor", 0),
        number=numbers.get("number"),
    )
    return FiledReport(response.line, _text_of(response, "ProductionRequestID"), report)


def _numbers(data: Sequence[Element]) -> Iterator[tuple[str, int]]:
    for one in data:
        name, told = _text_of(one, "ID"), _text_of(_one(one, "Value"), "ValueString")
        if name not in NUMBERS:
            raise PlantFileBroken(one.line, f"{name} is not known; there are {', '.join(NUMBERS)}")
        if not (told.isascii() and told.isdecimal()) or len(told) > 12:
            raise PlantFileBroken(one.line, f"{name} is a whole number, not {told}")
        yield NUMBERS[name], int(told)


def _one(element: Element, name: str) -> Element:
    found = element.all(name)
    if len(found) != 1:
        raise PlantFileBroken(element.line, f"{element.name} has {len(found)} of {name}, and one is wanted")
    return found[0]


def _text_of(element: Element, name: str) -> str:
    text = _one(element, name).text.strip()
    if not text:
        raise PlantFileBroken(element.line, f"{name} in {element.name} is empty")
    return text
