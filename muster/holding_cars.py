"""Holds the cars that people have against a catalogue before it is published; what is told of them shows nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from configurator.breaking import BreakageSearch, Progress, find_broken, silent
from configurator.car_files import read_cars
from configurator.catalogue import Catalogue
from configurator.engine.answers import Answers
from configurator.impact_service import PrivacyRule, PublicationImpact, impact_of_publication
from configurator.rules import compile_catalogue
from demand.cubes.policy import CubePolicy
from kernel import policy, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.work import Works
from muster.catalogue_engines import EngineMaker
from muster.impact_texts import broken_json, broken_lines, publication_json, publication_lines
from muster.rules_at_hand import stop_at_faults
from muster.wiring import OpenPreOrders


@dataclass(frozen=True, slots=True)
class Told:
    """Something as lines for a terminal, and the same as JSON values."""

    lines: list[str] = field(default_factory=list)
    json: dict[str, Any] = field(default_factory=dict)


def hold_cars_of_file(catalogue: Catalogue, path: Path, make_backend: EngineMaker, told: Progress = silent) -> Told:
    """Hold the cars of a file against a catalogue on its first day; each is named, since they are the caller's own."""
    cars, faults = read_cars(path)
    if faults:
        stop_at_faults(path, faults)
    book = compile_catalogue(catalogue)
    search = BreakageSearch(catalogue, Answers(book, make_backend(book.formula)), catalogue.effective_from)
    broken = find_broken(search, cars, progress=told)
    return Told(broken_lines(len(cars), broken), {"cars": broken_json(len(cars), broken)})


def hold_kept_cars(
    works: Works,
    brand: str,
    catalogue: Catalogue,
    make_backend: EngineMaker,
    *,
    effective_from: date | None = None,
    told: Progress = silent,
) -> Told:
    """Hold what people of a brand keep and have pre-ordered against a catalogue; nobody is told who."""
    book = compile_catalogue(catalogue)
    engine = Answers(book, make_backend(book.formula))
    with works.read(system(BrandId("platform"))) as work:
        own = work.acting(system(registry.brand_by_code(work, brand).id))
        rules = policy.current(own).section(CubePolicy)
        rule = PrivacyRule(rules.k, rules.rounding)
        impact: PublicationImpact = impact_of_publication(
            own, catalogue, engine, orders=OpenPreOrders(), rule=rule, effective_from=effective_from, progress=told
        )
    return Told(publication_lines(impact, rule), {"kept": publication_json(impact)})
