"""The rules of one catalogue version as clauses: what every part of the engine starts from.

Literals are those of DIMACS: a variable's number means that it is true, the negated number that it is false.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Clause: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class NamedClauses:
    """The clauses of one rule. With a `guard` (a variable) they hold only where the guard is true."""

    code: str
    clauses: tuple[Clause, ...]
    guard: int | None = None

    @property
    def guarded(self) -> tuple[Clause, ...]:
        """Return the clauses as the formula has them: each satisfied where the guard is false."""
        return self.clauses if self.guard is None else tuple((*clause, -self.guard) for clause in self.clauses)


@dataclass(frozen=True)
class Formula:
    """Clauses over the variables 1..variable_count, by the rule they come from.

    Variables 1..feature_count are the features, in the catalogue's order. Each later variable is a guard, or its value
    follows from the features (a helper, a price rule): so counting all models under fixed guards counts cars.
    """

    feature_count: int
    variable_count: int
    structure: tuple[Clause, ...]
    """The tree and the definitions of helpers: always in force, never given as a reason."""
    rules: tuple[NamedClauses, ...]

    @cached_property
    def guards(self) -> tuple[int, ...]:
        """Return the guards, ascending; a context says of each whether it is true."""
        return tuple(sorted({rule.guard for rule in self.rules if rule.guard is not None}))

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Return all clauses, guards written into them."""
        return (*self.structure, *(clause for rule in self.rules for clause in rule.guarded))

    @cached_property
    def content_hash(self) -> str:
        """Return the SHA-256 of what is compiled: artefacts are kept under it. Rules' codes and texts do not count."""
        header = [self.feature_count, self.variable_count, *self.guards]
        flat = array("i", [*header, 0, *(literal for clause in self.clauses for literal in (*clause, 0))])
        if flat.itemsize != 4:
            raise AssertionError("C ints of 32 bits are expected")
        return hashlib.sha256(flat.tobytes()).hexdigest()
