"""Reads a feature model in UVL, all of its language levels, and names every fault with file and line.

A constraint's rule id stands in a comment line above it (`// R017 ...`); files without such comments get `L<line>`.
Imports are read from files below the folder of the first file; what they bring is named `<alias>.<name>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from configurator.arithmetic import check_size
from configurator.expression_reader import parse_expression
from configurator.expressions import Expression, ExpressionFault, renamed
from configurator.faults import FaultList
from configurator.feature_tree import (
    Constraint,
    FeatureModel,
    GroupKind,
    TreeFeature,
    TreeGroup,
    UvlReading,
)
from configurator.uvl_attributes import unquoted
from configurator.uvl_clones import CloneWriter
from configurator.uvl_lines import RULE_ID, Line, logical_lines
from configurator.uvl_references import References, UnknownFeature
from configurator.uvl_tree import COUNTED_IN_ALL_MAX, FEATURES_MAX, ReadFeature, TreeReader, counted
from configurator.uvl_values import MEMBERS_MAX, classes_of, comparisons_with, without_values

__all__ = [
    "Constraint",
    "FeatureModel",
    "GroupKind",
    "TreeFeature",
    "TreeGroup",
    "UvlReading",
    "read_uvl",
    "read_uvl_file",
]

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
IMPORT_DEPTH_MAX: Final = 16
FILES_MAX: Final = 64
_SECTION: Final = re.compile(r"(namespace|include|imports|features|constraints)\b")
_IMPORT: Final = re.compile(r"(?P<path>[^\W\d][\w-]*(?:\.[^\W\d][\w-]*)*)(?:\s+as\s+(?P<alias>[^\W\d]\w*))?\Z")
_LEVEL: Final = re.compile(
    r"(?:Boolean|Arithmetic|Type)(?:\.(?:\*|group-cardinality|feature-cardinality|aggregate-function"
    r"|numeric-constraints|string-constraints))?\Z"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule over features, attributes written out; `owner` is the feature in whose braces it stands.

    Below each of `roots` it adds something up.
    """

    code: str
    expression: Expression
    line: int
    file: str
    owner: str | None
    roots: tuple[str, ...]


@dataclass(slots=True)
class _FileModel:
    """One file with all that it imports, before clones and values are written out."""

    features: list[ReadFeature] = field(default_factory=list)
    groups: list[TreeGroup] = field(default_factory=list)
    rules: list[_Rule] = field(default_factory=list)


def read_uvl_file(path: Path) -> UvlReading:
    """Read a UVL file and what it imports; the faults name files by their place below its folder."""
    faults = FaultList()
    text = _text_of(path, path.name, faults)
    if text is None:
        return UvlReading(None, faults.sorted())
    return _read(text, path.name, path.parent, faults)


def read_uvl(text: str, *, file: str = "options.uvl") -> UvlReading:
    """Read UVL text without imports; never raises for what stands in it, but collects the faults."""
    return _read(text, file, None, FaultList())


def _read(text: str, file: str, folder: Path | None, faults: FaultList) -> UvlReading:
    reader = _FileReader(file, folder, faults, (), {})
    model = reader.read(text)
    if not model.features:
        return UvlReading(None, faults.sorted(), whole=False)
    return UvlReading(_written_out(model, file, faults), faults.sorted(), reader.whole)


def _text_of(path: Path, file: str, faults: FaultList) -> str | None:
    try:
        if not path.is_file():
            faults.add(file, 0, "is no file that can be read")
            return None
        if path.stat().st_size > FILE_BYTES_MAX:
            faults.add(file, 0, f"is larger than {FILE_BYTES_MAX} bytes")
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        faults.add(file, line, "is not UTF-8 text; save the file as UTF-8")
    except OSError as error:
        faults.add(file, 0, f"cannot be read: {error.strerror}")
    return None


class _FileReader:
    """Reads one file; `above` are the files whose imports led here, `read` counts the files of the whole reading."""

    def __init__(
        self, file: str, folder: Path | None, faults: FaultList, above: tuple[Path, ...], read: dict[Path, int]
    ) -> None:
        self._file = file
        self._folder = folder
        self._faults = faults
        self._above = above
        self._read = read
        self._imported: dict[str, tuple[int, _FileModel]] = {}
        self.whole = True

    def read(self, text: str) -> _FileModel:
        before = len(self._faults)
        sections = self._sections(logical_lines(text, self._file, self._faults))
        for line in sections["include"]:
            if not _LEVEL.match(line.text):
                self._faults.add(self._file, line.number, f"unknown language level '{line.text[:60]}'")
        for line in sections["imports"]:
            self._import(line)
        roots = {f"{alias}.{model.features[0].name}" for alias, (_, model) in self._imported.items() if model.features}
        tree = TreeReader(self._file, self._faults, frozenset(roots))
        for line in sections["features"]:
            tree.take(line)
        tree.finish()
        if not tree.features:
            self._faults.add(self._file, 0, "has no features; a line `features` and a root below it are needed")
            return _FileModel()
        model = self._grafted(tree)
        self.whole = len(self._faults) == before
        lost = "" if self.whole else "\n".join(line.text for line in sections["features"])
        model.rules += self._rules(sections["constraints"], tree, model, lost=lost)
        return model

    def _sections(self, lines: list[Line]) -> dict[str, list[Line]]:
        """Sort the lines by the section in which they stand."""
        sections: dict[str, list[Line]] = {name: [] for name in ("include", "imports", "features", "constraints")}
        section = ""
        for line in lines:
            if line.indent == 0 and (match := _SECTION.match(line.text)):
                section = match[1]
                if section != "namespace" and line.text.strip() != section:
                    reason = f"nothing may follow the word `{section}` on its line"
                    self._faults.add(self._file, line.number, reason)
            elif section in sections:
                sections[section].append(line)
            else:
                reason = "stands in no section; `features` or `constraints` must come first"
                self._faults.add(self._file, line.number, reason)
        return sections

    def _import(self, line: Line) -> None:
        """Read an imported file; each reason not to is a fault of the line that imports it."""
        match = _IMPORT.match(line.text)
        if match is None:
            reason = "an import is written `folder.file as name`, with names of letters, digits, _ and -"
            self._faults.add(self._file, line.number, reason)
            return
        alias = match["alias"] or match["path"]
        reading = self._imported_file(match["path"])
        if isinstance(reading, str):
            self._faults.add(self._file, line.number, reading)
        elif alias in self._imported:
            self._faults.add(self._file, line.number, f"'{alias}' is imported already; name it with `as`")
        else:
            self._imported[alias] = (line.number, reading)

    def _imported_file(self, dotted: str) -> _FileModel | str:
        """Return the model of an imported file, or why it is not read."""
        if self._folder is None:
            return "imports need a file; a text alone has no folder to look in"
        top = self._folder.resolve()
        here = (top / self._file).parent
        path = here.joinpath(*dotted.split(".")).with_suffix(".uvl").resolve()
        if not path.is_relative_to(top):
            return f"'{dotted}' leads out of the folder"
        if not path.is_file():
            return f"'{dotted}' is no file here; looked for {path.relative_to(top)}"
        above = (*self._above, (top / self._file).resolve())
        if path in above:
            return f"imports go in a circle: {' -> '.join(one.name for one in (*above[above.index(path) :], path))}"
        self._read[path] = self._read.get(path, 0) + 1
        if len(above) > IMPORT_DEPTH_MAX or sum(self._read.values()) > FILES_MAX:
            return f"imports more than {FILES_MAX} files, or deeper than {IMPORT_DEPTH_MAX}"
        file = path.relative_to(top).as_posix()
        text = _text_of(path, file, self._faults)
        if text is None:
            return f"'{dotted}' cannot be read"
        return _FileReader(file, self._folder, self._faults, above, self._read).read(text)

    def _grafted(self, tree: TreeReader) -> _FileModel:
        """Put each imported tree where its root stands."""
        own = _FileModel([], tree.groups(), [])
        waiting = {
            f"{alias}.{model.features[0].name}": alias for alias, (_, model) in self._imported.items() if model.features
        }
        for feature in tree.features:
            if (alias := waiting.pop(feature.name, None)) is None:
                own.features.append(feature)
                continue
            model = self._imported[alias][1]
            root, *below = (replace(one, name=f"{alias}.{one.name}") for one in model.features)
            own.features += [replace(root, clones=feature.clones or root.clones), *below]
            own.groups += [_renamed_group(group, alias) for group in model.groups]
            own.rules += [_renamed_rule(rule, alias) for rule in model.rules]
        for name, alias in waiting.items():
            line = self._imported[alias][0]
            self._faults.add(self._file, line, f"is imported, but its root '{name}' stands nowhere under `features`")
        return own

    def _rules(self, lines: list[Line], tree: TreeReader, model: _FileModel, *, lost: str) -> list[_Rule]:
        """Read the constraints of this file, those in braces first; a faulty one is named and left out.

        A feature that stands in `lost`, the text of a tree with faults, was lost with these and is not named again.
        """
        references = References(model.features, lambda name: _subtree(name, model.groups))
        written: list[tuple[str | None, str, int, str]] = [
            (own.owner, own.text, own.line, own.comment) for own in tree.own_constraints
        ]
        written += [(None, line.text, line.number, line.comment) for line in lines]
        rules: list[_Rule] = []
        seen: dict[str, int] = {}
        for owner, text, line, comment in written:
            match = RULE_ID.match(comment)
            code = match[1] if match else f"L{line}"
            if owner is not None and code in seen:
                code = f"{code}_{sum(rule.line == line for rule in rules) + 1}"
            if code in seen:
                self._faults.add(self._file, line, f"duplicate rule {code}; it stands on line {seen[code]} already")
                continue
            seen[code] = line
            try:
                expression, roots = references.resolved(parse_expression(text))
                rules.append(_Rule(code, expression, line, self._file, owner, roots))
            except UnknownFeature as fault:
                if fault.name not in lost:
                    self._faults.add(self._file, line, f"rule {code}: {fault.reason}")
            except ExpressionFault as fault:
                self._faults.add(self._file, line, f"rule {code}: {fault.reason}")
        return rules


def _renamed_group(group: TreeGroup, alias: str) -> TreeGroup:
    members = tuple(f"{alias}.{member}" for member in group.members)
    return replace(group, parent=f"{alias}.{group.parent}", members=members)


def _renamed_rule(rule: _Rule, alias: str) -> _Rule:
    owner = None if rule.owner is None else f"{alias}.{rule.owner}"
    expression = renamed(rule.expression, lambda name: f"{alias}.{name}")
    roots = tuple(f"{alias}.{root}" for root in rule.roots)
    return replace(rule, code=f"{alias}.{rule.code}", expression=expression, owner=owner, roots=roots)


def _subtree(name: str, groups: list[TreeGroup]) -> frozenset[str]:
    """Return a feature with all below it; parents come before their children."""
    children: dict[str, list[str]] = {}
    for group in groups:
        children.setdefault(group.parent, []).extend(group.members)
    found, waiting = set(), [name]
    while waiting:
        found.add(at := waiting.pop())
        waiting += children.get(at, [])
    return frozenset(found)


def _written_out(read: _FileModel, file: str, faults: FaultList) -> FeatureModel | None:
    """Write a buyer's values and clones out as plain features."""
    model = _with_value_classes(read, faults)
    if model is None:
        return None
    by_parent: dict[str, list[TreeGroup]] = {}
    for group in model.groups:
        by_parent.setdefault(group.parent, []).append(group)
    writer = CloneWriter({feature.name: feature for feature in model.features}, by_parent)
    features, groups = model.features, model.groups
    if writer.has_clones:
        if writer.size() > FEATURES_MAX:
            line = next(feature.line for feature in model.features if feature.clones)
            faults.add(file, line, f"feature cardinalities make more than {FEATURES_MAX} features")
            return None
        writer.place(model.features[0].name)
        features, groups = writer.features, writer.groups
    counters = sum(len(group.members) * counted(group.low, group.high, len(group.members)) for group in groups)
    if counters > COUNTED_IN_ALL_MAX and not faults:
        faults.add(file, 0, f"all groups together need more than {COUNTED_IN_ALL_MAX:,} counters")
        return None
    names = {feature.name for feature in features}
    if len(names) < len(features):
        faults.add(file, 0, "a feature has the name of one that a cardinality or a value adds; rename it")
        return None
    constraints: list[Constraint] = []
    for rule in model.rules:
        try:
            expression = writer.instantiated(rule.expression, rule.owner, rule.roots)
            check_size(expression)
        except ExpressionFault as fault:
            faults.add(rule.file, rule.line, f"rule {rule.code}: {fault.reason}")
            continue
        constraints.append(Constraint(rule.code, expression, rule.line, "" if rule.file == file else rule.file))
    return FeatureModel(
        tuple(map(_tree_feature, features)),
        tuple(replace(group, file="" if group.file == file else group.file) for group in groups),
        tuple(constraints),
        tuple(writer.definitions),
    )


def _with_value_classes(model: _FileModel, faults: FaultList) -> _FileModel | None:
    """Put below each typed feature the classes of its values that rules tell apart; None where they are too many."""
    types = {feature.name: feature.value_type for feature in model.features if feature.value_type != "Boolean"}
    if not types:
        return model
    typed = frozenset(types)
    comparisons = comparisons_with([rule.expression for rule in model.rules], typed)
    classes = {name: classes_of(name, value_type, comparisons[name]) for name, value_type in types.items()}
    sizes = {name: len(comparisons[name]) * len(classes[name]) for name in types}
    if sum(sizes.values()) > MEMBERS_MAX:
        most = next(feature for feature in model.features if feature.name == max(sizes, key=sizes.__getitem__))
        reason = f"'{most.name}' is compared {len(comparisons[most.name]):,} times; all comparisons with buyers' values"
        faults.add(most.file, most.line, f"{reason} come to more than {MEMBERS_MAX:,} classes")
        return None
    features: list[ReadFeature] = []
    groups = list(model.groups)
    for feature in model.features:
        features.append(feature)
        if added := classes.get(feature.name):
            features += [ReadFeature(one.name, feature.line, {}, file=feature.file) for one in added]
            members = tuple(one.name for one in added)
            groups.append(TreeGroup(feature.name, GroupKind.ALTERNATIVE, 1, 1, members, feature.line, feature.file))
    rules = [replace(rule, expression=without_values(rule.expression, classes, typed)) for rule in model.rules]
    return _FileModel(features, groups, rules)


def _tree_feature(feature: ReadFeature) -> TreeFeature:
    attributes = tuple((key, unquoted(value)) for key, value in feature.values.items())
    return TreeFeature(feature.name, feature.line, feature.abstract, attributes)
