"""How good and how fast 100,000 orders find their days: cost against the bound, CPU seconds; prints a Markdown table.

The instance is made with a fixed seed: 90 days of which four stand still, slots for 3 % more than there are orders,
twenty options with 3 to 25 % more than is asked for, two parts that come in deliveries; two orders in five cannot be
built at once. Cost and bound are counted from scratch in whole fen. Returns 1 where what was to be reached was not.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from benchmarks.targets import cells_of, every
from factory_orders.slotting.conflict import find_conflict
from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem
from factory_orders.slotting.prices import find_prices
from factory_orders.slotting.scoring import cost_of
from factory_orders.slotting.search import search
from factory_orders.slotting.solve import MOVES_AN_ORDER, plan_slots

DAYS: Final = 90
OPTIONS: Final = 20
STILL_DAYS: Final = 4
ORDERS: Final = 100_000
GAP_TO_REACH, SECONDS_TO_REACH = 0.005, 60.0
TO_REACH: Final = f"gap ≤ {100 * GAP_TO_REACH:g} %, ≤ {SECONDS_TO_REACH:.0f} CPU s, none avoidably without a day"


def instance(number: int, *, seed: int = 1) -> SlotProblem:
    """Make orders, days and limits; the same seed makes the same."""
    dice = np.random.default_rng(seed)
    take = dice.uniform(0.03, 0.45, OPTIONS)
    needs = np.concatenate((np.ones((number, 1), np.bool_), dice.random((number, OPTIONS)) < take), axis=1)
    parts = dice.random((number, 2)) < (0.1, 0.05)
    ready = dice.integers(0, 60, number) * (dice.random(number) < 0.4)
    orders = SlotOrders(
        needs, parts, ready, ready + dice.integers(5, 70, number), -dice.integers(0, 30, number).astype(np.int64)
    )
    slots = np.full(DAYS, 1.03 * number / (DAYS - STILL_DAYS))
    slots[dice.choice(DAYS, STILL_DAYS, replace=False)] = 0
    options = np.outer(take * dice.uniform(1.03, 1.25, OPTIONS), np.full(DAYS, 1.03 * number / DAYS))
    capacity = np.ceil(np.concatenate((slots[None, :], options))).astype(np.int64)
    # Each part comes in ten deliveries, from the tenth day on, a tenth more than is asked for.
    comes = np.repeat(np.arange(1, 11), 8)[None, :] * parts.sum(axis=0)[:, None] * 1.1 / 10
    supply = np.concatenate((np.zeros((2, DAYS - 80)), comes), axis=1).astype(np.int64)
    names = ("slot", *(f"option {number}" for number in range(1, OPTIONS + 1)))
    return SlotProblem(orders, SlotLimits(names, capacity, ("part 1", "part 2"), supply), SlotCosts())


def judge(
    *, orders: int, cost: int, bound: int, seconds: float, without: int, without_at_least: int
) -> tuple[bool | None, bool | None, bool]:
    """Return whether gap, time and days are as they were to be; the first two are set for 100,000 orders and more."""
    large = orders >= ORDERS
    near = cost - bound <= GAP_TO_REACH * cost
    return near if large else None, seconds <= SECONDS_TO_REACH if large else None, without <= without_at_least


def bench(orders: int, *, seed: int, moves: int) -> bool | None:
    """Plan one instance and print its row; returns whether what was to be reached was."""
    problem = instance(orders, seed=seed)
    began = time.process_time()
    prices, bound = find_prices(problem, seed=seed)
    priced = time.process_time()
    day = search(problem, prices, moves=moves * orders, seed=seed)
    ended = time.process_time()
    cost = cost_of(problem, day)
    kinds = len(np.unique(np.packbits(problem.orders.needs, axis=1), axis=0))
    without = int((day < 0).sum())
    # Who is without a day in every plan is so unavoidably; that is proven beside the time that was taken.
    conflict = find_conflict(problem, seed=seed) if without else None
    at_least = 0 if conflict is None else conflict.short_in_all
    judged = judge(
        orders=orders, cost=cost, bound=bound, seconds=ended - began, without=without, without_at_least=at_least
    )
    reached = every(*judged)
    figures = f"{bound / 100:,.0f} | {cost / 100:,.0f} | {(cost - bound) / cost:.2%} | {without} | {at_least}"
    seconds = f"{priced - began:.1f} | {ended - priced:.1f}"
    print(f"| {orders:,} | {kinds:,} | {seed} | {figures} | {seconds} | {cells_of(TO_REACH, reached)} |", flush=True)
    return reached


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; returns 1 where something was missed."""
    parser = argparse.ArgumentParser(prog="dev.py bench slotting", description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--seeds", type=int, default=1, help="how many instances")
    parser.add_argument("--moves", type=int, default=MOVES_AN_ORDER, help="tries of the search an order")
    chosen = parser.parse_args(arguments)
    print(f"One core; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}\n")
    print(
        "| orders | kinds | seed | bound, yuan | cost, yuan | gap at most | no day | of them unavoidable "
        "| prices, CPU s | search, CPU s | to reach | reached |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    plan_slots(instance(1_000), moves=1_000)
    reached = [bench(chosen.orders, seed=seed, moves=chosen.moves) for seed in range(1, chosen.seeds + 1)]
    return 1 if False in reached else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
