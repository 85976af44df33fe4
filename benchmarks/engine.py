"""How fast the configurator's engine is, and whether it is right: every answer is checked by SAT in the same run.

`python3 dev.py bench engine` takes 20 random walks of 15 decisions through each model (fixed seed; the public ones are
read where `MUSTER_DATA` says), and prints what was to be reached with what was reached. Times are CPU times.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from benchmarks import engine_models, engine_peers, engine_questions, engine_walks
from benchmarks.engine_models import Compiled, Model
from benchmarks.engine_peers import SatPeer
from benchmarks.engine_table import Figures, models_table, targets_table
from benchmarks.engine_walks import Times, Walk
from benchmarks.public_data import public_data
from benchmarks.yardstick import pace_line, yardstick_ms
from configurator.engine import jit
from configurator.engine.backend import Backend
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.sat_backend import SatBackend
from configurator.model import Context

SEED: Final = 20_26
DAY: Final = datetime(2026, 11, 2, tzinfo=UTC).date()


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    walks: int = 20
    maxsat_sample: int = 2
    ddnnife_decisions: int = 2
    ddnnife_edges_max: int = 30_000
    """A larger circuit is not given to ddnnife: C211_FW with 40,000 edges takes it 21 s a decision."""
    compile_seconds_max: float = engine_models.COMPILE_SECONDS_MAX
    seconds_in_all: float = 570.0


FULL: Final = Plan()
QUICK: Final = Plan(walks=6, maxsat_sample=1, ddnnife_decisions=1, ddnnife_edges_max=10_000, seconds_in_all=90.0)


def measure(model: Model, plan: Plan, say: Callable[[str], None]) -> Figures:
    """Measure one model and check what it answers."""
    say(f"{model.name}: compiling")
    tried = [
        engine_models.compiled(model, compiler, seconds_max=plan.compile_seconds_max)
        for compiler in engine_models.compilers()
    ]
    made = [one for one in tried if one.circuit is not None]
    chosen = made[0] if made else None  # as a server chooses: our own compiler first
    backend = backend_of(model, chosen)
    context = Context("CN", DAY)
    guards = model.book.context_literals(context)
    say(f"{model.name}: walking")
    walks = engine_walks.draw_walks(backend, guards, number=plan.walks, seed=SEED)
    inside, sessions = _walked(model, backend, guards, walks)
    say(f"{model.name}: asking SAT about every answer")
    peer = SatPeer(model.formula)
    sat, checked = engine_walks.check_walks(backend, guards, walks, peer)
    say(f"{model.name}: reasons and completions")
    explained = engine_questions.explain_walks(model, backend, peer, guards, walks, SEED)
    completed = engine_questions.complete_walks(
        model, backend, peer, guards, walks, sample=plan.maxsat_sample, seed=SEED
    )
    peer.close()
    say(f"{model.name}: ddnnife")
    ddnnife = _ddnnife(model, backend, made, guards, walks[0], plan)
    changed = engine_questions.change_prices_and_dates(model, backend, context)
    serving = engine_questions.change_a_rule(model, backend, guards)
    return Figures(
        model,
        tuple(tried),
        chosen,
        backend,
        inside,
        sessions,
        sat,
        checked,
        explained,
        completed,
        ddnnife,
        changed,
        serving,
    )


def _walked(model: Model, backend: Backend, guards: Sequence[int], walks: Sequence[Walk]) -> tuple[Times | None, Times]:
    """Time the walks inside the engine, where there is a circuit, and through the interface.

    SAT knows from a first walk nearly all that it needs for a second one, so it is timed where each decision is new.
    """
    if isinstance(backend, CircuitBackend):
        return engine_walks.time_kernel(backend, guards, walks), engine_walks.time_sessions(backend, guards, walks)
    new = SatBackend(model.formula)
    sessions = engine_walks.time_sessions(new, guards, walks, passes=1)
    new.close()
    return None, sessions


def backend_of(model: Model, chosen: Compiled | None) -> Backend:
    """Return the backend that serves: the chosen circuit, else SAT."""
    if chosen is None or chosen.circuit is None:
        return SatBackend(model.formula)
    return CircuitBackend(chosen.circuit)


def _ddnnife(
    model: Model, backend: Backend, made: Sequence[Compiled], guards: Sequence[int], walk: Walk, plan: Plan
) -> Times | None:
    """Let ddnnife take the beginning of a walk, with the circuit that it likes best: the one of fewest edges."""
    nnfs = [one.nnf for one in made if one.nnf is not None]
    if not nnfs or not engine_peers.has_ddnnife():
        return None
    nnf = min(nnfs, key=lambda one: len(one.source))
    decided = [*guards, *walk[: plan.ddnnife_decisions]]
    if len(nnf.source) > plan.ddnnife_edges_max:
        return None
    steps = engine_peers.ddnnife_steps(nnf, decided, skip=len(guards))
    for place, (_, literals) in enumerate(steps, start=len(guards) + 1):
        engine_walks.check_forced(backend, decided[:place], literals)
    return Times(tuple(seconds * 1e6 for seconds, _ in steps))


def run(plan: Plan, *, quick: bool, only: str, say: Callable[[str], None]) -> list[Figures]:
    """Measure every model there is time for."""
    began = time.monotonic()
    jit.warm(compiler=True)
    found = []
    for name, path in engine_models.paths(quick=quick, only=only):
        if time.monotonic() - began > plan.seconds_in_all:
            say(f"NOT MEASURED, out of time: {name}")
            continue
        model = engine_models.load(name, path)
        found.append(measure(model, plan, say))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables; 0 where every answer was right, whatever the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three models, six walks each: less than two minutes")
    parser.add_argument("--model", default="", help="only models whose name holds this")
    parser.add_argument("--seconds", type=float, help="begin no model after so long; a busy machine needs more")
    parser.add_argument("--walks", type=int, help="walks through each model; SAT takes minutes to check a large one's")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    plan = replace(plan, seconds_in_all=asked.seconds or plan.seconds_in_all, walks=asked.walks or plan.walks)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", file=sys.stderr, flush=True)

    load, pace = os.getloadavg()[0], pace_line().rstrip(".")
    figures = run(plan, quick=asked.quick, only=asked.model, say=say)
    if public_data() is None:
        print("NOT MEASURED: the public models; MUSTER_DATA names their folder")
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    loads = f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    print(f"\n{when}, {loads}, {os.cpu_count()} cores. {pace}, {yardstick_ms():.2f} ms after the run.\n")
    print(targets_table(figures))
    print()
    print(models_table(figures))
    return 0 if figures else 1


if __name__ == "__main__":
    raise SystemExit(main())
