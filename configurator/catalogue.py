"""A catalogue version as one immutable value: models, options, rules, prices and part lists of a brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final

from configurator.expressions import Expression
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.features_model import CarFeatures
from configurator.model import Text
from configurator.parts_model import PartUse

MODEL_GROUP: Final = "Model"
POWERTRAIN: Final = "Powertrain"
TRIM: Final = "Trim"
ALL_MODELS: Final = "*"


class Energy(StrEnum):
    """What moves the car; it decides the purchase tax."""

    BEV = "BEV"
    PHEV = "PHEV"
    FCEV = "FCEV"
    ICE = "ICE"

    @property
    def is_new_energy(self) -> bool:
        return self is not Energy.ICE


@dataclass(frozen=True, slots=True)
class CarModel:
    """A model: where it is built and what it costs without options."""

    code: str
    platform: str
    plant: str
    energy: Energy
    base_price_minor: int
    cost_minor: int
    name: Text


@dataclass(frozen=True, slots=True)
class Category:
    """A heading under which options stand, such as Paint."""

    code: str
    position: int
    name: Text


@dataclass(frozen=True, slots=True)
class Option:
    """Something a buyer can choose; `first_day` and `last_day` bound when it can be ordered, both inclusive."""

    code: str
    category: str
    long_lead: bool
    constrained: bool
    first_day: date | None
    last_day: date | None
    fulfils_proposal: str
    name: Text
    description: Text


@dataclass(frozen=True, slots=True)
class OptionPrice:
    """What an option adds to the price and to the cost of a model; `*` stands for every model."""

    model: str
    option: str
    price_minor: int
    cost_minor: int


class RuleKind(StrEnum):
    """What a rule is about; it sorts reports and decides nothing."""

    REQUIRES = "requires"
    EXCLUDES = "excludes"
    CARDINALITY = "cardinality"
    REGIONAL = "regional"
    PLANT = "plant"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule is in force; an empty part does not restrict. Days are inclusive."""

    regions: tuple[str, ...] = ()
    plants: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None


ALWAYS: Final = Condition()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `expression` is None for a rule that only names a group of the tree (`G_<Category>`)."""

    code: str
    kind: RuleKind
    expression: Expression | None
    condition: Condition
    text: Text
    line: int = field(default=0, compare=False)
    file: str = field(default="", compare=False)
    """The imported file in which the expression stands; empty for the catalogue's own."""


@dataclass(frozen=True, slots=True)
class PriceRule:
    """An amount that is added (or, negative, taken off) where an expression holds."""

    code: str
    when: Expression
    amount_minor: int
    text: Text


@dataclass(frozen=True)
class Catalogue:
    """Everything a brand sells under one version. Order is that of the files; `features` has the root first."""

    brand: str
    label: str
    effective_from: date
    currency: str
    changes: Text
    features: tuple[str, ...]
    groups: tuple[TreeGroup, ...]
    models: tuple[CarModel, ...]
    categories: tuple[Category, ...]
    options: tuple[Option, ...]
    prices: tuple[OptionPrice, ...]
    rules: tuple[Rule, ...]
    price_rules: tuple[PriceRule, ...]
    parts: tuple[PartUse, ...]
    definitions: tuple[Expression, ...] = ()
    """What always holds and is nobody's rule: clones of a feature and what counts them."""

    @cached_property
    def model_by_code(self) -> Mapping[str, CarModel]:
        return {model.code: model for model in self.models}

    @cached_property
    def option_by_code(self) -> Mapping[str, Option]:
        return {option.code: option for option in self.options}

    @cached_property
    def variable_of_option(self) -> Mapping[str, int]:
        """Return by option its number as the engine has it: its place among the features, from 1 on."""
        numbers = {feature: number for number, feature in enumerate(self.features, start=1)}
        return {option.code: numbers[option.code] for option in self.options}

    @cached_property
    def car_features(self) -> CarFeatures:
        """Return what the tree adds to a car's model and options; prices and parts speak of nothing else."""
        above = {member: group.parent for group in self.groups for member in group.members}
        mandatory = [group for group in self.groups if group.kind is GroupKind.MANDATORY]

        def brought(name: str | None) -> frozenset[str]:
            present = {self.features[0]}
            while name is not None:
                present.add(name)
                name = above.get(name)
            for group in mandatory:  # Parents come before their children.
                if group.parent in present:
                    present.update(group.members)
            return frozenset(present)

        return CarFeatures(brought(None), {name: brought(name) for name in self.features})

    @cached_property
    def category_by_code(self) -> Mapping[str, Category]:
        return {category.code: category for category in self.categories}

    @cached_property
    def rule_by_code(self) -> Mapping[str, Rule]:
        return {rule.code: rule for rule in self.rules}

    @cached_property
    def price_by_model_and_option(self) -> Mapping[tuple[str, str], OptionPrice]:
        return {(price.model, price.option): price for price in self.prices}

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Return the regions that some rule speaks of, sorted."""
        return tuple(sorted({region for rule in self.rules for region in rule.condition.regions}))

    def price_of(self, *, model: str, option: str) -> OptionPrice | None:
        """Return the model's own price of an option, else the one for all models, else None."""
        prices = self.price_by_model_and_option
        return prices.get((model, option)) or prices.get((ALL_MODELS, option))
