"""Best-worst utilities and the logit of price by maximum likelihood on collapsed counts; arrays in, arrays out.

Best of a set: P(b) = exp(u_b) / Σ exp(u_j). Worst of the rest: P(w | b) = exp(-u_w) / Σ_{j≠b} exp(-u_j). Answers to the
same set are alike, so what a set's answers come to are counts: how often each item was best, and over all sets each
item's best less worst. A weak normal prior of mean 0 keeps what everybody or nobody chose finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

PRIOR_PRECISION: Final = 0.1
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BestWorst:
    """Weighted answers: `best` (sets × places) how often each place was best, `score` (items) best less worst."""

    best: Vector
    score: Vector


def utilities(sets: NDArray[np.intp], counts: BestWorst, *, start: Vector | None = None) -> Vector:
    """Return the items' utilities with mean zero; `sets` (sets × places) holds the item of each place."""
    items = len(counts.score)
    made = minimize(
        _best_worst_loss,
        np.zeros(items) if start is None else start,
        args=(sets, counts),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 200, "gtol": 1e-6 * max(1.0, float(counts.best.sum())), "ftol": 1e-12},
    )
    found: Vector = made.x - made.x.mean()
    return found


def _best_worst_loss(u: Vector, sets: NDArray[np.intp], counts: BestWorst) -> tuple[float, Vector]:
    """Return the negative log posterior and its gradient.

    log L = Σ_i score_i·u_i − Σ_s n_s·log Σ_j exp(u_j) − Σ_s Σ_b best_sb·log Σ_{j≠b} exp(−u_j), since what was best in
    a set counts +u there and what was worst −u.
    """
    in_set = u[sets]
    asked = counts.best.sum(axis=1)
    largest = logsumexp(in_set, axis=1)
    up = np.exp(in_set - largest[:, None])
    # Sets × best × places: −u_j of each place that may still be worst, by its largest so that nothing underflows.
    rest = np.where(np.eye(sets.shape[1], dtype=bool), -np.inf, -in_set[:, None, :])
    highest = rest.max(axis=2)
    rest = np.exp(rest - highest[:, :, None])
    left = rest.sum(axis=2)
    logs = np.log(left) + highest
    value = counts.score @ u - asked @ largest - float((counts.best * logs).sum())
    spread = -asked[:, None] * up + np.einsum("sb,sbj->sj", counts.best / left, rest)
    gradient = counts.score + np.bincount(sets.ravel(), weights=spread.ravel(), minlength=len(u))
    return -value + PRIOR_PRECISION / 2 * float(u @ u), -gradient + PRIOR_PRECISION * u


@dataclass(frozen=True, slots=True)
class Takes:
    """Weighted answers to the question of price, items × models × steps: how often asked, and how often yes."""

    asked: Vector
    yes: Vector


@dataclass(frozen=True, slots=True)
class Demand:
    """The fitted logit: log odds at the planned price for each item and model (items × models), and for each unit of
    the logarithm of the price over the planned one."""

    odds: Vector
    slope: float
    parameters: Vector

    def take_rates(self) -> Vector:
        """Return the take rate at the planned price, items × models."""
        rates: Vector = expit(self.odds)
        return rates


def price_logit(takes: Takes, log_price: Vector, *, start: Vector | None = None) -> Demand:
    """Fit yes/no on item, model and price: log odds = item + model + slope · log(price / planned price).

    `log_price` has one value a step. Model and slope are common to all items, so an item that few were asked about
    borrows from the others what is alike, and its own level comes from its own answers.
    """
    items, models, _ = takes.asked.shape
    made = minimize(
        _price_loss,
        np.zeros(items + models + 1) if start is None else start,
        args=(takes, log_price),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 300, "gtol": 1e-6 * max(1.0, float(takes.asked.sum())), "ftol": 1e-12},
    )
    level, by_model, slope = np.split(made.x, [items, items + models])
    return Demand(level[:, None] + by_model[None, :], float(slope[0]), made.x)


def _price_loss(parameters: Vector, takes: Takes, log_price: Vector) -> tuple[float, Vector]:
    items, models, _ = takes.asked.shape
    level, by_model, slope = np.split(parameters, [items, items + models])
    odds = level[:, None, None] + by_model[None, :, None] + slope[0] * log_price[None, None, :]
    value = float((takes.yes * odds - takes.asked * np.logaddexp(0, odds)).sum())
    left = takes.yes - takes.asked * expit(odds)
    gradient = np.concatenate([left.sum(axis=(1, 2)), left.sum(axis=(0, 2)), [float((left * log_price).sum())]])
    prior = PRIOR_PRECISION / 2 * float(parameters @ parameters)
    return -value + prior, -gradient + PRIOR_PRECISION * parameters
