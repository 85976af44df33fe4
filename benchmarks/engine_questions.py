"""The engine's other questions, timed and checked: minimal reasons, proven cheapest cars, what changes cost."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import Final

from pysat.solvers import Solver

from benchmarks.engine_models import Model, load, spent
from benchmarks.engine_peers import SatPeer, cheapest_by_maxsat
from benchmarks.engine_walks import PASSES, Times, Walk, WrongAnswer
from configurator.catalogue import Condition
from configurator.engine.answers import Answers
from configurator.engine.backend import Backend, Car, Weights
from configurator.engine.formula import Formula, NamedClauses
from configurator.engine.reasons import Cause, Reasons
from configurator.engine.sat_backend import SatBackend
from configurator.engine.simplified import bits
from configurator.model import Context
from configurator.rules import CompiledRule, RuleBook
from configurator.solver import Step

REASONS_A_WALK: Final = 5
WEIGHT_MAX: Final = 10_000
MAXSAT_SECONDS_MAX: Final = 20.0


@dataclass(frozen=True)
class Explained:
    """CPU times of the choices' part of a reason and of the rules' part, and how many were checked."""

    choices: Times
    rules: Times
    checked: int


def explain_walks(
    model: Model, backend: Backend, peer: SatPeer, guards: Sequence[int], walks: Sequence[Walk], seed: int
) -> Explained:
    """Ask at the end of every walk why some features, open before, are now excluded or forced.

    All are asked one after the other, so that none finds its own still in the processor's caches, five times over; the
    median of each counts, as with decisions.
    """
    questions = _draw_questions(backend, guards, walks, seed)
    reasons = Reasons(model.formula)
    reasons.get_ready()  # as a server does at its start
    choice_micros, rule_micros = [], []
    for _ in range(PASSES):
        told = [_explain_once(backend, reasons, guards, walk, wanted) for walk, wanted in questions]
        choice_micros.append([one.choice_micros for one in told])
        rule_micros.append([one.rule_micros for one in told])
    causes = [reasons.cause([wanted], walk, [], guards, backend.minimal_choices) for walk, wanted in questions]
    reasons.close()
    for (_, wanted), cause in zip(questions, causes, strict=True):
        assert cause is not None
        check_cause(model.formula, peer, guards, wanted, cause)
    return Explained(_median_times(choice_micros), _median_times(rule_micros), len(questions))


def _draw_questions(
    backend: Backend, guards: Sequence[int], walks: Sequence[Walk], seed: int
) -> list[tuple[Walk, int]]:
    """Draw some features for each walk that were open before it, and are excluded or forced after it."""
    chance = random.Random(seed)
    before = backend.domains(guards)
    assert before is not None
    questions = []
    for walk in walks:
        after = backend.domains([*guards, *walk])
        assert after is not None
        closed = [*bits(before.can & ~after.can), *(-feature for feature in bits(before.cannot & ~after.cannot))]
        questions += [(walk, wanted) for wanted in chance.sample(closed, min(REASONS_A_WALK, len(closed)))]
    return questions


@dataclass(frozen=True, slots=True)
class _Once:
    """What one reason took, its two parts apart."""

    choice_micros: float
    rule_micros: float


def _explain_once(backend: Backend, reasons: Reasons, guards: Sequence[int], walk: Walk, wanted: int) -> _Once:
    start = time.thread_time_ns()
    choices = backend.minimal_choices(walk, [wanted], context=guards)
    between = time.thread_time_ns()
    cause = reasons.cause([wanted], walk, [], guards, backend.minimal_choices)
    end = time.thread_time_ns()
    assert cause is not None
    assert choices == cause.choices
    return _Once((between - start) / 1000, (end - between - (between - start)) / 1000)


def _median_times(taken: Sequence[Sequence[float]]) -> Times:
    return Times(tuple(median(times) for times in zip(*taken, strict=True)))


def check_cause(formula: Formula, peer: SatPeer, guards: Sequence[int], wanted: int, cause: Cause) -> None:
    """Check by solvers of their own that a cause suffices, and that nothing can be left out of it."""
    selectors = {rule: formula.variable_count + place for place, rule in enumerate(cause.rules, start=1)}
    with Solver(name="g4", bootstrap_with=formula.structure) as solver:
        for rule, selector in selectors.items():
            for clause in formula.rules[rule].guarded:
                solver.add_clause([*clause, -selector])
        named = [*cause.choices, *selectors.values()]
        if solver.solve(assumptions=[*guards, wanted, *named]):
            raise WrongAnswer(f"the reason against {wanted} does not suffice")
        for left_out in named:
            if not solver.solve(assumptions=[*guards, wanted, *(one for one in named if one != left_out)]):
                raise WrongAnswer(f"the reason against {wanted} holds without {left_out}")
        for choice in cause.choices:
            rest = [one for one in cause.choices if one != choice]
            if not peer.has_car([*guards, wanted, *rest]):
                raise WrongAnswer(f"the choices against {wanted} hold without {choice}")


@dataclass(frozen=True)
class Completed:
    """CPU times of the cheapest completion, and of RC2 for the same question on a sample."""

    engine: Times
    maxsat_seconds: tuple[float, ...]


def complete_walks(
    model: Model,
    backend: Backend,
    peer: SatPeer,
    guards: Sequence[int],
    walks: Sequence[Walk],
    *,
    sample: int,
    seed: int,
) -> Completed:
    """Complete each walk, after a third of its decisions, at least cost; RC2 proves the first few anew."""
    chance = random.Random(seed)
    prices = {feature: chance.randrange(WEIGHT_MAX) for feature in range(1, model.formula.feature_count + 1)}
    weights = Weights(prices)
    backend.lightest(guards, weights)  # weights are translated once for each price list
    micros, maxsat = [], []
    for number, walk in enumerate(walks):
        decided = [*guards, *walk[: len(walk) // 3]]
        before = time.thread_time_ns()
        car = backend.lightest(decided, weights)
        micros.append((time.thread_time_ns() - before) / 1000)
        assert car is not None
        _check_car(peer, decided, car, prices)
        if number < sample:
            least, seconds = cheapest_by_maxsat(model.formula.clauses, decided, prices, seconds_max=MAXSAT_SECONDS_MAX)
            if least is not None and least != car.weight:
                raise WrongAnswer(f"RC2 finds {least}, the engine {car.weight}")
            maxsat.append(seconds)
    return Completed(Times(tuple(micros)), tuple(maxsat))


def _check_car(peer: SatPeer, decided: Sequence[int], car: Car, prices: Mapping[int, int]) -> None:
    features = [v if car.features >> v & 1 else -v for v in prices]
    if not peer.has_car([*decided, *features]):
        raise WrongAnswer("the cheapest car is no car")
    if sum(price for feature, price in prices.items() if car.features >> feature & 1) != car.weight:
        raise WrongAnswer("the cheapest car costs something else")


def change_prices_and_dates(model: Model, backend: Backend, context: Context) -> float:
    """Read the model again with a feature withdrawn and other prices, answer over the old circuit; CPU seconds."""
    before = backend.domains(model.book.context_literals(context))
    assert before is not None
    withdrawn = bits(before.can & before.cannot)[0]

    def change() -> RuleBook:
        book = load(model.name, model.path).book
        day = Condition(first_day=context.day - timedelta(days=1))
        book = replace(book, rules=(*book.rules, CompiledRule("WITHDRAWN", ((-withdrawn,),), day)))
        answers = Answers(book, backend)
        step = answers.step({}, context)
        assert isinstance(step, Step)
        assert book.features[withdrawn - 1] in step.excluded
        assert answers.minimum({}, context, {name: place % 997 for place, name in enumerate(book.features)})
        return book

    book, seconds = spent(change)
    assert book.formula.content_hash == model.formula.content_hash, "nothing has to be compiled anew"
    return seconds


def change_a_rule(model: Model, backend: Backend, guards: Sequence[int]) -> float:
    """Let two open features exclude each other: CPU seconds until SAT serves the changed rules."""
    before = backend.domains(guards)
    assert before is not None
    one, other = bits(before.can & before.cannot)[:2]
    rules = (*model.formula.rules, NamedClauses("CHANGED", ((-one, -other),)))
    changed = replace(model.formula, rules=rules)

    def serve() -> SatBackend:
        serving = SatBackend(changed)
        assert serving.domains(guards) is not None
        return serving

    serving, seconds = spent(serve)
    serving.close()
    return seconds
