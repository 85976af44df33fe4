"""A market of a million people, sold to in five ways: Muster's pools, two kinds of narrower ones, and from stock.

`python3 dev.py bench market` draws people who wish for legal cars of the demo's catalogue, lets the core's own
functions pool and clear them, and says who got a car, at what price, after how long. `--write` puts table and chart
into docs/; `--people N` takes fewer. The same seed gives the same table.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.market_cars import EXTRA_SHARE, Cars, draw_cars
from benchmarks.market_pools import Person, Run, gather, terms_for
from benchmarks.market_stock import NO_CAR, StockRules, popular_kinds, sell, worth_of
from benchmarks.yardstick import pace_line
from configurator.catalogue import Catalogue
from configurator.catalogue_files import read_catalogue
from demand.charts.drawing import draw_lines
from demand.charts.model import Line, LineChart
from demand.pools.model import Offer
from demand.pools.policy import PoolPolicy
from kernel.money import BASIS_POINTS

Array: TypeAlias = np.ndarray[Any, Any]
DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
CATALOGUE: Final = Path(__file__).resolve().parents[1] / "muster" / "demo" / "qilan" / "catalogue"
BEGINS: Final = datetime(2026, 6, 1, tzinfo=UTC)
LOOK: Final = ("Powertrain", "Trim", "Seating", "Paint", "Interior", "Wheels")
MARKS: Final = tuple(range(0, 126, 7))


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the market is like; every number of it stands in docs/market.md. Times in days."""

    people: int = 1_000_000
    days: int = 182
    model_shares: tuple[float, ...] = (0.45, 0.35, 0.2)
    launch_weight: float = 2.0
    launch_days: float = 10.0
    value_median: float = 0.9
    value_spread: float = 0.12
    patience_median: float = 35.0
    patience_spread: float = 0.6
    goes_on_share: float = 0.75
    build_days: int = 35
    from_stock_days: int = 4
    holding_a_year: float = 0.08
    write_off: float = 0.15
    stock: StockRules = field(default_factory=StockRules)


@dataclass(frozen=True, slots=True)
class Market:
    """Who wants which car, from when, until when, and what it is worth to them, in fen."""

    cars: Cars
    at: Array
    until: Array
    values_minor: Array
    goes_on: Array


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of selling came to; `days` between wish and handover of those who bought, sorted."""

    name: str
    bought: int
    days: Array
    price_share: float
    gain_minor: float
    margin_minor: float
    pools: int = 0
    locked: int = 0
    members_in_locked: float = 0.0
    left: int = 0


def make_market(catalogue: Catalogue, given: Assumptions, seed: int) -> Market:
    """Draw the market."""
    chance = np.random.default_rng(seed)
    cars = draw_cars(catalogue, given.people, given.model_shares, chance)
    days = np.arange(given.days)
    weights = 1 + given.launch_weight * np.exp(-days / given.launch_days)
    at = chance.choice(given.days, given.people, p=weights / weights.sum()) + chance.random(given.people)
    patience = given.patience_median * np.exp(chance.normal(0, given.patience_spread, given.people))
    value = given.value_median * np.exp(chance.normal(0, given.value_spread, given.people))
    values = (cars.prices_minor * value / 100).astype(np.int64) * 100
    return Market(cars, at, at + patience, values, chance.random(given.people) < given.goes_on_share)


def reachable(market: Market, rules: PoolPolicy) -> Array:
    """Say who would buy at some tier: the market that all ways are measured against."""
    least = market.cars.prices_minor * (BASIS_POINTS - rules.tiers[-1][1]) / BASIS_POINTS
    found: Array = market.values_minor >= least
    return found


def pool_by(name: str, groups: Array, market: Market, given: Assumptions) -> Way:
    """Sell in pools of the people of one group each; the groups are numbers by person."""
    rules, wanted = PoolPolicy(), reachable(market, PoolPolicy())
    people = np.flatnonzero(wanted)
    people = people[np.lexsort((market.at[people], groups[people]))]
    starts = np.flatnonzero(np.diff(groups[people], prepend=-1))
    paid, got_at = np.zeros(len(groups), dtype=np.int64), np.zeros(len(groups))
    total = Run()
    for done, (start, end) in enumerate(zip(starts, [*starts[1:], len(people)], strict=True)):
        _tell(name, done, len(starts))
        found = _gathered(market, people[start:end], rules, given)
        for number, (price_minor, locked_at) in found.bought.items():
            paid[number], got_at[number] = price_minor, (locked_at - BEGINS) / timedelta(days=1) + given.build_days
        total.ended += found.ended
        total.locked += found.locked
        total.members += found.members
        total.members_of_locked += found.members_of_locked
    bought = np.flatnonzero(paid)
    return Way(
        name,
        len(bought),
        np.sort(got_at[bought] - market.at[bought]),
        float(paid[bought].sum() / market.cars.prices_minor[bought].sum()) if len(bought) else float("nan"),
        float((market.values_minor[bought] - paid[bought]).sum()),
        float((paid[bought] - market.cars.costs_minor[bought]).sum()),
        pools=total.ended,
        locked=total.locked,
        members_in_locked=total.members_of_locked / max(1, total.members),
    )


def _gathered(market: Market, people: Array, rules: PoolPolicy, given: Assumptions) -> Run:
    expected = len(people) * rules.open_days / given.days
    persons = [
        Person(number, at, BEGINS + timedelta(days=until), Offer(price, value), goes_on, at)
        for number, at, until, price, value, goes_on in zip(
            people.tolist(),
            (BEGINS + timedelta(days=one) for one in market.at[people].tolist()),
            market.until[people].tolist(),
            market.cars.prices_minor[people].tolist(),
            market.values_minor[people].tolist(),
            market.goes_on[people].tolist(),
            strict=True,
        )
    ]
    ends = BEGINS + timedelta(days=given.days)
    return gather(persons, terms_for(rules, expected=expected), rules, begins=BEGINS, ends=ends)


def sell_from_stock(name: str, market: Market, given: Assumptions, powertrain: int, *, discount_bp: int = 0) -> Way:
    """Sell what stands there; column `powertrain` of the picks is what nobody compromises on."""
    wanted = reachable(market, PoolPolicy())
    days, paid, gain, margin, listed, left = list[Array](), 0, 0.0, 0.0, 0, 0
    for model in np.unique(market.cars.models):
        _tell(name, int(model), len(given.model_shares))
        own = np.flatnonzero(market.cars.models == model)
        buyers = own[wanted[own]]
        picks, powertrains = market.cars.picks[buyers], market.cars.picks[buyers, powertrain]
        prices, costs = market.cars.prices_minor[buyers], market.cars.costs_minor[buyers]
        kinds = popular_kinds(picks, powertrains, given.stock.kinds)
        worth = worth_of(picks, powertrains, market.values_minor[buyers], prices, kinds, given.stock)
        sold = sell(
            worth,
            prices[kinds] * (BASIS_POINTS - discount_bp) / BASIS_POINTS,
            costs[kinds],
            market.at[buyers],
            market.until[buyers],
            given.stock,
            days=given.days,
        )
        who = np.flatnonzero(sold.kinds != NO_CAR)
        kind = sold.kinds[who]
        days.append(sold.days[who] - np.floor(market.at[buyers][who]) + given.from_stock_days)
        paid += int(sold.prices_minor[who].sum())
        listed += int(prices[kinds][kind].sum())
        gain += float((worth[who, kind] - sold.prices_minor[who]).sum())
        stood = sold.stood_days * float(costs[kinds].mean()) * given.holding_a_year / 365
        margin += float((sold.prices_minor[who] - costs[kinds][kind]).sum())
        margin -= stood + given.write_off * sold.left_cost_minor
        left += sold.left
    all_days = np.sort(np.concatenate(days))
    return Way(name, len(all_days), all_days, paid / max(1, listed), gain, margin, left=left)


def play(given: Assumptions, seed: int) -> tuple[int, list[Way]]:
    """Return how many people could be reached and what each way came to."""
    catalogue = read_catalogue(CATALOGUE)
    market = make_market(catalogue, given, seed)
    wanted = int(reachable(market, PoolPolicy()).sum())
    categories = _categories(catalogue)
    exact = np.column_stack([market.cars.models, market.cars.picks])
    look = np.column_stack([market.cars.models, market.cars.picks[:, [categories.index(one) for one in LOOK]]])
    powertrain, last = categories.index("Powertrain"), PoolPolicy().tiers[-1][1]
    return wanted, [
        pool_by("Muster's pools", market.cars.classes, market, given),
        pool_by("pools of one look", _numbered(look), market, given),
        pool_by("pools of one car", _numbered(exact), market, given),
        sell_from_stock("from stock", market, given, powertrain),
        sell_from_stock(f"stock, {last / 100:g} % off", market, given, powertrain, discount_bp=last),
    ]


def _categories(catalogue: Catalogue) -> list[str]:
    """Return the categories of alternatives in the order of a car's picks."""
    kinds = {group.parent for group in catalogue.groups if group.low == group.high == 1}
    return [group.parent for group in catalogue.groups if group.parent in kinds - {"Model"}]


def _numbered(rows: Array) -> Array:
    """Return a number for each different row."""
    numbers: Array = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    return numbers


def _tell(name: str, done: int, of: int) -> None:
    if done % max(1, of // 10) == 0:
        print(f"{name}: {done:,} of {of:,} groups", file=sys.stderr, flush=True)


# --- what is shown ---------------------------------------------------------------------------------------------------


def rows_of(wanted: int, ways: Sequence[Way]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table, one a figure, one column a way."""
    yield ("", *(one.name for one in ways))
    yield ("got a car, of those who would buy at some tier", *(f"{one.bought / wanted:.1%}" for one in ways))
    for share in (0.5, 0.9):
        yield (
            f"days from wish to handover, {'half' if share == 0.5 else 'nine in ten'} of them",
            *(f"{np.quantile(one.days, share):.0f}" if one.bought else "–" for one in ways),
        )
    yield ("price paid, of the car's list price", *(f"{one.price_share:.1%}" if one.bought else "–" for one in ways))
    yield ("pools with members that ended", *(f"{one.pools:,}" if one.pools else "–" for one in ways))
    yield ("of them tipped", *(f"{one.locked / one.pools:.1%}" if one.pools else "–" for one in ways))
    yield (
        "of their members, in a pool that tipped",
        *(f"{one.members_in_locked:.1%}" if one.pools else "–" for one in ways),
    )
    yield ("cars left unsold at the end", *(f"{one.left:,}" for one in ways))
    yield (
        "what buyers gain over the price, a person who would buy at some tier",
        *(f"¥{one.gain_minor / 100 / wanted:,.0f}" for one in ways),
    )
    yield (
        "the maker's margin after stock, a person who would buy at some tier",
        *(f"¥{one.margin_minor / 100 / wanted:,.0f}" for one in ways),
    )


def table_of(wanted: int, ways: Sequence[Way]) -> str:
    """Return the table in Markdown."""
    head, *rows = rows_of(wanted, ways)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def chart_of(wanted: int, ways: Sequence[Way]) -> str:
    """Return who has the car so many days after the wish, as SVG."""
    lines = tuple(
        Line(one.name, tuple(float(100 * np.searchsorted(one.days, mark, side="right") / wanted) for mark in MARKS))
        for one in ways
    )
    title = "Who has a car, by days since the wish"
    told = "Percent of those who would buy at some tier, for each way of selling."
    return draw_lines(LineChart(title, told, tuple(map(str, MARKS)), lines))


def assumed(given: Assumptions, rules: PoolPolicy) -> Iterator[tuple[str, str]]:
    """Yield what the market is assumed to be like, and by how much."""
    stock, tiers = given.stock, ", ".join(f"{members}: −{discount / 100:g} %" for members, discount in rules.tiers)
    shares = ", ".join(f"{share:.0%}" for share in given.model_shares)
    discounts = ", ".join(
        f"{discount:.0%} from day {age}" for age, discount in zip(stock.ages_days, stock.discounts[1:], strict=True)
    )
    yield "people, and the days in which their wishes come", f"{given.people:,}, {given.days}"
    yield "wishes for the three models L5, S6, M7", shares
    yield "an option's popularity", f"1 / its rank in its category; extras {EXTRA_SHARE:.0%} / rank"
    yield (
        "wishes at the launch",
        f"{1 + given.launch_weight:g} times as many, by a factor of e less each {given.launch_days:g} days",
    )
    yield (
        "what a car is worth to who wishes for it",
        f"median {given.value_median:.0%} of its list price, log-normal with spread {given.value_spread:g}",
    )
    yield (
        "how long somebody waits for a yes",
        f"median {given.patience_median:g} days, log-normal with spread {given.patience_spread:g}",
    )
    yield (
        "members who go on to another pool when theirs fails",
        f"{given.goes_on_share:.0%}, at most {rules.rolls_max} times",
    )
    yield "tiers (the shipped policy)", tiers
    yield "a pool's days, and its freeze", f"{rules.open_days} days, {rules.freeze_hours} hours"
    yield "places in a pool", "as many as would buy at some tier in a pool's days, at least the last tier's members"
    yield "from the lock to the handover", f"{given.build_days} days"
    yield "a car from stock to the handover", f"{given.from_stock_days} days"
    yield "kinds of each model that are built for stock", f"{stock.kinds}, the most wished for of each powertrain"
    yield (
        "stock of a kind",
        f"serves {stock.service_level:.0%} of the demand in {stock.lead_days} + {stock.review_days} days (Poisson)",
    )
    yield "off for cars that stand", discounts
    yield (
        "worth of a car from stock",
        f"−{stock.loss_each_difference:.1%} for each category that differs; no other powertrain",
    )
    yield "somebody who finds nothing looks again", f"every {stock.look_again_days} days while patience lasts"
    yield "a car that stands costs, a year", f"{given.holding_a_year:.0%} of its cost"
    yield "a car left at the end is written off by", f"{given.write_off:.0%} of its cost"


def write(given: Assumptions, wanted: int, ways: Sequence[Way], *, pace: str, spent: str) -> None:
    """Put assumptions, table and chart into docs/."""
    (DOCS / "market.svg").write_text(chart_of(wanted, ways) + "\n", encoding="utf-8")
    page = DOCS / "market.md"
    before, mark, _ = page.read_text(encoding="utf-8").partition("<!-- figures -->\n")
    assert mark, "the page says where its figures go"
    told = f"Played on {datetime.now(UTC):%Y-%m-%d}. {pace} {spent}\n\n{table_of(wanted, ways)}\n"
    rows = ["| assumed | |", "|---|---|", *(f"| {what} | {how} |" for what, how in assumed(given, PoolPolicy()))]
    told += "\n## What is assumed\n\n" + "\n".join(rows) + "\n"
    page.write_text(f"{before}{mark}\n{told}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the market and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=Assumptions().people, help="how many people there are")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other people")
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    chosen = parser.parse_args(arguments)
    pace, began = pace_line(), time.process_time()
    given = Assumptions(people=chosen.people)
    wanted, ways = play(given, chosen.seed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    spent = f"{chosen.people:,} people took {time.process_time() - began:,.0f} s of CPU and {memory:,.0f} MB."
    print(f"{pace} {spent}\n\n{wanted:,} would buy at some tier.\n\n{table_of(wanted, ways)}")
    if chosen.write:
        write(given, wanted, ways, pace=pace, spent=f"{spent} {wanted:,} of them would buy at some tier.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
