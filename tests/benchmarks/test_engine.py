"""The engine's benchmark runs from end to end on the demo brand, finds a wrong answer, and says what was missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks import engine_walks
from benchmarks.engine import FULL, run
from benchmarks.engine_models import DEMO
from benchmarks.engine_peers import SatPeer
from benchmarks.engine_table import Figures, models_table, targets_table
from benchmarks.engine_walks import Times, WrongAnswer
from configurator.engine.backend import Delta
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.formula import Formula
from configurator.engine.sat_backend import SatBackend, SatSession

SMALLEST = replace(FULL, walks=2, maxsat_sample=1, ddnnife_decisions=1)


@pytest.fixture(scope="module")
def demo() -> Figures:
    (figures,) = run(SMALLEST, quick=True, only=DEMO, say=lambda _: None)
    return figures


def test_the_demo_brand_is_measured_and_every_answer_is_checked(demo: Figures) -> None:
    assert isinstance(demo.backend, CircuitBackend)
    assert demo.tried[0].compiler == "decomposition"
    assert demo.tried[0].circuit is not None
    assert demo.checked == 2 * (engine_walks.DECISIONS + 1)
    assert demo.explained.checked > 0
    assert demo.inside is not None
    assert 0 < demo.inside.p50 <= demo.inside.p99
    assert len(demo.completed.maxsat_seconds) == 1
    assert demo.session_bytes is not None
    assert demo.session_bytes < 2_000
    assert f"| {DEMO} | 144 |" in models_table([demo])


def test_the_table_says_what_was_reached_and_what_was_missed(demo: Figures) -> None:
    model = replace(demo.model, name="automotive01")
    fast = replace(demo, model=model, inside=Times((4.0, 4.0, 20.0)))
    slow = replace(demo, model=model, inside=Times((4.0, 4.0, 20.1)))

    first_of_fast, first_of_slow = (targets_table([one]).splitlines()[2] for one in (fast, slow))

    assert "| ≤ 4 / 20 µs | 4.0 / 20.0 µs (SAT " in first_of_fast
    assert first_of_fast.endswith(" | yes |")
    assert first_of_slow.endswith(" | **no** |")


class ForgetfulSession(SatSession):
    """A session that tells of nothing that it closes."""

    def decide(self, literal: int) -> Delta | None:
        return None if super().decide(literal) is None else Delta()


class ForgetfulBackend(SatBackend):
    """A backend whose sessions forget."""

    def open(self, literals: Sequence[int]) -> SatSession | None:
        place = self.place(literals)
        return None if place is None else ForgetfulSession(self, tuple(literals), place)


def test_a_wrong_delta_stops_the_benchmark() -> None:
    formula = Formula(3, 3, ((-1, 2), (1, 3)), ())
    right, wrong, peer = SatBackend(formula), ForgetfulBackend(formula), SatPeer(formula)

    _, checked = engine_walks.check_walks(right, (), [(1, 3)], peer)

    assert checked == 3
    with pytest.raises(WrongAnswer, match=r"after \(1,\)"):
        engine_walks.check_walks(wrong, (), [(1, 3)], peer)
