"""Reads one CSV table of a catalogue folder: header, rows and cells, each fault with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from configurator.faults import FaultList
from kernel.money import MINOR_PER_MAJOR

ROWS_MAX: Final = 200_000
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)
"""Days beyond these are slips of the pen, and the day before the first of all there is not."""
_YUAN: Final = re.compile(r"(-?)(\d{1,9})\Z")
CODE_LENGTH_MAX: Final = 60
_CODE: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{CODE_LENGTH_MAX - 1}}}\Z")
_WHOLE: Final = re.compile(r"\d{1,6}\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; reading a cell notes a fault and returns a harmless value where the cell is wrong."""

    file: str
    line: int
    cells: dict[str, str]
    faults: FaultList

    def fault(self, reason: str) -> None:
        self.faults.add(self.file, self.line, reason)

    def optional(self, column: str) -> str:
        return self.cells[column]

    def required(self, column: str) -> str:
        if not self.cells[column]:
            self.fault(f"missing {column}")
        return self.cells[column]

    def code(self, column: str) -> str:
        """Return a code: it ends up in keys and addresses, so it is short and plain."""
        text = self.required(column)
        if text and _CODE.match(text) is None:
            self.fault(f"{column} must be letters, digits, _ . or -, at most {CODE_LENGTH_MAX}, not {text[:80]!r}")
        return text

    def yuan(self, column: str, *, negative: bool = False) -> int:
        """Return fen from whole yuan: prices here have no fen, so that a discount rounded to the yuan stays fair."""
        match = _YUAN.match(self.cells[column])
        if match is None or (match[1] and not negative):
            kind = "whole yuan" if negative else "whole yuan, not negative"
            self.fault(f"{column} must be {kind}, not {self.cells[column]!r}")
            return 0
        return int(self.cells[column]) * MINOR_PER_MAJOR

    def whole(self, column: str, *, least: int = 0) -> int:
        text = self.cells[column]
        if _WHOLE.match(text) is None or int(text) < least:
            self.fault(f"{column} must be a whole number from {least} on, not {text!r}")
            return least
        return int(text)

    def flag(self, column: str) -> bool:
        if self.cells[column] not in ("0", "1"):
            self.fault(f"{column} must be 0 or 1, not {self.cells[column]!r}")
        return self.cells[column] == "1"

    def day(self, column: str) -> date | None:
        text = self.cells[column]
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self.fault(f"{column} must be a day such as 2026-10-01, not {text[:80]!r}")
            return None
        if not FIRST_DAY <= day <= LAST_DAY:
            self.fault(f"{column} must lie between {FIRST_DAY} and {LAST_DAY}, not on {day}")
            return None
        return day

    def days(self) -> tuple[date | None, date | None]:
        """Return `first_day` and `last_day`, in order."""
        first, last = self.day("first_day"), self.day("last_day")
        if first is not None and last is not None and last < first:
            self.fault(f"last_day {last} lies before first_day {first}")
        return first, last

    def words(self, column: str) -> tuple[str, ...]:
        """Return the parts of a cell that are separated by semicolons."""
        return tuple(word.strip() for word in self.cells[column].split(";") if word.strip())


def read_table(folder: Path, file: str, columns: tuple[str, ...], faults: FaultList) -> list[Row]:
    """Read a table whose header names exactly these columns, in any order; broken rows are named and left out.

    Where a row cannot be told from the next, as at a quote that is never closed, what follows is left out too.
    """
    path = folder / file
    if not path.is_file():
        faults.add(file, 0, "is missing")
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(_rows(csv.reader(stream, strict=True), file, columns, faults))
    except UnicodeDecodeError:
        faults.add(file, 0, "is not UTF-8 text; save the file as UTF-8")
    except OSError as error:
        faults.add(file, 0, f"cannot be read: {error.strerror}")
    return []


class _CsvReader(Protocol):
    """What the csv module's readers are."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def _records(reader: _CsvReader, file: str, faults: FaultList) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of each record with its first line, up to one that cannot be told from the next."""
    while True:
        first_line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            faults.add(file, first_line, f"cannot be read as CSV from here on: {error}; check the quotes")
            return
        if cells is None:
            return
        yield first_line, cells


def _rows(reader: _CsvReader, file: str, columns: tuple[str, ...], faults: FaultList) -> Iterator[Row]:
    records = _records(reader, file, faults)
    header = [cell.strip() for cell in next(records, (1, []))[1]]
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in columns]
    if missing or unknown or len(set(header)) != len(header):
        faults.add(file, 1, f"the header must be {','.join(columns)}; missing {missing}, unknown or repeated {unknown}")
        return
    for first_line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            faults.add(file, first_line, f"has {len(cells)} cells where the header has {len(header)}; check the commas")
            continue
        if first_line > ROWS_MAX:
            faults.add(file, first_line, f"is beyond {ROWS_MAX} rows")
            return
        yield Row(file, first_line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}, faults)
