"""How good and how fast the line's search is on the public instances; prints tables in Markdown.

Every order is scored again by the evaluator that counts from scratch. The best score ever found of each instance is
kept in line_best.csv, with when and how it was found; `--keep` writes better ones there, worse ones never. Beside each
figure stands what was to be reached; a quick run has too little time to be judged by it.
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
from benchmarks.targets import cells_of, every
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
CHALLENGE_SECONDS, QUICK_SECONDS = 60.0, 3.0
PERCENT_ABOVE_TO_REACH: Final = 1
MOVES_TO_REACH, LARGE_CARS = 5e6, 1_000
"""Moves a second on instances with so many cars."""
EASY_SECONDS, HARD_SECONDS, MEND_SECONDS = 0.1, 10.0, 2.0
SEEDS, QUICK_SEEDS = 10, 2
SOLVED_TO_REACH: Final = {"pb_200_01": 8}
"""Of so many seeds some instances are to be solved; the others of all."""
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


def bench_challenge(folders: Sequence[Path], *, seconds: float, seeds: Sequence[int], keep: bool) -> list[bool | None]:
    """Print score, bound and distance to the best that the table had; returns what was reached."""
    print(f"\n## ROADEF/EURO challenge 2005: {seconds:g} CPU s each, seeds {', '.join(map(str, seeds))}\n")
    print("| instance | cars | score | best kept | made by | above it | bound | gap at most", end=" ")
    print("| million moves/s | to reach | reached |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    best = read_best()
    found: list[Best] = []
    reached = []
    for folder in folders:
        for seed in seeds:
            cpu = time.process_time()
            solution = solve_checked(folder, seconds=seconds, seed=seed)
            cpu = time.process_time() - cpu
            score = solution.score.weighted(solution.problem)
            found.append(Best(folder.name, score, f"{datetime.now(UTC):%Y-%m-%d}", seconds, seed))
            if keep:
                keep_better(found[-1:])
            row, judged = challenge_row(solution, found[-1], best.get(folder.name), cpu=cpu)
            print(row, flush=True)
            reached.append(judged)
    if keep:
        better = {one.instance for one in found if one.instance not in best or one.score < best[one.instance].score}
        print(f"\n{len(better)} are better than the table had.")
    return reached


def challenge_row(solution: LineSolution, found: Best, kept: Best | None, *, cpu: float) -> tuple[str, bool | None]:
    """Return an instance's row, and whether it reached what it was to; the kept score is the table's, better or not.

    An order that is not feasible never comes here. The distance is judged by runs of a minute, and not where the
    table has nothing.
    """
    near, shown = None, "none | | "
    if kept is not None:
        above = found.score - kept.score
        share = above / kept.score if kept.score else float(above)
        shown = f"{kept.score:,} | {kept.date}, seed {kept.seed}, {kept.seconds:g} s | {share:.2%}"
        near = None if found.seconds < CHALLENGE_SECONDS else 100 * above <= PERCENT_ABOVE_TO_REACH * kept.score
    speed, large = solution.moves / cpu, len(solution.order) >= LARGE_CARS
    # What is proven optimal at once has made no moves to be counted.
    judged = every(near, speed >= MOVES_TO_REACH if large and solution.gap else True)
    to_reach = f"feasible, ≤ {PERCENT_ABOVE_TO_REACH} % at {CHALLENGE_SECONDS:g} s"
    to_reach += ", ≥ 5 million moves/s" if large else ""
    bound = f"{solution.bound.weighted(solution.problem):,} | {solution.gap_share:.1%}"
    figures = f"{len(solution.order)} | {found.score:,} | {shown} | {bound} | {speed / 1e6:.1f}"
    return f"| {found.instance} | {figures} | {cells_of(to_reach, judged)} |", judged


def bench_csplib(folder: Path, *, seeds: Sequence[int]) -> list[bool | None]:
    """Print how many of the satisfiable instances are solved, and how long it took; returns what was reached."""
    print("\n## CSPLib\n")
    print("| instance | without violation | CPU s, most | to reach | reached |")
    print("|---|---|---|---|---|")
    easy = [_timed(file, EASY_SECONDS * 10, 1) for file in sorted((folder / "easy").glob("p*.txt"))]
    within = sum(solved and seconds <= EASY_SECONDS for solved, seconds in easy)
    most = max(seconds for _, seconds in easy)
    showed = f"{within} within {EASY_SECONDS} s, {sum(one for one, _ in easy)} at all"
    reached: list[bool | None] = [within == len(easy)]
    goal = cells_of(f"all, ≤ {EASY_SECONDS} s each", reached[0])
    print(f"| easy, {len(easy)} | {showed} | {most:.3f} | {goal} |")
    for name in SATISFIABLE:
        runs = [_timed(folder / "hard" / f"{name}.txt", HARD_SECONDS, seed) for seed in seeds]
        most = max(seconds for _, seconds in runs)
        solved = sum(one and seconds <= HARD_SECONDS for one, seconds in runs)
        wanted = SOLVED_TO_REACH.get(name, SEEDS)
        reached.append(solved >= wanted if len(runs) == SEEDS else None)
        goal = cells_of(f"{wanted} of {SEEDS}, ≤ {HARD_SECONDS:g} s each", reached[-1])
        print(f"| {name} | {solved} of {len(runs)} seeds | {most:.2f} | {goal} |", flush=True)
    return reached


def _timed(file: Path, seconds: float, seed: int) -> tuple[bool, float]:
    cpu = time.process_time()
    solution = solve_checked(file, seconds=seconds, seed=seed)
    return solution.score.high == 0, time.process_time() - cpu


def bench_resequencing(folder: Path) -> bool:
    """Disturb a good order by twenty cars that are late, and mend it: seconds, cars that moved, scores."""
    print(f"\n## Resequencing after a disturbance: {folder.name}\n")
    print("| cars | frozen | score in force | disturbed | mended | cars moved | CPU s | to reach | reached |")
    print("|---|---|---|---|---|---|---|---|---|")
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
    assert list(mended.order[:FROZEN]) == order[:FROZEN], "the head is frozen"
    scores = (score.weighted(disturbed) for score in (solution.score, mended.before, mended.score))
    goal = cells_of(f"≤ {MEND_SECONDS:g} s", cpu <= MEND_SECONDS)
    cells = (len(order), FROZEN, *(f"{score:,}" for score in scores), mended.moved, f"{cpu:.2f}", goal)
    print(f"| {' | '.join(map(str, cells))} |")
    return cpu <= MEND_SECONDS


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; returns 1 where something was missed."""
    parser = argparse.ArgumentParser(prog="dev.py bench line", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=CHALLENGE_SECONDS, help="CPU seconds for each instance of the challenge"
    )
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds for each instance of the challenge")
    parser.add_argument("--all", action="store_true", help="all 61 instances instead of 12")
    parser.add_argument("--instance", default="", help="only instances of the challenge whose name holds this word")
    parser.add_argument("--seed", type=int, default=1, help="the first of the seeds")
    parser.add_argument("--only", choices=("challenge", "csplib", "resequencing"), help="only this part")
    parser.add_argument("--csplib-seeds", type=int, default=SEEDS)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_SECONDS:g} s and {QUICK_SEEDS} CSPLib seeds each; not judged"
    )
    parser.add_argument("--keep", action="store_true", help="write better scores into line_best.csv")
    chosen = parser.parse_args(arguments)
    data = public_data()
    if data is None:
        print("The public instances are not here; MUSTER_DATA names their folder.", file=sys.stderr)
        return 1
    print(f"One core; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}")
    warm_up()
    seconds = QUICK_SECONDS if chosen.quick else chosen.seconds
    csplib_seeds = QUICK_SEEDS if chosen.quick else chosen.csplib_seeds
    reached: list[bool | None] = []
    if chosen.only in (None, "challenge"):
        folders = [folder for folder in challenge_folders(data) if chosen.all or folder.name in NAMED]
        folders = [folder for folder in folders if chosen.instance in folder.name]
        seeds = range(chosen.seed, chosen.seed + chosen.seeds)
        reached += bench_challenge(folders, seconds=seconds, seeds=seeds, keep=chosen.keep)
    if chosen.only in (None, "csplib"):
        reached += bench_csplib(data / "sequencing" / "csplib", seeds=range(1, csplib_seeds + 1))
    if chosen.only in (None, "resequencing"):
        reached.append(
            bench_resequencing(next(folder for folder in challenge_folders(data) if folder.name == RESEQUENCED))
        )
    return 1 if False in reached else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
