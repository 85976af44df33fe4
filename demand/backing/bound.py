"""The lower bound that a commitment hangs on: how many cars will be wanted at least, all that is unsure taken in."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MILLION: Final = 1_000_000
LOWER_PERCENT: Final = 5


@dataclass(frozen=True, slots=True)
class Backers:
    """Backers whose cap reaches the price, by the model they want, and what became of earlier proposals' backers."""

    by_model: Mapping[str, int]
    ordered_before: int
    lapsed_before: int


def lower_bound(
    sizes: Mapping[str, int],
    take_draws: Mapping[str, Sequence[int]],
    backers: Backers,
    *,
    prior: tuple[int, int],
    seed: str,
) -> int:
    """Return the lower end of the 90 % interval of Σ segment size × take rate, backers × conversion apart.

    `sizes` and `take_draws` are by model; a draw is a take rate in parts of a million, and the n-th of every model is
    of the same resampling. Backers are taken out of the segment they come from, which leaves the others, and are
    counted with the share of backers that order: Beta(prior + outcomes). The same seed draws the same shares, so that
    the bound only moves with what it is made of.
    """
    chance = random.Random(seed)
    ordered, lapsed = prior[0] + backers.ordered_before, prior[1] + backers.lapsed_before
    others = {model: max(0, size - backers.by_model.get(model, 0)) for model, size in sizes.items()}
    total = sum(backers.by_model.values())
    draws = len(next(iter(take_draws.values())))
    assert draws > 0
    wanted = sorted(
        sum(others[model] * take_draws[model][draw] for model in sizes) / MILLION
        + total * chance.betavariate(ordered, lapsed)
        for draw in range(draws)
    )
    return int(wanted[(draws - 1) * LOWER_PERCENT // 100])
