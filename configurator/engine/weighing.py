"""Weights and weeks by code: what the passes add up, from what callers say by variable."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine.backend import Weights
from configurator.engine.reduction import ALWAYS, NEVER, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_MAX: Final = 32


@dataclass(frozen=True)
class CodeWeights:
    """What each code adds, and what every car weighs on top of that."""

    weights: NDArray[np.int64]
    ties: NDArray[np.int64]
    base: int


class Scales:
    """Translates weights and keeps what was translated last, by the identity of the values."""

    def __init__(self, codes: Sequence[int], class_count: int) -> None:
        self._codes = codes
        self._size = 2 * class_count
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[Weights, CodeWeights]] = OrderedDict()

    def weights(self, weights: Weights) -> CodeWeights:
        """Return the weights by code; OverflowError where they do not fit 62 bits together."""
        with self._lock:
            kept = self._kept.get(id(weights))
            if kept is not None:
                self._kept.move_to_end(id(weights))
                return kept[1]
        weights.check()
        by_code, base = self._by_code(weights.by_variable)
        found = CodeWeights(by_code, self._by_code(weights.ties)[0], base)
        with self._lock:
            self._kept[id(weights)] = (weights, found)  # with the key's owner, so that its id is not given away
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return found

    def weeks(self, weeks: Mapping[int, int]) -> tuple[NDArray[np.uint64], int]:
        """Return the weeks by code, and those that all cars share."""
        by_code = [ALL_WEEKS] * self._size
        shared = ALL_WEEKS
        for variable, possible in weeks.items():
            code = self._codes[variable]
            if code >= 0:
                by_code[code] &= possible
            elif code == ALWAYS:
                shared &= possible
            else:
                _check_known(code, variable)
        return np.array(by_code, dtype=np.uint64), shared

    def _by_code(self, by_variable: Mapping[int, int]) -> tuple[NDArray[np.int64], int]:
        by_code = np.zeros(self._size, dtype=np.int64)
        base = 0
        for variable, weight in by_variable.items():
            code = self._codes[variable]
            if code >= 0:
                by_code[code] += weight
            elif code == ALWAYS:
                base += weight
            else:
                _check_known(code, variable)
        return by_code, base


ALL_WEEKS: Final = (1 << 64) - 1


def _check_known(code: int, variable: int) -> None:
    assert code in (NEVER, UNKNOWN)
    if code == UNKNOWN:
        raise KeyError(f"variable {variable} was taken out of the circuit")
