"""The engine against brute force on random small rule sets: states, reasons, repairs and cheapest cars are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from configurator.catalogue import ALWAYS, Condition, PriceRule, Rule, RuleKind
from configurator.engine.backend import BackendKind
from configurator.expressions import And, Expression, Feature, Iff, Implies, Not, Or, holds
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.model import Context, Text
from configurator.rules import RuleBook, compile_rules
from configurator.sat_engine import SatEngine
from configurator.solver import Clash, Step

TEXT = Text("规则", "rule")
EAST = Context("east", date(2026, 12, 1))
NORTH = Context("north", date(2026, 12, 1))


@dataclass(frozen=True)
class Problem:
    """A small rule set with all its cars found by trying every combination of features."""

    features: tuple[str, ...]
    groups: tuple[TreeGroup, ...]
    rules: tuple[Rule, ...]
    price_rules: tuple[PriceRule, ...]

    def book(self) -> RuleBook:
        return compile_rules(self.features, self.groups, self.rules, self.price_rules, {"plant": ["b"]})

    def cars(self, context: Context, *, without: frozenset[str] = frozenset()) -> list[frozenset[str]]:
        result = []
        for values in product((False, True), repeat=len(self.features)):
            car = frozenset(name for name, value in zip(self.features, values, strict=True) if value)
            if "root" in car and self._tree_holds(car, without) and self._rules_hold(car, context, without):
                result.append(car)
        return result

    def _tree_holds(self, car: frozenset[str], without: frozenset[str]) -> bool:
        for group in self.groups:
            chosen = len(car & set(group.members))
            if group.parent not in car and chosen:
                return False
            bounded = group.kind is GroupKind.MANDATORY or f"G_{group.parent}" not in without
            if group.parent in car and bounded and not group.low <= chosen <= group.high:
                return False
        return True

    def _rules_hold(self, car: frozenset[str], context: Context, without: frozenset[str]) -> bool:
        return all(
            holds(rule.expression, car)
            for rule in self.rules
            if rule.expression is not None
            and rule.code not in without
            and (not rule.condition.regions or context.region in rule.condition.regions)
        )


def expressions(names: tuple[str, ...]) -> st.SearchStrategy[Expression]:
    leaves: st.SearchStrategy[Expression] = st.sampled_from(names).map(Feature)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
            st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
            st.tuples(inner, inner).map(lambda pair: Implies(*pair)),
            st.tuples(inner, inner).map(lambda pair: Iff(*pair)),
        ),
        max_leaves=5,
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A root with two categories of three options each; kinds of groups, rules and conditions are drawn."""
    first, second = ("a", "b", "c"), ("d", "e", "f")
    features = ("root", "One", "Two", *first, *second)
    top = draw(st.sampled_from((GroupKind.MANDATORY, GroupKind.OPTIONAL)))
    groups = [TreeGroup("root", top, 2 if top is GroupKind.MANDATORY else 0, 2, ("One", "Two"), 0)]
    for parent, members in (("One", first), ("Two", second)):
        low, high = draw(st.sampled_from(((1, 1), (1, 1), (0, 3), (1, 3), (0, 1), (1, 2), (2, 2), (0, 2))))
        groups.append(TreeGroup(parent, GroupKind.CARDINALITY, low, high, members, 0))
    codes = [f"R{number}" for number in range(draw(st.integers(0, 4)))]
    rules = tuple(
        Rule(
            code,
            RuleKind.REQUIRES,
            draw(expressions(first + second)),
            draw(st.sampled_from((ALWAYS, ALWAYS, Condition(regions=("east",))))),
            TEXT,
        )
        for code in codes
    )
    price_rules = (PriceRule("P1", draw(expressions(first + second)), draw(st.integers(-25, 5)), TEXT),)
    return Problem(features, tuple(groups), rules, price_rules)


def choices_of(problem: Problem) -> st.SearchStrategy[dict[str, bool]]:
    return st.dictionaries(st.sampled_from(problem.features[3:]), st.booleans(), max_size=4)


def meeting(cars: list[frozenset[str]], choices: Mapping[str, bool]) -> list[frozenset[str]]:
    return [car for car in cars if all((name in car) == value for name, value in choices.items())]


@given(st.data())
def test_a_feature_is_open_exactly_where_some_buildable_car_has_it_and_another_has_not(data: st.DataObject) -> None:
    problem = data.draw(problems())
    engine = SatEngine(problem.book(), cars_max=data.draw(st.sampled_from((1, 3, 4_096))))

    for context in (EAST, NORTH, EAST):
        choices = data.draw(choices_of(problem))
        cars = meeting(problem.cars(context), choices)
        answer = engine.step(choices, context)

        if not cars:
            assert isinstance(answer, Clash)
            continue
        assert isinstance(answer, Step)
        present = frozenset[str]().union(*cars)
        always = frozenset(problem.features).intersection(*cars)
        assert answer.forced == always
        assert answer.excluded == frozenset(problem.features) - present
        assert answer.open == present - always


@given(st.data())
def test_a_reason_forbids_the_option_and_nothing_in_it_can_be_left_out(data: st.DataObject) -> None:
    problem = data.draw(problems())
    choices = data.draw(choices_of(problem))
    feature = data.draw(st.sampled_from(problem.features[3:]))
    present = data.draw(st.booleans())
    engine = SatEngine(problem.book())

    reason = engine.explain(choices, EAST, feature=feature, present=present)

    wanted = {feature: present}

    def possible(kept_choices: Mapping[str, bool], kept_rules: frozenset[str]) -> bool:
        codes = {rule.code for rule in problem.rules} | {"G_One", "G_Two"}
        cars = problem.cars(EAST, without=frozenset(codes - kept_rules))
        return bool(meeting(meeting(cars, kept_choices), wanted))

    if reason is None:
        assert meeting(meeting(problem.cars(EAST), choices), wanted)
        return
    causes, rules = dict(reason.choices), frozenset(reason.rules)
    assert not possible(causes, rules)
    assert all(possible({name: value for name, value in causes.items() if name != left}, rules) for left in causes)
    assert all(possible(causes, rules - {left}) for left in rules)


def test_what_one_rule_fixes_in_a_region_counts_once_in_a_reason() -> None:
    groups = (
        TreeGroup("root", GroupKind.MANDATORY, 1, 1, ("One",), 0),
        TreeGroup("One", GroupKind.CARDINALITY, 1, 1, ("a", "b", "c"), 0),
    )
    neither = And((Feature("b"), Not(Feature("b"))))
    rules = (
        Rule("R0", RuleKind.REQUIRES, neither, Condition(regions=("east",)), TEXT),
        Rule("R1", RuleKind.REQUIRES, Feature("b"), ALWAYS, TEXT),
    )
    engine = SatEngine(compile_rules(("root", "One", "a", "b", "c"), groups, rules, (), {}))

    reason = engine.explain({}, EAST, feature="a", present=False)

    assert reason is not None
    assert reason.rules == ("R0",)


@given(st.data())
def test_repairs_are_the_smallest_sets_of_choices_that_must_give_way(data: st.DataObject) -> None:
    problem = data.draw(problems())
    choices = data.draw(choices_of(problem))
    feature = data.draw(st.sampled_from(problem.features[3:]))
    engine = SatEngine(problem.book())

    repairs = engine.repairs(choices, EAST, feature=feature, present=True, limit=20)

    cars = meeting(problem.cars(EAST), {feature: True})
    working = [
        frozenset(dropped)
        for size in range(len(choices) + 1)
        for dropped in combinations(sorted(choices), size)
        if meeting(cars, {name: value for name, value in choices.items() if name not in dropped})
    ]
    minimal = {one for one in working if not any(other < one for other in working)}
    assert {frozenset(repair.given_up) for repair in repairs.found} == minimal
    sizes = [len(repair.given_up) for repair in repairs.found]
    assert sizes == sorted(sizes)


@given(st.data())
def test_the_lightest_car_is_the_lightest_of_all(data: st.DataObject) -> None:
    problem = data.draw(problems())
    choices = data.draw(choices_of(problem))
    weights = {name: data.draw(st.integers(-9, 9)) for name in problem.features[3:]}
    weights["P1"] = problem.price_rules[0].amount_minor
    engine = SatEngine(problem.book(), branches_max=data.draw(st.sampled_from((1, 3, 150))))

    completion = engine.minimum(choices, EAST, weights)

    def weight(car: frozenset[str]) -> int:
        rule = weights["P1"] if holds(problem.price_rules[0].when, car) else 0
        return rule + sum(weights[name] for name in car if name in weights)

    cars = meeting(problem.cars(EAST), choices)
    if completion is None:
        assert not cars
        return
    assert completion.features in cars
    assert completion.weight == weight(completion.features) == min(weight(car) for car in cars)


@given(st.data())
def test_every_open_feature_has_the_least_weight_of_a_car_with_it_and_without_it(data: st.DataObject) -> None:
    problem = data.draw(problems())
    choices = data.draw(choices_of(problem))
    weights = {name: data.draw(st.integers(-9, 9)) for name in problem.features[3:]}
    weights["P1"] = problem.price_rules[0].amount_minor
    engine = SatEngine(problem.book())

    bounds = engine.bounds(choices, EAST, weights)

    def weight(car: frozenset[str]) -> int:
        rule = weights["P1"] if holds(problem.price_rules[0].when, car) else 0
        return rule + sum(weights[name] for name in car if name in weights)

    cars = meeting(problem.cars(EAST), choices)
    if bounds is None:
        assert not cars
        return
    open_features = frozenset[str]().union(*cars) - frozenset(problem.features).intersection(*cars)
    assert bounds.least == min(map(weight, cars))
    assert bounds.present == {name: min(weight(car) for car in cars if name in car) for name in open_features}
    assert bounds.absent == {name: min(weight(car) for car in cars if name not in car) for name in open_features}


@given(st.data())
def test_the_weeks_of_a_car_are_those_that_all_its_features_share(data: st.DataObject) -> None:
    problem = data.draw(problems())
    choices = data.draw(choices_of(problem))
    weeks = data.draw(st.dictionaries(st.sampled_from(problem.features[3:]), st.integers(0, 255), max_size=4))
    engine = SatEngine(problem.book())

    found = engine.weeks(choices, EAST, weeks)

    expected = 0
    for car in meeting(problem.cars(EAST), choices):
        possible = 2**64 - 1
        for name in car:
            possible &= weeks.get(name, possible)
        expected |= possible
    assert found == expected


def test_without_a_circuit_nothing_is_counted_and_no_car_is_drawn() -> None:
    groups = (TreeGroup("root", GroupKind.OPTIONAL, 0, 1, ("a",), 0),)
    engine = SatEngine(compile_rules(("root", "a"), groups, (), (), {}))

    assert engine.kind is BackendKind.SAT
    assert engine.count({}, EAST) is None
    assert engine.sample({}, EAST, number=2, seed=1) is None


@given(st.data())
def test_a_car_is_buildable_exactly_where_brute_force_finds_it(data: st.DataObject) -> None:
    problem = data.draw(problems())
    car = frozenset(data.draw(st.sets(st.sampled_from(problem.features[1:])))) | {"root"}
    engine = SatEngine(problem.book())

    buildable = engine.is_buildable(car, EAST)

    assert buildable == (car in problem.cars(EAST))


def test_groups_of_many_members_are_counted_exactly() -> None:
    """Fourteen members are past the pairwise form, so the counters of the clauses are at work."""
    members = tuple(f"m{number}" for number in range(14))
    others = tuple(f"n{number}" for number in range(14))
    groups = (
        TreeGroup("root", GroupKind.MANDATORY, 2, 2, ("Few", "One"), 0),
        TreeGroup("Few", GroupKind.CARDINALITY, 3, 5, members, 0),
        TreeGroup("One", GroupKind.ALTERNATIVE, 1, 1, others, 0),
    )
    engine = SatEngine(compile_rules(("root", "Few", "One", *members, *others), groups, (), (), {}))

    for chosen in range(7):
        wanted = dict.fromkeys(members[:chosen], True)
        answer = engine.step(wanted, EAST)
        assert isinstance(answer, Clash) == (chosen > 5)
        if isinstance(answer, Step):
            assert (set(members[chosen:]) <= answer.open) == (chosen < 5)
            assert (set(members[chosen:]) <= answer.excluded) == (chosen == 5)
    for refused in range(13):
        answer = engine.step(dict.fromkeys(members[:refused], False), EAST)
        assert isinstance(answer, Clash) == (refused > 11)
        if isinstance(answer, Step):
            assert (set(members[refused:]) <= answer.forced) == (refused == 11)
    one = engine.step({"n3": True}, EAST)
    assert isinstance(one, Step)
    assert set(others) - {"n3"} <= one.excluded
    last = engine.step(dict.fromkeys(others[:13], False), EAST)
    assert isinstance(last, Step)
    assert "n13" in last.forced


def always(code: str, expression: Expression) -> Rule:
    return Rule(code, RuleKind.REQUIRES, expression, ALWAYS, TEXT)


def test_a_long_chain_of_rules_is_told_whole_and_nothing_beside_it() -> None:
    names = tuple(f"c{number}" for number in range(8))
    chain = [
        always(f"R{number}", Implies(Feature(one), Feature(other)))
        for number, (one, other) in enumerate(pairwise(names))
    ]
    beside = always("R99", Implies(Feature("c3"), Feature("c1")))
    groups = (TreeGroup("root", GroupKind.OPTIONAL, 0, 8, names, 0),)
    engine = SatEngine(compile_rules(("root", *names), groups, [beside, *chain], (), {}))

    reason = engine.explain({"c0": True, "c1": True, "c2": False}, EAST, feature="c2", present=True)
    forced = engine.explain({"c0": True, "c7": False}, EAST, feature="c6", present=True)
    chained = engine.explain({"c0": True}, EAST, feature="c7", present=False)

    assert reason is not None
    assert (reason.choices, reason.rules) == ((("c2", False),), ())
    assert forced is not None
    assert (forced.choices, forced.rules) == ((("c7", False),), ("R6",))
    assert chained is not None
    assert (chained.choices, chained.rules) == ((("c0", True),), tuple(f"R{number}" for number in range(7)))


def test_every_smallest_repair_is_offered_before_the_larger_ones() -> None:
    names = ("a", "b", "c", "d", "e", "want")
    a, b, c, d, want = (Feature(name) for name in ("a", "b", "c", "d", "want"))
    rules = (always("R1", Not(And((want, a, b)))), always("R2", Not(And((want, a, c, d)))))
    groups = (TreeGroup("root", GroupKind.OPTIONAL, 0, 6, names, 0),)
    engine = SatEngine(compile_rules(("root", *names), groups, rules, (), {}))
    choices = dict.fromkeys(names[:5], True)

    all_repairs = engine.repairs(choices, EAST, feature="want", present=True, limit=10)
    offered = all_repairs.found
    first = engine.repairs(choices, EAST, feature="want", present=True, limit=1)
    without_a = engine.repairs(choices, EAST, feature="want", present=True, limit=10, kept=frozenset("a")).found

    assert offered[0].given_up == ("a",)
    assert {repair.given_up for repair in offered} == {("a",), ("b", "c"), ("b", "d")}
    assert first.found == offered[:1]
    assert (all_repairs.are_all, first.are_all) == (True, False)
    assert {repair.given_up for repair in without_a} == {("b", "c"), ("b", "d")}


def test_a_discount_that_is_not_worth_its_options_is_done_without_and_one_that_is_is_taken() -> None:
    names = ("a", "b", "c")
    a, b, c = (Feature(name) for name in names)
    groups = (
        TreeGroup("root", GroupKind.MANDATORY, 1, 1, ("One",), 0),
        TreeGroup("One", GroupKind.CARDINALITY, 1, 3, names, 0),
    )
    earned = (PriceRule("P1", And((a, b)), 0, TEXT), PriceRule("P2", And((a, Not(b), Not(c))), 0, TEXT))
    engine = SatEngine(compile_rules(("root", "One", *names), groups, (), earned, {}))

    def lightest(**weights: int) -> tuple[set[str], int]:
        found = engine.minimum({}, EAST, weights)
        assert found is not None
        return set(found.features) - {"root", "One"}, found.weight

    assert lightest(a=10, b=9, c=12, P1=-9, P2=0) == ({"b"}, 9)
    assert lightest(a=10, b=10, c=30, P1=-19, P2=0) == ({"a", "b"}, 1)
    assert lightest(a=10, b=12, c=11, P1=-9, P2=-4) == ({"a"}, 6)
    assert lightest(a=10, b=2, c=30, P1=-9, P2=-9) == ({"a"}, 1)
    assert lightest(a=10, b=9, c=30, P1=-30, P2=-30) == ({"a"}, -20)


def test_one_discount_may_be_missed_and_another_earned() -> None:
    a, b, c = (Feature(name) for name in ("a", "b", "c"))
    groups = (
        TreeGroup("root", GroupKind.MANDATORY, 1, 1, ("One",), 0),
        TreeGroup("One", GroupKind.OR, 1, 2, ("a", "z"), 0),
        TreeGroup("root", GroupKind.OPTIONAL, 0, 2, ("b", "c"), 0),
    )
    earned = (PriceRule("P1", And((a, b)), 0, TEXT), PriceRule("P2", And((a, c)), 0, TEXT))
    engine = SatEngine(compile_rules(("root", "One", "a", "z", "b", "c"), groups, (), earned, {}))

    found = engine.minimum({}, EAST, {"a": 20, "z": 100, "b": 10, "c": 2, "P1": -5, "P2": -5})

    assert found is not None
    assert (set(found.features), found.weight) == ({"root", "One", "a", "c"}, 17)
