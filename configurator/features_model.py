"""The features of a car by the tree: the one place that adds them to the model and the options named.

Prices and part lists may speak of any feature that a car has for sure by its model and options (`decided_by_tree`); a
catalogue that asks for others is not read. So nothing is priced or looked up by the named ones alone.
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
        """Return the features that the tree gives a car with the named ones; what it does not know is only itself.

        Of those that `decided_by_tree` names none is missing; others that only a rule brings are.
        """
        return self.always.union(*(self.brought.get(name, (name,)) for name in named))
