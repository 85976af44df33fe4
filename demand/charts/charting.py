"""Which charts there are, from released cells and forecasts: pure, in the words of the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from configurator.model import Text
from demand.charts.drawing import draw_bars, draw_lines
from demand.charts.model import Bar, BarChart, Drawn, Line, LineChart
from demand.cubes.model import EVERYBODY, ORDERED, PublishedCell, Step, add_versions
from demand.forecasts.model import Quantiles

OPTIONS_SHOWN: Final = 16
WEEKS_SHOWN: Final = 26
FUNNEL: Final[Mapping[Step, Text]] = {
    Step.SEEN: Text("首次出现", "seen"),
    Step.VOTED: Text("投票", "voted"),
    Step.CONFIGURED: Text("选配", "configured"),
    Step.PRE_ORDERED: Text("预订", "pre-ordered"),
    Step.LOCKED: Text("锁单", "locked"),
    Step.DELIVERED: Text("交车", "delivered"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The reader's language, and the names of options in it."""

    locale: str
    option_names: Mapping[str, str]

    def say(self, zh: str, en: str) -> str:
        """Return one of two texts."""
        return Text(zh, en).in_locale(self.locale)

    def option(self, code: str) -> str:
        """Return what an option is called; its code where the newest catalogue has it no more."""
        return self.option_names.get(code, code)


def chart_people(words: Words, model: str, cells: Iterable[PublishedCell]) -> Drawn | None:
    """Draw how many spoke a week for a model and how many of them pre-ordered; None where nothing is released."""
    by_code: dict[str, dict[date, int]] = {EVERYBODY: {}, ORDERED: {}}
    for cell in cells:
        if cell.key.option in by_code:
            weeks = by_code[cell.key.option]
            weeks[cell.key.week] = weeks.get(cell.key.week, 0) + cell.chosen
    if not by_code[EVERYBODY]:
        return None
    weeks_shown = _weeks(min(by_code[EVERYBODY]), max(by_code[EVERYBODY]))
    names = {
        EVERYBODY: words.say("发声人数", "persons who spoke"),
        ORDERED: words.say("其中预订", "of them pre-ordered"),
    }
    lines = [Line(names[code], tuple(counts.get(week) for week in weeks_shown)) for code, counts in by_code.items()]
    title = words.say(f"{model} 每周需求", f"{model}: demand by week")
    description = words.say(
        "全国，按周发布的人数；空缺为未发布。", "Everywhere, persons as released; a gap is not shown."
    )
    return _lines(
        "people", model, LineChart(title, description, _marks(weeks_shown), tuple(lines)), across=_week(words)
    )


def chart_take_rates(words: Words, model: str, cells: Iterable[PublishedCell]) -> Drawn | None:
    """Draw the take rates of a model's newest released week, the highest first; None where nothing is released."""
    options = [cell for cell in cells if cell.key.option not in (EVERYBODY, ORDERED) and cell.offered]
    if not options:
        return None
    week = max(cell.key.week for cell in options)
    newest = add_versions(cell for cell in options if cell.key.week == week)
    newest.sort(key=lambda cell: (-cell.take_rate, cell.key.option))
    bars = []
    for cell in newest[:OPTIONS_SHOWN]:
        low, high = cell.interval
        told = f"{cell.take_rate:.0%} ({low:.0%}–{high:.0%})"
        bars.append(Bar(words.option(cell.key.option), cell.take_rate, low, high, told))
    title = words.say(f"{model} 选装率，{week} 周", f"{model}: take rates, week of {week}")
    description = words.say("选中人数除以可选人数，含95 %区间。", "Chosen ÷ offered, with 95 % intervals.")
    return _bars("take_rates", model, BarChart(title, description, tuple(bars), 1.0), words)


def chart_forecast(
    words: Words, model: str, cells: Iterable[PublishedCell], expected: Sequence[tuple[date, Quantiles]]
) -> Drawn | None:
    """Draw a model's pre-orders so far and what is expected of the weeks after; None without a forecast."""
    if not expected:
        return None
    past: dict[date, int] = {}
    for cell in cells:
        if cell.key.option == ORDERED and cell.key.week < expected[0][0]:
            past[cell.key.week] = past.get(cell.key.week, 0) + cell.chosen
    told = dict(expected)
    weeks = _weeks(min(past, default=expected[0][0]), expected[-1][0])
    lines = (
        Line(words.say("已发布", "released"), tuple(past.get(week) for week in weeks)),
        Line(
            words.say("预期 P50，P10–P90", "expected P50, P10–P90"),
            tuple(told[week].p50 if week in told else None for week in weeks),
            tuple((told[week].p10, told[week].p90) if week in told else None for week in weeks),
        ),
    )
    title = words.say(f"{model} 预订量预测", f"{model}: pre-orders expected")
    description = words.say("色带为第10至第90百分位。", "The band lies between the 10th and the 90th percentile.")
    return _lines("forecast", model, LineChart(title, description, _marks(weeks), lines), across=_week(words))


def chart_funnel(words: Words, cells: Iterable[PublishedCell]) -> Drawn | None:
    """Draw how far all persons of the released weeks have come; None where nothing is released."""
    persons: dict[str, int] = {}
    for cell in cells:
        persons[cell.key.option] = persons.get(cell.key.option, 0) + cell.chosen
    seen = persons.get(Step.SEEN, 0)
    if not seen:
        return None
    steps = [(step, persons[step]) for step in Step if step in persons]
    bars = tuple(
        Bar(FUNNEL[step].in_locale(words.locale), count, None, None, f"{count:,} ({count / seen:.0%})")
        for step, count in steps
    )
    title = words.say("从首次出现到交车", "From first sight to the car")
    description = words.say("已发布各周人数之和。", "Persons, added up over the released weeks.")
    return _bars("funnel", "", BarChart(title, description, bars, float(max(count for _, count in steps))), words)


def chart_willingness(words: Words, model: str, curve: Sequence[tuple[int, int, int]]) -> Drawn | None:
    """Draw which share of a week's pre-orders goes ahead at a discount; `curve` is (percent, willing, all)."""
    if not curve:
        return None
    marks = tuple(f"{percent} %" for percent, _, _ in curve)
    shares = tuple(100 * willing / everybody for _, willing, everybody in curve)
    title = words.say(f"{model} 各优惠下愿意成交的比例", f"{model}: who goes ahead at which discount")
    description = words.say("按价格上限，预订人数的百分比。", "From price caps, in percent of pre-orders.")
    line = Line(words.say("愿意，%", "willing, %"), shares)
    return _lines(
        "willingness", model, LineChart(title, description, marks, (line,)), across=words.say("优惠", "discount")
    )


def _weeks(first: date, last: date) -> list[date]:
    number = (last - first).days // 7 + 1
    return [first + timedelta(weeks=week) for week in range(number)][-WEEKS_SHOWN:]


def _week(words: Words) -> str:
    return words.say("周", "week of")


def _marks(weeks: Sequence[date]) -> tuple[str, ...]:
    return tuple(f"{week:%m-%d}" for week in weeks)


def _lines(code: str, model: str, chart: LineChart, *, across: str) -> Drawn:
    """Return a chart of lines with its numbers; `across` names what its marks are, a week or a discount."""
    columns = [across]
    for line in chart.lines:
        columns += [line.label, "P10", "P90"] if line.band else [line.label]
    rows = [(mark, *(cell for line in chart.lines for cell in _told(line, at))) for at, mark in enumerate(chart.marks)]
    return Drawn(code, model, chart.title, chart.description, draw_lines(chart), tuple(columns), tuple(rows))


def _told(line: Line, at: int) -> list[str]:
    value, ends = line.values[at], line.band[at] if line.band else None
    told = ["" if value is None else f"{value:,.1f}".removesuffix(".0")]
    if line.band:
        told += ["", ""] if ends is None else [f"{end:,.1f}" for end in ends]
    return told


def _bars(code: str, model: str, chart: BarChart, words: Words) -> Drawn:
    columns = (words.say("项目", "what"), words.say("数值", "figure"))
    rows = tuple((bar.label, bar.told) for bar in chart.bars)
    return Drawn(code, model, chart.title, chart.description, draw_bars(chart), columns, rows)
