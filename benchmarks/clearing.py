"""How long a clearing takes: the decision itself, the root over its members, and one member's proof; CPU time.

`python3 dev.py bench clearing` clears pools of 1,000 to 100,000 members with the shipped tiers; the aim is 100 ms for
the decision over 100,000.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from configurator.model import Tier
from demand.pools.clearing import Cleared, clear
from demand.pools.clearing_record import ClearedMember, clearing_root, is_proven, prove_member
from demand.pools.model import Offer, PoolTerms

SIZES: Final = (1_000, 10_000, 100_000)
TO_REACH_MS: Final = 100.0
RUNS: Final = 5


def offers(number: int) -> list[Offer]:
    """Return offers on cars of ¥129,800 to ¥189,800 with caps from 92 % to 103 % of their prices."""
    chance = random.Random(number)
    prices = [chance.randrange(129_800, 189_800) * 100 for _ in range(number)]
    return [Offer(price, price * chance.randrange(92, 104) // 100) for price in prices]


def median_ms(what: Callable[[], object]) -> float:
    """Return the median CPU time of some runs, in milliseconds."""
    times = []
    for _ in range(RUNS):
        before = time.process_time()
        what()
        times.append((time.process_time() - before) * 1000)
    return sorted(times)[RUNS // 2]


def measure(number: int) -> tuple[float, float, float]:
    """Return the CPU milliseconds of a clearing, its root and one proof."""
    given = offers(number)
    capacity = number // 2
    terms = PoolTerms(60, capacity, number, (Tier(60, 0), Tier(120, 200), Tier(240, 500), Tier(400, 800)), 500_000, 72)
    outcome = clear(given, terms)
    assert isinstance(outcome, Cleared)
    members = [ClearedMember(f"{place:032x}", price) for place, price in enumerate(outcome.prices_minor)]
    assert is_proven(prove_member("pool", members, number // 3))
    return (
        median_ms(lambda: clear(given, terms)),
        median_ms(lambda: clearing_root("pool", members)),
        median_ms(lambda: prove_member("pool", members, number // 3)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return 0 where the aim is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest pool alone")
    quick = parser.parse_args(arguments).quick
    print("| members | clear, ms CPU | root over half of them | one proof |")
    print("|---|---|---|---|")
    decided = 0.0
    for number in SIZES[:1] if quick else SIZES:
        decided, root, proof = measure(number)
        print(f"| {number:,} | {decided:.1f} | {root:.1f} | {proof:.1f} |")
    return 0 if decided <= TO_REACH_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
