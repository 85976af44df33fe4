"""A feature model as plain values: the tree, its groups and its cross-tree rules, whatever file they came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
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
    """Children under one parent of which at least `low` and at most `high` are chosen when the parent is.

    `file` is empty for the file that was asked for, and names an imported one.
    """

    parent: str
    kind: GroupKind
    low: int
    high: int
    members: tuple[str, ...]
    line: int = field(compare=False)
    file: str = field(default="", compare=False)


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
    """What came out of a file: the model (None where it is beyond use) and every fault found on the way.

    Of a tree that is not `whole` some features are missing or stand elsewhere: what does not fit it may well be right.
    """

    model: FeatureModel | None
    faults: tuple[Fault, ...]
    whole: bool = True


def decided_by_tree(features: Sequence[str], groups: Sequence[TreeGroup], named: AbstractSet[str]) -> frozenset[str]:
    """Return the features of which a car's models and options (`named`) alone say, by the tree, whether it has them.

    That is what always brings one of them below it, and what is mandatory in all that is decided. A feature that a
    rule may add, or leave out, is not among them. Parents come before their children in both lists.
    """
    below: defaultdict[str, list[TreeGroup]] = defaultdict(list)
    for group in groups:
        below[group.parent].append(group)
    decided = set(named)
    for feature in reversed(features):
        if any(_brings(group, decided) for group in below[feature]):
            decided.add(feature)
    decided.add(features[0])
    for group in groups:
        if group.kind is GroupKind.MANDATORY and group.parent in decided:
            decided.update(group.members)
    return frozenset(decided)


def _brings(group: TreeGroup, decided: AbstractSet[str]) -> bool:
    """Say whether no car has the group's parent without one of the decided features in it."""
    if group.kind is GroupKind.MANDATORY:
        return not decided.isdisjoint(group.members)
    return group.low > 0 and decided >= set(group.members)
