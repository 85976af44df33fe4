"""Draws charts as SVG that stands alone: no script, no font of its own, the same bytes for the same numbers.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; lines differ in their dashes
too. Title and description are there for who listens to the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import floor, log10
from typing import Final, TypeVar
from xml.sax.saxutils import escape

from demand.charts.model import BARS_MAX, LINES_MAX, Bar, BarChart, Line, LineChart

RunT = TypeVar("RunT")
WIDTH: Final = 720
LEFT: Final = 56
RIGHT: Final = 16
HEAD: Final = 64
PLOT_HEIGHT: Final = 240
FOOT: Final = 40
BAR_STEP: Final = 24
BAR_LEFT: Final = 200
BAR_RIGHT: Final = 110
MARKS_SHOWN: Final = 9
TICKS: Final = 5
NOUGHT: Final = 1e-9
LEGEND_STEP: Final = 140
INK: Final = "#222222"
GRID: Final = "#d9d9d9"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#5d5d5d", "#8a6d00", "#56b4e9", "#000000")
DASHES: Final = ("", "6 3", "2 3", "8 3 2 3")


def draw_bars(chart: BarChart) -> str:
    """Return bars with the interval of each as a thin line over its end."""
    assert len(chart.bars) <= BARS_MAX and chart.top > 0
    scale = (WIDTH - BAR_LEFT - BAR_RIGHT) / chart.top
    height = HEAD + BAR_STEP * len(chart.bars) + 8
    body = [piece for row, bar in enumerate(chart.bars) for piece in _bar(bar, HEAD + BAR_STEP * row, scale)]
    return _svg(chart.title, chart.description, height, body)


def _bar(bar: Bar, top: float, scale: float) -> Iterator[str]:
    middle = top + BAR_STEP / 2
    yield _text(BAR_LEFT - 8, middle + 4, bar.label, anchor="end")
    yield (
        f'<rect x="{BAR_LEFT}" y="{_n(top + 4)}" width="{_n(bar.value * scale)}" height="{BAR_STEP - 8}" '
        f'fill="{COLOURS[0]}" fill-opacity="0.75"/>'
    )
    if bar.low is not None and bar.high is not None:
        low, high = BAR_LEFT + bar.low * scale, BAR_LEFT + bar.high * scale
        ends = f"M{_n(low)} {_n(middle - 4)}V{_n(middle + 4)}M{_n(high)} {_n(middle - 4)}V{_n(middle + 4)}"
        yield f'<path d="M{_n(low)} {_n(middle)}H{_n(high)}{ends}" stroke="{INK}" fill="none"/>'
    yield _text(WIDTH - RIGHT, middle + 4, bar.told, anchor="end")


def draw_lines(chart: LineChart) -> str:
    """Return lines with their bands over a scale from zero to a round number."""
    assert len(chart.lines) <= LINES_MAX and chart.marks
    assert all(len(line.values) == len(chart.marks) for line in chart.lines)
    top = _round_top(max(_heights(chart.lines), default=0.0))
    body = [*_axes(chart.marks, top)]
    for place, line in enumerate(chart.lines):
        body += [*_line(line, COLOURS[place], DASHES[place % len(DASHES)], top), *_legend(line.label, place)]
    return _svg(chart.title, chart.description, HEAD + PLOT_HEIGHT + FOOT, body)


def _heights(lines: Sequence[Line]) -> Iterator[float]:
    for line in lines:
        yield from (value for value in line.values if value is not None)
        yield from (ends[1] for ends in line.band if ends is not None)


def _round_top(highest: float) -> float:
    """Return the end of a scale: the next of 1, 2, 5 times a power of ten that is not below; 1 where all is nought."""
    if highest < NOUGHT:
        return 1.0
    power = 10.0 ** floor(log10(highest))
    return next((step * power for step in (1.0, 2.0, 5.0) if step * power >= highest), 10 * power)


def _across(place: int, marks: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / marks


def _down(value: float, top: float) -> float:
    return HEAD + PLOT_HEIGHT * (1 - value / top)


def _axes(marks: Sequence[str], top: float) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        y = _n(_down(value, top))
        yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="{GRID}"/>'
        yield _text(LEFT - 6, _down(value, top) + 4, f"{value:g}", anchor="end")
    every = -(-len(marks) // MARKS_SHOWN)
    for place in range(0, len(marks), every):
        yield _text(_across(place, len(marks)), HEAD + PLOT_HEIGHT + 20, marks[place], anchor="middle")


def _line(line: Line, colour: str, dash: str, top: float) -> Iterator[str]:
    marks = len(line.values)
    for run in _runs([None if ends is None else (place, ends) for place, ends in enumerate(line.band)]):
        above = [f"{_n(_across(place, marks))} {_n(_down(ends[1], top))}" for place, ends in run]
        below = [f"{_n(_across(place, marks))} {_n(_down(ends[0], top))}" for place, ends in reversed(run)]
        yield f'<path d="M{"L".join(above + below)}Z" fill="{colour}" fill-opacity="0.2"/>'
    for points in _runs([None if value is None else (place, value) for place, value in enumerate(line.values)]):
        path = "L".join(f"{_n(_across(place, marks))} {_n(_down(value, top))}" for place, value in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none"{dashed}/>'
        for place, value in points:
            yield f'<circle cx="{_n(_across(place, marks))}" cy="{_n(_down(value, top))}" r="2.5" fill="{colour}"/>'


def _runs(points: Sequence[tuple[int, RunT] | None]) -> Iterator[list[tuple[int, RunT]]]:
    """Yield the pieces between the gaps."""
    for known, run in groupby(points, key=lambda point: point is not None):
        if known:
            yield [point for point in run if point is not None]


def _legend(label: str, place: int) -> Iterator[str]:
    x, y = LEFT + LEGEND_STEP * (place % 4), 36 + 16 * (place // 4)
    dash = DASHES[place % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    yield f'<path d="M{x} {y}H{x + 22}" stroke="{COLOURS[place]}" stroke-width="2"{dashed}/>'
    yield _text(x + 28, y + 4, label)


def _svg(title: str, description: str, height: float, body: Sequence[str]) -> str:
    frame = f'viewBox="0 0 {WIDTH} {_n(height)}" width="{WIDTH}" height="{_n(height)}"'
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame} role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(description)}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{RIGHT}" y="20" font-size="15" font-weight="bold" fill="{INK}">{escape(title)}</text>',
        *body,
        "</svg>",
    )
    return "\n".join(lines) + "\n"


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'


def _n(value: float) -> str:
    """Write a length with two places at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
