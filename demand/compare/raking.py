"""Weights persons so that a sample's margins are those of the market: raking in bounds (Deming and Stephan 1940).

Persons of one cell (region × owner × model) always weigh the same, so cells are weighted, for many draws at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

ROUNDS_MAX: Final = 60
CLOSE_ENOUGH: Final = 1e-6


def rake(
    counts: NDArray[np.float64],
    margins: Sequence[tuple[NDArray[np.intp], NDArray[np.float64]]],
    *,
    low: float,
    high: float,
) -> NDArray[np.float64]:
    """Return the weight of each cell in each draw: draws × cells, mean 1 over the persons of a draw, within low..high.

    `counts` holds persons (draws × cells). A margin gives each cell its category (cells) and each category its share
    of the market, which add up to 1. A category that a draw has nobody of cannot be weighted; the others share what is
    there. Where the bounds bind, margins are met as closely as the last round left them.
    """
    weights = np.ones_like(counts)
    persons = counts.sum(axis=1, keepdims=True)
    joined = [(np.eye(len(shares))[category], shares) for category, shares in margins]
    for _ in range(ROUNDS_MAX):
        before = weights.copy()
        for member, shares in joined:
            have = (weights * counts) @ member
            wanted = np.where(have > 0, shares, 0.0)
            wanted = wanted / wanted.sum(axis=1, keepdims=True) * persons
            weights *= np.divide(wanted, have, out=np.ones_like(have), where=have > 0) @ member.T
        weights = _bounded(weights, counts, low=low, high=high)
        if np.abs(weights - before).max() < CLOSE_ENOUGH:
            break
    return weights


def _bounded(
    weights: NDArray[np.float64], counts: NDArray[np.float64], *, low: float, high: float
) -> NDArray[np.float64]:
    """Cut weights to the bounds and bring the mean back to 1, until both hold."""
    persons = counts.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS_MAX):
        weights = np.clip(weights, low, high)
        mean = (weights * counts).sum(axis=1, keepdims=True) / persons
        if np.abs(mean - 1).max() < CLOSE_ENOUGH:
            break
        weights = weights / mean
    return np.clip(weights, low, high)


def effective_size(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the effective sample size of one draw, (Σw)² ÷ Σw² over its persons (Kish 1965)."""
    return float((counts * weights).sum() ** 2 / (counts * weights**2).sum())
