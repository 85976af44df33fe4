"""The publish report against brute force: dead, bound and idle things, counts, what differs between two versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver

from configurator.catalogue import ALWAYS, Condition, Rule, RuleKind
from configurator.engine import bounded
from configurator.engine.backend import Backend
from configurator.engine.formula import Formula
from configurator.engine.sat_backend import SatBackend
from configurator.expressions import And, Feature, Implies, Not, holds
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.model import Context
from configurator.publish_report import (
    TOO_HARD,
    Because,
    BoundOption,
    NotCounted,
    PublishReport,
    RulesNotFound,
    report_on,
)
from configurator.report_subject import RuleFacts, Subject
from configurator.rules import CompiledRule, RuleBook, compile_rules
from configurator.version_difference import compare_cars
from tests.configurator.engine.formulas import pigeons
from tests.configurator.test_solver import EAST, NORTH, TEXT, Problem, problems

CONTEXTS = (EAST, NORTH)


class CountingBackend(SatBackend):
    """SAT that also counts, by finding one model after another: small formulas only."""

    def count(self, literals: Sequence[int]) -> int | None:
        with Solver(name="g4", bootstrap_with=self.formula.clauses) as solver:
            for variable in range(1, self.formula.variable_count + 1):
                solver.add_clause([variable, -variable])
            return sum(1 for _ in solver.enum_models(assumptions=list(literals)))


def subject_of(problem: Problem) -> Subject:
    rules = [RuleFacts(rule.code, "rules.uvl", 7, rule.text, premise(rule)) for rule in problem.rules]
    rules += [
        RuleFacts(f"G_{group.parent}", "rules.uvl", 3, premise=Feature(group.parent)) for group in problem.groups[1:]
    ]
    named = problem.features[3:]
    return Subject("rules.uvl", problem.book(), problem.groups, tuple(rules), CONTEXTS, ("a", "b"), named)


def codes_of(because: Because) -> list[str]:
    assert not isinstance(because, RulesNotFound)
    return [rule.code for rule in because]


def premise(rule: Rule) -> Feature | None:
    match rule.expression:
        case Implies(Feature() as left, _):
            return left
        case _:
            return None


def report(problem: Problem) -> PublishReport:
    subject = subject_of(problem)
    backend = SatBackend(subject.book.formula)
    found = report_on(subject, backend)
    backend.close()
    return found


def in_force(rule: RuleFacts, problem: Problem) -> list[int]:
    conditions = {one.code: one.condition for one in problem.rules}
    regions = conditions.get(rule.code, ALWAYS).regions
    return [place for place, context in enumerate(CONTEXTS) if not regions or context.region in regions]


@given(problems())
def test_dead_and_bound_options_are_those_of_brute_force(problem: Problem) -> None:
    found = report(problem)

    cars = [problem.cars(context) for context in CONTEXTS]
    if not all(cars):
        assert found.contradictions
        assert found.counts == ()
        return
    everything = [car for some in cars for car in some]
    named = problem.features[3:]
    assert found.contradictions == ()
    assert [one.option for one in found.dead] == [n for n in named if not any(n in car for car in everything)]
    assert [one.option for one in found.always_on] == [n for n in named if all(n in car for car in everything)]
    false = [
        member
        for group in problem.groups
        for member in group.members
        if member in named
        and group.low < len(group.members)
        and any(group.parent in car for car in everything)
        and all(member in car for car in everything if group.parent in car)
    ]
    assert [one.option for one in found.falsely_optional] == false


@given(problems())
def test_leaving_an_idle_rule_out_changes_no_car_and_leaving_another_out_does(problem: Problem) -> None:
    found = report(problem)
    if found.contradictions:
        return

    subject = found.subject
    redundant = {one.rule.code: one for one in found.redundant}
    never = {one.rule.code for one in found.never_fires}
    for rule in subject.rules:
        places = in_force(rule, problem)
        without = [problem.cars(CONTEXTS[place], without=frozenset({rule.code})) for place in places]
        same = all(cars == problem.cars(CONTEXTS[place]) for cars, place in zip(without, places, strict=True))
        fires = any(rule.premise is None or holds(rule.premise, car) for cars in without for car in cars)
        bounded = rule.code.startswith("G_") or any(one.code == rule.code for one in subject.book.rules)
        assert bounded
        assert (rule.code in never) == (not fires)
        assert (rule.code in redundant) == (same and fires)


@given(problems())
def test_the_rules_that_make_a_rule_redundant_suffice_and_none_of_them_is_too_many(problem: Problem) -> None:
    found = report(problem)

    codes = frozenset(rule.code for rule in found.subject.rules)
    for one in found.redundant:
        because = frozenset(codes_of(one.because))
        places = [CONTEXTS[place] for place in in_force(one.rule, problem)]
        context = min(places, key=lambda place: len(found.subject.book.active(place)))
        others = codes - because - {one.rule.code}
        assert problem.cars(context, without=others) == problem.cars(context, without=others | {one.rule.code})


@given(problems())
def test_a_contradiction_names_the_fewest_rules_that_exclude_each_other(problem: Problem) -> None:
    found = report(problem)

    codes = frozenset(rule.code for rule in found.subject.rules)
    for one in found.contradictions:
        rules = frozenset(codes_of(one.rules))
        assert problem.cars(one.context, without=codes - rules) == []
        for left_out in rules:
            assert problem.cars(one.context, without=(codes - rules) | {left_out}) != []


@settings(max_examples=20, deadline=None)
@given(problems())
def test_cars_are_counted_by_model_and_place_or_the_report_says_that_they_were_not(problem: Problem) -> None:
    subject = subject_of(problem)
    backend = CountingBackend(subject.book.formula)

    counted, uncounted = report_on(subject, backend), report(problem)

    if counted.contradictions:
        return
    expected = [
        (model, context, sum(model in car for car in problem.cars(context)))
        for context in CONTEXTS
        for model in ("a", "b")
    ]
    assert [(one.model, one.context, one.cars) for one in counted.counts] == expected
    assert all(isinstance(one.cars, NotCounted) for one in uncounted.counts)


def test_progress_is_told_stage_by_stage_up_to_the_end() -> None:
    group = TreeGroup("root", GroupKind.OPTIONAL, 0, 2, ("a", "b"), 0)
    problem = Problem(
        ("root", "One", "Two", "a", "b"), (replace(group, members=("One", "Two")), replace(group, parent="One")), (), ()
    )
    told: list[tuple[str, int, int]] = []
    subject = replace(subject_of(problem), rules=(), groups=problem.groups)

    report_on(subject, SatBackend(subject.book.formula), progress=lambda *three: told.append(three))

    assert {stage for stage, *_ in told} == {
        "looking at regions and days",
        "looking at optional features",
        "looking at rules",
        "counting cars",
    }
    assert all(done <= total for _, done, total in told)
    assert [told[-1][1], told[-1][2]] == [told[-1][2], told[-1][2]]


def test_a_rule_that_follows_from_two_others_is_named_with_both() -> None:
    group = TreeGroup("root", GroupKind.OPTIONAL, 0, 3, ("a", "b", "c"), 0)
    a, b, c = (Feature(name) for name in "abc")
    written = {"R1": Implies(a, b), "R2": Implies(b, c), "R3": Implies(a, c), "R4": Implies(And((a, Not(b))), c)}
    rules = [Rule(code, RuleKind.REQUIRES, rule, ALWAYS, TEXT) for code, rule in written.items()]
    book = compile_rules(("root", "a", "b", "c"), (group,), rules, (), {})
    facts = tuple(RuleFacts(code, "x.uvl", 1, premise=rule.left) for code, rule in written.items())
    subject = Subject("x.uvl", book, (group,), facts, (EAST,), (), ("a", "b", "c"))

    found = report_on(subject, SatBackend(book.formula))

    assert [(one.rule.code, codes_of(one.because)) for one in found.redundant] == [("R3", ["R1", "R2"])]
    assert [(one.rule.code, codes_of(one.because)) for one in found.never_fires] == [("R4", ["R1"])]


def test_a_reason_that_is_too_hard_to_find_is_told_as_such_and_the_rest_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hard = pigeons(6)
    count = hard.feature_count + 1
    names = tuple(f"F{v}" for v in range(1, count + 1))
    rules = tuple(
        CompiledRule(rule.code, tuple((*clause, -count) for clause in rule.clauses), ALWAYS) for rule in hard.rules
    )
    book = RuleBook(names, {name: v for v, name in enumerate(names, start=1)}, (), rules, (), {}, count)
    subject = Subject("x.uvl", book, (), (), (EAST,), (), names)
    backend = SatBackend(book.formula)
    assert backend.domains([]) is not None  # found with enough time, and known from then on
    monkeypatch.setattr(bounded, "CONFLICTS_MAX", 5)

    found = report_on(subject, backend)

    assert found.dead == (BoundOption(names[-1], TOO_HARD),)
    assert found.counts != ()


# --- two versions -----------------------------------------------------------------------------------------------------


def counting(formula: Formula) -> Backend:
    return CountingBackend(formula)


@given(problems(), problems(), st.sampled_from(("", "f", "a")))
def test_cars_of_one_version_only_are_counted_and_shown(old: Problem, new: Problem, missing: str) -> None:
    new = without_option(new, missing)

    found = compare_cars(subject_of(old), subject_of(new), EAST, counting)

    before, after = compared(old, new, EAST)
    assert found.gone.cars == len(before - after)
    assert found.new.cars == len(after - before)
    assert found.kept == len(before & after)
    assert (found.gone.witness in before - after) if before - after else found.gone.witness is None
    assert (found.new.witness in after - before) if after - before else found.new.witness is None


@settings(max_examples=30, deadline=None)
@given(problems(), problems())
def test_without_a_circuit_a_car_of_each_kind_is_shown_and_only_nothing_is_counted(old: Problem, new: Problem) -> None:
    found = compare_cars(subject_of(old), subject_of(new), NORTH, SatBackend)

    before, after = compared(old, new, NORTH)
    assert found.gone.cars == (None if before - after else 0)
    assert (found.gone.witness in before - after) if before - after else found.gone.witness is None
    assert (found.new.witness in after - before) if after - before else found.new.witness is None


def compared(old: Problem, new: Problem, context: Context) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Return both versions' cars by what tells them apart: options, and headings that do not follow from them."""
    kept = set("abcdef")
    for problem in (old, new):
        follows = {group.parent for group in problem.groups if group.low > 0}
        follows |= {name for group in problem.groups if group.kind is GroupKind.MANDATORY for name in group.members}
        kept |= {"One", "Two"} - follows
    return {car & kept for car in old.cars(context)}, {car & kept for car in new.cars(context)}


def without_option(problem: Problem, missing: str) -> Problem:
    """Take an option out of a version: rules that speak of it go as well."""
    if not missing:
        return problem
    groups = []
    for group in problem.groups:
        members = tuple(member for member in group.members if member != missing)
        groups.append(
            replace(group, members=members, low=min(group.low, len(members)), high=min(group.high, len(members)))
        )
    rules = tuple(rule for rule in problem.rules if missing not in str(rule.expression).replace("Feature", ""))
    features = tuple(feature for feature in problem.features if feature != missing)
    return Problem(features, tuple(groups), rules, ())


def test_the_same_rules_under_other_conditions_differ_only_where_they_are_in_force() -> None:
    group = TreeGroup("root", GroupKind.OPTIONAL, 0, 2, ("One", "Two"), 0)
    below = TreeGroup("One", GroupKind.OPTIONAL, 0, 2, ("a", "b"), 0)
    rule = Rule("R1", RuleKind.REGIONAL, Implies(Feature("a"), Feature("b")), Condition(regions=("east",)), TEXT)
    old = Problem(("root", "One", "Two", "a", "b"), (group, below), (), ())
    new = replace(old, rules=(rule,))

    in_east, in_north = (compare_cars(subject_of(old), subject_of(new), context, counting) for context in CONTEXTS)

    assert in_east.gone.cars == 2
    assert in_east.gone.witness is not None
    assert {"a", "b"} & in_east.gone.witness == {"a"}
    assert in_north.gone.cars == in_north.new.cars == 0
