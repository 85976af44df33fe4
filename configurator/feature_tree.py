"""A feature model as plain values: the tree, its groups and its cross-tree rules, whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from configurator.expressions import Expression
from configurator.faults import Fault


class GroupKind(StrEnum):
    """How a parent's children may be chosen."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    OR = "or"
    ALTERNATIVE = "alternative"
    CARDINALITY = "cardinality"


@dataclass(frozen=True, slots=True)
class TreeFeature:
    """One feature of the tree; the root comes first, a child after its parent. Values are as the file wrote them."""

    name: str
    line: int
    abstract: bool
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TreeGroup:
    """Children under one parent of which at least `low` and at most `high` are chosen when the parent is."""

    parent: str
    kind: GroupKind
    low: int
    high: int
    members: tuple[str, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One cross-tree rule. `file` is empty for the file that was asked for, and names an imported one."""

    rule: str
    expression: Expression
    line: int = field(compare=False)
    file: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """A whole model: features in the file's order (the root first), groups and constraints.

    `definitions` always hold and are nobody's rule: they say what the features that a reader added stand for.
    """

    features: tuple[TreeFeature, ...]
    groups: tuple[TreeGroup, ...]
    constraints: tuple[Constraint, ...]
    definitions: tuple[Expression, ...] = ()

    @property
    def root(self) -> str:
        return self.features[0].name


@dataclass(frozen=True, slots=True)
class UvlReading:
    """What came out of a file: the model (None where it is beyond use) and every fault found on the way."""

    model: FeatureModel | None
    faults: tuple[Fault, ...]
