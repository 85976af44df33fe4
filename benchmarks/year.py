"""A simulated year from pre-orders to handovers, with breakdowns, bad messages and kill -9, and what it came to.

`python3 dev.py bench year` lives it in a process of its own that is killed now and then and goes on where it was; then
every invariant is audited, and the table shows what became of pools, cars and promises. `--write` puts table and chart
into docs/. The aim: 87 to 95 of a hundred promises kept, and an audit that finds nothing.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from benchmarks.yardstick import pace_line
from benchmarks.year_story import BEGINS_AT, CONDUCT, environment, read_state
from configurator.tables import quotes
from demand.charts.drawing import draw_bars
from demand.charts.model import Bar, BarChart
from demand.pools.tables import pools, pre_orders
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import plant_events
from factory_orders.promises.calibration import Outcome
from factory_orders.promises.learning import Margin, left_in_time
from factory_orders.promises.margin_store import margin_at
from factory_orders.promises.store import outcomes_until
from factory_orders.promises.tables import LEFT_WITHOUT_CAR, promise_margins, promise_outcomes
from kernel import db, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId
from kernel.work import Work, Works
from muster.audit import audit
from muster.settings import read_settings
from muster.wiring import wire

DAYS: Final = 365
KILLS: Final = 12
KILL_SECONDS: Final = (1.5, 12.0)
WEEKS_SHOWN: Final = 6
MONTHS_MAX: Final = 26
AIM: Final = (87.0, 95.0)
DOCS: Final = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True, slots=True)
class Year:
    """What a year came to: counts by state, each promise with its outcome, and what an audit found."""

    state: Mapping[str, Any]
    pools: Mapping[str, int]
    pre_orders: int
    orders: Mapping[str, int]
    reports: Mapping[str, int]
    outcomes: Sequence[Outcome]
    learned: Sequence[Outcome]
    margins: Sequence[tuple[str, date, Margin]]
    unsound: Sequence[str]
    checks: int
    kills: int


class YearFailed(Exception):
    """The story ended by itself before its last day."""


def live_and_kill(folder: Path, *, days: int, kills: int, seconds: tuple[float, float], seed: int = 1) -> int:
    """Live a year in a process that is killed so many times at moments that chance takes; returns how often it was."""
    chance = random.Random(seed)
    command = [sys.executable, "-m", "benchmarks.year_story", str(folder), "--days", str(days)]
    for killed in range(kills):
        with subprocess.Popen(command) as process:
            try:
                process.wait(chance.uniform(*seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                continue
            if process.returncode:
                raise YearFailed(f"the story ended with {process.returncode}")
            return killed
    if subprocess.run(command, check=False).returncode:
        raise YearFailed("the story failed after the last kill")
    return kills


def look_back(folder: Path, *, kills: int) -> Year:
    """Read what became of everything, and audit every brand that is there."""
    settings, state = read_settings(environment(folder)), read_state(folder)
    now = datetime.fromisoformat(state["now"]).astimezone(UTC)
    works = Works(db.open_engine(settings.database_url), clock=FixedClock(now))
    runtime = wire(settings, works=works)
    found = [
        f"{finding.check.name}: {line}"
        for one in audit(works, runtime.checks)
        for finding in one.findings
        for line in finding.violations
    ]
    with works.read(system(BrandId("platform"))) as work:
        brand = registry.brand_by_code(work, "qilan")
        own = work.acting(system(brand.id))
        year = Year(
            state=state,
            pools=_counts(own, pools.c.state),
            pre_orders=int(own.connection.execute(select(func.count()).select_from(pre_orders)).scalar_one()),
            orders=_counts(own, orders.c.state),
            reports=_counts(own, plant_events.c.stage),
            outcomes=_outcomes(own, now.astimezone(brand.zone).date()),
            learned=learned_promises(own, now.astimezone(brand.zone).date()),
            margins=_margins(own),
            unsound=found,
            checks=len(runtime.checks),
            kills=kills,
        )
    runtime.identity.close()
    works.engine.dispose()
    return year


def _counts(work: Work, column: Any) -> dict[Any, int]:
    found = select(column, func.count()).group_by(column).order_by(column)
    return {row[0]: int(row[1]) for row in work.connection.execute(found)}


def _outcomes(work: Work, today: date) -> list[Outcome]:
    plants = registry.list_plants(work)
    return [one for plant in plants for one in outcomes_until(work, plant.id, after=None, until=today)]


def learned_promises(work: Work, today: date) -> list[Outcome]:
    """Return those promises due that were made once their plant's cars had taught something."""
    outcome, first = promise_outcomes.c, promise_margins.alias()
    taught = select(func.min(first.c.released_at)).where(first.c.plant_id == outcome.plant_id).scalar_subquery()
    found = (
        select(
            outcome.expected_on,
            outcome.promised_by,
            outcome.ready_on,
            func.coalesce(orders.c.person_id, orders.c.account_id).label("person"),
            orders.c.ended_at,
            LEFT_WITHOUT_CAR.label("left_without_car"),
        )
        .join(orders, orders.c.id == outcome.order_id)
        .join(quotes, quotes.c.id == orders.c.quote_id)
        .where(outcome.brand_id == work.actor.brand_id, outcome.promised_by <= today, quotes.c.issued_at >= taught)
    )
    zone = registry.own_brand(work).zone
    return [
        Outcome(row.expected_on, row.promised_by, row.ready_on, row.person)
        for row in work.connection.execute(found)
        if not left_in_time(row, zone)
    ]


def _margins(work: Work) -> list[tuple[str, date, Margin]]:
    """Return each plant's margins at the end of each month, as they were learned by then."""
    begins, now = BEGINS_AT.astimezone(UTC), work.now
    ends = [datetime(begins.year + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, MONTHS_MAX)]
    found = [
        (plant.code, end.date(), margin)
        for plant in registry.list_plants(work)
        for end in ends
        if end <= now and (margin := margin_at(work, plant.id, end)) is not None
    ]
    return sorted(found, key=lambda one: (one[1], one[0]))


# --- what is shown ---------------------------------------------------------------------------------------------------


def weeks_late(outcome: Outcome) -> int:
    """Return how many weeks after its promised day a car stood ready: -1 is up to seven days before it, or on it."""
    if outcome.ready_on is None:
        return WEEKS_SHOWN
    days = (outcome.ready_on - outcome.promised_by).days
    return max(-WEEKS_SHOWN, min(-(-days // 7) - 1 if days <= 0 else (days - 1) // 7, WEEKS_SHOWN - 1))


def rows_of(year: Year) -> list[tuple[str, str]]:
    """Return the table's rows: what, and how much."""
    cars, messages = year.reports, year.state["messages"]
    half, promised = kept_percent(year.outcomes)
    half_learned, promised_learned = kept_percent(year.learned)
    return [
        ("simulated days", f"{(datetime.fromisoformat(year.state['now']) - BEGINS_AT).days}"),
        ("pools", _told(year.pools)),
        ("pre-orders", f"{year.pre_orders:,}"),
        ("orders", _told(year.orders)),
        ("cars off the line", f"{cars.get('passed', 0):,}, {cars.get('rework', 0)} after rework"),
        ("cars scrapped and built again", f"{cars.get('scrapped', 0)}"),
        (
            "weeks in which a plant broke down",
            f"{CONDUCT.stopped_percent} % of them, up to {CONDUCT.stop_hours_max} hours",
        ),
        ("messages of the plants, at least", f"{messages.get('sent', 0):,}"),
        (
            "of them lost, unanswered, late",
            ", ".join(str(messages.get(one, 0)) for one in ("lost", "unanswered", "late")),
        ),
        (
            "of them repeated, out of order",
            ", ".join(str(messages.get(one, 0)) for one in ("repeated", "out_of_order")),
        ),
        ("kill -9", f"{year.kills}"),
        ("promises that fell due", f"{len(year.outcomes):,}"),
        ("P90 promises kept", f"{promised:.1f} % (aim {AIM[0]:.0f}–{AIM[1]:.0f} %)"),
        ("ready by the expected day (P50)", f"{half:.1f} % (aim 50 %)"),
        ("promises made once their plant's cars had taught something", f"{len(year.learned):,}"),
        ("of them kept, and ready by the expected day", f"{promised_learned:.1f} %, {half_learned:.1f} %"),
        ("audit", f"{year.checks} checks, {len(year.unsound)} findings"),
        ("CPU seconds of the story", f"{year.state['cpu_seconds']:.0f}"),
    ]


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


def main() -> None:
    """Live, kill, audit, show; ends with 1 where the audit found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=DAYS, help="shorter than a year for a try")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often the process is killed")
    parser.add_argument("--seed", type=int, default=1, help="another seed kills at other moments")
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    chosen = parser.parse_args()
    pace, began = pace_line(), time.monotonic()
    print(pace)
    with tempfile.TemporaryDirectory(prefix="muster-year-") as name:
        folder = Path(name)
        killed = live_and_kill(folder, days=chosen.days, kills=chosen.kills, seconds=KILL_SECONDS, seed=chosen.seed)
        year = look_back(folder, kills=killed)
    print(f"\n{table_of(year)}\n\n{calibration_table(year)}\n\n{time.monotonic() - began:.0f} s in all")
    for line in year.unsound:
        print(f"UNSOUND {line}")
    if chosen.write:
        write_page(year, pace)
    sys.exit(1 if year.unsound else 0)


def write_page(year: Year, pace: str) -> None:
    """Put the figures and the chart where the documents are."""
    (DOCS / "year.svg").write_text(chart_of(year) + "\n", encoding="utf-8")
    (DOCS / "year-kept.svg").write_text(calibration_chart(year) + "\n", encoding="utf-8")
    page = DOCS / "year.md"
    before, mark, _ = page.read_text(encoding="utf-8").partition("<!-- figures -->\n")
    assert mark, "the page says where its figures go"
    told = f"Measured on {datetime.now(UTC):%Y-%m-%d}. {pace}\n\n{table_of(year)}\n\n{calibration_table(year)}\n"
    page.write_text(before + mark + "\n" + told, encoding="utf-8")


if __name__ == "__main__":
    main()
