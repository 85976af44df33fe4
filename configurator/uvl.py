"""Reads a feature model in UVL (Boolean level with group cardinalities) and names every fault with its line.

A constraint's rule id stands in a comment line above it (`// R017 ...`); files without such comments get `L<line>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from configurator.expressions import Expression, ExpressionFault, feature_names, parse_expression
from configurator.faults import Fault, FaultList

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
TREE_DEPTH_MAX: Final = 200


class GroupKind(StrEnum):
    """How a parent's children may be chosen."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    OR = "or"
    ALTERNATIVE = "alternative"
    CARDINALITY = "cardinality"


@dataclass(frozen=True, slots=True)
class TreeFeature:
    """One feature of the tree; the root comes first, a child after its parent."""

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
    """One cross-tree rule."""

    rule: str
    expression: Expression
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """A whole UVL file: features in the file's order (the root first), groups and constraints."""

    features: tuple[TreeFeature, ...]
    groups: tuple[TreeGroup, ...]
    constraints: tuple[Constraint, ...]

    @property
    def root(self) -> str:
        return self.features[0].name


@dataclass(frozen=True, slots=True)
class UvlReading:
    """What came out of a file: the model (None where it is beyond use) and every fault found on the way."""

    model: FeatureModel | None
    faults: tuple[Fault, ...]


_SECTION: Final = re.compile(r"(namespace|include|imports|features|constraints)\b")
_GROUP: Final = re.compile(r"(mandatory|optional|or|alternative|\[\s*\d+\s*(?:\.\.\s*(?:\d+|\*)\s*)?\])\s*\Z")
_BOUNDS: Final = re.compile(r"\[\s*(\d+)\s*(?:\.\.\s*(\d+|\*)\s*)?\]")
_FEATURE: Final = re.compile(
    r"""(?:(?P<type>Boolean|Integer|Real|String)\s+)?
        (?:"(?P<quoted>[^"]+)"|(?P<name>[^\s"{}\[\]()!&|<>=,]+))
        (?P<cardinality>\s+cardinality\s*\[[^\]]*\])?
        \s*(?:\{(?P<attributes>.*)\})?\s*\Z""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(
    r"""\s*(?P<key>[^\W\d][\w.#?%-]*|"[^"]*")\s*
        (?P<value>'[^']*'|"[^"]*"|\[[^\]]*\]|\{[^{}]*\}|[^\s,{}\[\]'"]+)?\s*(?:,|\Z)""",
    re.VERBOSE,
)
_RULE_ID: Final = re.compile(r"([A-Z][A-Z_]{0,15}\d{1,8}[a-z]?)\b")
_PIECE: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*"|//[^\n]*|/\*|\*/|[{}()]|[^'"/*{}()]+|.""")


@dataclass(slots=True)
class _Line:
    """A logical line: text without comments, and the comment that stood alone above it."""

    number: int
    indent: int
    text: str
    comment: str


def read_uvl_file(path: Path) -> UvlReading:
    """Read a UVL file; the faults name it by its file name."""
    if path.stat().st_size > FILE_BYTES_MAX:
        return UvlReading(None, (Fault(path.name, 0, f"is larger than {FILE_BYTES_MAX} bytes"),))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return UvlReading(None, (Fault(path.name, line, "is not UTF-8 text; save the file as UTF-8"),))
    return read_uvl(text, file=path.name)


def read_uvl(text: str, *, file: str = "options.uvl") -> UvlReading:
    """Read UVL text; never raises for what stands in it, but collects the faults."""
    faults = FaultList()
    lines = _logical_lines(text, file, faults)
    tree = _TreeReader(file, faults)
    constraints = _ConstraintReader(file, faults)
    section = ""
    for line in lines:
        if line.indent == 0 and (match := _SECTION.match(line.text)):
            section = match[1]
            _check_section(section, line, file, faults)
        elif section == "features":
            tree.take(line)
        elif section == "constraints":
            constraints.take(line)
        elif section != "include":
            faults.add(file, line.number, "stands in no section; `features` or `constraints` must come first")
    tree.finish()
    constraints.check_names({feature.name for feature in tree.features})
    if not tree.features:
        faults.add(file, 0, "has no features; a line `features` and a root below it are needed")
        return UvlReading(None, faults.sorted())
    model = FeatureModel(tuple(tree.features), tuple(tree.groups()), tuple(constraints.constraints))
    return UvlReading(model, faults.sorted())


def _check_section(section: str, line: _Line, file: str, faults: FaultList) -> None:
    if section == "imports":
        faults.add(file, line.number, "imports are not supported here; write the model in one file")
    elif section in ("features", "constraints") and line.text.strip() != section:
        faults.add(file, line.number, f"nothing may follow the word `{section}` on its line")


def _logical_lines(text: str, file: str, faults: FaultList) -> list[_Line]:
    """Strip comments and join lines while a brace or parenthesis is open."""
    lines: list[_Line] = []
    comment, open_braces, in_block = "", 0, 0
    indents_seen: set[str] = set()
    for number, raw in enumerate(text.split("\n"), start=1):
        body, note, depth, in_block = _without_comments(raw, number, in_block)
        if not body.strip():
            comment = note if note and not _RULE_ID.match(comment) else comment
            continue
        if open_braces > 0 and lines:
            lines[-1].text += " " + body.strip()
        else:
            indent = len(body) - len(body.lstrip())
            indents_seen.update(body[:indent])
            lines.append(_Line(number, indent, body.strip(), comment))
        comment = ""
        open_braces += depth
        if open_braces < 0:
            faults.add(file, number, "a bracket is closed that was never opened")
            open_braces = 0
    if in_block:
        faults.add(file, in_block, "a comment `/*` is never closed")
    if open_braces > 0:
        faults.add(file, lines[-1].number, "a bracket is opened here and never closed")
    if {" ", "\t"} <= indents_seen:
        faults.add(file, 0, "mixes tabs and spaces for indentation; use one of them")
    return lines


def _without_comments(raw: str, number: int, in_block: int) -> tuple[str, str, int, int]:
    """Return the line without comments, its `//` comment, its surplus of open brackets, and the open block's line."""
    if not in_block and "/" not in raw and "{" not in raw and "(" not in raw and "}" not in raw and ")" not in raw:
        return raw, "", 0, 0
    kept: list[str] = []
    note, depth = "", 0
    for piece in _PIECE.findall(raw):
        if in_block:
            in_block = 0 if piece == "*/" else in_block
        elif piece == "/*":
            in_block = number
        elif piece.startswith("//"):
            note = piece[2:].strip()
        else:
            depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(piece, 0)
            kept.append(piece)
    return "".join(kept), note, depth, in_block


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


class _TreeReader:
    """Builds the tree from indentation: under a feature come groups, under a group come features."""

    def __init__(self, file: str, faults: FaultList) -> None:
        self._file = file
        self._faults = faults
        self._path: list[_Node] = []
        self._groups: list[_OpenGroup] = []
        self._lines: dict[str, int] = {}
        self._broken_at: int | None = None
        self.features: list[TreeFeature] = []

    def take(self, line: _Line) -> None:
        """Take one line of the section `features`; what hangs below a faulty line is passed over."""
        if self._broken_at is not None and line.indent > self._broken_at:
            return
        self._broken_at = None
        while self._path and self._path[-1].indent >= line.indent:
            self._path.pop()
        above = self._path[-1] if self._path else None
        if len(self._path) > TREE_DEPTH_MAX:
            self._refuse(line, f"is nested deeper than {TREE_DEPTH_MAX}")
        elif match := _GROUP.match(line.text):
            self._open_group(line, match[1], above)
        else:
            self._add_feature(line, above)

    def _refuse(self, line: _Line, reason: str) -> None:
        self._faults.add(self._file, line.number, reason)
        self._broken_at = line.indent

    def _open_group(self, line: _Line, word: str, above: _Node | None) -> None:
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

    def _add_feature(self, line: _Line, above: _Node | None) -> None:
        match = _FEATURE.match(line.text)
        if match is None:
            self._refuse(line, f"is neither a feature nor a group: {line.text[:60]!r}")
        elif match["type"] and match["type"] != "Boolean":
            self._refuse(line, f"features of type {match['type']} are not supported; only Boolean ones are")
        elif match["cardinality"]:
            self._refuse(line, "feature cardinality is not supported; write the features one by one")
        elif above is None and self.features:
            self._refuse(line, f"is a second root; '{self.features[0].name}' is the first")
        elif above is not None and above.group is None:
            reason = f"stands right below the feature '{above.feature}'; a group line such as `optional` is missing"
            self._refuse(line, reason)
        else:
            self._add_named(line, match["quoted"] or match["name"], match["attributes"], above)

    def _add_named(self, line: _Line, name: str, attributes_text: str | None, above: _Node | None) -> None:
        if name in self._lines:
            self._refuse(line, f"duplicate feature '{name}'; it stands on line {self._lines[name]} already")
            return
        attributes = self._attributes(line, attributes_text)
        abstract = dict(attributes).get("abstract", "false") == "true"
        self._lines[name] = line.number
        self.features.append(TreeFeature(name, line.number, abstract, attributes))
        if above is not None and above.group is not None:
            above.group.members.append(name)
        self._path.append(_Node(line.indent, name, None))

    def _attributes(self, line: _Line, text: str | None) -> tuple[tuple[str, str], ...]:
        attributes: list[tuple[str, str]] = []
        at = 0
        while text and text[at:].strip():
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                self._faults.add(self._file, line.number, f"attributes cannot be read from {text[at : at + 40]!r} on")
                break
            key = match["key"].strip('"')
            if key in ("constraint", "constraints"):
                self._faults.add(self._file, line.number, "a constraint inside attributes belongs under `constraints`")
            attributes.append((key, (match["value"] or "true").strip("'\"")))
            at = match.end()
        return tuple(attributes)

    def finish(self) -> None:
        """Check what can only be known at the end: empty groups and impossible bounds."""
        for group in self._groups:
            size = len(group.members)
            if size == 0:
                self._faults.add(self._file, group.line, "the group has no features below it")
            elif group.bounds[0] > size:
                reason = f"the group asks for at least {group.bounds[0]} of {size} features"
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
            )
            for group in self._groups
            if group.members
        ]


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


class _ConstraintReader:
    """Reads the section `constraints`: one expression a line, its rule id in the comment above."""

    def __init__(self, file: str, faults: FaultList) -> None:
        self._file = file
        self._faults = faults
        self._lines: dict[str, int] = {}
        self.constraints: list[Constraint] = []

    def take(self, line: _Line) -> None:
        """Take one constraint; a faulty one is named and left out."""
        match = _RULE_ID.match(line.comment)
        rule = match[1] if match else f"L{line.number}"
        if rule in self._lines:
            reason = f"duplicate rule {rule}; it stands on line {self._lines[rule]} already"
            self._faults.add(self._file, line.number, reason)
            return
        self._lines[rule] = line.number
        try:
            self.constraints.append(Constraint(rule, parse_expression(line.text), line.number))
        except ExpressionFault as fault:
            self._faults.add(self._file, line.number, f"rule {rule}: {fault.reason}")

    def check_names(self, known: set[str]) -> None:
        """Name every feature that a constraint speaks of and the tree does not have."""
        for constraint in self.constraints:
            for name in feature_names(constraint.expression):
                if name not in known:
                    reason = f"rule {constraint.rule}: unknown feature '{name}'; it stands nowhere under `features`"
                    self._faults.add(self._file, constraint.line, reason)
