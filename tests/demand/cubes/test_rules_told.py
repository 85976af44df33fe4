"""The attacker who has read the catalogue's rules: no car has the first of some options without the second.

It knows every published count unrounded and works with linear algebra over who has which car where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.cubes.model import EVERYBODY, NOBODY, Count, Counts, CubeName, PublishedCell, TableKey, pair_code
from demand.cubes.publishing import publish_pairs, publish_take_rates
from demand.cubes.rules_told import needs_that_matter
from demand.cubes.setting_out import Rules, Snapshot, set_out

K: Final = 10
TABLE: Final = TableKey(CubeName.TAKE_RATES, date(2026, 11, 23), "A1", "v")
RULES: Final = Rules(k=K, rounding=5, final=True)
REGIONS: Final = ("east", "south")
MENU: Final = {"Camp": ("CAMP",), "Power": ("V2L",), "Trim": ("BASE", "TOP", "TRAIL")}
NEEDS: Final = frozenset({("CAMP", "V2L"), ("TRAIL", "V2L"), ("TOP", "V2L")})
IN_SOUTH: Final = {"south": frozenset({("CAMP", "TRAIL")})}
Car: TypeAlias = tuple[str, ...]
CARS: Final[tuple[Car, ...]] = tuple(
    car
    for trim, *others in product(MENU["Trim"], ("", "V2L"), ("", "CAMP"))
    for car in [tuple(sorted(filter(None, (trim, *others))))]
    if all(other in car for one, other in NEEDS if one in car)
)
Needs: TypeAlias = frozenset[tuple[str, str]]
NOWHERE: Final[Mapping[str, Needs]] = {}
Crowd: TypeAlias = Mapping[tuple[Car, str], int]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known, as a basis of the sums over (car, region) that were published, with how many there are."""

    places: Sequence[tuple[Car, str]]
    crowd: Crowd
    basis: Any

    def count(self, options: Sequence[str], regions: Sequence[str], *, without: Sequence[str] = ()) -> int | None:
        """Return how many have all of some options and none of others, where that follows; else None."""
        wanted = self.row(options, regions, without)
        if np.abs(wanted - wanted @ self.basis.T @ self.basis).max() > 1e-7:
            return None
        return int(wanted @ np.array([self.crowd.get(place, 0) for place in self.places]))

    def row(self, options: Sequence[str], regions: Sequence[str], without: Sequence[str] = ()) -> Any:
        return np.array(
            [
                float(region in regions and set(options) <= set(car) and not set(without) & set(car))
                for car, region in self.places
            ]
        )


def snapshot_of(crowd: Crowd, needs: Needs, needs_in: Mapping[str, Needs]) -> tuple[Snapshot, Counts]:
    blocks: dict[str, Counts] = {region: {} for region in REGIONS}
    pairs: Counts = {}
    for (car, region), number in crowd.items():
        for code in (EVERYBODY, *car):
            blocks[region][code] = blocks[region].get(code, NOBODY).plus(Count(number, number))
        for one, other in product(car, car):
            if one < other:
                pairs[pair_code(one, other)] = pairs.get(pair_code(one, other), NOBODY).plus(Count(number, number))
    plain = Snapshot(TABLE, blocks, dict.fromkeys(REGIONS, MENU))
    table = set_out(plain, k=K)
    own = {region: needs_that_matter(table, some) for region, some in needs_in.items()}
    return replace(plain, needs=needs_that_matter(table, needs), needs_in=own), pairs


def can_be(place: tuple[Car, str], needs_in: Mapping[str, Needs]) -> bool:
    """Say whether the rules of a region allow a car there."""
    car, region = place
    return all(other in car for one, other in needs_in.get(region, ()) if one in car)


def read(
    crowd: Crowd, needs: Needs = NEEDS, *, needs_in: Mapping[str, Needs] = NOWHERE, thought_of: bool = True
) -> tuple[Sight, list[PublishedCell]]:
    """Publish, thinking of the rules of single regions (`needs_in`) or not, and let the attacker read everything."""
    take, pairs = snapshot_of(crowd, needs, needs_in if thought_of else NOWHERE)
    told = [*publish_take_rates(take, RULES), *publish_pairs(take, pairs, RULES)]
    sight = Sight([place for place in product(CARS, REGIONS) if can_be(place, needs_in)], crowd, None)
    rows = [np.zeros(len(sight.places))]
    for cell in told:
        if not cell.key.option.startswith("@"):
            wanted = [code for code in (cell.key.option, cell.key.second) if code]
            rows.append(sight.row(wanted, REGIONS if cell.key.region == "*" else (cell.key.region,)))
    _, sizes, basis = np.linalg.svd(np.array(rows), full_matrices=False)
    return Sight(sight.places, crowd, basis[sizes > 1e-9]), told


def told_of_few(sight: Sight) -> Iterator[tuple[str, int]]:
    """Yield what follows about some, but few: who has an option that others need, without those."""
    asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(("V2L",), ("TOP", "TRAIL"))]
    asked += [((other,), (one,)) for one, other in sorted(NEEDS)]
    asked += [
        ((third, other), (one,)) for one, other in sorted(NEEDS) for third in (*MENU["Trim"], "CAMP") if third != one
    ]
    for having, lacking in asked:
        for regions in (REGIONS, *((region,) for region in REGIONS)):
            count = sight.count(having, regions, without=lacking)
            if count is not None and 0 < count < K:
                yield f"{having} without {lacking} in {regions}", count


_numbers = st.one_of(st.just(0), st.integers(0, 14), st.integers(0, 60))
crowds = st.fixed_dictionaries(dict.fromkeys(product(CARS, REGIONS), _numbers))


@given(crowds)
def test_what_rules_and_counts_together_tell_is_about_nobody_or_many(crowd: Crowd) -> None:
    sight, _ = read(crowd)

    assert list(told_of_few(sight)) == []


FEW_WITHOUT: Final[Crowd] = {
    (("BASE",), "east"): 40,
    (("BASE",), "south"): 40,
    (("BASE", "CAMP", "V2L"), "east"): 40,
    (("TOP", "V2L"), "east"): 4,
}


def test_this_attacker_finds_the_few_where_nobody_thinks_of_the_rules() -> None:
    sight, _ = read(FEW_WITHOUT, frozenset())

    assert ("('V2L',) without ('CAMP',) in ('east', 'south')", 4) in list(told_of_few(sight))


def test_of_two_options_the_smaller_is_hidden() -> None:
    _, told = read(FEW_WITHOUT)

    shown = {cell.key.option for cell in told if cell.key.region == "*" and not cell.key.second}
    assert "V2L" in shown
    assert "CAMP" not in shown


@pytest.mark.parametrize("without", [0, K])
def test_where_nobody_or_many_are_left_both_are_shown(without: int) -> None:
    _, told = read({**FEW_WITHOUT, (("TOP", "V2L"), "east"): 0, (("BASE", "V2L"), "south"): without})

    assert {"V2L", "CAMP"} <= {cell.key.option for cell in told if cell.key.region == "*"}


@given(crowds)
def test_what_a_rule_of_one_region_and_its_counts_tell_is_about_nobody_or_many(crowd: Crowd) -> None:
    lawful = {place: number for place, number in crowd.items() if can_be(place, IN_SOUTH)}

    sight, _ = read(lawful, needs_in=IN_SOUTH)

    few = sight.count(("TRAIL",), ("south",), without=("CAMP",))
    assert few is None or few == 0 or few >= K


FEW_IN_THE_SOUTH: Final[Crowd] = {
    (("BASE",), "east"): 20,
    (("BASE", "V2L"), "east"): 7,
    (("BASE", "V2L"), "south"): 20,
    (("CAMP", "TRAIL", "V2L"), "south"): 20,
    (("TRAIL", "V2L"), "south"): 7,
}


def test_the_few_of_one_region_are_found_where_nobody_thinks_of_its_rule() -> None:
    unaware, _ = read(FEW_IN_THE_SOUTH, needs_in=IN_SOUTH, thought_of=False)
    aware, told = read(FEW_IN_THE_SOUTH, needs_in=IN_SOUTH)

    assert unaware.count(("TRAIL",), ("south",), without=("CAMP",)) == 7
    assert aware.count(("TRAIL",), ("south",), without=("CAMP",)) is None
    assert {"TRAIL", "CAMP"} <= {cell.key.option for cell in told if cell.key.region == "*"}


@pytest.mark.parametrize(
    "crowd",
    [
        # An option that nobody chose is one of the hidden ones of its category, and needs what they need.
        {(("BASE",), "east"): 20, (("BASE", "V2L"), "south"): 7, (("TOP", "V2L"), "south"): 20},
        # In one region a part of those who need an option may be taken from it, and leave the others.
        {
            (("BASE",), "east"): 12,
            (("CAMP", "TRAIL", "V2L"), "east"): 3,
            (("TOP", "V2L"), "east"): 40,
            (("TOP", "V2L"), "south"): 40,
            (("BASE", "V2L"), "south"): 60,
        },
        # A total that is hidden is the sum of its regions, also one that no need names.
        {
            (("BASE",), "east"): 20,
            (("CAMP", "TOP", "V2L"), "east"): 40,
            (("BASE",), "south"): 7,
            (("BASE", "CAMP", "V2L"), "south"): 3,
            (("CAMP", "TRAIL", "V2L"), "south"): 4,
            (("TOP", "V2L"), "south"): 10,
        },
    ],
)
def test_some_that_chance_seldom_finds_are_found_by_nobody(crowd: Crowd) -> None:
    sight, _ = read(crowd)

    assert list(told_of_few(sight)) == []
