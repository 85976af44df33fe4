"""How good and how fast 100,000 orders find their days: cost against the bound, CPU seconds; prints a Markdown table.

The instance is made with a fixed seed: 90 days of which four stand still, slots for 3 % more than there are orders,
twenty options with 3 to 25 % more than is asked for, two parts that come in deliveries; two orders in five cannot be
built at once. Cost and bound are counted from scratch in whole fen.
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

from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem
from factory_orders.slotting.prices import find_prices
from factory_orders.slotting.scoring import cost_of
from factory_orders.slotting.search import search
from factory_orders.slotting.solve import MOVES_AN_ORDER, plan_slots

DAYS: Final = 90
OPTIONS: Final = 20
STILL_DAYS: Final = 4


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


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="dev.py bench slotting", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=1, help="how many instances")
    parser.add_argument("--moves", type=int, default=MOVES_AN_ORDER, help="tries of the search an order")
    chosen = parser.parse_args(arguments)
    print(f"One core; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}\n")
    print("| orders | kinds | seed | bound, yuan | cost, yuan | gap at most | no day | prices, CPU s | search, CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    plan_slots(instance(1_000), moves=1_000)
    for seed in range(1, chosen.seeds + 1):
        problem = instance(chosen.orders, seed=seed)
        began = time.process_time()
        prices, bound = find_prices(problem, seed=seed)
        priced = time.process_time()
        day = search(problem, prices, moves=chosen.moves * chosen.orders, seed=seed)
        ended = time.process_time()
        cost = cost_of(problem, day)
        kinds = len(np.unique(np.packbits(problem.orders.needs, axis=1), axis=0))
        figures = f"{bound / 100:,.0f} | {cost / 100:,.0f} | {(cost - bound) / cost:.2%} | {int((day < 0).sum())}"
        seconds = f"{priced - began:.1f} | {ended - priced:.1f}"
        print(f"| {chosen.orders:,} | {kinds:,} | {seed} | {figures} | {seconds} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
