"""Turns a feature tree and its rules into clauses (conjunctive normal form), kept apart by rule.

A rule that depends on region or day has a guard, or is an assumption where that suffices, so one formula serves every
place and day. A rule of a plant speaks only of that plant's models. Clauses kept by rule let an answer name its rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TypeAlias

from configurator.cardinality import bounded
from configurator.catalogue import ALWAYS, Catalogue, Condition, Option, PriceRule, Rule, RuleKind
from configurator.clauses import clauses_of, literal_of
from configurator.definitions import Definitions
from configurator.engine.formula import Clause, Formula, NamedClauses
from configurator.expressions import Expression, Feature, Implies, Not, Or
from configurator.feature_tree import FeatureModel, GroupKind, TreeGroup
from configurator.model import Context, Text

Exclusive: TypeAlias = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """The clauses of one rule and when they are in force (plants are compiled into the clauses).

    A conditional rule has a `guard`, unless it only fixes literals: then it is an assumption of the contexts that
    have it, and the formula does not know it.
    """

    code: str
    clauses: tuple[Clause, ...]
    condition: Condition
    line: int = field(default=0, compare=False)
    guard: int | None = None

    @property
    def is_conditional(self) -> bool:
        """Say whether region or day can switch the rule off."""
        return replace(self.condition, plants=()) != ALWAYS

    @property
    def is_assumption(self) -> bool:
        """Say whether the rule only fixes literals, and only in some contexts: a withdrawal."""
        return self.is_conditional and all(len(clause) == 1 for clause in self.clauses)

    def in_force(self, context: Context) -> bool:
        """Say whether region and day switch the rule on."""
        condition = self.condition
        return (
            (not condition.regions or context.region in condition.regions)
            and (condition.first_day is None or condition.first_day <= context.day)
            and (condition.last_day is None or context.day <= condition.last_day)
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A literal that a rule (say `UNTIL_<option>`) makes true in a context by itself."""

    code: str
    literal: int


@dataclass(frozen=True)
class RuleBook:
    """A model in clauses. Variables 1..len(features) are the features in order; helpers, price rules, guards follow."""

    features: tuple[str, ...]
    variables: Mapping[str, int]
    structure: tuple[Clause, ...]
    rules: tuple[CompiledRule, ...]
    exclusive: tuple[Exclusive, ...]
    """(parent, members) of the groups of which exactly one member is chosen when the parent is."""
    price_rules: Mapping[str, int]
    """By code a literal that is true exactly in the cars whose price the rule changes."""
    variable_count: int

    @cached_property
    def formula(self) -> Formula:
        """Return the clauses that are the same in every context; days, regions, prices and windows are not in them."""
        rules = [NamedClauses(rule.code, rule.clauses, rule.guard) for rule in self.rules if not rule.is_assumption]
        return Formula(len(self.features), self.variable_count, self.structure, tuple(rules))

    @cached_property
    def weighed(self) -> frozenset[int]:
        """Return the variables after the features that prices ask about; a circuit keeps them, and no other helper."""
        return frozenset(abs(one) for one in self.price_rules.values() if abs(one) > len(self.features))

    def active(self, context: Context) -> tuple[int, ...]:
        """Return the positions in `rules` of those in force."""
        return tuple(index for index, rule in enumerate(self.rules) if rule.in_force(context))

    def context_literals(self, context: Context) -> tuple[int, ...]:
        """Return what a context decides: the guards' values, then what is withdrawn. Every question needs them."""
        guards = tuple(
            rule.guard if rule.in_force(context) else -rule.guard for rule in self.rules if rule.guard is not None
        )
        withdrawn = dict.fromkeys(withdrawal.literal for withdrawal in self.withdrawals(context))
        return (*guards, *withdrawn)

    def withdrawals(self, context: Context) -> tuple[Withdrawal, ...]:
        """Return the literals that rules outside the formula fix in a context, each with its rule's code."""
        return tuple(
            Withdrawal(rule.code, clause[0])
            for rule in self.rules
            if rule.is_assumption and rule.in_force(context)
            for clause in rule.clauses
        )


def compile_catalogue(catalogue: Catalogue) -> RuleBook:
    """Compile a whole catalogue, the windows of its options and its price rules included."""
    plants: dict[str, list[str]] = {}
    for model in catalogue.models:
        plants.setdefault(model.plant, []).append(model.code)
    rules = [*catalogue.rules, *(rule for option in catalogue.options for rule in window_rules(option))]
    return compile_rules(
        catalogue.features, catalogue.groups, rules, catalogue.price_rules, plants, always=catalogue.definitions
    )


def compile_feature_model(model: FeatureModel) -> RuleBook:
    """Compile a bare UVL model: every constraint always in force, no prices."""
    no_text = Text("", "")
    rules = [
        Rule(constraint.rule, RuleKind.REQUIRES, constraint.expression, ALWAYS, no_text, constraint.line)
        for constraint in model.constraints
    ]
    names = [feature.name for feature in model.features]
    return compile_rules(names, model.groups, rules, (), {}, always=model.definitions)


def compile_rules(
    features: Sequence[str],
    groups: Sequence[TreeGroup],
    rules: Iterable[Rule],
    price_rules: Sequence[PriceRule],
    models_by_plant: Mapping[str, Sequence[str]],
    *,
    always: Iterable[Expression] = (),
) -> RuleBook:
    """Compile a tree, its rules and its price rules; every name must be known (readers have checked that).

    What stands in `always` is part of the structure: it holds in every car and is never given as a reason.
    """
    definitions = Definitions(features)
    for expression in always:
        definitions.clauses += clauses_of(expression, definitions)
    compiled, exclusive = _compiled_tree(groups, definitions)
    for rule in rules:
        if rule.expression is not None:
            expression = _for_plants(rule.expression, rule.condition.plants, models_by_plant)
            clauses = clauses_of(expression, definitions)
            compiled.append(CompiledRule(rule.code, tuple(clauses), rule.condition, rule.line))
    price_variables = {rule.code: literal_of(rule.when, definitions) for rule in price_rules}
    guarded = [_guarded(rule, definitions) for rule in compiled]
    return RuleBook(
        tuple(features),
        definitions.by_name,
        tuple(definitions.clauses),
        tuple(guarded),
        tuple(exclusive),
        price_variables,
        definitions.count,
    )


def _compiled_tree(groups: Sequence[TreeGroup], definitions: Definitions) -> tuple[list[CompiledRule], list[Exclusive]]:
    """Write the tree into the definitions and return its groups as rules, and those of which exactly one is chosen."""
    compiled: list[CompiledRule] = []
    exclusive: list[Exclusive] = []
    codes = group_codes(groups)
    for group in groups:
        parent = definitions.by_name[group.parent]
        members = tuple(definitions.by_name[member] for member in group.members)
        definitions.clauses += [(-member, parent) for member in members]
        if group.kind is GroupKind.MANDATORY:
            definitions.clauses += [(-parent, member) for member in members]
        elif group.kind is not GroupKind.OPTIONAL:
            clauses = bounded(parent, members, group.low, group.high, definitions)
            compiled.append(CompiledRule(codes[id(group)], tuple(clauses), ALWAYS, group.line))
            if (group.low, group.high) == (1, 1):
                exclusive.append((parent, members))
    return compiled, exclusive


def _guarded(rule: CompiledRule, definitions: Definitions) -> CompiledRule:
    """Give a conditional rule its guard, a variable of its own, unless it is an assumption."""
    return replace(rule, guard=definitions.new()) if rule.is_conditional and not rule.is_assumption else rule


def group_codes(groups: Sequence[TreeGroup]) -> dict[int, str]:
    """Name each group `G_<parent>`, a second one of the same parent `G_<parent>_2`; keys are the groups' `id()`."""
    codes: dict[int, str] = {}
    seen: dict[str, int] = {}
    for group in groups:
        if group.kind not in (GroupKind.MANDATORY, GroupKind.OPTIONAL):
            seen[group.parent] = count = seen.get(group.parent, 0) + 1
            codes[id(group)] = f"G_{group.parent}" if count == 1 else f"G_{group.parent}_{count}"
    return codes


def window_rules(option: Option) -> list[Rule]:
    """Return the rules that keep an option out before its first and after its last day."""
    never = Not(Feature(option.code))
    rules = []
    if (first := option.first_day) is not None:
        text = Text(f"{option.name.zh}自{first}起可选", f"{option.name.en} can be ordered from {first}")
        condition = Condition(last_day=first - timedelta(days=1))
        rules.append(Rule(f"FROM_{option.code}", RuleKind.DATE, never, condition, text))
    if (last := option.last_day) is not None:
        text = Text(f"{option.name.zh}仅可选至{last}", f"{option.name.en} can be ordered until {last}")
        condition = Condition(first_day=_next_day(last))
        rules.append(Rule(f"UNTIL_{option.code}", RuleKind.DATE, never, condition, text))
    return rules


def _next_day(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def _for_plants(
    expression: Expression, plants: tuple[str, ...], models_by_plant: Mapping[str, Sequence[str]]
) -> Expression:
    """Restrict a rule to the models that are built in its plants."""
    if not plants:
        return expression
    models = tuple(Feature(model) for plant in plants for model in models_by_plant.get(plant, ()))
    return Implies(Or(models), expression)
