"""Which options need which others: what everybody can read out of the rules of a version, asked of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Final, TypeAlias

from configurator.kept import OncePerKey
from configurator.model import Context, VersionId
from configurator.queries import LoadedVersion, version_by_id
from configurator.solver import Step
from kernel.work import Work

Needs: TypeAlias = frozenset[tuple[str, str]]
"""Pairs of options: no car has the first without the second. Chains are in it by themselves."""

KEPT_MAX: Final = 256
_found: Final[OncePerKey[tuple[frozenset[str], Needs]]] = OncePerKey(most=KEPT_MAX)


def implied_options(work: Work, version_id: VersionId, *, model: str, places: Iterable[tuple[str, date]]) -> Needs:
    """Return which options of a version's model need which others at all of some places (region and day).

    A place where the first of a pair is not to be had says nothing of it. Whatever follows from the rules together is
    found, not only what a single one says: an option is chosen, and the engine tells what is in every car then.
    """
    version = version_by_id(work, version_id)
    contexts = {version.book.active(context): context for context in (Context(*place) for place in sorted(set(places)))}
    found = []
    for active, context in contexts.items():
        key = (version.content_hash, model, active)
        known = _found.known(key)
        if known is None:
            work.take_time()
            known = _found.of(key, partial(_needs_at, version, model, context))
        found.append(known)
    pairs = frozenset[tuple[str, str]]().union(*(needs for _, needs in found))
    return frozenset(pair for pair in pairs if all(pair in needs for had, needs in found if pair[0] in had))


def _needs_at(version: LoadedVersion, model: str, context: Context) -> tuple[frozenset[str], Needs]:
    """Return the options that can be had and what each needs, one choice after the other."""
    options = frozenset(option.code for option in version.catalogue.options)
    start = version.engine.step({model: True}, context)
    if not isinstance(start, Step):
        return frozenset(), frozenset()
    had = options - start.excluded
    pairs: set[tuple[str, str]] = set()
    for option in sorted(had):
        step = version.engine.step({model: True, option: True}, context)
        assert isinstance(step, Step), f"{option} can be had"
        pairs.update((option, other) for other in step.forced & options if other != option)
    return had, frozenset(pairs)
