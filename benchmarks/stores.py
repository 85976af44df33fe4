"""How fast cars are allocated to stores, proven optimal, and mended after a change; prints a table in Markdown.

Two instances with a fixed seed: a brand's year of stock (every car may go to every store), and a stress of 100,000
cars, 1,000 stores and two million ways. Every result is proven: its cost, and the bound that its prices give, are
counted from scratch and are equal. Then a hundredth of the cars costs something else, or is gone and others are new.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from factory_orders.allocation.flow import allocate
from factory_orders.allocation.model import Allocation, AllocationProblem, Ways, steps_of, ways_of
from factory_orders.allocation.repair import mend
from factory_orders.light_stock.base_stock import StockRule
from factory_orders.light_stock.sharing import FreeStock, SharingCosts, SharingProblem, StorePlace, share_stock

SIDE_KM: Final = 3_000
KM_MINOR: Final = 300
WAIT_MINOR: Final = 2_000_000
STEPS: Final = 8
UNFAIR_MINOR: Final = 250_000
YEAR: Final = ("a year's stock", 12_000, 42, 42, 5.0, 1.0)
STRESS: Final = ("stress", 100_000, 1_000, 20, 5.0, 1.0)
"""Name, cars, stores, ways a car, and the CPU seconds to reach anew and mended."""
MORNING: Final = ("a morning's sharing out", 3_000, 42, 3, 5.0)
"""Name, free cars (half of them at stores), stores, models, and the CPU seconds to reach, all of it counted."""


def instance(cars: int, stores: int, ways: int, *, seed: int = 1) -> AllocationProblem:
    """Make cars and stores on a map of 3,000 km; stores want unequal numbers, each further one is worth less.

    The last place is where a car may stay.
    """
    dice = np.random.default_rng(seed)
    car_at, store_at = dice.random((cars, 2)) * SIDE_KM, dice.random((stores, 2)) * SIDE_KM
    if ways == stores:
        place = np.broadcast_to(np.arange(stores), (cars, stores))
    else:
        place = (dice.integers(0, stores, (cars, 1)) + np.arange(ways) * (stores // ways)) % stores
    km = np.hypot(*np.moveaxis(car_at[:, None, :] - store_at[place], 2, 0))
    all_places = np.concatenate((place, np.full((cars, 1), stores)), axis=1).astype(np.int32)
    costs = np.concatenate(((km * KM_MINOR).astype(np.int64), np.full((cars, 1), WAIT_MINOR)), axis=1)
    first = np.arange(cars + 1, dtype=np.int64) * (ways + 1)
    share = cars / stores * (0.5 + dice.random(stores))
    rows = []
    for wanted in share:
        width = int(np.ceil(2 * wanted / STEPS))
        rows.append([(width, UNFAIR_MINOR * (2 * number - STEPS)) for number in range(STEPS)])
    steps = steps_of([*rows, [(cars, 0)]])
    return AllocationProblem(Ways(first, all_places.ravel(), costs.ravel()), steps)


def other_costs(problem: AllocationProblem, share: float) -> AllocationProblem:
    """Return the problem with a share of the cars standing elsewhere."""
    dice = np.random.default_rng(2)
    ways = problem.ways
    costs = ways.cost.reshape(ways.cars, -1).copy()
    chosen = dice.choice(ways.cars, max(int(ways.cars * share), 1), replace=False)
    costs[chosen, :-1] = dice.integers(0, SIDE_KM * KM_MINOR, (len(chosen), costs.shape[1] - 1))
    return AllocationProblem(Ways(ways.first, ways.place, costs.ravel()), problem.steps)


def other_cars(
    problem: AllocationProblem, before: Allocation, share: float
) -> tuple[AllocationProblem, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Return the problem with a share of the cars gone and as many new ones, and the places of those that stay."""
    number = max(int(problem.ways.cars * share), 1)
    changed = other_costs(problem, share)
    new = np.random.default_rng(3).choice(problem.ways.cars, number, replace=False)
    place = before.place.copy()
    place[new] = -1
    costs = problem.ways.cost.reshape(problem.ways.cars, -1).copy()
    costs[new] = changed.ways.cost.reshape(problem.ways.cars, -1)[np.roll(new, 1)]
    return AllocationProblem(Ways(problem.ways.first, problem.ways.place, costs.ravel()), problem.steps), place


def bench(name: str, cars: int, stores: int, ways: int, anew_max: float, mend_max: float) -> None:
    """Print one instance: anew, mended after changed costs, mended after changed cars; asserts every proof."""
    problem = instance(cars, stores, ways)
    found, seconds = _timed(lambda: allocate(problem))
    _row(name, "anew", problem, found, seconds, anew_max)
    dearer = other_costs(problem, 0.01)
    mended, seconds = _timed(lambda: mend(dearer, found.place, found.prices))
    assert mended.cost == allocate(dearer).cost, "mended and anew cost the same"
    _row(name, "1 % cost something else", dearer, mended, seconds, mend_max)
    changed, place = other_cars(problem, found, 0.01)
    mended, seconds = _timed(lambda: mend(changed, place, found.prices))
    assert mended.cost == allocate(changed).cost, "mended and anew cost the same"
    _row(name, "1 % gone, 1 % new", changed, mended, seconds, mend_max)


def bench_morning(name: str, cars: int, stores: int, models: int, most: float) -> None:
    """Print what the worker does each morning: base stock, what cars are worth, the flow, and why each car goes."""
    dice = np.random.default_rng(4)
    at = {f"s{number}": dice.random(2) * SIDE_KM for number in range(stores)}
    at |= {"plant 1": dice.random(2) * SIDE_KM, "plant 2": dice.random(2) * SIDE_KM}
    roads = {(begin, end): int(np.hypot(*(at[begin] - at[end]))) for begin in at for end in at if end.startswith("s")}
    free = []
    for number in range(cars):
        place = f"s{dice.integers(stores)}" if number % 2 else f"plant {1 + number % 4 // 2}"
        own = place if place in at and place.startswith("s") else None
        free.append(FreeStock(f"v{number}", f"m{dice.integers(models)}", own, place))
    means = dice.random((stores, models)) * 2 * cars / stores / models
    places = [
        _morning_place(f"s{store}", f"m{model}", float(means[store, model]))
        for store in range(stores)
        for model in range(models)
    ]
    cpu = time.process_time()
    costs = SharingCosts(30_000, 300, 5_000, late_day=10_000, base_days=2, first=True)
    found = share_stock(SharingProblem(tuple(free), tuple(places), roads, costs))
    seconds = time.process_time() - cpu
    assert found.cost_minor == found.bound_minor, "proven optimal"
    cells = (name, f"{len(found.sent):,} moved", f"{cars:,} × {stores} × {models}", "", "", found.waiting, "yes")
    print(f"| {' | '.join(map(str, cells))} | {seconds:.2f} | {most:g} |", flush=True)


def _morning_place(store_id: str, model: str, mean: float) -> StorePlace:
    return StorePlace(store_id, model, StockRule(mean, 800_000, 200_000), round(mean * 250), 0, 0)


def _timed(work: Callable[[], Allocation]) -> tuple[Allocation, float]:
    cpu = time.process_time()
    found = work()
    return found, time.process_time() - cpu


def _row(name: str, what: str, problem: AllocationProblem, found: Allocation, seconds: float, most: float) -> None:
    assert found.gap == 0, "proven optimal"
    waits = int((found.place == problem.steps.places - 1).sum())
    cells = (
        name,
        what,
        f"{problem.ways.cars:,} × {problem.steps.places - 1:,}",
        f"{len(problem.ways.place):,}",
        f"{found.cost / 100:,.0f}",
        waits,
        "yes",
        f"{seconds:.2f}",
        f"{most:g}",
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _warm_up() -> None:
    """Load or compile the kernels, so that the first figure is one of work."""
    small = AllocationProblem(ways_of([[(0, 1), (1, 2)]] * 3), steps_of([[(2, 0)], [(3, 1)]]))
    mend(small, np.full(3, -1, np.int32), allocate(small).prices)


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="dev.py bench stores", description=__doc__)
    parser.add_argument("--only", choices=("year", "stress", "morning"), help="only this instance")
    chosen = parser.parse_args(arguments)
    print(f"One core; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}\n")
    print("| instance | what | cars × stores | ways | yuan | wait | proven optimal | CPU s | to reach |")
    print("|---|---|---|---|---|---|---|---|---|")
    _warm_up()
    for word, case in (("year", YEAR), ("stress", STRESS)):
        if chosen.only in (None, word):
            bench(*case)
    if chosen.only in (None, "morning"):
        bench_morning(*MORNING)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
