"""Reads line problems in the two public formats, and says of a broken file where it is broken and why.

The folder of the ROADEF/EURO challenge 2005: vehicles.txt, ratios.txt, paint_batch_limit.txt and
optimization_objectives.txt, with `;` between cells. The file of CSPLib problem 1: numbers only; `%` begins a remark.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from factory_orders.line.errors import InstanceBroken
from factory_orders.line.model import OPTIONS_MAX, LineCar, LineProblem, Objective, Ratio

CARS_MAX: Final = 20_000
WINDOW_MAX: Final = 1_000
"""Counts are kept for every window that touches the day; the longest of the public instances have 310 places."""
VEHICLES, RATIOS = "vehicles.txt", "ratios.txt"
LIMIT, OBJECTIVES = "paint_batch_limit.txt", "optimization_objectives.txt"
FIXED_COLUMNS: Final = 4
OBJECTIVE_NAMES: Final = {
    "high_priority_level": Objective.HIGH,
    "low_priority_level": Objective.LOW,
    "paint_color_batches": Objective.PAINT,
}


def read_problem(path: Path) -> LineProblem:
    """Read a challenge folder or a CSPLib file; refuses InstanceBroken."""
    return read_challenge(path) if path.is_dir() else read_csplib(path)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a file with its cells; a row can say what is wrong with it."""

    file: Path
    line: int
    cells: tuple[str, ...]

    def broken(self, reason: str) -> NoReturn:
        raise InstanceBroken(str(self.file), self.line, reason)

    def number(self, text: str, what: str, *, least: int = 0) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
            self.broken(f"{what} must be a whole number from {least}, not {text!r}")
        return int(text)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise InstanceBroken(str(file), 0, f"cannot be read: {error.strerror}") from error


def _rows(file: Path, *, columns: int) -> Iterator[_Row]:
    """Yield the lines below the header that are not empty."""
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if number == 1 or not line.strip():
            continue
        row = _Row(file, number, tuple(cell.strip() for cell in line.rstrip().removesuffix(";").split(";")))
        if len(row.cells) != columns:
            row.broken(f"has {len(row.cells)} cells instead of {columns}")
        yield row


def read_challenge(folder: Path) -> LineProblem:
    """Read a folder of the challenge: the first date is the day before, the second the day to order."""
    ratios = _read_ratios(folder / RATIOS)
    tail, cars = _read_vehicles(folder / VEHICLES, ratios)
    return LineProblem(
        name=folder.resolve().name,
        cars=cars,
        ratios=ratios,
        objectives=_read_objectives(folder / OBJECTIVES),
        tail=tail,
        paint_run_max=_read_limit(folder / LIMIT),
    )


def _read_ratios(file: Path) -> tuple[Ratio, ...]:
    ratios: list[Ratio] = []
    for row in _rows(file, columns=3):
        limit, priority, option = row.cells
        p, slash, q = limit.partition("/")
        if not slash:
            row.broken(f"a ratio is written p/q, not {limit!r}")
        ratio = Ratio(option, row.number(p, "p", least=1), row.number(q, "q", least=1), priority == "1")
        if ratio.p > ratio.q:
            row.broken(f"at most {ratio.p} in {ratio.q} limits nothing")
        if ratio.q > WINDOW_MAX:
            row.broken(f"windows of up to {WINDOW_MAX} cars are read, not of {ratio.q}")
        if priority not in ("0", "1"):
            row.broken(f"a priority is 1 (high) or 0 (low), not {priority!r}")
        if option in {known.option for known in ratios}:
            row.broken(f"{option} has a ratio already")
        if len(ratios) == OPTIONS_MAX:
            row.broken(f"more than {OPTIONS_MAX} ratios")
        ratios.append(ratio)
    if not ratios:
        raise InstanceBroken(str(file), 0, "has no ratio")
    return tuple(ratios)


def _read_limit(file: Path) -> int:
    rows = list(_rows(file, columns=1))
    if len(rows) != 1:
        raise InstanceBroken(str(file), 0, f"has {len(rows)} limits instead of one")
    return rows[0].number(rows[0].cells[0], "the paint batch limit", least=1)


def _read_objectives(file: Path) -> tuple[Objective, ...]:
    objectives: list[Objective] = []
    for row in _rows(file, columns=2):
        rank, name = row.cells
        if row.number(rank, "a rank", least=1) != len(objectives) + 1:
            row.broken(f"rank {rank} is out of order")
        found = next((objective for start, objective in OBJECTIVE_NAMES.items() if name.startswith(start)), None)
        if found is None:
            row.broken(f"{name!r} is no objective")
        if found in objectives:
            row.broken(f"{name!r} comes twice")
        objectives.append(found)
    if not objectives:
        raise InstanceBroken(str(file), 0, "has no objective")
    return tuple(objectives)


def _read_vehicles(file: Path, ratios: Sequence[Ratio]) -> tuple[tuple[LineCar, ...], tuple[LineCar, ...]]:
    header = _text(file).partition("\n")[0].rstrip().removesuffix(";").split(";")
    options = [cell.strip() for cell in header[FIXED_COLUMNS:]]
    lacking = [ratio.option for ratio in ratios if ratio.option not in options]
    if lacking:
        raise InstanceBroken(str(file), 1, f"has no column for {', '.join(lacking)}")
    twice = sorted(option for option, columns in Counter(options).items() if columns > 1)
    if twice:
        raise InstanceBroken(str(file), 1, f"has more than one column for {', '.join(twice)}")
    days: list[tuple[str, list[LineCar]]] = []
    seen: set[tuple[str, str]] = set()
    for row in _rows(file, columns=len(header)):
        date, rank, ident, paint, *flags = row.cells
        wrong = [option for option, flag in zip(options, flags, strict=True) if flag not in ("0", "1")]
        if wrong:
            row.broken(f"{', '.join(wrong)} must be 0 or 1")
        # Some of the challenge's own files name a car twice; a rank stands for one car all the same.
        if (date, rank) in seen:
            row.broken(f"rank {rank} of {date} is there already")
        if len(seen) == CARS_MAX:
            row.broken(f"more than {CARS_MAX} cars")
        seen.add((date, rank))
        if not days or days[-1][0] != date:
            days.append((date, []))
            if len(days) > 2:
                row.broken(f"date {date} begins a third day; there is the day before and the day to order")
        chosen = frozenset(option for option, flag in zip(options, flags, strict=True) if flag == "1")
        days[-1][1].append(LineCar(ident, paint, chosen))
    if not days:
        raise InstanceBroken(str(file), 0, "has no car")
    *earlier, (_, cars) = days
    return tuple(car for _, tail in earlier for car in tail), tuple(cars)


def read_csplib(file: Path) -> LineProblem:
    """Read a file of CSPLib problem 1: cars, options, classes; p of each option; q; then class by class."""
    numbers = _Numbers(file, _text(file))
    n, options, classes = (numbers.next(what) for what in ("the number of cars", "of options", "of classes"))
    if not 0 < n <= CARS_MAX or not 0 < options <= OPTIONS_MAX:
        numbers.broken(f"{n} cars with {options} options; from 1 to {CARS_MAX} and {OPTIONS_MAX} are possible")
    p = [numbers.next("p") for _ in range(options)]
    q = [numbers.next("q") for _ in range(options)]
    if any(not 1 <= least <= most for least, most in zip(p, q, strict=True)):
        numbers.broken("p must be from 1 to q for each option")
    if max(q) > WINDOW_MAX:
        numbers.broken(f"windows of up to {WINDOW_MAX} cars are read, not of {max(q)}")
    cars: list[LineCar] = []
    for _ in range(classes):
        kind, count = numbers.next("a class"), numbers.next("its number of cars")
        flags = [numbers.next("an option of the class") for _ in range(options)]
        if any(flag > 1 for flag in flags):
            numbers.broken(f"the options of class {kind} must be 0 or 1")
        if len(cars) + count > n:
            numbers.broken(f"the classes have more than the {n} cars of the first line")
        chosen = frozenset(str(option) for option, flag in enumerate(flags) if flag)
        cars += [LineCar(f"{kind}.{number}", "", chosen) for number in range(count)]
    numbers.end()
    if len(cars) != n:
        numbers.broken(f"the classes have {len(cars)} cars, the first line says {n}")
    ratios = tuple(Ratio(str(option), p[option], q[option]) for option in range(options))
    return LineProblem(file.stem, tuple(cars), ratios, (Objective.HIGH,), whole_windows_only=True)


class _Numbers:
    """The numbers of a file one after the other, with the line that the last one came from."""

    def __init__(self, file: Path, text: str) -> None:
        self._file, self._line = file, 0
        self._left = iter(
            [
                (number, word)
                for number, line in enumerate(text.splitlines(), start=1)
                for word in line.partition("%")[0].split()
            ]
        )

    def next(self, what: str) -> int:
        """Return the next number; refuses what is none, and the end of the file."""
        found = next(self._left, None)
        if found is None:
            self.broken(f"ends where {what} should be")
        self._line, word = found
        if not re.fullmatch(r"[0-9]{1,9}", word):
            self.broken(f"{what} must be a whole number, not {word!r}")
        return int(word)

    def end(self) -> None:
        """Refuse anything after the last class."""
        found = next(self._left, None)
        if found is not None:
            self._line = found[0]
            self.broken(f"{found[1]!r} after the last class")

    def broken(self, reason: str) -> NoReturn:
        raise InstanceBroken(str(self._file), self._line, reason)
