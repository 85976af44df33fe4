"""Circles as values, and what of their figures may be shown: nothing of fewer than k persons, nor by subtraction."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from demand.cubes.model import round_count

CircleId = NewType("CircleId", str)
TITLE_LENGTH_MAX: Final = 80
TEXT_LENGTH_MAX: Final = 2_000
SUBJECT_LENGTH_MAX: Final = 80
MESSAGE_LENGTH_MAX: Final = 1_000


class CircleKind(StrEnum):
    """What a circle is around."""

    MODEL = "model"
    CITY = "city"
    INTEREST = "interest"


class CircleAccess(StrEnum):
    """Who may join: every verified person, or whoever a member invites."""

    OPEN = "open"
    INVITED = "invited"


@dataclass(frozen=True, slots=True)
class Circle:
    """People around a subject: a model's code, a city's or an interest's name. `closed_at` once it takes nothing."""

    id: CircleId
    brand_id: str
    kind: CircleKind
    subject: str
    title: str
    text: str
    access: CircleAccess
    founded_at: datetime
    closed_at: datetime | None = None


class Figure(StrEnum):
    """What a circle brings, in persons: who is in it, came by invitation, may be written to, voted on its proposals,
    took up an offer made to it, pre-ordered with money after joining, and locked."""

    MEMBERS = "members"
    INVITED = "invited"
    REACHABLE = "reachable"
    VOTED = "voted"
    TOOK_OFFER = "took_offer"
    PRE_ORDERED = "pre_ordered"
    LOCKED = "locked"


PARENTS: Final[Mapping[Figure, Figure]] = {
    Figure.INVITED: Figure.MEMBERS,
    Figure.REACHABLE: Figure.MEMBERS,
    Figure.VOTED: Figure.MEMBERS,
    Figure.PRE_ORDERED: Figure.MEMBERS,
    Figure.TOOK_OFFER: Figure.PRE_ORDERED,
    Figure.LOCKED: Figure.PRE_ORDERED,
}
"""Whose persons each figure's are among, so that the difference of both is a figure too."""


@dataclass(frozen=True, slots=True)
class Released:
    """A figure as it is shown (None: of too few), and the persons who stood behind it when it was released."""

    shown: int | None
    persons: frozenset[str]


NOTHING_RELEASED: Final = Released(None, frozenset())


def release_figures(
    now: Mapping[Figure, AbstractSet[str]], before: Mapping[Figure, Released], *, k: int, rounding: int
) -> dict[Figure, Released]:
    """Return what a circle's figures are released as today.

    A figure is released anew only when at least k of the persons behind it changed, so that two days tell of nobody
    (DOMAIN section 6.3). It is shown when it is about k persons or more, and differs from the one that it is a part of
    by nobody or by k persons or more; else the difference would be a small cell.
    """
    after: dict[Figure, Released] = {}
    for figure in Figure:
        persons = frozenset(now.get(figure, frozenset()))
        known = before.get(figure, NOTHING_RELEASED)
        if len(persons ^ known.persons) < k:
            after[figure] = known
            continue
        shows = len(persons) >= k
        after[figure] = Released(round_count(len(persons), to=rounding) if shows else None, persons)
    return {figure: _beside_parent(figure, after, k=k) for figure in Figure}


def _beside_parent(figure: Figure, released: Mapping[Figure, Released], *, k: int) -> Released:
    """Take a figure back that tells of a few persons when held against one that it is a part of."""
    own = released[figure]
    if own.shown is None or figure not in PARENTS:
        return own
    above: Figure | None = PARENTS[figure]
    while above is not None:
        apart = len(released[above].persons ^ own.persons)
        if 0 < apart < k:
            return Released(None, own.persons)
        above = PARENTS.get(above)
    return own
