"""How good and how fast the line's search is on the public instances; prints tables in Markdown.

Every order is scored again by the evaluator that counts from scratch. The best score ever found of each instance is
kept in line_best.csv, with when and how it was found; `--keep` writes better ones there, worse ones never.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.public_data import public_data
from factory_orders.line.instance_files import read_problem
from factory_orders.line.resequencing import resequence
from factory_orders.line.scoring import is_order_of, score_order
from factory_orders.line.search import LineSolution, solve_line, warm_up

BEST_FILE: Final = Path(__file__).with_name("line_best.csv")
NAMED: Final = (
    "022_3_4_EP_RAF_ENP",
    "024_38_3_EP_RAF_ENP",
    "024_38_5_EP_ENP_RAF",
    "025_38_1_EP_RAF_ENP",
    "039_38_4_RAF_EP_ch1",
    "048_39_1_EP_ENP_RAF",
    "064_38_2_RAF_EP_ENP_ch1",
    "022_RAF_EP_ENP_S22_J1",
    "023_EP_RAF_ENP_S23_J3",
    "028_ch1_EP_ENP_RAF_S22_J2",
    "029_EP_RAF_ENP_S21_J6",
    "035_ch2_RAF_EP_ENP_S22_J3",
)
SATISFIABLE: Final = ("p00", "p03", "pb_200_01", "pb_300_07", "pb_400_05")
EASY_SECONDS, HARD_SECONDS = 0.1, 10.0
SEEDS: Final = 10
RESEQUENCED: Final = "024_38_5_EP_ENP_RAF"
RESEQUENCED_SECONDS: Final = 5
LATE_CARS, FROZEN, MOVED_MAX = 20, 100, 40


@dataclass(frozen=True, slots=True)
class Best:
    """The best weighted score of an instance, and when, in how many seconds and with which seed it was found."""

    instance: str
    score: int
    date: str
    seconds: float
    seed: int


def read_best(file: Path = BEST_FILE) -> dict[str, Best]:
    """Read the table of best scores."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as rows:
        return {
            row["instance"]: Best(
                row["instance"], int(row["score"]), row["date"], float(row["seconds"]), int(row["seed"])
            )
            for row in csv.DictReader(rows)
        }


def keep_better(found: Iterable[Best], file: Path = BEST_FILE) -> int:
    """Write those that beat the table into it; returns how many did."""
    best = read_best(file)
    better = [one for one in found if one.instance not in best or one.score < best[one.instance].score]
    for one in better:
        if one.instance not in best or one.score < best[one.instance].score:
            best[one.instance] = one
    if better:
        with file.open("w", encoding="utf-8", newline="") as rows:
            writer = csv.writer(rows, lineterminator="\n")
            writer.writerow(("instance", "score", "date", "seconds", "seed"))
            writer.writerows((one.instance, one.score, one.date, one.seconds, one.seed) for one in sorted_(best))
    return len(better)


def sorted_(best: dict[str, Best]) -> list[Best]:
    """Return the table in the order of its instances."""
    return [best[name] for name in sorted(best)]


def challenge_folders(data: Path) -> list[Path]:
    """Return the folders of all instances of the challenge."""
    return sorted(folder.parent for folder in (data / "sequencing" / "roadef2005").glob("*/*/vehicles.txt"))


def solve_checked(path: Path, *, seconds: float, seed: int) -> LineSolution:
    """Solve an instance in CPU seconds and hold its order against the evaluator; a wrong one ends the benchmark.

    What else the machine does costs a search nothing, so that figures of a busy day compare with those of a quiet one.
    """
    solution = solve_line(read_problem(path), seconds=seconds, seed=seed, clock=time.process_time)
    assert is_order_of(solution.problem, solution.order), f"{path}: cars are missing"
    score = score_order(solution.problem, solution.order)
    assert score == solution.score and score.beyond_run == 0, f"{path}: the score is not what counting finds"
    return solution


def bench_challenge(folders: Sequence[Path], *, seconds: float, seeds: Sequence[int], keep: bool) -> None:
    """Print score, bound and distance to the best known of each instance."""
    print(f"\n## ROADEF/EURO challenge 2005: {seconds:g} CPU s each, seeds {', '.join(map(str, seeds))}\n")
    print("| instance | cars | score | best known | above it | bound | gap at most | million moves/s |")
    print("|---|---|---|---|---|---|---|---|")
    best = read_best()
    found: list[Best] = []
    for folder in folders:
        for seed in seeds:
            cpu = time.process_time()
            solution = solve_checked(folder, seconds=seconds, seed=seed)
            cpu = time.process_time() - cpu
            score = solution.score.weighted(solution.problem)
            found.append(Best(folder.name, score, f"{datetime.now(UTC):%Y-%m-%d}", seconds, seed))
            known = min(best[folder.name].score, score) if folder.name in best else score
            bound = solution.bound.weighted(solution.problem)
            print(
                f"| {folder.name} | {len(solution.order)} | {score:,} | {known:,} | {score / known - 1:.2%} "
                f"| {bound:,} | {solution.gap_share:.1%} | {solution.moves / cpu / 1e6:.1f} |",
                flush=True,
            )
    if keep:
        print(f"\n{keep_better(found)} are better than the table had.")


def bench_csplib(folder: Path, *, seeds: Sequence[int]) -> None:
    """Print how many of the satisfiable instances are solved, and how long it took."""
    print("\n## CSPLib\n")
    print("| instance | without violation | CPU s, most |")
    print("|---|---|---|")
    easy = [_timed(file, EASY_SECONDS * 10, 1) for file in sorted((folder / "easy").glob("p*.txt"))]
    within = sum(solved and seconds <= EASY_SECONDS for solved, seconds in easy)
    most = max(seconds for _, seconds in easy)
    print(
        f"| easy, {len(easy)} | {within} within {EASY_SECONDS} s, {sum(one for one, _ in easy)} at all | {most:.3f} |"
    )
    for name in SATISFIABLE:
        runs = [_timed(folder / "hard" / f"{name}.txt", HARD_SECONDS, seed) for seed in seeds]
        most = max(seconds for _, seconds in runs)
        print(f"| {name} | {sum(solved for solved, _ in runs)} of {len(runs)} seeds | {most:.2f} |", flush=True)


def _timed(file: Path, seconds: float, seed: int) -> tuple[bool, float]:
    cpu = time.process_time()
    solution = solve_checked(file, seconds=seconds, seed=seed)
    return solution.score.high == 0, time.process_time() - cpu


def bench_resequencing(folder: Path) -> None:
    """Disturb a good order by twenty cars that are late, and mend it: seconds, cars that moved, scores."""
    print(f"\n## Resequencing after a disturbance: {folder.name}\n")
    print("| cars | frozen | score in force | disturbed | mended | cars moved | CPU s |")
    print("|---|---|---|---|---|---|---|")
    solution = solve_checked(folder, seconds=RESEQUENCED_SECONDS, seed=1)
    dice = random.Random(1)
    order = list(solution.order)
    for _ in range(LATE_CARS):
        late = order.pop(dice.randrange(FROZEN, len(order) // 2))
        order.insert(dice.randrange(len(order) // 2, len(order)), late)
    disturbed = replace(solution.problem, cars=tuple(order), frozen=FROZEN)
    resequence(disturbed, moved_max=0)
    cpu = time.process_time()
    mended = resequence(disturbed, moved_max=MOVED_MAX)
    cpu = time.process_time() - cpu
    assert is_order_of(disturbed, mended.order) and mended.score == score_order(disturbed, mended.order)
    scores = (score.weighted(disturbed) for score in (solution.score, mended.before, mended.score))
    cells = (len(order), FROZEN, *(f"{score:,}" for score in scores), mended.moved, f"{cpu:.2f}")
    print(f"| {' | '.join(map(str, cells))} |")


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="dev.py bench line", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="CPU seconds for each instance of the challenge")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds for each instance of the challenge")
    parser.add_argument("--all", action="store_true", help="all 61 instances instead of 12")
    parser.add_argument("--only", choices=("challenge", "csplib", "resequencing"), help="only this part")
    parser.add_argument("--csplib-seeds", type=int, default=SEEDS)
    parser.add_argument("--keep", action="store_true", help="write better scores into line_best.csv")
    chosen = parser.parse_args(arguments)
    data = public_data()
    if data is None:
        print("The public instances are not here; MUSTER_DATA names their folder.", file=sys.stderr)
        return 1
    print(f"One core; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}")
    warm_up()
    if chosen.only in (None, "challenge"):
        folders = [folder for folder in challenge_folders(data) if chosen.all or folder.name in NAMED]
        bench_challenge(folders, seconds=chosen.seconds, seeds=range(1, chosen.seeds + 1), keep=chosen.keep)
    if chosen.only in (None, "csplib"):
        bench_csplib(data / "sequencing" / "csplib", seeds=range(1, chosen.csplib_seeds + 1))
    if chosen.only in (None, "resequencing"):
        bench_resequencing(next(folder for folder in challenge_folders(data) if folder.name == RESEQUENCED))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
