"""Reads a catalogue folder (UVL and tables that people edit and review) to a `Catalogue`, or names every fault."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from configurator.assemblies import ROWS_MAX, TooManyParts, find_circle, resolve
from configurator.catalogue import (
    ALL_MODELS,
    MODEL_GROUP,
    CarModel,
    Catalogue,
    Category,
    Condition,
    Option,
    OptionPrice,
    Rule,
)
from configurator.catalogue_rows import category_of, model_of, option_of, part_of, price_of, price_rule_of, rule_of
from configurator.errors import CatalogueFaulty
from configurator.expression_reader import parse_own_expression
from configurator.expressions import ExpressionFault, feature_names, format_expression
from configurator.faults import Fault, FaultList
from configurator.feature_tree import Constraint, FeatureModel, GroupKind, TreeGroup, decided_by_tree
from configurator.file_tables import Row, read_table
from configurator.logic_check import logic_faults
from configurator.model import Text
from configurator.parts_model import PartUse
from configurator.rules import group_codes
from configurator.uvl import read_uvl_file

MANIFEST: Final = "catalogue.toml"
UVL: Final = "options.uvl"
LABEL_LENGTH_MAX: Final = 80
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "models.csv": ("model", "platform", "plant", "energy", "base_price_yuan", "cost_yuan", "zh", "en"),
    "categories.csv": ("category", "zh", "en", "position"),
    "options.csv": (
        "option", "category", "long_lead", "constrained", "first_day", "last_day", "fulfils_proposal",
        "zh", "en", "zh_text", "en_text",
    ),
    "prices.csv": ("model", "option", "price_yuan", "cost_yuan"),
    "rules.csv": ("rule", "kind", "regions", "plants", "first_day", "last_day", "zh", "en"),
    "price_rules.csv": ("rule", "when", "amount_yuan", "zh", "en"),
    "parts.csv": ("feature", "part", "quantity", "supplier", "lead_time_days", "first_day", "last_day"),
}  # fmt: skip
SUPPLIERS: Final = "network/suppliers.csv"
SUPPLIER_COLUMNS: Final = ("supplier", "zh", "en")

Item = TypeVar("Item")


def read_catalogue(folder: Path) -> Catalogue:
    """Read a folder; refuses with `CatalogueFaulty`, which carries every fault with file, line and reason."""
    catalogue, faults = inspect_folder(folder)
    if catalogue is None or faults:
        raise CatalogueFaulty(faults)
    return catalogue


def inspect_folder(folder: Path) -> tuple[Catalogue | None, tuple[Fault, ...]]:
    """Read a folder and return what could be read with all faults; logic is checked once the files are sound."""
    faults = FaultList()
    catalogue = _Folder(folder, faults).read()
    if catalogue is not None and not faults:
        for fault in unkeepable(catalogue) or logic_faults(catalogue):
            faults.add(fault.file, fault.line, fault.reason)
    return catalogue, faults.sorted()


def unkeepable(catalogue: Catalogue) -> list[Fault]:
    """Return the rules that could not be read again once they are kept, where each operand stands in parentheses."""
    written = [(rule.file or UVL, rule.line, rule.code, rule.expression) for rule in catalogue.rules]
    written += [("price_rules.csv", 0, rule.code, rule.when) for rule in catalogue.price_rules]
    faults = []
    for file, line, code, expression in written:
        try:
            if expression is not None:
                parse_own_expression(format_expression(expression))
        except ExpressionFault as fault:
            faults.append(Fault(file, line, f"rule {code}: written with all its parentheses it is {fault.reason}"))
    return faults


class _Folder:
    """One reading of one folder."""

    def __init__(self, folder: Path, faults: FaultList) -> None:
        self._folder = folder
        self._faults = faults
        self._torn: set[str] = set()

    def read(self) -> Catalogue | None:
        if not self._folder.is_dir():
            self._faults.add(str(self._folder), 0, "is not a folder")
            return None
        manifest = self._manifest()
        feature_model = self._feature_model()
        models = self._table("models.csv", model_of, lambda model: model.code)
        categories = self._table("categories.csv", category_of, lambda category: category.code)
        options = self._table("options.csv", option_of, lambda option: option.code)
        prices = self._table("prices.csv", price_of, lambda price: (price.model, price.option))
        rule_rows = self._table("rules.csv", rule_of, lambda rule: rule.code)
        price_rules = self._table("price_rules.csv", price_rule_of, lambda rule: rule.code)
        parts = self._table("parts.csv", part_of, lambda part: (part.feature, part.part, part.first_day))
        self._check_suppliers(parts)
        if feature_model is None or manifest is None:
            return None
        known_models, known_options = self._check_tree(feature_model, models, categories, options)
        rules = self._rules(feature_model, rule_rows, {model.plant for _, model in models})
        self._check_prices(prices, known_models, known_options)
        price_names = [(line, feature_names(rule.when)) for line, rule in price_rules]
        named = known_models | known_options
        features = [feature.name for feature in feature_model.features]
        decided = named | decided_by_tree(features, feature_model.groups, named)
        self._check_names("price_rules.csv", price_names, feature_model, decided)
        self._check_parts(parts, feature_model, decided)
        return Catalogue(
            **manifest,
            features=tuple(feature.name for feature in feature_model.features),
            groups=feature_model.groups,
            models=_values(models),
            categories=tuple(sorted(_values(categories), key=lambda category: category.position)),
            options=_values(options),
            prices=_values(prices),
            rules=rules,
            price_rules=_values(price_rules),
            parts=self._whole_parts(_values(parts)),
            definitions=feature_model.definitions,
        )

    def _manifest(self) -> dict[str, Any] | None:
        path = self._folder / MANIFEST
        if not path.is_file():
            self._faults.add(MANIFEST, 0, "is missing")
            return None
        try:
            stored = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
            self._faults.add(MANIFEST, 0, f"cannot be read: {error}")
            return None
        for name in ("brand", "version", "currency", "changes_zh", "changes_en"):
            if not isinstance(stored.get(name), str) or not stored[name].strip():
                self._faults.add(MANIFEST, 0, f'needs a line {name} = "…"')
        if len(str(stored.get("version"))) > LABEL_LENGTH_MAX:
            self._faults.add(MANIFEST, 0, f"version is longer than {LABEL_LENGTH_MAX} characters")
        if type(stored.get("effective_from")) is not date:
            self._faults.add(MANIFEST, 0, "needs a line effective_from = 2026-10-01 (a day without quotes)")
        if self._faults:
            return None
        return {
            "brand": stored["brand"],
            "label": stored["version"],
            "effective_from": stored["effective_from"],
            "currency": stored["currency"],
            "changes": Text(stored["changes_zh"], stored["changes_en"]),
        }

    def _feature_model(self) -> FeatureModel | None:
        path = self._folder / UVL
        if not path.is_file():
            self._faults.add(UVL, 0, "is missing")
            return None
        reading = read_uvl_file(path)
        for fault in reading.faults:
            self._faults.add(fault.file, fault.line, fault.reason)
        if not reading.whole:
            self._torn.add(UVL)
        return reading.model

    def _table(
        self, file: str, build: Callable[[Row], Item | None], key: Callable[[Item], Hashable]
    ) -> list[tuple[int, Item]]:
        """Build one value a row, with its line; a key that comes twice is a fault of the second row."""
        items: list[tuple[int, Item]] = []
        lines: dict[Hashable, int] = {}
        for row in self._rows(self._folder, file, COLUMNS[file]):
            item = build(row)
            if item is None:
                continue
            name = key(item)
            if name in lines:
                row.fault(f"duplicate of line {lines[name]}")
                continue
            lines[name] = row.line
            items.append((row.line, item))
        return items

    def _rows(self, folder: Path, file: str, columns: tuple[str, ...]) -> list[Row]:
        """Read a table's rows; one of which some were lost is torn, and nobody is told that these are missing."""
        before = len(self._faults)
        rows = read_table(folder, file, columns, self._faults)
        if len(self._faults) > before:
            self._torn.add(file)
        return rows

    def _check_tree(
        self,
        feature_model: FeatureModel,
        models: list[tuple[int, CarModel]],
        categories: list[tuple[int, Category]],
        options: list[tuple[int, Option]],
    ) -> tuple[set[str], set[str]]:
        """Hold the tables against the tree: the same models, the same options, each in its category.

        Returns the models and the options that stand on either side: what lacks the other is named once, and what
        speaks of it elsewhere is not wrong for that.
        """
        lines = {feature.name: feature.line for feature in feature_model.features}
        abstract = {feature.name for feature in feature_model.features if feature.abstract}
        parents = {member: group.parent for group in feature_model.groups for member in group.members}
        tree_models = {name for name, parent in parents.items() if parent == MODEL_GROUP}
        tree_options = set(lines) - set(parents.values()) - tree_models - abstract
        own_models = {item.code: line for line, item in models}
        own_options = {item.code: line for line, item in options}
        if UVL not in self._torn:
            if not tree_models:
                reason = f"has no models: an alternative group below a feature `{MODEL_GROUP}` is needed"
                self._faults.add(UVL, 0, reason)
            self._compare("models.csv", "model", own_models, tree_models, lines)
            self._compare("options.csv", "option", own_options, tree_options, lines)
            for line, category in categories:
                if category.code not in lines:
                    self._faults.add("categories.csv", line, f"category '{category.code}' stands nowhere in {UVL}")
        self._check_categories(options, {category.code for _, category in categories}, set(lines), parents)
        return tree_models | set(own_models), tree_options | set(own_options)

    def _check_categories(
        self, options: list[tuple[int, Option]], known: set[str], features: set[str], parents: dict[str, str]
    ) -> None:
        """Name each category that is not there once, at its first option, and each option below another one."""
        unknown = [(line, option.category) for line, option in options if option.category not in known]
        if "categories.csv" not in self._torn:
            self._add_once("options.csv", unknown, lambda category: f"unknown category '{category}'")
        for line, option in options:
            is_placed = option.category not in known or option.code not in features or UVL in self._torn
            if not is_placed and option.category not in _above(option.code, parents):
                reason = f"'{option.code}' does not stand below '{option.category}' in {UVL}"
                self._faults.add("options.csv", line, reason)

    def _add_once(self, file: str, named: list[tuple[int, str]], reason: Callable[[str], str]) -> None:
        """Note a fault for each word that is wrong, at its first line, with the lines on which it stands again."""
        lines: dict[str, list[int]] = {}
        for line, word in named:
            lines.setdefault(word, []).append(line)
        for word, (first, *others) in lines.items():
            again = f"; it stands in {len(others)} more rows, the next is line {others[0]}" if others else ""
            self._faults.add(file, first, reason(word) + again)

    def _compare(self, file: str, kind: str, rows: dict[str, int], tree: set[str], lines: dict[str, int]) -> None:
        for name, line in rows.items():
            if name not in tree:
                self._faults.add(file, line, f"unknown {kind} '{name}'; {UVL} has no such {kind}")
        if file not in self._torn:
            for name in sorted(tree - set(rows)):
                self._faults.add(UVL, lines[name], f"{kind} '{name}' has no row in {file}")

    def _rules(self, feature_model: FeatureModel, rows: list[tuple[int, Rule]], plants: set[str]) -> tuple[Rule, ...]:
        """Join the constraints with their rows: every constraint has a row, every row a constraint or a group."""
        by_code = {rule.code: (line, rule) for line, rule in rows}
        groups = _groups_by_code(feature_model.groups)
        constraints = {constraint.rule: constraint for constraint in feature_model.constraints}
        is_read = not self._faults.names(UVL)
        for constraint in feature_model.constraints:
            if constraint.rule not in by_code and "rules.csv" not in self._torn:
                self._faults.add(
                    constraint.file or UVL, constraint.line, f"rule {constraint.rule} has no row in rules.csv"
                )
        for line, rule in rows:
            if is_read and rule.code not in constraints and rule.code not in groups:
                self._faults.add("rules.csv", line, f"rule {rule.code} stands nowhere in {UVL}")
            if rule.code in groups and rule.condition != Condition():
                self._faults.add("rules.csv", line, f"rule {rule.code} names a group and cannot depend on place or day")
        if not self._faults.names("models.csv"):
            unknown = [(line, plant) for line, rule in rows for plant in rule.condition.plants if plant not in plants]
            known = sorted(plants)
            self._add_once("rules.csv", unknown, lambda plant: f"unknown plant '{plant}'; models.csv has {known}")
        return tuple(_joined(rule, constraints.get(rule.code), groups.get(rule.code)) for _, rule in rows)

    def _check_prices(self, prices: list[tuple[int, OptionPrice]], models: set[str], options: set[str]) -> None:
        """Name models and options that are nowhere; where the tree and their table are both torn, nobody knows."""
        for line, price in prices:
            if price.model != ALL_MODELS and price.model not in models and not self._torn >= {UVL, "models.csv"}:
                self._faults.add("prices.csv", line, f"unknown model '{price.model}'")
            if price.option not in options and not self._torn >= {UVL, "options.csv"}:
                self._faults.add("prices.csv", line, f"unknown option '{price.option}'")

    def _check_suppliers(self, parts: list[tuple[int, PartUse]]) -> None:
        """Hold the part lists against the brand's table of suppliers, where it stands beside the catalogue."""
        brand = self._folder.resolve().parent
        if self._folder.resolve().name != "catalogue" or not (brand / SUPPLIERS).is_file():
            return
        known = {row.code("supplier") for row in self._rows(brand, SUPPLIERS, SUPPLIER_COLUMNS)}
        if SUPPLIERS not in self._torn:
            unknown = [(line, part.supplier) for line, part in parts if part.supplier and part.supplier not in known]
            self._add_once("parts.csv", unknown, lambda code: f"the brand has no supplier '{code}' in {SUPPLIERS}")

    def _check_parts(
        self, parts: list[tuple[int, PartUse]], feature_model: FeatureModel, decided: AbstractSet[str]
    ) -> None:
        """A part list is for a feature, or for a part of another list; a part contains itself by no way."""
        made = {part.part for _, part in parts}
        names = [(line, (part.feature,)) for line, part in parts if part.feature not in made]
        self._check_names("parts.csv", names, feature_model, decided)
        known = {feature.name for feature in feature_model.features}
        for line, part in parts:
            if part.part in known:
                self._faults.add("parts.csv", line, f"'{part.part}' is a feature and cannot be a part")
        circle = find_circle(_values(parts))
        for line, part in parts:
            if circle and (part.feature, part.part) == (circle[-1], circle[0]):
                way = " > ".join((*circle, circle[0]))
                self._faults.add("parts.csv", line, f"the part list goes in a circle: {way}")

    def _whole_parts(self, parts: tuple[PartUse, ...]) -> tuple[PartUse, ...]:
        if find_circle(parts):
            return parts
        try:
            return resolve(parts)
        except TooManyParts:
            self._faults.add("parts.csv", 0, f"the assemblies come to more than {ROWS_MAX:,} parts")
            return parts

    def _check_names(
        self,
        file: str,
        names: Iterable[tuple[int, Iterable[str]]],
        feature_model: FeatureModel,
        decided: AbstractSet[str],
    ) -> None:
        """Prices and parts go by the model, the options, and what the tree says of a car with these."""
        if UVL in self._torn:
            return
        known = {feature.name for feature in feature_model.features}
        for line, used in names:
            for name in used:
                if name in decided:
                    continue
                if name not in known:
                    self._faults.add(file, line, f"unknown feature '{name}'")
                else:
                    reason = f"the tree alone does not say by a car's model and options whether it has '{name}'"
                    self._faults.add(file, line, f"{reason}; name those instead")


def _values(items: list[tuple[int, Item]]) -> tuple[Item, ...]:
    return tuple(item for _, item in items)


def _above(name: str, parents: dict[str, str]) -> set[str]:
    above = set()
    while name in parents:
        name = parents[name]
        above.add(name)
    return above


def _groups_by_code(groups: tuple[TreeGroup, ...]) -> dict[str, TreeGroup]:
    codes = group_codes(groups)
    named = (GroupKind.MANDATORY, GroupKind.OPTIONAL)
    return {codes[id(group)]: group for group in groups if group.kind not in named}


def _joined(rule: Rule, constraint: Constraint | None, group: TreeGroup | None) -> Rule:
    line = constraint.line if constraint else group.line if group else 0
    expression = constraint.expression if constraint else None
    file = constraint.file if constraint else ""
    return Rule(rule.code, rule.kind, expression, rule.condition, rule.text, line, file)
