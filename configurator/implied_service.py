"""What the rules of a version say of two options: what everybody can read out of them, asked of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from configurator.kept import OncePerKey
from configurator.model import WITHOUT, Context, Ties, VersionId
from configurator.queries import LoadedVersion, version_by_id
from configurator.solver import Step
from kernel.work import Work

KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told at one place: `never` is in no car there; `ties` say the rest."""

    never: frozenset[str]
    ties: Ties


_found: Final[OncePerKey[_Told]] = OncePerKey(most=KEPT_MAX)


def tied_options(work: Work, version_id: VersionId, *, model: str, places: Iterable[tuple[str, date]]) -> Ties:
    """Return which options of a version's model exclude, need or stand for each other at all of some places.

    A place is a region and a day. One at which one side of a pair is in no car anyway says nothing against it. Whatever
    follows from the rules together is found, not only what a single one says: an option is chosen, or left out, and
    the engine tells what is in every car then and what in none.
    """
    version = version_by_id(work, version_id)
    contexts = {version.book.active(context): context for context in (Context(*place) for place in sorted(set(places)))}
    found = []
    for active, context in contexts.items():
        key = (version.content_hash, model, active)
        known = _found.known(key)
        if known is None:
            work.take_time()
            known = _found.of(key, partial(_told_at, version, model, context))
        found.append(known)
    pairs = frozenset[tuple[str, str]]().union(*(one.ties for one in found))
    return frozenset(pair for pair in pairs if all(pair in one.ties or not one.never.isdisjoint(pair) for one in found))


def _told_at(version: LoadedVersion, model: str, context: Context) -> _Told:
    """Return what is told at a place, one choice after the other."""
    options = frozenset(option.code for option in version.catalogue.options)
    start = version.engine.step({model: True}, context)
    if not isinstance(start, Step):
        return _Told(options | {f"{WITHOUT}{option}" for option in options}, frozenset())
    never = (start.excluded & options) | {f"{WITHOUT}{option}" for option in start.forced & options}
    pairs: set[tuple[str, str]] = set()
    for option in sorted(options - start.excluded - start.forced):
        for chosen, own in ((True, option), (False, f"{WITHOUT}{option}")):
            step = version.engine.step({model: True, option: chosen}, context)
            assert isinstance(step, Step), f"{option} is open"
            for other in _impossible_with(step, options - {option}):
                if other not in never:
                    pairs.add((min(own, other), max(own, other)))
    return _Told(frozenset(never), frozenset(pairs))


def _impossible_with(step: Step, options: frozenset[str]) -> Iterator[str]:
    yield from step.excluded & options
    for option in step.forced & options:
        yield f"{WITHOUT}{option}"
