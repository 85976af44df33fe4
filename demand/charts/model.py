"""The values of charts: what is drawn, and the same numbers as a table for whoever does not see the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LINES_MAX: Final = 8
BARS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with what lies around it, both ends None where nothing is said of that, and the value in words."""

    label: str
    value: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars from the left, one below the other; `top` is where the scale ends."""

    title: str
    description: str
    bars: tuple[Bar, ...]
    top: float


@dataclass(frozen=True, slots=True)
class Line:
    """A value for each mark of the scale; None leaves a gap. With a `band` there is a low and a high for each mark."""

    label: str
    values: tuple[float | None, ...]
    band: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over common marks from left to right."""

    title: str
    description: str
    marks: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart as SVG, and the same as a table: names of columns and rows of words."""

    code: str
    model: str
    title: str
    description: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
