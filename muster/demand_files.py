"""Released demand as files for spreadsheets and data tools: what the API shows planners, a table a file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

from demand.cubes.model import add_versions
from demand.cubes.queries import released_cells
from demand.errors import TooFewWeeks
from demand.model import CALLS_MAX, CubeName, PublishedCell
from demand.queries import CellFilter, PartOutlook, all_forecasts, expected_parts, version_numbers
from kernel.errors import InvalidInput
from kernel.work import Work

Value: TypeAlias = str | int | float | date | None
Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ReleasedTable:
    """A table's name, its columns in order, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Row]


def _take_rate(cell: PublishedCell, versions: str) -> Row:
    low, high = cell.interval
    return {
        "week": cell.key.week,
        "model": cell.key.model,
        "option": cell.key.option,
        "region": cell.key.region,
        "chosen": cell.chosen,
        "offered": cell.offered,
        "take_rate": cell.take_rate,
        "low": low,
        "high": high,
        "versions": versions,
    }


def _pair(cell: PublishedCell, versions: str) -> Row:
    lift = cell.lift
    return {
        "week": cell.key.week,
        "model": cell.key.model,
        "first": cell.key.option,
        "second": cell.key.second,
        "both": cell.chosen,
        "first_chosen": cell.first_chosen,
        "second_chosen": cell.second_chosen,
        "offered": cell.offered,
        "lift": None if lift is None else lift.value,
        "low": None if lift is None else lift.low,
        "high": None if lift is None else lift.high,
        "versions": versions,
    }


def _step(cell: PublishedCell, _versions: str) -> Row:
    return {"week": cell.key.week, "step": cell.key.option, "persons": cell.chosen, "seen": cell.offered}


def _cap(cell: PublishedCell, _versions: str) -> Row:
    return {
        "week": cell.key.week,
        "model": cell.key.model,
        "percent_max": int(cell.key.option),
        "persons": cell.chosen,
        "of": cell.offered,
    }


def _cancellation(cell: PublishedCell, _versions: str) -> Row:
    return {"week": cell.key.week, "kind": cell.key.option, "persons": cell.chosen}


SHOWN: Final[Mapping[CubeName, tuple[tuple[str, ...], Callable[[PublishedCell, str], Row]]]] = {
    CubeName.TAKE_RATES: (
        ("week", "model", "option", "region", "chosen", "offered", "take_rate", "low", "high", "versions"),
        _take_rate,
    ),
    CubeName.PAIRS: (
        (
            *("week", "model", "first", "second", "both", "first_chosen", "second_chosen"),
            *("offered", "lift", "low", "high", "versions"),
        ),
        _pair,
    ),
    CubeName.FUNNEL: (("week", "step", "persons", "seen"), _step),
    CubeName.CAPS: (("week", "model", "percent_max", "persons", "of"), _cap),
    CubeName.CANCELLATIONS: (("week", "kind", "persons"), _cancellation),
}


def released_tables(work: Work) -> list[ReleasedTable]:
    """Return every cube as the newest release shows it; an empty option is everybody.

    Of a week in which the catalogue changed, the take rates are of all versions together; pairs stand apart, since
    what became more common with a version would look as if it went together.
    """
    return [ReleasedTable(str(cube), columns, _rows(work, cube, show)) for cube, (columns, show) in SHOWN.items()]


def _rows(work: Work, cube: CubeName, show: Callable[[PublishedCell, str], Row]) -> list[Row]:
    cells = released_cells(work, cube, CellFilter())
    if cube is CubeName.TAKE_RATES:
        cells = add_versions(cells)
    return [
        show(cell, "+".join(map(str, numbers)))
        for cell, numbers in zip(cells, version_numbers(work, cells), strict=True)
    ]


FORECASTS: Final = ("model", "option", "week", "p10", "p50", "p90")
PARTS: Final = ("call_off_by", "built_on", "part", "supplier", "late", "p10", "p50", "p90")


def expected_tables(work: Work) -> list[ReleasedTable]:
    """Return what is expected from the newest release: each option's weeks, and the parts of the pre-orders."""
    weeks: list[Row] = [
        {"model": model, "option": option, "week": week, "p10": one.p10, "p50": one.p50, "p90": one.p90}
        for model, option, week, one in all_forecasts(work)
    ]
    try:
        parts = parts_table(expected_parts(work, first=CALLS_MAX))
    except TooFewWeeks:
        parts = ReleasedTable("expected_parts", PARTS, [])
    return [ReleasedTable("forecasts", FORECASTS, weeks), parts]


def parts_table(found: PartOutlook) -> ReleasedTable:
    """Return expected parts as a table, a call a row."""
    rows: list[Row] = [
        {
            "call_off_by": call.need.call_off_by,
            "built_on": call.need.built_on,
            "part": call.need.part,
            "supplier": call.need.supplier,
            "late": int(found.is_late(call)),
            "p10": call.pieces.p10,
            "p50": call.pieces.p50,
            "p90": call.pieces.p90,
        }
        for call in found.calls
    ]
    return ReleasedTable("expected_parts", PARTS, rows)


def write_table(folder: Path, table: ReleasedTable, form: str) -> Path:
    """Write one table as csv, xlsx or parquet and return the file; refuses InvalidInput where Parquet is not there."""
    path = folder / f"{table.name}.{form}"
    match form:
        case "csv":
            _write_csv(path, table)
        case "xlsx":
            _write_excel(path, table)
        case _:
            assert form == "parquet", form
            _write_parquet(path, table)
    return path


def _write_csv(path: Path, table: ReleasedTable) -> None:
    # The mark at the beginning is how Excel knows that the text is UTF-8.
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, table.columns)
        writer.writeheader()
        writer.writerows(table.rows)


def _write_excel(path: Path, table: ReleasedTable) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.name)
    sheet.append(list(table.columns))
    for row in table.rows:
        sheet.append([row[column] for column in table.columns])
    book.save(path)


def _write_parquet(path: Path, table: ReleasedTable) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InvalidInput("as", "Parquet is optional: `python3 dev.py extras` adds it") from None
    columns = {column: [row[column] for row in table.rows] for column in table.columns}
    parquet.write_table(pa.table(columns), path)
