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
WORDS_LENGTH_MAX: Final = 400
"""Of what a host offers, an asker asks and a host answers."""


class CircleKind(StrEnum):
    """What a circle is around."""

    MODEL = "model"
    CITY = "city"
    INTEREST = "interest"


class CircleAccess(StrEnum):
    """Who may join: every verified person, or whoever a member invites."""

    OPEN = "open"
    INVITED = "invited"


class DriveState(StrEnum):
    """What became of a test drive that a member asked a host for."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


DRIVE_GONE: Final = "gone"
"""Who asked has left the circle: neither side reads it any more, and whoever comes back cannot ask that host anew."""


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
    took up an offer made to it, pre-ordered with money after joining, and locked; who hosts test drives, and who
    answers as an owner."""

    MEMBERS = "members"
    INVITED = "invited"
    REACHABLE = "reachable"
    VOTED = "voted"
    TOOK_OFFER = "took_offer"
    PRE_ORDERED = "pre_ordered"
    LOCKED = "locked"
    HOSTING = "hosting"
    ANSWERED = "answered"


PARENTS: Final[Mapping[Figure, Figure]] = {
    Figure.INVITED: Figure.MEMBERS,
    Figure.REACHABLE: Figure.MEMBERS,
    Figure.VOTED: Figure.MEMBERS,
    Figure.PRE_ORDERED: Figure.MEMBERS,
    Figure.HOSTING: Figure.MEMBERS,
    Figure.ANSWERED: Figure.MEMBERS,
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
    by nobody or by k persons or more; else the difference would be a small cell. Who kept yesterday's figures is
    thought of as well: a whole stays as it was where its new figure would leave a few beside a part that was told.
    """
    after = {figure: before.get(figure, NOTHING_RELEASED) for figure in Figure}
    for figure in Figure:
        persons = frozenset(now.get(figure, frozenset()))
        known = after[figure]
        parts = [before[part] for part in Figure if part in before and figure in _wholes_of(part)]
        if len(persons ^ known.persons) >= k and not any(_tells_of_few(persons, part, k=k) for part in parts):
            after[figure] = _as_shown(persons, k=k, rounding=rounding)
    return {figure: _beside_wholes(figure, after, before, k=k) for figure in Figure}


def _as_shown(persons: frozenset[str], *, k: int, rounding: int) -> Released:
    return Released(round_count(len(persons), to=rounding) if len(persons) >= k else None, persons)


def _wholes_of(figure: Figure) -> list[Figure]:
    """Return the figures that one is a part of, the nearest first."""
    return [] if figure not in PARENTS else [PARENTS[figure], *_wholes_of(PARENTS[figure])]


def _tells_of_few(persons: frozenset[str], told: Released, *, k: int) -> bool:
    """Say whether a figure about some persons, held against one that was told, is about fewer than k others."""
    return told.shown is not None and 0 < len(persons ^ told.persons) < k


def _beside_wholes(
    figure: Figure, after: Mapping[Figure, Released], before: Mapping[Figure, Released], *, k: int
) -> Released:
    """Take a figure back that tells of a few persons when held against one that it is a part of, now or yesterday."""
    own = after[figure]
    wholes = [released[whole] for whole in _wholes_of(figure) for released in (after, before) if whole in released]
    if own.shown is None or not any(_tells_of_few(own.persons, whole, k=k) for whole in wholes):
        return own
    return Released(None, own.persons)
