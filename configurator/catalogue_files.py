"""Reads a catalogue folder (UVL and tables that people edit and review) to a `Catalogue`, or names every fault."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Hashable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from configurator.arithmetic import check_size
from configurator.assemblies import ROWS_MAX, TooManyParts, find_circle, resolve
from configurator.catalogue import (
    ALL_MODELS,
    MODEL_GROUP,
    CarModel,
    Catalogue,
    Category,
    Condition,
    Energy,
    Option,
    OptionPrice,
    PriceRule,
    Rule,
    RuleKind,
)
from configurator.errors import CatalogueFaulty
from configurator.expression_reader import parse_expression, parse_own_expression
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

    def read(self) -> Catalogue | None:
        if not self._folder.is_dir():
            self._faults.add(str(self._folder), 0, "is not a folder")
            return None
        manifest = self._manifest()
        feature_model = self._feature_model()
        models = self._table("models.csv", _model, lambda model: model.code)
        categories = self._table("categories.csv", _category, lambda category: category.code)
        options = self._table("options.csv", _option, lambda option: option.code)
        prices = self._table("prices.csv", _price, lambda price: (price.model, price.option))
        rule_rows = self._table("rules.csv", _rule, lambda rule: rule.code)
        price_rules = self._table("price_rules.csv", _price_rule, lambda rule: rule.code)
        parts = self._table("parts.csv", _part, lambda part: (part.feature, part.part, part.first_day))
        if feature_model is None or manifest is None:
            return None
        self._check_tree(feature_model, models, categories, options)
        rules = self._rules(feature_model, rule_rows, {model.plant for _, model in models})
        known_options = {option.code for _, option in options}
        known_models = {model.code for _, model in models}
        self._check_prices(prices, known_models, known_options)
        price_names = [(line, feature_names(rule.when)) for line, rule in price_rules]
        decided = decided_by_tree(
            [feature.name for feature in feature_model.features], feature_model.groups, known_models | known_options
        )
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
        return reading.model

    def _table(
        self, file: str, build: Callable[[Row], Item | None], key: Callable[[Item], Hashable]
    ) -> list[tuple[int, Item]]:
        """Build one value a row, with its line; a key that comes twice is a fault of the second row."""
        items: list[tuple[int, Item]] = []
        lines: dict[Hashable, int] = {}
        for row in read_table(self._folder, file, COLUMNS[file], self._faults):
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

    def _check_tree(
        self,
        feature_model: FeatureModel,
        models: list[tuple[int, CarModel]],
        categories: list[tuple[int, Category]],
        options: list[tuple[int, Option]],
    ) -> None:
        """Hold the tables against the tree: the same models, the same options, each in its category."""
        lines = {feature.name: feature.line for feature in feature_model.features}
        abstract = {feature.name for feature in feature_model.features if feature.abstract}
        parents = {member: group.parent for group in feature_model.groups for member in group.members}
        tree_models = {name for name, parent in parents.items() if parent == MODEL_GROUP}
        tree_options = set(lines) - set(parents.values()) - tree_models - abstract
        if not tree_models:
            self._faults.add(UVL, 0, f"has no models: an alternative group below a feature `{MODEL_GROUP}` is needed")
        self._compare("models.csv", "model", {item.code: line for line, item in models}, tree_models, lines)
        self._compare("options.csv", "option", {item.code: line for line, item in options}, tree_options, lines)
        known_categories = {category.code for _, category in categories}
        for line, category in categories:
            if category.code not in lines:
                self._faults.add("categories.csv", line, f"category '{category.code}' stands nowhere in {UVL}")
        for line, option in options:
            if option.category not in known_categories:
                self._faults.add("options.csv", line, f"unknown category '{option.category}'")
            elif option.code in lines and option.category not in _above(option.code, parents):
                reason = f"'{option.code}' does not stand below '{option.category}' in {UVL}"
                self._faults.add("options.csv", line, reason)

    def _compare(self, file: str, kind: str, rows: dict[str, int], tree: set[str], lines: dict[str, int]) -> None:
        for name, line in rows.items():
            if name not in tree:
                self._faults.add(file, line, f"unknown {kind} '{name}'; {UVL} has no such {kind}")
        for name in sorted(tree - set(rows)):
            self._faults.add(UVL, lines[name], f"{kind} '{name}' has no row in {file}")

    def _rules(self, feature_model: FeatureModel, rows: list[tuple[int, Rule]], plants: set[str]) -> tuple[Rule, ...]:
        """Join the constraints with their rows: every constraint has a row, every row a constraint or a group."""
        by_code = {rule.code: (line, rule) for line, rule in rows}
        groups = _groups_by_code(feature_model.groups)
        constraints = {constraint.rule: constraint for constraint in feature_model.constraints}
        for constraint in feature_model.constraints:
            if constraint.rule not in by_code:
                self._faults.add(
                    constraint.file or UVL, constraint.line, f"rule {constraint.rule} has no row in rules.csv"
                )
        for line, rule in rows:
            if rule.code not in constraints and rule.code not in groups:
                self._faults.add("rules.csv", line, f"rule {rule.code} stands nowhere in {UVL}")
            if rule.code in groups and rule.condition != Condition():
                self._faults.add("rules.csv", line, f"rule {rule.code} names a group and cannot depend on place or day")
            for plant in rule.condition.plants:
                if plant not in plants:
                    self._faults.add("rules.csv", line, f"unknown plant '{plant}'; models.csv has {sorted(plants)}")
        return tuple(_joined(rule, constraints.get(rule.code), groups.get(rule.code)) for _, rule in rows)

    def _check_prices(self, prices: list[tuple[int, OptionPrice]], models: set[str], options: set[str]) -> None:
        for line, price in prices:
            if price.model != ALL_MODELS and price.model not in models:
                self._faults.add("prices.csv", line, f"unknown model '{price.model}'")
            if price.option not in options:
                self._faults.add("prices.csv", line, f"unknown option '{price.option}'")

    def _check_parts(
        self, parts: list[tuple[int, PartUse]], feature_model: FeatureModel, decided: frozenset[str]
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
        decided: frozenset[str],
    ) -> None:
        """Prices and parts go by the model, the options, and what the tree says of a car with these."""
        known = {feature.name for feature in feature_model.features}
        for line, used in names:
            for name in used:
                if name not in known:
                    self._faults.add(file, line, f"unknown feature '{name}'")
                elif name not in decided:
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


def _name(row: Row) -> Text:
    return Text(row.required("zh"), row.required("en"))


def _model(row: Row) -> CarModel:
    energy = row.required("energy")
    if energy not in tuple(Energy):
        row.fault(f"energy must be one of {', '.join(Energy)}, not {energy!r}")
        energy = Energy.BEV
    return CarModel(
        row.code("model"),
        row.code("platform"),
        row.code("plant"),
        Energy(energy),
        row.yuan("base_price_yuan"),
        row.yuan("cost_yuan"),
        _name(row),
    )


def _category(row: Row) -> Category:
    return Category(row.code("category"), row.whole("position"), _name(row))


def _option(row: Row) -> Option:
    first_day, last_day = row.days()
    return Option(
        row.code("option"),
        row.required("category"),
        row.flag("long_lead"),
        row.flag("constrained"),
        first_day,
        last_day,
        row.optional("fulfils_proposal"),
        _name(row),
        Text(row.optional("zh_text"), row.optional("en_text")),
    )


def _price(row: Row) -> OptionPrice:
    price, cost = row.yuan("price_yuan", negative=True), row.yuan("cost_yuan", negative=True)
    return OptionPrice(row.required("model"), row.required("option"), price, cost)


def _rule(row: Row) -> Rule:
    kind = row.required("kind")
    if kind not in tuple(RuleKind):
        row.fault(f"kind must be one of {', '.join(RuleKind)}, not {kind!r}")
        kind = RuleKind.REQUIRES
    first_day, last_day = row.days()
    condition = Condition(row.words("regions"), row.words("plants"), first_day, last_day)
    return Rule(row.code("rule"), RuleKind(kind), None, condition, _name(row))


def _price_rule(row: Row) -> PriceRule | None:
    amount = row.yuan("amount_yuan", negative=True)
    code, text = row.code("rule"), _name(row)
    try:
        when = parse_expression(row.required("when"))
        check_size(when)
        return PriceRule(code, when, amount, text)
    except ExpressionFault as fault:
        row.fault(f"when: {fault.reason}")
        return None


def _part(row: Row) -> PartUse:
    first_day, last_day = row.days()
    return PartUse(
        row.required("feature"),
        row.code("part"),
        row.whole("quantity", least=1),
        row.code("supplier"),
        row.whole("lead_time_days"),
        first_day,
        last_day,
    )
