"""A circuit's sessions tell exactly where every feature stands, in whatever order decisions come and go."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from configurator.engine.backend import Delta, Domains
from configurator.engine.circuit import compile_circuit
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.formula import Formula
from tests.configurator.engine.naive_compiler import compile_naively, domains_of, formulas, models


def backend_of(formula: Formula, *, many: int | None = None) -> CircuitBackend:
    return CircuitBackend(compile_circuit(compile_naively(formula), formula), many=many)


def expected(formula: Formula, literals: tuple[int, ...]) -> Domains | None:
    cars = models(formula, literals)
    return Domains(*domains_of(formula, cars)) if cars else None


def closed_between(before: Domains, after: Domains) -> set[int]:
    gone_can, gone_cannot = before.can & ~after.can, before.cannot & ~after.cannot
    size = max(before.can.bit_length(), before.cannot.bit_length())
    return {v for v in range(size) if gone_can >> v & 1} | {-v for v in range(size) if gone_cannot >> v & 1}


@given(formulas(), st.lists(st.integers(-9, 9), max_size=4))
def test_domains_are_those_of_all_cars(formula: Formula, drawn: list[int]) -> None:
    literals = tuple(v for v in drawn if 0 < abs(v) <= formula.variable_count)
    backend = backend_of(formula)

    found = backend.domains(literals)

    assert found == expected(formula, literals)
    assert backend.has_car(literals) == (found is not None)


@given(formulas(), st.randoms(use_true_random=False), st.sampled_from((None, 0, 1)))
def test_every_delta_is_what_changed_in_any_order_of_decisions_and_withdrawals(
    formula: Formula, chance: random.Random, many: int | None
) -> None:
    """Whether the dead branches are followed one by one, or one pass over all finds them."""
    backend = backend_of(formula, many=many)
    session = backend.open(())
    if session is None:
        assert not models(formula)
        return
    variables = [*range(1, formula.feature_count + 1), *formula.guards]
    for _ in range(12):
        before = session.domains()
        decisions = session.decisions
        if decisions and chance.random() < 0.35:
            literal = chance.choice(decisions)

            delta: Delta | None = session.withdraw(literal)

            now = tuple(decision for decision in decisions if decision != literal)
            after = expected(formula, now)
            assert after is not None
            assert delta is not None
            assert sorted(delta.opened) == sorted(closed_between(after, before))
            assert delta.closed == ()
        else:
            literal = chance.choice(variables) * chance.choice((1, -1))

            delta = session.decide(literal)

            now = decisions if literal in decisions else (*decisions, literal)
            after = expected(formula, now)
            assert (delta is None) == (after is None)
            if delta is None or after is None:
                now, after = decisions, before
            else:
                assert sorted(delta.closed) == sorted(closed_between(before, after))
                assert delta.opened == ()
        assert session.decisions == now
        assert session.domains() == after


@given(formulas(), st.randoms(use_true_random=False))
def test_a_fork_goes_its_own_way(formula: Formula, chance: random.Random) -> None:
    session = backend_of(formula).open(())
    if session is None:
        return
    before = session.domains()
    fork = session.fork()

    for variable in range(1, formula.feature_count + 1):
        fork.decide(variable * chance.choice((1, -1)))

    assert session.domains() == before
    assert session.decisions == ()
    assert fork.domains() == expected(formula, fork.decisions)


@given(formulas(features_max=6), st.lists(st.integers(-6, 6), max_size=6, unique=True), st.integers(-6, 6))
def test_a_cause_is_sufficient_and_minimal(formula: Formula, drawn: list[int], asked: int) -> None:
    def within(literals: list[int]) -> tuple[int, ...]:
        return tuple(v for v in literals if 0 < abs(v) <= formula.feature_count)

    choices, wanted = within(drawn), within([asked])

    backend = backend_of(formula)
    before = backend.domains(wanted)

    found = backend.minimal_choices(choices, wanted)

    assert backend.domains(wanted) == before, "the question leaves nothing behind"
    if found is None:
        assert models(formula, (*choices, *wanted))
        return
    assert set(found) <= set(choices)
    assert not models(formula, (*found, *wanted))
    for left_out in found:
        assert models(formula, (*(literal for literal in found if literal != left_out), *wanted))


def test_helpers_that_nobody_asks_about_are_taken_out_without_changing_an_answer() -> None:
    formula = Formula(2, 4, ((-3, 1), (-3, 2), (3, -1, -2), (-4, 3), (4, -3), (1, 2)), ())
    whole = compile_circuit(compile_naively(formula), formula)
    features_only = compile_circuit(compile_naively(formula), formula, named=())

    found = CircuitBackend(features_only).domains((-1,))

    assert found == CircuitBackend(whole).domains((-1,)) == Domains(can=0b100, cannot=0b010)
    assert features_only.block.nbytes < whole.block.nbytes


def test_threads_share_a_backend() -> None:
    chance = random.Random(5)
    clauses = tuple(tuple(chance.choice((v, -v)) for v in chance.sample(range(1, 11), 3)) for _ in range(25))
    formula = Formula(10, 10, clauses, ())
    backend = backend_of(formula)
    asked = [tuple(chance.choice((v, -v)) for v in chance.sample(range(1, 11), 3)) for _ in range(200)]
    alone = [backend.domains(literals) for literals in asked]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(backend.domains, asked * 5))

    assert together == alone * 5
    assert alone[:20] == [expected(formula, literals) for literals in asked[:20]]
