"""Turns a feature tree and its rules into clauses (conjunctive normal form), kept apart by rule.

A rule that depends on region or day is switched by the context; one that depends on the plant speaks only of that
plant's models. Keeping clauses by rule lets the solver name the rules behind an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Final, TypeAlias, assert_never

from configurator.catalogue import ALWAYS, Catalogue, Condition, Option, PriceRule, Rule, RuleKind
from configurator.expressions import And, Expression, Feature, Iff, Implies, Not, Or
from configurator.model import Context, Text
from configurator.uvl import FeatureModel, GroupKind, TreeGroup

Clause: TypeAlias = tuple[int, ...]
DISTRIBUTED_CLAUSES_MAX: Final = 32
"""Above this many clauses an expression gets helper variables instead of being multiplied out."""
EQUIVALENCES_MAX: Final = 2
PAIRWISE_MAX: Final = 12
"""Up to this many alternatives "at most one" is written pair by pair."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """The clauses of one rule and when they are in force (plants are compiled into the clauses)."""

    code: str
    clauses: tuple[Clause, ...]
    condition: Condition

    def in_force(self, context: Context) -> bool:
        """Say whether region and day switch the rule on."""
        condition = self.condition
        return (
            (not condition.regions or context.region in condition.regions)
            and (condition.first_day is None or condition.first_day <= context.day)
            and (condition.last_day is None or context.day <= condition.last_day)
        )


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A model in clauses. Variables 1..len(features) are the features in order; helpers and price rules follow."""

    features: tuple[str, ...]
    variables: Mapping[str, int]
    structure: tuple[Clause, ...]
    rules: tuple[CompiledRule, ...]
    exclusive: tuple[tuple[int, tuple[int, ...]], ...]
    """(parent, members) of the groups of which exactly one member is chosen when the parent is."""
    price_rules: Mapping[str, int]
    variable_count: int

    def active(self, context: Context) -> tuple[int, ...]:
        """Return the positions in `rules` of those in force."""
        return tuple(index for index, rule in enumerate(self.rules) if rule.in_force(context))


class _Variables:
    """Hands out variables; helpers are defined by clauses that fix their value, so they never add a solution."""

    def __init__(self, features: Sequence[str]) -> None:
        self.by_name = {name: index for index, name in enumerate(features, start=1)}
        self.count = len(features)

    def new(self) -> int:
        self.count += 1
        return self.count


def compile_catalogue(catalogue: Catalogue) -> RuleBook:
    """Compile a whole catalogue, the windows of its options and its price rules included."""
    plants: dict[str, list[str]] = {}
    for model in catalogue.models:
        plants.setdefault(model.plant, []).append(model.code)
    rules = [*catalogue.rules, *(rule for option in catalogue.options for rule in window_rules(option))]
    return compile_rules(catalogue.features, catalogue.groups, rules, catalogue.price_rules, plants)


def compile_feature_model(model: FeatureModel) -> RuleBook:
    """Compile a bare UVL model: every constraint always in force, no prices."""
    no_text = Text("", "")
    rules = [
        Rule(constraint.rule, RuleKind.REQUIRES, constraint.expression, ALWAYS, no_text, constraint.line)
        for constraint in model.constraints
    ]
    return compile_rules([feature.name for feature in model.features], model.groups, rules, (), {})


def compile_rules(
    features: Sequence[str],
    groups: Sequence[TreeGroup],
    rules: Iterable[Rule],
    price_rules: Sequence[PriceRule],
    models_by_plant: Mapping[str, Sequence[str]],
) -> RuleBook:
    """Compile a tree, its rules and its price rules; every name must be known (readers have checked that)."""
    variables = _Variables(features)
    structure: list[Clause] = [(1,)]
    compiled: list[CompiledRule] = []
    exclusive: list[tuple[int, tuple[int, ...]]] = []
    codes = group_codes(groups)
    for group in groups:
        parent = variables.by_name[group.parent]
        members = tuple(variables.by_name[member] for member in group.members)
        structure += [(-member, parent) for member in members]
        if group.kind is GroupKind.MANDATORY:
            structure += [(-parent, member) for member in members]
        elif group.kind is not GroupKind.OPTIONAL:
            clauses = _bounded(parent, members, group.low, group.high, variables, structure)
            compiled.append(CompiledRule(codes[id(group)], tuple(clauses), ALWAYS))
            if (group.low, group.high) == (1, 1):
                exclusive.append((parent, members))
    for rule in rules:
        if rule.expression is not None:
            expression = _for_plants(rule.expression, rule.condition.plants, models_by_plant)
            clauses = _clauses(expression, variables, structure)
            compiled.append(CompiledRule(rule.code, tuple(clauses), rule.condition))
    price_variables = {rule.code: _defined(rule.when, variables, structure) for rule in price_rules}
    return RuleBook(
        tuple(features),
        variables.by_name,
        tuple(structure),
        tuple(compiled),
        tuple(exclusive),
        price_variables,
        variables.count,
    )


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


def _bounded(
    parent: int, members: tuple[int, ...], low: int, high: int, variables: _Variables, structure: list[Clause]
) -> list[Clause]:
    """Say that of a chosen parent's members at least `low` and at most `high` are chosen."""
    clauses: list[Clause] = []
    if low == 1:
        clauses.append((-parent, *members))
    elif low > 1:
        at_least = _counter(tuple(-member for member in members), len(members) - low, variables, structure)
        clauses += [(-parent, *clause) for clause in at_least]
    if high == 1 and len(members) <= PAIRWISE_MAX:
        clauses += [(-one, -other) for one, other in combinations(members, 2)]
    elif high < len(members):
        clauses += [(-parent, *clause) for clause in _counter(members, high, variables, structure)]
    return clauses


def _counter(literals: tuple[int, ...], high: int, variables: _Variables, structure: list[Clause]) -> list[Clause]:
    """Return clauses that allow at most `high` of the literals, over counters that the structure defines.

    `counts[k]` means "more than k of the literals so far" (Sinz, CP 2005, with both directions so that it is fixed).
    """
    if high == 0:
        return [(-literal,) for literal in literals]
    counts: list[int] = []
    for literal in literals:
        following: list[int] = []
        for k in range(min(len(counts) + 1, high + 1)):
            before = counts[k] if k < len(counts) else None
            below = counts[k - 1] if k > 0 else None
            following.append(_count_variable(literal, before, below, variables, structure))
        counts = following
    return [(-counts[high],)] if len(counts) > high else []


def _count_variable(
    literal: int, before: int | None, below: int | None, variables: _Variables, structure: list[Clause]
) -> int:
    """Define v <=> before or (literal and below), where a missing `before` is false and a missing `below` true."""
    if before is None and below is None:
        return literal
    variable = variables.new()
    carried = (before,) if before is not None else ()
    structure.append((-variable, *carried, literal))
    if below is not None:
        structure.append((-variable, *carried, below))
    if before is not None:
        structure.append((-before, variable))
    structure.append((-literal, variable) if below is None else (-literal, -below, variable))
    return variable


def _clauses(expression: Expression, variables: _Variables, structure: list[Clause]) -> list[Clause]:
    """Write an expression as clauses: multiplied out while that stays short, else over defined helpers."""
    clauses = None
    if _equivalences(expression) <= EQUIVALENCES_MAX:
        clauses = _distributed(_normal(expression, positive=True), variables)
    if clauses is None:
        return [(_defined(expression, variables, structure),)]
    return clauses


def _equivalences(expression: Expression) -> int:
    """Count the `<=>` in an expression: each doubles the text when it is written with and, or."""
    match expression:
        case Feature():
            return 0
        case Not(operand):
            return _equivalences(operand)
        case And(operands) | Or(operands):
            return sum(_equivalences(operand) for operand in operands)
        case Implies(left, right):
            return _equivalences(left) + _equivalences(right)
        case Iff(left, right):
            return 1 + _equivalences(left) + _equivalences(right)
        case _:
            assert_never(expression)


def _normal(expression: Expression, *, positive: bool) -> Expression:
    """Push negations down to the features and write arrows with and, or (negation normal form)."""
    match expression:
        case Feature():
            return expression if positive else Not(expression)
        case Not(operand):
            return _normal(operand, positive=not positive)
        case And(operands):
            inner = tuple(_normal(operand, positive=positive) for operand in operands)
            return And(inner) if positive else Or(inner)
        case Or(operands):
            inner = tuple(_normal(operand, positive=positive) for operand in operands)
            return Or(inner) if positive else And(inner)
        case Implies(left, right):
            return _normal(Or((Not(left), right)), positive=positive)
        case Iff(left, right):
            both = And((Or((Not(left), right)), Or((left, Not(right)))))
            either = And((Or((left, right)), Or((Not(left), Not(right)))))
            return _normal(both if positive else either, positive=True)
        case _:
            assert_never(expression)


def _distributed(expression: Expression, variables: _Variables) -> list[Clause] | None:
    """Multiply a normal form out; None where that takes more clauses than `DISTRIBUTED_CLAUSES_MAX`."""
    match expression:
        case Feature(name):
            return [(variables.by_name[name],)]
        case Not(Feature(name)):
            return [(-variables.by_name[name],)]
        case And(operands):
            parts = [_distributed(operand, variables) for operand in operands]
            if any(part is None for part in parts):
                return None
            return [clause for part in parts if part is not None for clause in part]
        case Or(operands):
            return _product([_distributed(operand, variables) for operand in operands])
        case _:
            raise AssertionError(f"not in normal form: {expression}")


def _product(parts: list[list[Clause] | None]) -> list[Clause] | None:
    product: list[Clause] = [()]
    for part in parts:
        if part is None or len(product) * len(part) > DISTRIBUTED_CLAUSES_MAX:
            return None
        product = [_merged(left, right) for left in product for right in part]
    return [clause for clause in product if not any(-literal in clause for literal in clause)]


def _merged(left: Clause, right: Clause) -> Clause:
    return left + tuple(literal for literal in right if literal not in left)


def _defined(expression: Expression, variables: _Variables, structure: list[Clause]) -> int:
    """Return a literal that is true exactly where the expression is (Tseitin's definitions, both directions)."""
    match expression:
        case Feature(name):
            return variables.by_name[name]
        case Not(operand):
            return -_defined(operand, variables, structure)
        case Or(operands):
            return _defined_or([_defined(operand, variables, structure) for operand in operands], variables, structure)
        case And(operands):
            negated = [-_defined(operand, variables, structure) for operand in operands]
            return -_defined_or(negated, variables, structure)
        case Implies(left, right):
            return _defined(Or((Not(left), right)), variables, structure)
        case Iff(left, right):
            return _defined_iff(
                _defined(left, variables, structure), _defined(right, variables, structure), variables, structure
            )
        case _:
            assert_never(expression)


def _defined_or(literals: list[int], variables: _Variables, structure: list[Clause]) -> int:
    variable = variables.new()
    structure.append((-variable, *literals))
    structure += [(-literal, variable) for literal in literals]
    return variable


def _defined_iff(left: int, right: int, variables: _Variables, structure: list[Clause]) -> int:
    variable = variables.new()
    structure += [(-variable, -left, right), (-variable, left, -right), (variable, left, right)]
    structure.append((variable, -left, -right))
    return variable
