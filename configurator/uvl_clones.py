"""Writes feature cardinality out: `Wheel cardinality [2..4]` becomes the features Wheel[1] to Wheel[4] below Wheel.

Clones are counted: a clone stands in a car only where the one before it does, and each has all that hangs below the
feature, with choices of its own. The feature itself, and each name below it, then means that some clone has it. A
rule that speaks only of such names holds in every clone; in arithmetic a name counts the clones that have it. Two cars
whose clones differ in their order are two cars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Final, TypeAlias

from configurator.expressions import (
    And,
    Expression,
    ExpressionFault,
    Feature,
    Iff,
    Implies,
    Numeric,
    Or,
    Sum,
    feature_names,
    rewritten,
)
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.uvl_tree import ReadFeature

INSTANCES_MAX: Final = 500_000
"""In so many clones all rules of a file together may be written."""
Chain: TypeAlias = tuple[str, ...]
"""Cloned features, each below the one before it."""
Path: TypeAlias = tuple[str, ...]
"""One clone of each feature of a chain, each below the one before it."""


@dataclass
class CloneWriter:
    """A tree on its way to one without feature cardinality: `place` the root, then take what was written."""

    read: Mapping[str, ReadFeature]
    read_groups: Mapping[str, Sequence[TreeGroup]]
    """The groups by their parent."""
    features: list[ReadFeature] = field(default_factory=list)
    groups: list[TreeGroup] = field(default_factory=list)
    definitions: list[Expression] = field(default_factory=list)
    instances: int = 0
    """In how many clones rules have been written."""

    @cached_property
    def has_clones(self) -> bool:
        return any(feature.clones for feature in self.read.values())

    @cached_property
    def _parents(self) -> Mapping[str, str]:
        groups = self.read_groups.values()
        return {member: group.parent for several in groups for group in several for member in group.members}

    def size(self) -> int:
        """Return how many features the tree will have."""
        sizes: dict[str, int] = {}
        plain: dict[str, int] = {}
        for name in reversed(tuple(self.read)):
            children = list(self._children(name))
            plain[name] = sum(1 + plain[child] for child in children)
            inside = 1 + sum(sizes[child] for child in children)
            clones = self.read[name].clones
            sizes[name] = inside if clones is None else 1 + plain[name] + clones[1] * inside
        return max(sizes.values(), default=0)

    def place(self, name: str, prefix: str = "") -> None:
        """Write a feature with all below it, every name behind the prefix."""
        feature = self.read[name]
        own = prefix + name
        if feature.clones is None:
            self.features.append(replace(feature, name=own))
            self._place_groups(name, own, prefix)
            return
        low, high = feature.clones
        clones = tuple(f"{own}[{number}]" for number in range(1, high + 1))
        below = tuple(self._below(name))
        self.features.append(replace(feature, name=own, values={}, clones=None))
        self.features += [replace(self.read[one], name=prefix + one, values={}, clones=None) for one in below]
        self.groups.append(TreeGroup(own, GroupKind.CARDINALITY, max(low, 1), high, clones, feature.line, feature.file))
        self.definitions += [Implies(Feature(after), Feature(before)) for before, after in pairwise(clones)]
        for one in below:
            some = Or(tuple(Feature(f"{clone}.{one}") for clone in clones))
            self.definitions.append(Iff(Feature(prefix + one), some))
        for clone in clones:
            self.features.append(replace(feature, name=clone, clones=None))
            self._place_groups(name, clone, f"{clone}.")

    def _place_groups(self, name: str, own: str, prefix: str) -> None:
        for group in self.read_groups.get(name, ()):
            for kind, low, high, members in self._parts(group):
                shown = tuple(prefix + member for member in members)
                self.groups.append(TreeGroup(own, kind, low, high, shown, group.line, group.file))
            for member in group.members:
                self.place(member, prefix)

    def _parts(self, group: TreeGroup) -> list[tuple[GroupKind, int, int, tuple[str, ...]]]:
        """Part a mandatory group from members that may stand in a car not even once: those are optional."""
        if group.kind is not GroupKind.MANDATORY:
            return [(group.kind, group.low, group.high, group.members)]
        free = tuple(member for member in group.members if (self.read[member].clones or (1, 1))[0] == 0)
        bound = tuple(member for member in group.members if member not in free)
        parts = [
            (GroupKind.MANDATORY, len(bound), len(bound), bound),
            (GroupKind.OPTIONAL, 0, len(free), free),
        ]
        return [part for part in parts if part[3]]

    def _children(self, name: str) -> Iterator[str]:
        for group in self.read_groups.get(name, ()):
            yield from group.members

    def _below(self, name: str) -> Iterator[str]:
        for child in self._children(name):
            yield child
            yield from self._below(child)

    def instantiated(self, expression: Expression, owner: str | None, roots: Sequence[str]) -> Expression:
        """Write a rule (in the braces of `owner`, or of nobody) for each clone that it speaks of, also by its sums.

        Raises `ExpressionFault` where that comes to too many.
        """
        whole = expression if owner is None else Implies(Feature(owner), expression)
        if not self.has_clones:
            return whole
        names = [owner] if owner is not None else [*feature_names(whole), *roots]
        scope = self._chain(names[0]) if names else ()
        for name in names[1:]:
            scope = scope[: _shared(scope, self._chain(name))]
        paths = self._paths(scope)
        self.instances += len(paths)
        if self.instances > INSTANCES_MAX:
            raise ExpressionFault(f"the rules of this file hold in more than {INSTANCES_MAX:,} clones, all added up")
        instances = [self._instance(whole, scope, path) for path in paths]
        return instances[0] if not scope else And(tuple(instances))

    def _instance(self, expression: Expression, scope: Chain, path: Path) -> Expression:
        """Write a rule as it stands in one clone; it asks nothing where that clone is not in the car."""

        def condition(name: str) -> Expression:
            return Feature(_placed(name, self._chain(name), scope, path))

        def number(name: str) -> Numeric:
            chain = self._chain(name)
            if len(chain) == (shared := _shared(chain, scope)):
                return Feature(_placed(name, chain, scope, path))
            clones = [one for one in self._paths(chain) if one[:shared] == path[:shared]]
            return Sum(tuple(Feature(_placed(name, chain, chain, one)) for one in clones))

        here = rewritten(expression, condition, number)
        return Implies(Feature(path[-1]), here) if path else here

    def _chain(self, name: str) -> Chain:
        """Return the cloned features above a feature, itself included, the outermost first."""
        chain: list[str] = []
        at: str | None = name
        while at is not None:
            if self.read[at].clones is not None:
                chain.insert(0, at)
            at = self._parents.get(at)
        return tuple(chain)

    def _paths(self, chain: Chain) -> list[Path]:
        paths: list[Path] = [()]
        for name in chain:
            high = (self.read[name].clones or (1, 1))[1]
            paths = [
                (*path, (f"{path[-1]}." if path else "") + f"{name}[{number}]")
                for path in paths
                for number in range(1, high + 1)
            ]
        return paths


def _shared(left: Chain, right: Chain) -> int:
    """Return how many links two chains have in common from the outermost on."""
    count = 0
    while count < min(len(left), len(right)) and left[count] == right[count]:
        count += 1
    return count


def _placed(name: str, chain: Chain, scope: Chain, path: Path) -> str:
    """Return how a feature is called in the clones of a path: the clone itself, what is below it, or as before."""
    shared = _shared(chain, scope)
    if shared == 0:
        return name
    return path[shared - 1] if name == scope[shared - 1] else f"{path[shared - 1]}.{name}"
