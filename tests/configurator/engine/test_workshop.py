"""A process answers at once by SAT and goes over to the circuit; of many processes one compiles each formula."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from configurator.engine import making, workshop
from configurator.engine.artefact import Blueprint
from configurator.engine.backend import BackendKind, Domains, Weights
from configurator.engine.choosing import Allowance, Outcome, Why
from configurator.engine.formula import Formula
from configurator.engine.shelf import Shelf
from configurator.engine.workshop import Workshop
from tests.configurator.engine.artefacts import ALLOWED, MakerHere, made_here, small_blueprint
from tests.configurator.engine.test_compilers import hard_formula

SECONDS_MAX = 60
SMALL = small_blueprint()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "circuits")


@pytest.fixture(autouse=True)
def kernels_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this machine's kernels as they are: compiling them ahead is tested for itself."""
    monkeypatch.setattr(workshop, "warm", lambda _shelf: True)


class Waiting(MakerHere):
    """Makes artefacts when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.began = threading.Event()

    def __call__(self, blueprint: Blueprint, shelf: Shelf, allowance: Allowance) -> None:
        self.began.set()
        assert self.let.wait(SECONDS_MAX)
        super().__call__(blueprint, shelf, allowance)


def test_sat_answers_until_the_circuit_is_there_and_the_answers_stay(shelf: Shelf) -> None:
    maker = Waiting()
    backend = Workshop(shelf, allowance=ALLOWED, make=maker).backend(SMALL)
    session = backend.open([1])
    assert session is not None

    assert (backend.kind, backend.choice.why) == (BackendKind.SAT, Why.NOT_READY)
    before = backend.domains([1])
    assert backend.count([]) is None
    maker.let.set()
    choice = backend.wait(SECONDS_MAX)

    assert (choice.backend, choice.why) == (BackendKind.CIRCUIT, Why.CIRCUIT_FITS)
    assert backend.kind is BackendKind.CIRCUIT
    assert backend.domains([1]) == before == Domains(can=0b111110, cannot=0b111000)
    assert backend.count([]) == 21
    assert session.decide(-3) is not None
    assert session.domains() == backend.domains([1, -3])


def test_what_lies_on_the_shelf_is_served_without_sat_and_without_a_compiler(shelf: Shelf) -> None:
    shelf.put(made_here(SMALL))
    maker = MakerHere()
    shop = Workshop(shelf, allowance=ALLOWED, make=maker)
    assert shop.get_ready()

    backend = shop.backend(SMALL)

    assert backend.kind is BackendKind.CIRCUIT
    assert backend.count([]) == 21
    assert maker.asked == []


def test_a_rule_that_changes_is_served_by_sat_at_once(shelf: Shelf) -> None:
    shelf.put(made_here(SMALL))
    maker = Waiting()
    shop = Workshop(shelf, allowance=ALLOWED, make=maker)
    assert shop.get_ready()

    changed = shop.backend(small_blueprint((-2,)))

    assert changed.kind is BackendKind.SAT
    assert not changed.has_car([1])
    maker.let.set()
    assert changed.wait(SECONDS_MAX).backend is BackendKind.CIRCUIT
    assert not changed.has_car([1])


@pytest.mark.parametrize("poison", [b"", b"\0" * 10_000, b"MUSTERcc" * 1_000])
def test_a_poisoned_file_is_made_anew(shelf: Shelf, poison: bytes) -> None:
    shelf.path(SMALL.key).write_bytes(poison)
    maker = MakerHere()

    backend = Workshop(shelf, allowance=ALLOWED, make=maker).backend(SMALL)

    assert backend.wait(SECONDS_MAX).why is Why.CIRCUIT_FITS
    assert backend.count([]) == 21
    assert maker.asked == [SMALL.key]


def test_a_maker_that_breaks_down_leaves_sat_serving(shelf: Shelf) -> None:
    def broken(_blueprint: Blueprint, _shelf: Shelf, _allowance: Allowance) -> None:
        raise OSError("no space left on the device")

    backend = Workshop(shelf, allowance=ALLOWED, make=broken).backend(SMALL)

    assert backend.wait(SECONDS_MAX).why is Why.BROKE_DOWN
    assert backend.lightest([1], Weights({3: 1, 4: 2, 5: 3})) is not None


def test_a_maker_that_makes_nothing_leaves_sat_serving(shelf: Shelf) -> None:
    backend = Workshop(shelf, allowance=ALLOWED, make=lambda *_: None).backend(SMALL)

    assert backend.wait(SECONDS_MAX).why is Why.BROKE_DOWN
    assert backend.has_car([1])


def test_without_numba_sat_serves_and_says_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "has_kernels", lambda: False)
    maker = MakerHere()

    backend = Workshop(shelf, allowance=ALLOWED, make=maker).backend(SMALL)

    assert (backend.kind, backend.choice.why) == (BackendKind.SAT, Why.NO_KERNELS)
    assert backend.has_car([1])
    assert maker.asked == []


def test_where_numba_cannot_compile_sat_serves_and_says_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "warm", lambda _shelf: False)

    backend = Workshop(shelf, allowance=ALLOWED, make=MakerHere()).backend(SMALL)

    assert backend.wait(SECONDS_MAX).why is Why.NO_KERNELS


def test_no_seconds_at_all_switch_compiling_off(shelf: Shelf) -> None:
    maker = MakerHere()

    backend = Workshop(shelf, allowance=Allowance(0, 100), make=maker).backend(SMALL)

    assert backend.wait(0).why is Why.SWITCHED_OFF
    assert maker.asked == []


def test_a_worker_has_circuits_made_and_answers_by_sat(shelf: Shelf) -> None:
    backend = Workshop(shelf, allowance=ALLOWED, walks=False, make=MakerHere()).backend(SMALL)

    choice = backend.wait(SECONDS_MAX)

    assert choice.why is Why.CIRCUIT_FITS
    assert backend.count([]) is None
    assert shelf.find(SMALL.key) is not None


def test_a_backend_that_nobody_has_any_more_is_not_compiled(shelf: Shelf) -> None:
    maker = Waiting()
    shop = Workshop(shelf, allowance=ALLOWED, make=maker)
    first = shop.backend(SMALL)
    assert maker.began.wait(SECONDS_MAX)
    forgotten = shop.backend(small_blueprint((-1,)))
    del forgotten
    last = shop.backend(small_blueprint((-2,)))

    maker.let.set()
    last.wait(SECONDS_MAX)

    assert first.kind is BackendKind.CIRCUIT
    assert maker.asked == [SMALL.key, small_blueprint((-2,)).key]


# --- the child -------------------------------------------------------------------------------------------------------


def test_the_child_makes_what_this_process_would(shelf: Shelf) -> None:
    formula = Formula(3, 5, ((-4, 1), (4, -1), (2, 3), (-5, -1)), ())
    blueprint = Blueprint(formula, frozenset({4}))

    making.make_in_child(blueprint, shelf, ALLOWED)

    found, here = shelf.find(blueprint.key), made_here(blueprint)
    assert found is not None
    assert found.circuit is not None
    assert here.circuit is not None
    assert found.circuit.block.tobytes() == here.circuit.block.tobytes()
    assert found.choice.attempts[0].compiler == "decomposition"


def test_a_model_beyond_the_budget_is_served_by_sat_and_not_tried_again(shelf: Shelf) -> None:
    allowed = Allowance(seconds=1, megabytes=300)
    hard = Blueprint(hard_formula())
    shop = Workshop(shelf, allowance=allowed)

    choice = shop.backend(hard).wait(SECONDS_MAX)
    maker = MakerHere()
    again = Workshop(shelf, allowance=allowed, make=maker).backend(hard).wait(SECONDS_MAX)

    assert (choice.backend, choice.why) == (BackendKind.SAT, Why.NO_CIRCUIT_FITS)
    assert {one.outcome for one in choice.attempts} == {Outcome.OUT_OF_TIME}
    assert again == choice
    assert maker.asked == []


def test_a_child_beyond_every_bound_is_ended_and_its_end_is_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PATIENCE", 0.001)
    before, began = set(psutil.Process().children()), time.monotonic()

    making.make_in_child(Blueprint(hard_formula()), shelf, ALLOWED)

    # Left to itself it would end once its compiler has had all its seconds.
    assert time.monotonic() - began < ALLOWED.seconds
    assert set(psutil.Process().children()) <= before
    found = shelf.find(Blueprint(hard_formula()).key)
    assert found is not None
    assert (found.circuit, found.choice.why) == (None, Why.NO_CIRCUIT_FITS)


ONE_OF_TWO = """
import sys
from pathlib import Path
from configurator.engine import workshop
from configurator.engine.shelf import Shelf
from tests.configurator.engine.artefacts import ALLOWED, MakerHere, small_blueprint

maker = MakerHere()
workshop.warm = lambda shelf: True
backend = workshop.Workshop(Shelf(Path(sys.argv[1])), allowance=ALLOWED, make=maker).backend(small_blueprint())
print("ready", flush=True)
sys.stdin.readline()
backend.wait(60)
print(len(maker.asked), backend.count([]))
"""


def test_of_processes_that_want_the_same_at_once_one_compiles(shelf: Shelf) -> None:
    with shelf.making(SMALL.key.hex()):
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", ONE_OF_TWO, shelf.folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
    answers = [process.communicate("go\n", timeout=SECONDS_MAX)[0] for process in processes]

    assert sorted(answers) == ["0 21\n", "0 21\n", "1 21\n"]
