"""The tables and charts of a simulated year, and the page in docs/ that they go into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.year_account import Year
from benchmarks.year_plot import BEGINS_AT, YEAR
from demand.charts.drawing import draw_bars
from demand.charts.model import Bar, BarChart
from factory_orders.planning.model import OrderOrigin
from factory_orders.promises.calibration import Outcome

WEEKS_SHOWN: Final = 6
AIM: Final = (87.0, 95.0)
DOCS: Final = Path(__file__).resolve().parent.parent / "docs"


def weeks_late(outcome: Outcome) -> int:
    """Return how many weeks after its promised day a car stood ready: -1 is up to seven days before it, or on it."""
    if outcome.ready_on is None:
        return WEEKS_SHOWN
    days = (outcome.ready_on - outcome.promised_by).days
    return max(-WEEKS_SHOWN, min(-(-days // 7) - 1 if days <= 0 else (days - 1) // 7, WEEKS_SHOWN - 1))


def rows_of(year: Year) -> list[tuple[str, str]]:
    """Return the table's rows: what, and how much."""
    cars, messages, conduct = year.reports, year.state["messages"], YEAR.conduct
    half, promised = kept_percent(year.outcomes)
    half_learned, promised_learned = kept_percent(year.learned)
    return [
        ("simulated days", f"{(datetime.fromisoformat(year.state['now']) - BEGINS_AT).days}"),
        ("pools", _told(year.pools)),
        ("pre-orders", f"{sum(year.pre_orders.values()):,}: {_told(year.pre_orders)}"),
        ("orders of pools", _told(_of_origin(year, OrderOrigin.POOL))),
        ("orders for a store's stock, by car", _told(_of_origin(year, OrderOrigin.STORE))),
        ("orders of cars that stood in stock", _told(_of_origin(year, OrderOrigin.STOCK))),
        *((what, f"{count:,}") for what, count in year.befell.items()),
        ("cars off the line", f"{cars.get('passed', 0):,}, {cars.get('rework', 0)} after rework"),
        ("cars scrapped and built again", f"{cars.get('scrapped', 0)}"),
        (
            "weeks in which a plant broke down",
            f"{conduct.stopped_percent} % of them, up to {conduct.stop_hours_max} hours",
        ),
        (
            "weeks in which a part came late",
            f"{conduct.late_part_percent} % of them, up to {conduct.part_days_max} days",
        ),
        ("days that one plant stood still", f"{YEAR.still_days}"),
        ("messages of the plants, at least", f"{messages.get('sent', 0):,}"),
        (
            "of them lost, unanswered, late",
            ", ".join(str(messages.get(one, 0)) for one in ("lost", "unanswered", "late")),
        ),
        (
            "of them repeated, out of order",
            ", ".join(str(messages.get(one, 0)) for one in ("repeated", "out_of_order")),
        ),
        ("kill -9, each followed by an audit", f"{year.kills}"),
        ("promises that fell due", f"{len(year.outcomes):,}"),
        ("P90 promises kept", f"{promised:.1f} % (aim {AIM[0]:.0f}–{AIM[1]:.0f} %)"),
        ("ready by the expected day (P50)", f"{half:.1f} % (aim 50 %)"),
        ("promises made once their plant's cars had taught something", f"{len(year.learned):,}"),
        ("of them kept, and ready by the expected day", f"{promised_learned:.1f} %, {half_learned:.1f} %"),
        ("spans of months that the API shows, as the outcomes give them", f"{len(year.published)}"),
        ("audit and what no audit asks", f"{year.checks} checks, {len(year.unsound)} findings"),
        ("CPU seconds of the story", f"{year.state['cpu_seconds']:.0f}"),
    ]


def _of_origin(year: Year, origin: OrderOrigin) -> dict[str, int]:
    return {
        f"{state} ({reason})" if reason else state: count
        for (of, state, reason), count in year.orders.items()
        if of == origin.value
    }


def _told(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def chart_of(year: Year) -> str:
    """Return when cars stood ready against their promised day, as SVG."""
    counted = Counter(weeks_late(one) for one in year.outcomes)
    bars = tuple(
        Bar(_label(week), float(counted[week]), None, None, f"{counted[week]}")
        for week in range(-WEEKS_SHOWN, WEEKS_SHOWN + 1)
    )
    return draw_bars(
        BarChart(
            "When cars stood ready, against the promised day",
            "Cars of the simulated year by weeks before and after the day that was promised (P90).",
            bars,
            float(max([1, *counted.values()])),
        )
    )


def _label(week: int) -> str:
    if week == WEEKS_SHOWN:
        return "not ready"
    side = "before" if week < 0 else "after"
    first = -week - 1 if week < 0 else week
    return f"week {first + 1} {side}"


def _months(year: Year) -> dict[str, list[Outcome]]:
    by_month: dict[str, list[Outcome]] = {}
    for one in sorted(year.outcomes, key=lambda one: one.promised_by):
        by_month.setdefault(f"{one.promised_by:%Y-%m}", []).append(one)
    return by_month


def kept_percent(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return the shares of promises that were ready by the expected and by the promised day, in percent."""
    ready = [(one, one.ready_on) for one in outcomes if one.ready_on is not None]
    half = sum(day <= one.expected_on for one, day in ready)
    promised = sum(day <= one.promised_by for one, day in ready)
    return 100 * half / max(len(outcomes), 1), 100 * promised / max(len(outcomes), 1)


def calibration_table(year: Year) -> str:
    """Return by month how many promises fell due and were kept, and the margins that were learned by its end."""
    lines = ["| due in | promises | ready by P50 | kept P90 |", "|---|---|---|---|"]
    for month, outcomes in _months(year).items():
        half, promised = kept_percent(outcomes)
        lines.append(f"| {month} | {len(outcomes)} | {half:.0f} % | {promised:.0f} % |")
    lines += ["", "| margins on | plant | P50 | P90 | cars |", "|---|---|---|---|---|"]
    for plant, day, margin in year.margins:
        lines.append(f"| {day} | {plant} | {margin.p50_days:+d} | {margin.p90_days:+d} | {margin.observations} |")
    return "\n".join(lines)


def calibration_chart(year: Year) -> str:
    """Return the share of promises kept by the month in which they fell due, as SVG."""
    bars = []
    for month, outcomes in _months(year).items():
        _, promised = kept_percent(outcomes)
        bars.append(Bar(month, promised, None, None, f"{promised:.0f} %"))
    return draw_bars(
        BarChart(
            "Promises kept, by the month in which they fell due",
            "Share of P90 promises of the simulated year that were kept; nine in ten are aimed at.",
            tuple(bars),
            100.0,
        )
    )


def table_of(year: Year) -> str:
    """Return the table in Markdown."""
    rows = [f"| {what} | {how_much} |" for what, how_much in rows_of(year)]
    return "\n".join(("| | |", "|---|---|", *rows))


def write_page(year: Year, pace: str, *, database: str) -> None:
    """Put the figures and the chart where the documents are."""
    (DOCS / "year.svg").write_text(chart_of(year) + "\n", encoding="utf-8")
    (DOCS / "year-kept.svg").write_text(calibration_chart(year) + "\n", encoding="utf-8")
    page = DOCS / "year.md"
    before, mark, _ = page.read_text(encoding="utf-8").partition("<!-- figures -->\n")
    assert mark, "the page says where its figures go"
    measured = f"Measured on {datetime.now(UTC):%Y-%m-%d}, on {database}. {pace}"
    told = f"{measured}\n\n{table_of(year)}\n\n{calibration_table(year)}\n"
    page.write_text(before + mark + "\n" + told, encoding="utf-8")
