"""Artefacts made within the test's own process, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from configurator.catalogue_files import read_catalogue
from configurator.engine.artefact import Artefact, Blueprint
from configurator.engine.choosing import Allowance
from configurator.engine.decomposition import compile_here
from configurator.engine.formula import Formula
from configurator.engine.making import make
from configurator.engine.nnf import Budget, Nnf
from configurator.engine.shelf import Shelf
from configurator.rules import RuleBook, compile_catalogue

DEMO: Final = Path(__file__).resolve().parents[3] / "muster" / "demo" / "qilan" / "catalogue"
ALLOWED: Final = Allowance(seconds=60, megabytes=500)


class CompilerHere:
    """Our own compiler, without a child."""

    name = "decomposition"

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        return compile_here(formula, budget)


@dataclass
class MakerHere:
    """Makes artefacts within this process, and remembers for which formulas it was asked."""

    asked: list[bytes] = field(default_factory=list)

    def __call__(self, blueprint: Blueprint, shelf: Shelf, allowance: Allowance) -> None:
        self.asked.append(blueprint.key)
        shelf.put(made_here(blueprint, allowance))


def made_here(blueprint: Blueprint, allowance: Allowance = ALLOWED) -> Artefact:
    named = sorted(blueprint.named | set(blueprint.formula.guards))
    return make(blueprint.formula, named, blueprint.key, allowance, [CompilerHere()])


@cache
def demo_book() -> RuleBook:
    """Return the rules of the demo brand's catalogue."""
    return compile_catalogue(read_catalogue(DEMO))


@cache
def demo_blueprint() -> Blueprint:
    book = demo_book()
    return Blueprint(book.formula, book.weighed)


def small_blueprint(*more: tuple[int, ...]) -> Blueprint:
    """Return five features: the first brings the second, one of the last three is taken."""
    return Blueprint(Formula(5, 5, ((-1, 2), (3, 4, 5), *more), ()))
