"""How long a comparison's statistics take: persons with known tastes answer, and the worker's analysis finds them.

`python3 dev.py bench preference` draws 5,000 persons and resamples them 1,000 times; CPU time is what counts.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import time
from collections.abc import Sequence
from typing import Final

from demand.compare.analysis import Market, Respondent, analyse
from demand.compare.design import ITEMS, SET_SIZE, deal, sets_of

STEPS_PERCENT: Final = (60, 80, 100, 125, 150)
REGIONS: Final = ("east", "north", "south", "west", "centre", "northeast")
MODELS: Final = ("L5", "S6", "M7")
SLOPE: Final = -1.5
TO_REACH_SECONDS: Final = 60.0


def tastes() -> list[float]:
    """Return the utilities that answers are drawn from, from liked to disliked, with mean zero."""
    return [1.5 - 3.0 * item / (ITEMS - 1) for item in range(ITEMS)]


def market() -> Market:
    """Return a market whose regions and owners differ from those who answer."""
    return Market(
        {
            (region, owner, model): 1_000 * (place + 1) * (1 if owner else 3) * (3 - number)
            for place, region in enumerate(REGIONS)
            for owner in (True, False)
            for number, model in enumerate(MODELS)
        }
    )


def answer(chance: random.Random, number: int, *, seed: str = "benchmark") -> Respondent:
    """Let one person with the tastes above answer what is dealt to the `number`-th."""
    dealt = deal(seed, number, price_steps=len(STEPS_PERCENT))
    liking = tastes()
    best, worst = [], []
    for one in sets_of(dealt.version):
        first = chance.choices(one, [math.exp(liking[item]) for item in one])[0]
        rest = [item for item in one if item != first]
        best.append(first)
        worst.append(chance.choices(rest, [math.exp(-liking[item]) for item in rest])[0])
    odds = liking[dealt.price_item] - 1 + SLOPE * math.log(STEPS_PERCENT[dealt.price_step] / 100)
    segment = (chance.choice(REGIONS), chance.random() < 0.5, chance.choice(MODELS))
    took = chance.random() < 1 / (1 + math.exp(-odds))
    return Respondent(segment, dealt.version, tuple(best), tuple(worst), dealt.price_item, dealt.price_step, took)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 0 where the aim is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=5_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--quick", action="store_true", help="500 persons, 100 draws")
    given = parser.parse_args(arguments)
    persons, draws = (500, 100) if given.quick else (given.persons, given.draws)
    chance = random.Random(1)
    sample = [answer(chance, number) for number in range(persons)]
    wall, before = time.monotonic(), os.times()
    found = analyse(
        sample,
        market(),
        log_price=[math.log(step / 100) for step in STEPS_PERCENT],
        draws=draws,
        weight_low=0.3,
        weight_high=3.0,
        seed=1,
    )
    after = os.times()
    seconds = after.user + after.system - before.user - before.system
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    covered = sum(
        one.utility.low <= truth <= one.utility.high for one, truth in zip(found.items, tastes(), strict=True)
    )
    print(
        f"{persons:,} persons x {draws:,} draws, sets of {SET_SIZE}: {seconds:.1f} s CPU, "
        f"{time.monotonic() - wall:.1f} s by the clock, at most {memory:.0f} MB"
    )
    print(f"effective sample {found.effective:.0f}, weights {found.weight_min:.2f} to {found.weight_max:.2f}")
    print(f"{covered} of {ITEMS} true utilities lie in their 90 % interval")
    return 0 if seconds <= TO_REACH_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
