"""A session is its buyer's decisions: a copy costs nothing until it goes its own way; many choices cost little."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from random import Random

import pytest

from configurator.engine.backend import Backend, BackendKind, Session
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.sat_backend import SatBackend
from tests.configurator.engine.artefacts import demo_blueprint, made_here

KINDS = tuple(BackendKind)
FORKS = 100
BYTES_MAX = 4_000
DECISIONS = 15


@pytest.fixture(scope="module", params=KINDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Return each backend over the demo brand's rules."""
    if request.param is BackendKind.SAT:
        sat = SatBackend(demo_blueprint().formula)
        yield sat
        sat.close()
    else:
        circuit = made_here(demo_blueprint()).circuit
        assert circuit is not None
        yield CircuitBackend(circuit)


def guards() -> list[int]:
    return [-guard for guard in demo_blueprint().formula.guards]


def walked(backend: Backend) -> Session:
    """Return a session after a walk of fifteen decisions."""
    session = backend.open(guards())
    assert session is not None
    chance = Random(5)
    while len(session.decisions) < len(guards()) + DECISIONS:
        session.decide(chance.choice((1, 1, -1)) * chance.randint(1, demo_blueprint().formula.feature_count))
    return session


def test_a_copy_and_its_next_decision_take_little_memory(backend: Backend) -> None:
    session = walked(backend)
    domains = session.domains()
    open_features = domains.can & domains.cannot
    literal = (open_features & -open_features).bit_length() - 1
    gc.collect()
    tracemalloc.start()

    copies = [session.fork() for _ in range(FORKS)]
    for copy in copies:
        copy.decide(literal)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / FORKS < BYTES_MAX
    assert session.domains() == domains
    assert all(copy.domains() != domains for copy in copies)


def test_ten_thousand_choices_in_one_question_are_answered_in_little_memory(backend: Backend) -> None:
    choices = [literal for session in [walked(backend)] for literal in session.decisions[len(guards()) :]]
    expected = backend.domains([*guards(), *choices])
    many = [*guards(), *(choices * (10_000 // len(choices) + 1))]
    assert len(many) > 10_000
    gc.collect()
    tracemalloc.start()

    found = backend.domains(many)
    contradicted = backend.domains([*many, *(-literal for literal in many)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == expected
    assert contradicted is None
    assert most < 10_000_000
