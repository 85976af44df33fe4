"""The models that the engine's benchmark measures, and the circuits that the compilers make of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.public_data import public_data
from configurator.catalogue_files import read_catalogue
from configurator.dimacs import read_dimacs_file
from configurator.engine import d4
from configurator.engine.circuit import Circuit, compile_circuit
from configurator.engine.decomposition import DecompositionCompiler
from configurator.engine.formula import Formula
from configurator.engine.nnf import Budget, Compiler, Nnf, OutOfMemory
from configurator.rules import RuleBook, compile_catalogue, compile_feature_model
from configurator.uvl import read_uvl_file

DEMO: Final = "demo brand"
CATALOGUE: Final = Path(__file__).resolve().parents[1] / "muster" / "demo" / "qilan" / "catalogue"
QUICK: Final = frozenset({DEMO, "automotive01", "C211_FW"})
"""What a quick run measures."""
COMPILE_SECONDS_MAX: Final = 20.0
"""Seconds of the processor; by the clock a child may take `CLOCK_FACTOR` times as long, for the machine may be busy."""
CLOCK_FACTOR: Final = 4
COMPILE_MEGABYTES_MAX: Final = 2_048
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Model:
    """Rules, where they come from, and the CPU seconds from the file to clauses."""

    name: str
    path: Path
    book: RuleBook
    load_seconds: float

    @property
    def formula(self) -> Formula:
        """Return the rules as clauses."""
        return self.book.formula


@dataclass(frozen=True)
class Compiled:
    """What one compiler made of a model: the CPU seconds of search and layout, and the circuit, None beyond budget."""

    compiler: str
    search_seconds: float
    layout_seconds: float
    nnf: Nnf | None
    circuit: Circuit | None

    @property
    def seconds(self) -> float:
        """Return the CPU seconds of it all."""
        return self.search_seconds + self.layout_seconds


def paths(*, quick: bool, only: str) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every model that is asked for and at hand, the demo brand first."""
    found = [(DEMO, CATALOGUE)]
    data = public_data()
    if data is not None:
        folder = data / "configurator"
        files = [
            folder / "automotive01.uvl",
            folder / "automotive02_v1.uvl",
            *sorted((folder / "daimler").glob("*.cnf")),
        ]
        found += [(path.stem, path) for path in files if path.is_file()]
    for name, path in found:
        if only.lower() in name.lower() if only else name in QUICK or not quick:
            yield name, path


def load(name: str, path: Path) -> Model:
    """Read a model and make clauses of it."""
    before = time.process_time()
    book = _book(path)
    book.formula.content_hash  # noqa: B018  the property writes the clauses out
    return Model(name, path, book, time.process_time() - before)


def _book(path: Path) -> RuleBook:
    if path.is_dir():
        return compile_catalogue(read_catalogue(path))
    if path.suffix == ".uvl":
        reading = read_uvl_file(path)
        assert reading.model is not None, reading.faults
        return compile_feature_model(reading.model)
    book, faults = read_dimacs_file(path)
    assert book is not None, faults
    return book


def compilers() -> list[Compiler]:
    """Return our own compiler, and D4 where it is installed."""
    return [DecompositionCompiler(), *([d4.D4Compiler()] if d4.is_installed() else [])]


def compiled(model: Model, compiler: Compiler, *, seconds_max: float) -> Compiled:
    """Compile as a server would, in a child process, and lay the circuit out."""
    start = time.monotonic()
    budget = Budget(seconds_max, COMPILE_MEGABYTES_MAX, lambda: (time.monotonic() - start) / CLOCK_FACTOR)
    nnf, searching = spent(lambda: _tried(compiler, model.formula, budget))
    if nnf is None:
        return Compiled(compiler.name, searching, 0.0, None, None)
    circuit, layout = spent(lambda: compile_circuit(nnf, model.formula, named=price_variables(model.book)))
    return Compiled(compiler.name, searching, layout, nnf, circuit)


def _tried(compiler: Compiler, formula: Formula, budget: Budget) -> Nnf | None:
    try:
        return compiler.compile(formula, budget)
    except OutOfMemory:
        return None


def price_variables(book: RuleBook) -> list[int]:
    """Return the variables of price rules: those that weights may name beside the features."""
    return [abs(literal) for literal in book.price_rules.values()]


def spent(what: Callable[[], Answer]) -> tuple[Answer, float]:
    """Do it, and return the CPU seconds that it took, those of its children included."""
    before = os.times()
    answer = what()
    after = os.times()
    return answer, sum(after[:4]) - sum(before[:4])
