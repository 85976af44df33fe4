"""What a publish report is about, whatever files it came from: rules with lines, contexts, models, what has a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Final

from configurator.catalogue import MODEL_GROUP, Catalogue, Condition
from configurator.expressions import And, Expression, Feature, Implies, Not, Or
from configurator.feature_tree import FeatureModel, GroupKind, TreeFeature, TreeGroup
from configurator.model import Context, Text
from configurator.rules import RuleBook, compile_catalogue, compile_feature_model, group_codes, window_rules
from configurator.uvl_attributes import value_of

DAYS_MAX: Final = 100
CONTEXTS_MAX: Final = 1_000
"""Different sets of rules that may be in force: all are looked at, so a catalogue with more of them is refused."""
OPTIONS: Final = "options.csv"
NO_TEXT: Final = Text("", "")
ANYWHERE: Final = Context("", date(2000, 1, 1))


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule as a report names it. `premise` is what must hold before it asks for anything; None: it always asks."""

    code: str
    file: str
    line: int
    text: Text = NO_TEXT
    premise: Expression | None = None


@dataclass(frozen=True)
class Subject:
    """A rule set to report on. `contexts` has one for each set of rules that can be in force, the first day's first."""

    file: str
    book: RuleBook
    groups: tuple[TreeGroup, ...]
    rules: tuple[RuleFacts, ...]
    contexts: tuple[Context, ...]
    models: tuple[str, ...]
    """What cars are counted by; empty where all are counted together."""
    named: tuple[str, ...]
    """The features that a buyer knows by name, in order; the others only group them."""
    windows: tuple[RuleFacts, ...] = ()
    """What an option's first and last day stand for, when they are given as a reason."""
    catalogue: Catalogue | None = None
    """What it was made of, where that was a whole catalogue."""
    attributes: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    """By name the numbers that a bare file gives its features."""

    @property
    def root(self) -> str:
        return self.book.features[0]

    def facts(self, code: str) -> RuleFacts:
        """Return what is known of a rule; the tree's own groups and windows have no more than their code."""
        return self._known.get(code) or RuleFacts(code, self.file, 0)

    @cached_property
    def _known(self) -> Mapping[str, RuleFacts]:
        return {rule.code: rule for rule in (*self.rules, *self.windows)}


def subject_of_catalogue(catalogue: Catalogue, *, file: str = "options.uvl") -> Subject:
    """Take up a catalogue: its models, options, rules, and every place and day that makes a difference."""
    book = compile_catalogue(catalogue)
    plants = {plant: tuple(m.code for m in catalogue.models if m.plant == plant) for plant in _plants(catalogue)}
    rules = [
        RuleFacts(
            rule.code,
            rule.file or file,
            rule.line,
            rule.text,
            _for_plants(_premise(rule.expression), rule.condition, plants),
        )
        for rule in catalogue.rules
    ]
    known = {rule.code for rule in rules}
    rules += [facts for facts in _group_facts(catalogue.groups, file) if facts.code not in known]
    named = (*(model.code for model in catalogue.models), *(option.code for option in catalogue.options))
    models = tuple(model.code for model in catalogue.models)
    contexts = tuple(distinct_contexts(catalogue, book))
    windows = tuple(
        RuleFacts(rule.code, OPTIONS, 0, Text(rule.text.zh + "。", rule.text.en + "."))
        for option in catalogue.options
        for rule in window_rules(option)
    )
    return Subject(file, book, catalogue.groups, tuple(rules), contexts, models, named, windows, catalogue)


def subject_of_model(model: FeatureModel, *, file: str) -> Subject:
    """Take up a bare UVL model; where a feature `Model` has children, cars are counted by them."""
    rules = [
        RuleFacts(one.rule, one.file or file, one.line, premise=_premise(one.expression)) for one in model.constraints
    ]
    rules += _group_facts(model.groups, file)
    parents = {group.parent for group in model.groups}
    named = tuple(one.name for one in model.features if not one.abstract or one.name not in parents)
    models = tuple(member for group in model.groups if group.parent == MODEL_GROUP for member in group.members)
    book = compile_feature_model(model)
    attributes = _numbers(model.features)
    return Subject(file, book, model.groups, tuple(rules), (ANYWHERE,), models, named, attributes=attributes)


def _numbers(features: Sequence[TreeFeature]) -> dict[str, dict[str, Fraction]]:
    found: dict[str, dict[str, Fraction]] = {}
    for feature in features:
        for name, written in feature.attributes:
            value = value_of(written)
            if isinstance(value, Fraction):
                found.setdefault(name, {})[feature.name] = value
    return found


def subject_of_clauses(book: RuleBook, *, file: str) -> Subject:
    """Take up clauses without a tree."""
    rules = tuple(RuleFacts(rule.code, file, rule.line) for rule in book.rules)
    return Subject(file, book, (), rules, (ANYWHERE,), (), book.features)


class TooManyContexts(Exception):
    """Rules and options begin and end on more days, in more regions, than can be looked at; the text says so."""


def distinct_contexts(catalogue: Catalogue, book: RuleBook) -> list[Context]:
    """Return one context for every set of rules that can be in force from the first day on; raises TooManyContexts."""
    found: dict[tuple[int, ...], Context] = {}
    days = _turning_days(catalogue)
    if len(days) > DAYS_MAX:
        raise TooManyContexts(
            f"rules and options begin and end on {len(days)} different days; at most {DAYS_MAX} are looked at together,"
            " so publish the later ones with a later version"
        )
    for day in days:
        for region in ("", *catalogue.regions):
            context = Context(region, day)
            found.setdefault(book.active(context), context)
            if len(found) > CONTEXTS_MAX:
                raise TooManyContexts(f"days and regions make more than {CONTEXTS_MAX:,} different sets of rules")
    return list(found.values())


def _turning_days(catalogue: Catalogue) -> list[date]:
    """Return the first day and each later day on which something starts or has just ended."""
    start = catalogue.effective_from
    windows = [
        *((rule.condition.first_day, rule.condition.last_day) for rule in catalogue.rules),
        *((option.first_day, option.last_day) for option in catalogue.options),
    ]
    days = {start}
    for first, last in windows:
        if first is not None:
            days.add(max(first, start))
        if last is not None and last < date.max:
            days.add(max(last + timedelta(days=1), start))
    return sorted(days)


def _group_facts(groups: Sequence[TreeGroup], file: str) -> list[RuleFacts]:
    codes = group_codes(groups)
    return [
        RuleFacts(codes[id(group)], group.file or file, group.line, premise=Feature(group.parent))
        for group in groups
        if group.kind not in (GroupKind.MANDATORY, GroupKind.OPTIONAL)
    ]


def _plants(catalogue: Catalogue) -> set[str]:
    return {model.plant for model in catalogue.models}


def _premise(expression: Expression | None) -> Expression | None:
    """Return what a rule waits for: the left side of `=>`, one side of `excludes`, the first of which a rule speaks.

    None where a rule asks for something of every car.
    """
    match expression:
        case Implies(left, _):
            return left
        case Not(And((first, _))):
            return first
        case _:
            return None


def _for_plants(
    premise: Expression | None, condition: Condition, plants: dict[str, tuple[str, ...]]
) -> Expression | None:
    """Add that a rule of a plant waits for a model that is built there."""
    if not condition.plants:
        return premise
    models = Or(tuple(Feature(model) for plant in condition.plants for model in plants.get(plant, ())))
    return models if premise is None else And((models, premise))
