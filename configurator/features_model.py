"""Every feature that a car has: the one place that adds what the tree says besides the model and the options named.

Prices and part lists may speak of any feature of the tree, so nothing is priced or looked up by the named ones alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarFeatures:
    """What the tree of one catalogue says that cars have.

    `always` is in every car; `brought` has by feature what a car with it has, itself included: all that it stands
    below, and what is mandatory there.
    """

    always: frozenset[str]
    brought: Mapping[str, frozenset[str]]

    def of(self, named: Iterable[str]) -> frozenset[str]:
        """Return every feature of a car with the named ones; what the tree does not know is only itself."""
        return self.always.union(*(self.brought.get(name, (name,)) for name in named))
