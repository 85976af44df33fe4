"""Builds the tree of a UVL file from its indentation and names every line that does not fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from configurator.faults import FaultList
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.uvl_attributes import is_value, read_attributes, unquoted
from configurator.uvl_lines import Line

TREE_DEPTH_MAX: Final = 200
FEATURES_MAX: Final = 200_000
CLONES_MAX: Final = 1_000
COUNTED_MAX: Final = 400_000
"""So many helpers may count a group: one for each member and each number counted to, each with four clauses."""
COUNTED_IN_ALL_MAX: Final = 1_000_000
_GROUP: Final = re.compile(r"(mandatory|optional|or|alternative|\[\s*\d{1,9}\s*(?:\.\.\s*(?:\d{1,9}|\*)\s*)?\])\s*\Z")
_BOUNDS: Final = re.compile(r"\[\s*(\d{1,9})\s*(?:\.\.\s*(\d{1,9}|\*)\s*)?\]")
_FEATURE: Final = re.compile(
    r"""(?:(?P<type>Boolean|Integer|Real|String)\s+)?
        (?P<name>(?:"[^"]+"|[^\s"{}\[\]()!&|<>=,.]+)(?:\.(?:"[^"]+"|[^\s"{}\[\]()!&|<>=,.]+))*)
        (?:\s+cardinality\s*(?P<cardinality>\[[^\]]*\]))?
        \s*(?:\{(?P<attributes>.*)\})?\s*\Z""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class ReadFeature:
    """A feature as its line has it. `clones` bounds how often it may stand in a car, None where at most once."""

    name: str
    line: int
    values: dict[str, str]
    value_type: str = "Boolean"
    clones: tuple[int, int] | None = None
    file: str = ""

    @property
    def abstract(self) -> bool:
        return unquoted(self.values.get("abstract", "false")) == "true"


@dataclass(frozen=True, slots=True)
class OwnConstraint:
    """A constraint that stands in a feature's braces: it holds in the cars that have the feature."""

    owner: str
    text: str
    line: int
    comment: str


@dataclass(slots=True)
class _Node:
    """A place in the tree while it is read: a feature (`group` is None) or a group under it."""

    indent: int
    feature: str
    group: _OpenGroup | None


@dataclass(slots=True)
class _OpenGroup:
    kind: GroupKind
    bounds: tuple[int, int | None]
    line: int
    parent: str
    members: list[str]
    has_refused: bool = False
    """Whether a line below it was refused; then it is not said to be empty as well."""


class TreeReader:
    """Builds the tree from indentation: under a feature come groups, under a group come features."""

    def __init__(self, file: str, faults: FaultList, roots: frozenset[str]) -> None:
        self._file = file
        self._faults = faults
        self._roots = roots
        self._path: list[_Node] = []
        self._groups: list[_OpenGroup] = []
        self._lines: dict[str, int] = {}
        self._broken_at: int | None = None
        self.features: list[ReadFeature] = []
        self.own_constraints: list[OwnConstraint] = []

    def take(self, line: Line) -> None:
        """Take one line of the section `features`; what hangs below a faulty line is passed over."""
        if self._broken_at is not None and line.indent > self._broken_at:
            return
        self._broken_at = None
        beside: _Node | None = None
        while self._path and self._path[-1].indent >= line.indent:
            beside = self._path.pop()
        above = self._path[-1] if self._path else None
        if beside is not None and beside.indent > line.indent:
            self._refuse(line, "is indented as no line above it is, so where it belongs is not clear")
        elif len(self._path) > TREE_DEPTH_MAX:
            self._refuse(line, f"is nested deeper than {TREE_DEPTH_MAX}")
        elif match := _GROUP.match(line.text):
            self._open_group(line, match[1], above)
        else:
            self._add_feature(line, above)

    def _refuse(self, line: Line, reason: str) -> None:
        self._faults.add(self._file, line.number, reason)
        self._broken_at = line.indent
        if self._path and (group := self._path[-1].group) is not None:
            group.has_refused = True

    def _open_group(self, line: Line, word: str, above: _Node | None) -> None:
        if above is None or above.group is not None:
            self._refuse(line, f"the group `{word}` must stand below a feature")
            return
        kind, bounds = _group_shape(word)
        if bounds[1] is not None and bounds[0] > bounds[1]:
            self._refuse(line, f"the group `{word}` asks for more at least than at most")
            return
        group = _OpenGroup(kind, bounds, line.number, above.feature, [])
        self._groups.append(group)
        self._path.append(_Node(line.indent, above.feature, group))

    def _add_feature(self, line: Line, above: _Node | None) -> None:
        match = _FEATURE.match(line.text)
        if match is None:
            self._refuse(line, f"is neither a feature nor a group: {line.text[:60]!r}")
        elif (reason := _misnamed(match["name"], self._roots)) is not None:
            self._refuse(line, reason)
        elif len(self.features) >= FEATURES_MAX:
            self._refuse(line, f"is beyond {FEATURES_MAX:,} features")
        elif above is None and self.features:
            self._refuse(line, f"is a second root; '{self.features[0].name}' is the first")
        elif above is not None and above.group is None:
            reason = f"stands right below the feature '{above.feature}'; a group line such as `optional` is missing"
            self._refuse(line, reason)
        else:
            self._add_named(line, match, above)

    def _add_named(self, line: Line, match: re.Match[str], above: _Node | None) -> None:
        name = match["name"].replace('"', "")
        if name in self._lines:
            self._refuse(line, f"duplicate feature '{name}'; it stands on line {self._lines[name]} already")
            return
        feature = ReadFeature(name, line.number, {}, match["type"] or "Boolean", self._clones(line, match), self._file)
        if match["attributes"]:
            self._read_attributes(line, feature, match["attributes"])
        self._lines[name] = line.number
        self.features.append(feature)
        if above is not None and above.group is not None:
            above.group.members.append(name)
        self._path.append(_Node(line.indent, name, None))

    def _clones(self, line: Line, match: re.Match[str]) -> tuple[int, int] | None:
        """Read how often the feature may stand in a car; what is not finite, or beyond the ceiling, is refused."""
        if match["cardinality"] is None:
            return None
        bounds = _BOUNDS.fullmatch(match["cardinality"])
        low = int(bounds[1]) if bounds else 0
        high = low if bounds and bounds[2] is None else -1 if not bounds or bounds[2] == "*" else int(bounds[2])
        if bounds is None:
            self._faults.add(self._file, line.number, f"a cardinality is written [2..5], not {match['cardinality']}")
        elif high < 0:
            self._faults.add(self._file, line.number, "a feature cardinality needs an upper bound, as in [0..5]")
        elif not self.features:
            self._faults.add(self._file, line.number, "the root stands in every car exactly once")
        elif low > high or high == 0:
            self._faults.add(self._file, line.number, f"the cardinality [{low}..{high}] allows nothing")
        elif high > CLONES_MAX:
            self._faults.add(self._file, line.number, f"a feature may stand at most {CLONES_MAX} times in a car")
        else:
            return (low, high)
        return None

    def _read_attributes(self, line: Line, feature: ReadFeature, text: str) -> None:
        attributes = read_attributes(text)
        if attributes.unread:
            self._faults.add(self._file, line.number, f"attributes cannot be read from {attributes.unread[:40]!r} on")
        for key, value in attributes.values:
            if key in feature.values:
                self._faults.add(self._file, line.number, f"duplicate attribute '{key}'")
            if not is_value(value):
                reason = (
                    f"the attribute '{key}' has no value of UVL: {value[:40]!r}; texts stand in quotes, numbers are"
                )
                self._faults.add(self._file, line.number, f"{reason} written 1234.5, with 18 digits at most")
            feature.values[key] = value
        for text in attributes.constraints:
            self.own_constraints.append(OwnConstraint(feature.name, text.strip(), line.number, line.comment))

    def finish(self) -> None:
        """Check what can only be known at the end: empty groups and impossible bounds."""
        for group in self._groups:
            size = len(group.members)
            if group.has_refused:
                continue
            if size == 0:
                self._faults.add(self._file, group.line, "the group has no features below it")
            elif group.bounds[0] > size:
                reason = f"the group asks for at least {group.bounds[0]} of {size} features"
                self._faults.add(self._file, group.line, reason)
            elif size * counted(*group.bounds, size) > COUNTED_MAX:
                reason = f"the group counts too far for {size:,} features; part it, or ask for fewer or for nearly all"
                self._faults.add(self._file, group.line, reason)

    def groups(self) -> list[TreeGroup]:
        """Return the groups with their bounds filled in, empty ones left out."""
        return [
            TreeGroup(
                group.parent,
                group.kind,
                _low(group),
                len(group.members) if group.bounds[1] is None else min(group.bounds[1], len(group.members)),
                tuple(group.members),
                group.line,
                self._file,
            )
            for group in self._groups
            if group.members
        ]


def _misnamed(written: str, roots: frozenset[str]) -> str | None:
    """Say what is wrong with a name; only the root of an imported file (`roots`) has a dot without quotes."""
    plain = re.sub(r'"[^"]*"', "", written)
    if any(sign in plain for sign in "+-*/"):
        return f"the name {written} has signs that mean something else in rules; write it in quotes"
    if "." in plain and written.replace('"', "") not in roots:
        return f"'{written}' is no imported root; imports stand under `imports`, names with a dot in quotes"
    return None


def counted(low: int, high: int | None, size: int) -> int:
    """Return how far the two counters of a group count: how many may be missing, and how many may be there."""
    missing = size - low + 1 if 1 < low < size else 0
    return missing + (high + 1 if high is not None and high < size else 0)


def _low(group: _OpenGroup) -> int:
    return len(group.members) if group.kind is GroupKind.MANDATORY else group.bounds[0]


def _group_shape(word: str) -> tuple[GroupKind, tuple[int, int | None]]:
    match word:
        case "mandatory":
            return GroupKind.MANDATORY, (0, None)
        case "optional":
            return GroupKind.OPTIONAL, (0, None)
        case "or":
            return GroupKind.OR, (1, None)
        case "alternative":
            return GroupKind.ALTERNATIVE, (1, 1)
        case _:
            match = _BOUNDS.match(word)
            assert match is not None
            low = int(match[1])
            high = low if match[2] is None else None if match[2] == "*" else int(match[2])
            return GroupKind.CARDINALITY, (low, high)
