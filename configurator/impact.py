"""What a version does to the cars that people hold to, told so that nobody can be found in it (DOMAIN section 6.3).

No group of fewer than k verified persons is shown, nor one from which such a group could be worked out; counts are
rounded. Whoever hands over cars of their own gets every one of them from `breaking` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from configurator.breaking import BrokenCar, KeptCar


@dataclass(frozen=True, slots=True)
class HeldCar:
    """A kept car and the person behind it; where nobody is verified the account, which then counts as no person."""

    car: KeptCar
    person: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class PrivacyRule:
    """No figure about fewer than `k` persons; counts are rounded to `rounding`."""

    k: int
    rounding: int


@dataclass(frozen=True, slots=True)
class ImpactGroup:
    """Cars of one model that break by the same cause and are mended by the same change; `cars` is rounded.

    `mended` is false where no car of the model is near, so nothing is left out or added.
    """

    model: str
    broken_by: tuple[str, ...]
    mended: bool
    left_out: tuple[str, ...]
    added: tuple[str, ...]
    price_difference_minor: int | None
    cars: int


@dataclass(frozen=True, slots=True)
class Impact:
    """How many of the cars looked at break: both rounded, None where too few persons are behind it.

    `groups` has the largest first; `others` says that cars break which stand in no group that may be shown.
    """

    looked_at: int
    broken: int | None
    groups: tuple[ImpactGroup, ...] = ()
    others: bool = False


def impact_on(held: Sequence[HeldCar], broken: Sequence[BrokenCar], rule: PrivacyRule) -> Impact:
    """Put broken cars together by what breaks and mends them; `broken` are those of `held` that break."""
    owner = {one.car.id: one for one in held}
    looked_at = _rounded(len(held), rule)
    all_broken, rest = _Tally(), _Tally()
    for one in broken:
        all_broken.add(owner.pop(one.car.id))
    for left in owner.values():
        rest.add(left)
    # That nobody's car breaks, or everybody's, is told as well, as long as enough persons stand behind "nobody".
    if any(tally.cars and not tally.is_large(rule) for tally in (all_broken, rest)):
        return Impact(looked_at, None, (), others=True)
    tallies = _grouped({one.car.id: one for one in held}, broken)
    shown = _shown(tallies, rule)
    groups = [ImpactGroup(*key, cars=_rounded(tallies[key].cars, rule)) for key in shown]
    return Impact(
        looked_at,
        _rounded(all_broken.cars, rule),
        tuple(sorted(groups, key=lambda group: (-group.cars, group.model, group.broken_by, group.left_out))),
        others=len(shown) < len(tallies),
    )


_Key = tuple[str, tuple[str, ...], bool, tuple[str, ...], tuple[str, ...], int | None]


@dataclass(slots=True)
class _Tally:
    """What stands behind a figure: it never leaves this module."""

    cars: int = 0
    persons: set[str] = field(default_factory=set)

    def add(self, one: HeldCar) -> None:
        self.cars += 1
        if one.verified:
            self.persons.add(one.person)

    def is_large(self, rule: PrivacyRule) -> bool:
        return len(self.persons) >= rule.k


def _grouped(held: dict[str, HeldCar], broken: Sequence[BrokenCar]) -> dict[_Key, _Tally]:
    tallies: dict[_Key, _Tally] = {}
    for one in broken:
        repair = one.repair
        key = (
            one.car.model,
            one.broken_by,
            repair is not None,
            repair.left_out if repair is not None else (),
            repair.added if repair is not None else (),
            one.price_difference_minor,
        )
        tallies.setdefault(key, _Tally()).add(held[one.car.id])
    return tallies


def _shown(tallies: dict[_Key, _Tally], rule: PrivacyRule) -> list[_Key]:
    """Return the groups to show: large ones, less the smallest as long as what is hidden could be worked out."""
    shown = sorted((key for key, tally in tallies.items() if tally.is_large(rule)), key=lambda key: tallies[key].cars)
    while shown:
        hidden = [tally for key, tally in tallies.items() if key not in shown]
        persons = set[str]().union(*(tally.persons for tally in hidden))
        if not hidden or (len(hidden) > 1 and len(persons) >= rule.k):
            break
        shown = shown[1:]
    return shown


def _rounded(count: int, rule: PrivacyRule) -> int:
    """Round half up to the rule's multiple."""
    return (2 * count + rule.rounding) // (2 * rule.rounding) * rule.rounding
