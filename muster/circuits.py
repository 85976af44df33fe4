"""Where this installation keeps compiled rules, and how its processes answer from them."""

from __future__ import annotations

import os
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from configurator import queries
from configurator.engine.answers import Answers
from configurator.engine.artefact import Blueprint
from configurator.engine.choosing import Allowance, has_kernels
from configurator.engine.shelf import Shelf
from configurator.engine.workshop import Workshop
from configurator.errors import VersionNotInForce
from configurator.rules import RuleBook, compile_catalogue
from configurator.solver import Engine
from kernel import registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.work import Works
from muster.settings import Settings, data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from configurator.catalogue import Catalogue

log = structlog.get_logger(__name__)
COMPILER_MEGABYTES: Final = 1_024


def circuits_folder(settings: Settings) -> Path:
    """Return the folder that is set, else `circuits` beside the SQLite file, else the user's cache folder."""
    if settings.circuits_folder:
        return Path(settings.circuits_folder)
    data = data_folder(settings)
    if data is not None:
        return data / "circuits"
    caches = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(caches) if caches else Path.home() / ".cache") / "muster" / "circuits"


def open_shelf(settings: Settings) -> Shelf:
    """Open the folder of compiled rules; makes it."""
    return Shelf(circuits_folder(settings), megabytes_max=settings.circuits_megabytes)


def open_workshop(settings: Settings, *, walks: bool = True) -> Workshop:
    """Open what gives this process its backends; with `walks=False` it only orders what others will walk."""
    allowance = Allowance(settings.compile_seconds, COMPILER_MEGABYTES)
    return Workshop(open_shelf(settings), allowance=allowance, walks=walks)


def engines_of(workshop: Workshop) -> Callable[[RuleBook], Engine]:
    """Return what makes the engine of a catalogue version."""

    def engine_for(book: RuleBook) -> Engine:
        engine = Answers(book, workshop.backend(Blueprint(book.formula, book.weighed)))
        if workshop.walks:
            workshop.soon(partial(_get_ready, weakref.ref(engine)))
        return engine

    return engine_for


def _get_ready(waiting: weakref.ref[Answers]) -> None:
    """Get an engine ready to explain, if somebody still has it."""
    engine = waiting()
    if engine is not None:
        engine.get_ready()


def serve_from_circuits(settings: Settings, works: Works) -> Workshop:
    """Let this server process answer from circuits: what it will be asked about first is loaded in the background."""
    workshop = open_workshop(settings)
    queries.answer_with(engines_of(workshop))
    workshop.soon(workshop.get_ready)
    workshop.soon(partial(_open_all, works))
    return workshop


def order_circuits(settings: Settings) -> Workshop:
    """Let this worker process have circuits made for what is published, and answer by SAT itself."""
    workshop = open_workshop(settings, walks=False)
    queries.answer_with(engines_of(workshop))
    return workshop


def compiled_for_servers(settings: Settings, catalogue: Catalogue, seconds: int) -> str:
    """Put a catalogue's compiled rules where the servers of this machine look, and say in one line what came of it."""
    from muster.report_texts import choice_line

    allowed = min(seconds, settings.compile_seconds)
    if allowed <= 0 or not has_kernels():
        return "the rules were not compiled: servers answer by SAT"
    book = compile_catalogue(catalogue)
    made = open_workshop(replace(settings, compile_seconds=allowed), walks=False).made(
        Blueprint(book.formula, book.weighed)
    )
    return choice_line(made.choice) if made is not None else "the compiler broke down: servers answer by SAT"


def _open_all(works: Works) -> None:
    """Open the version in force of every brand, so that no caller waits for that."""
    with works.read(system(BrandId("platform"))) as work:
        for brand in registry.all_brands(work):
            try:
                queries.version_in_force(work.acting(system(brand.id)))
            except VersionNotInForce:
                log.info("nothing_in_force", brand=brand.code)
