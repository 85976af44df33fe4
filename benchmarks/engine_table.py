"""The tables of the engine's benchmark: what was to be reached and what was, and every figure by model."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.engine_models import Compiled, Model
from benchmarks.engine_questions import Completed, Explained
from benchmarks.engine_walks import Times
from configurator.engine.backend import Backend
from configurator.engine.circuit_backend import WORKSPACES_KEPT_MAX, CircuitBackend, Workspace

MEGABYTE: Final = 1_000_000
DAIMLER: Final = ("C", "D1")


@dataclass(frozen=True)
class Figures:
    """All that was measured on one model."""

    model: Model
    tried: tuple[Compiled, ...]
    chosen: Compiled | None
    backend: Backend
    inside: Times | None
    sessions: Times
    sat: Times
    checked: int
    explained: Explained
    completed: Completed
    ddnnife: Times | None
    changed_seconds: float
    serving_seconds: float

    @property
    def circuit_bytes(self) -> int | None:
        """Return the size of the circuit that serves."""
        return self.backend.block.nbytes if isinstance(self.backend, CircuitBackend) else None

    @property
    def workspace_bytes(self) -> int | None:
        """Return the size of a workspace; sessions share a few."""
        if not isinstance(self.backend, CircuitBackend):
            return None
        workspace = Workspace(self.backend.circuit)
        return workspace.work.nbytes + workspace.codes.nbytes + workspace.out.nbytes

    @property
    def session_bytes(self) -> int | None:
        """Return what a session of 15 decisions holds for itself."""
        if not isinstance(self.backend, CircuitBackend):
            return None
        decisions = tuple(range(1_000, 1_015))
        session = self.backend.open(())
        assert session is not None
        return sys.getsizeof(session) + sys.getsizeof(decisions) + sum(map(sys.getsizeof, decisions))

    @property
    def is_daimler(self) -> bool:
        """Say whether it is one of the car lines in DIMACS."""
        return self.model.name.startswith(DAIMLER) and self.model.path.suffix == ".cnf"


@dataclass(frozen=True)
class Row:
    """One line of the table of targets; `reached` None where there is nothing to compare with."""

    what: str
    to_reach: str
    measured: str
    reached: bool | None


def targets_table(figures: Sequence[Figures]) -> str:
    """Return the table of what was to be reached."""
    lines = ["| | to reach | measured | reached |", "|---|---|---|---|"]
    words = {True: "yes", False: "**no**", None: "–"}
    lines += [f"| {row.what} | {row.to_reach} | {row.measured} | {words[row.reached]} |" for row in _rows(figures)]
    return "\n".join(lines)


def _rows(figures: Sequence[Figures]) -> list[Row]:
    by_name = {one.model.name: one for one in figures}
    rows = []
    if (first := by_name.get("automotive01")) is not None:
        rows += _decision(first, "Automotive01", 4, 20)
    if (second := by_name.get("automotive02_v1")) is not None:
        rows += _decision(second, "Automotive02 v1", 8, 50)
    rows += [_daimler(one) for one in figures if one.is_daimler]
    if second is not None:
        rows += _large(second)
    if first is not None:
        rows += _questions(first)
    if (demo := by_name.get("demo brand")) is not None:
        rows.append(Row("demo brand: compile with our own compiler", "fast without the extra", *_own(demo)))
        rows += _decision(demo, "demo brand", math.inf, math.inf)
    return rows


def _decision(one: Figures, name: str, p50: float, p99: float) -> list[Row]:
    if one.inside is None:
        return [Row(f"{name}, decision", "a circuit", f"{_micros(one.sessions)} µs by SAT", False)]
    peers = f"SAT {_millis(one.sat)} ms"
    if one.ddnnife is not None:
        peers += f", ddnnife {_millis(one.ddnnife)} ms"
    bounded = math.isfinite(p50)
    return [
        Row(
            f"{name}, decision p50 / p99, inside the engine",
            f"≤ {p50:.0f} / {p99:.0f} µs" if bounded else "–",
            f"{_micros(one.inside)} µs ({peers})",
            one.inside.p50 <= p50 and one.inside.p99 <= p99 if bounded else None,
        ),
        Row(f"{name}, through the interface of Python", "–", f"{_micros(one.sessions)} µs", None),
    ]


def _daimler(one: Figures) -> Row:
    times, limit = (one.inside, 1_000) if one.inside is not None else (one.sessions, 10_000)
    how = f"circuit of {one.chosen.compiler}" if one.chosen is not None else "SAT"
    return Row(
        f"{one.model.name}, decision p99",
        f"≤ {limit / 1000:.0f} ms",
        f"{times.p99 / 1000:.2f} ms ({how}; SAT with reuse {_millis(one.sat)} ms)",
        times.p99 <= limit,
    )


def _large(one: Figures) -> list[Row]:
    tries = ", ".join(f"{each.compiler} {_seconds(each)}" for each in one.tried)
    rows = [
        Row(
            "Automotive02 v1: compile",
            "≤ 15 s",
            tries,
            any(each.circuit is not None and each.seconds <= 15 for each in one.tried),
        ),
        Row("… a changed date, price or withdrawal", "≤ 1 s", f"{one.changed_seconds:.2f} s", one.changed_seconds <= 1),
        Row("… a changed rule: until SAT serves", "at once", f"{one.serving_seconds:.2f} s", None),
    ]
    if one.circuit_bytes is not None and one.session_bytes is not None and one.workspace_bytes is not None:
        shared = f"up to {WORKSPACES_KEPT_MAX} shared workspaces of {one.workspace_bytes / MEGABYTE:.2f} MB"
        reached = one.circuit_bytes <= 4 * MEGABYTE and one.session_bytes <= 0.1 * MEGABYTE
        rows.append(
            Row(
                "Automotive02 v1: circuit; session",
                "≤ 4; ≤ 0.1 MB",
                f"{one.circuit_bytes / MEGABYTE:.2f}; {one.session_bytes / MEGABYTE:.4f} MB ({shared})",
                reached,
            )
        )
    return rows


def _questions(one: Figures) -> list[Row]:
    choices, rules = one.explained.choices.p99 / 1000, one.explained.rules.p99 / 1000
    cheapest = one.completed.engine.p99 / 1000
    maxsat = max(one.completed.maxsat_seconds, default=math.nan) * 1000
    return [
        Row(
            "minimal reason p99: choices; rules (Automotive01)",
            "≤ 0.2; ≤ 5 ms",
            f"{choices:.2f}; {rules:.2f} ms ({one.explained.checked} checked)",
            choices <= 0.2 and rules <= 5,
        ),
        Row(
            "proven cheapest completion p99 (Automotive01)",
            "≤ 1 ms",
            f"{cheapest:.2f} ms (RC2 {maxsat:.0f} ms)",
            cheapest <= 1,
        ),
        Row("UVL load of Automotive01", "≤ 1 s", f"{one.model.load_seconds:.2f} s", one.model.load_seconds <= 1),
    ]


def _own(one: Figures) -> tuple[str, bool | None]:
    return _seconds(one.tried[0]), None


def models_table(figures: Sequence[Figures]) -> str:
    """Return every figure by model."""
    columns: tuple[tuple[str, Callable[[Figures], str]], ...] = (
        ("model", lambda one: one.model.name),
        ("features", lambda one: f"{one.model.formula.feature_count:,}"),
        ("clauses", lambda one: f"{len(one.model.formula.clauses):,}"),
        ("load s", lambda one: f"{one.model.load_seconds:.2f}"),
        ("compile s (MB)", lambda one: "; ".join(f"{each.compiler} {_seconds(each)}" for each in one.tried)),
        ("serves", lambda one: one.chosen.compiler if one.chosen is not None else "SAT"),
        ("inside p50 / p99 µs", lambda one: _micros(one.inside)),
        ("Python p50 / p99 µs", lambda one: _micros(one.sessions)),
        ("SAT reuse p50 / p99 ms", lambda one: _millis(one.sat)),
        ("ddnnife p50 / p99 ms", lambda one: _millis(one.ddnnife)),
        ("workspace MB", lambda one: _megabytes(one.workspace_bytes)),
        ("reason p99 ms: choices; rules", lambda one: _reasons(one.explained)),
        ("cheapest p50 / p99 ms", lambda one: _millis(one.completed.engine)),
        ("RC2 ms", lambda one: "; ".join(f"{1000 * each:.0f}" for each in one.completed.maxsat_seconds) or "–"),
        ("price, date s", lambda one: f"{one.changed_seconds:.2f}"),
        ("rule, SAT s", lambda one: f"{one.serving_seconds:.2f}"),
        ("answers checked", lambda one: f"{one.checked + one.explained.checked:,}"),
    )
    lines = [_line(title for title, _ in columns), _line("---" for _ in columns)]
    return "\n".join([*lines, *(_line(tell(one) for _, tell in columns) for one in figures)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _seconds(one: Compiled) -> str:
    if one.circuit is None:
        return f"none in {one.search_seconds:.1f} s"
    return f"{one.seconds:.2f} s ({one.circuit.block.nbytes / MEGABYTE:.2f} MB)"


def _micros(times: Times | None) -> str:
    return f"{times.p50:.1f} / {times.p99:.1f}" if times is not None else "–"


def _millis(times: Times | None) -> str:
    return f"{times.p50 / 1000:.2f} / {times.p99 / 1000:.2f}" if times is not None else "–"


def _reasons(explained: Explained) -> str:
    return f"{explained.choices.p99 / 1000:.2f}; {explained.rules.p99 / 1000:.2f}"


def _megabytes(number: int | None) -> str:
    return f"{number / MEGABYTE:.2f}" if number is not None else "–"
