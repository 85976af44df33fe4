"""The attacker who has read the catalogue's rules: what no car has together, without another, or neither of.

It knows every published count unrounded and works with linear algebra over who has which car where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import combinations, product
from typing import Any, Final, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import WITHOUT, Ties
from demand.cubes.model import EVERYBODY, NOBODY, Count, Counts, CubeName, PublishedCell, TableKey, pair_code
from demand.cubes.publishing import publish_pairs, publish_take_rates
from demand.cubes.rules_told import ties_that_matter
from demand.cubes.setting_out import Rules, Snapshot, set_out

K: Final = 10
TABLE: Final = TableKey(CubeName.TAKE_RATES, date(2026, 11, 23), "A1", "v")
RULES: Final = Rules(k=K, rounding=5, final=True)
REGIONS: Final = ("east", "south")
Car: TypeAlias = tuple[str, ...]
Crowd: TypeAlias = Mapping[tuple[Car, str], int]


@dataclass(frozen=True)
class Market:
    """A menu with rules: pairs that no car has both of (`!`: to be without), and all cars that there are.

    A category of one option may be left out of a car, and of `Extras` any number may be chosen.
    """

    menu: Mapping[str, Sequence[str]]
    rules: Ties

    @cached_property
    def ties(self) -> Ties:
        """Return what follows from the rules together, as the engine tells it (`configurator.implied_service`)."""
        return self.ties_of(self.cars)

    def ties_of(self, cars: Sequence[Car]) -> Ties:
        """Return which two literals, of two options that are in some of the cars and not in others, no car has both."""
        options = sorted(option for own in self.menu.values() for option in own)
        open_ones = [option for option in options if 0 < sum(option in car for car in cars) < len(cars)]
        literals = [sign + option for option in open_ones for sign in ("", WITHOUT)]
        return frozenset(
            (min(one, other), max(one, other))
            for one, other in combinations(literals, 2)
            if one.removeprefix(WITHOUT) != other.removeprefix(WITHOUT)
            and not any(has(car, one) and has(car, other) for car in cars)
        )

    @property
    def cars(self) -> list[Car]:
        free = [
            option for category, own in self.menu.items() if len(own) == 1 or category == "Extras" for option in own
        ]
        fixed = [own for category, own in self.menu.items() if len(own) > 1 and category != "Extras"]
        chosen = product(*fixed, *(("", option) for option in free))
        cars = [tuple(sorted(filter(None, car))) for car in chosen]
        return [car for car in cars if not any(has(car, one) and has(car, other) for one, other in self.rules)]


def has(car: Car, literal: str) -> bool:
    return literal.removeprefix(WITHOUT) not in car if literal.startswith(WITHOUT) else literal in car


def can_be(place: tuple[Car, str], ties_in: Mapping[str, Ties]) -> bool:
    """Say whether the rules of a region allow a car there."""
    car, region = place
    return not any(has(car, one) and has(car, other) for one, other in ties_in.get(region, ()))


NOWHERE: Final[Mapping[str, Ties]] = {}
NEEDING: Final = Market(
    {"Camp": ("CAMP",), "Power": ("V2L",), "Trim": ("BASE", "TOP", "TRAIL")},
    frozenset({("!V2L", "CAMP"), ("!V2L", "TRAIL"), ("!V2L", "TOP")}),
)
EXCLUDING: Final = Market(
    {"Paint": ("RED", "BLUE", "GOLD"), "Seats": ("CLOTH", "SPORT"), "Extras": ("HOOK", "ROOF")},
    frozenset({("GOLD", "SPORT"), ("HOOK", "ROOF"), ("ROOF", "SPORT")}),
)
EITHER_OR: Final = Market(
    {"Trim": ("BASE", "TOP"), "Extras": ("CABLE", "PUMP", "SPARE")},
    frozenset({("!PUMP", "!SPARE"), ("!CABLE", "!SPARE"), ("CABLE", "TOP"), ("!PUMP", "TOP")}),
)
THREE: Final = Market(
    {"Bars": ("BARS",), "Hook": ("HOOK",), "Roof": ("ROOF",)},
    frozenset({("BARS", "HOOK"), ("BARS", "ROOF"), ("HOOK", "ROOF")}),
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known, as a basis of the sums over (car, region) that were published, with how many there are."""

    places: Sequence[tuple[Car, str]]
    crowd: Crowd
    basis: Any

    def count(self, options: Sequence[str], regions: Sequence[str], *, none_of: Sequence[str]) -> int | None:
        """Return how many have all of some options and none of other things, where that follows; else None."""
        wanted = self.row(options, regions, none_of)
        if np.abs(wanted - wanted @ self.basis.T @ self.basis).max() > 1e-7:
            return None
        return int(wanted @ np.array([self.crowd.get(place, 0) for place in self.places]))

    def row(self, options: Sequence[str], regions: Sequence[str], none_of: Sequence[str] = ()) -> Any:
        return np.array(
            [
                float(region in regions and set(options) <= set(car) and not any(has(car, one) for one in none_of))
                for car, region in self.places
            ]
        )


def snapshot_of(crowd: Crowd, market: Market, ties_in: Mapping[str, Ties]) -> tuple[Snapshot, Counts]:
    blocks: dict[str, Counts] = {region: {} for region in REGIONS}
    pairs: Counts = {}
    for (car, region), number in crowd.items():
        for code in (EVERYBODY, *car):
            blocks[region][code] = blocks[region].get(code, NOBODY).plus(Count(number, number))
        for one, other in product(car, car):
            if one < other:
                pairs[pair_code(one, other)] = pairs.get(pair_code(one, other), NOBODY).plus(Count(number, number))
    menu = {category: tuple(options) for category, options in market.menu.items()}
    plain = Snapshot(TABLE, blocks, dict.fromkeys(REGIONS, menu))
    table = set_out(plain, k=K)
    own = {
        region: ties_that_matter(table, market.ties_of([car for car in market.cars if can_be((car, region), ties_in)]))
        - ties_that_matter(table, market.ties)
        for region in ties_in
    }
    return replace(plain, ties=ties_that_matter(table, market.ties), ties_in=own), pairs


def read(
    crowd: Crowd,
    market: Market,
    *,
    told_to: Market | None = None,
    ties_in: Mapping[str, Ties] = NOWHERE,
    thought_of: bool = True,
) -> tuple[Sight, list[PublishedCell]]:
    """Publish as if the rules of `told_to` were all, by default the market's, and let the attacker read everything.

    `ties_in` are rules of single regions; they are thought of, or not.
    """
    take, pairs = snapshot_of(crowd, told_to or market, ties_in if thought_of else NOWHERE)
    told = [*publish_take_rates(take, RULES), *publish_pairs(take, pairs, RULES)]
    places = [place for place in product(market.cars, REGIONS) if can_be(place, ties_in)]
    sight = Sight(places, crowd, None)
    rows = [np.zeros(len(sight.places))]
    for cell in told:
        if not cell.key.option.startswith("@"):
            wanted = [code for code in (cell.key.option, cell.key.second) if code]
            rows.append(sight.row(wanted, REGIONS if cell.key.region == "*" else (cell.key.region,)))
    _, sizes, basis = np.linalg.svd(np.array(rows), full_matrices=False)
    return Sight(sight.places, crowd, basis[sizes > 1e-9]), told


def told_of_few(sight: Sight, market: Market) -> Iterator[tuple[str, int]]:
    """Yield what follows about some, but few: who is in none of what excludes each other, also among a third option."""
    options = sorted(option for own in market.menu.values() for option in own)
    asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), tie) for tie in sorted(market.ties)]
    asked += [
        ((), (*tie, third))
        for tie in sorted(market.ties)
        for third in (*options, *(WITHOUT + option for option in options))
        if third not in tie and all((min(third, one), max(third, one)) in market.ties for one in tie)
    ]
    asked += [
        ((third,), tie)
        for tie in sorted(market.ties)
        for third in options
        if third not in {one.removeprefix(WITHOUT) for one in tie}
    ]
    for having, tie in asked:
        for regions in (REGIONS, *((region,) for region in REGIONS)):
            count = sight.count(having, regions, none_of=tie)
            if count is not None and 0 < count < K:
                yield f"{having} with none of {tie} in {regions}", count


KINDS: Final = ("needs", "excludes", "either-or", "three")
_numbers = st.one_of(st.just(0), st.integers(0, 14), st.integers(0, 60))


@st.composite
def crowds(draw: st.DrawFn, market: Market) -> Crowd:
    return draw(st.fixed_dictionaries(dict.fromkeys(product(market.cars, REGIONS), _numbers)))


@pytest.mark.parametrize(
    "market", [NEEDING, EXCLUDING, EITHER_OR, THREE], ids=["needs", "excludes", "either-or", "three"]
)
@given(data=st.data())
def test_what_rules_and_counts_together_tell_is_about_nobody_or_many(market: Market, data: st.DataObject) -> None:
    sight, _ = read(data.draw(crowds(market)), market)

    assert list(told_of_few(sight, market)) == []


EAST: Final = "east"
FEW_WITHOUT: Final[Crowd] = {
    (("BASE",), EAST): 40,
    (("BASE",), "south"): 40,
    (("BASE", "CAMP", "V2L"), EAST): 40,
    (("TOP", "V2L"), EAST): 4,
}
FEW_NEITHER: Final[Crowd] = {
    (("CLOTH", "GOLD"), EAST): 30,
    (("BLUE", "CLOTH"), EAST): 2,
    (("CLOTH", "RED"), EAST): 3,
    (("BLUE", "SPORT"), EAST): 30,
    (("RED", "SPORT"), EAST): 30,
}
FEW_BOTH: Final[Crowd] = {
    (("BASE", "CABLE", "PUMP"), EAST): 40,
    (("BASE", "PUMP", "SPARE"), EAST): 4,
    (("BASE", "SPARE"), EAST): 40,
}
FEW_OF_THREE: Final[Crowd] = {((one,), EAST): 30 for one in ("BARS", "HOOK", "ROOF")} | {((), EAST): 5}


@pytest.mark.parametrize(
    ("market", "crowd", "told"),
    [
        (NEEDING, FEW_WITHOUT, ("() with none of ('!V2L', 'CAMP') in ('east', 'south')", 4)),
        (EXCLUDING, FEW_NEITHER, ("() with none of ('GOLD', 'SPORT') in ('east', 'south')", 5)),
        (EITHER_OR, FEW_BOTH, ("() with none of ('!PUMP', '!SPARE') in ('east', 'south')", 4)),
        (THREE, FEW_OF_THREE, ("() with none of ('BARS', 'HOOK', 'ROOF') in ('east', 'south')", 5)),
    ],
    ids=KINDS,
)
def test_this_attacker_finds_the_few_where_nobody_thinks_of_the_rules(
    market: Market, crowd: Crowd, told: tuple[str, int]
) -> None:
    unaware, _ = read(crowd, market, told_to=Market(market.menu, frozenset()))
    aware, shown = read(crowd, market)

    assert told in list(told_of_few(unaware, market))
    assert list(told_of_few(aware, market)) == []
    assert len([cell for cell in shown if cell.key.region == "*" and not cell.key.option.startswith("@")]) > 1


def test_of_two_options_the_smaller_is_hidden() -> None:
    _, told = read(FEW_WITHOUT, NEEDING)

    shown = {cell.key.option for cell in told if cell.key.region == "*" and not cell.key.second}
    assert "V2L" in shown
    assert "CAMP" not in shown


@pytest.mark.parametrize("without", [0, K])
def test_where_nobody_or_many_are_left_both_are_shown(without: int) -> None:
    crowd = {**FEW_WITHOUT, (("TOP", "V2L"), EAST): 0, (("BASE", "V2L"), "south"): without}

    _, told = read(crowd, NEEDING)

    assert {"V2L", "CAMP"} <= {cell.key.option for cell in told if cell.key.region == "*"}


# --- rules of one region ---------------------------------------------------------------------------------------------

IN_SOUTH: Final = {"south": frozenset({("!TRAIL", "CAMP")})}


@given(data=st.data())
def test_what_a_rule_of_one_region_and_its_counts_tell_is_about_nobody_or_many(data: st.DataObject) -> None:
    crowd = {place: number for place, number in data.draw(crowds(NEEDING)).items() if can_be(place, IN_SOUTH)}

    sight, _ = read(crowd, NEEDING, ties_in=IN_SOUTH)

    few = sight.count(("TRAIL",), ("south",), none_of=("CAMP",))
    assert few is None or few == 0 or few >= K


FEW_IN_THE_SOUTH: Final[Crowd] = {
    (("BASE",), "east"): 20,
    (("BASE", "V2L"), "east"): 7,
    (("BASE", "V2L"), "south"): 20,
    (("CAMP", "TRAIL", "V2L"), "south"): 20,
    (("TRAIL", "V2L"), "south"): 7,
}


def test_the_few_of_one_region_are_found_where_nobody_thinks_of_its_rule() -> None:
    unaware, _ = read(FEW_IN_THE_SOUTH, NEEDING, ties_in=IN_SOUTH, thought_of=False)
    aware, told = read(FEW_IN_THE_SOUTH, NEEDING, ties_in=IN_SOUTH)

    assert unaware.count(("TRAIL",), ("south",), none_of=("CAMP",)) == 7
    assert aware.count(("TRAIL",), ("south",), none_of=("CAMP",)) is None
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
    sight, _ = read(crowd, NEEDING)

    assert list(told_of_few(sight, NEEDING)) == []


SOUTH: Final = "south"
FEW_BEHIND_TWO_RULES: Final[Sequence[tuple[Market, Crowd]]] = (
    # Who has GOLD has no SPORT and so CLOTH: the pair of BLUE and CLOTH leaves one who has RED and CLOTH.
    (
        EXCLUDING,
        {
            (("CLOTH", "HOOK", "RED"), SOUTH): 1,
            (("HOOK", "RED", "SPORT"), SOUTH): 10,
            (("BLUE", "CLOTH", "HOOK"), SOUTH): 10,
            (("BLUE", "HOOK", "SPORT"), SOUTH): 10,
            (("CLOTH", "GOLD", "HOOK"), SOUTH): 10,
        },
    ),
    # Who has TOP has no CABLE and so SPARE: of those with PUMP and SPARE, TOP leaves one with BASE.
    (
        EITHER_OR,
        {
            (("BASE", "CABLE", "SPARE"), SOUTH): 10,
            (("BASE", "CABLE", "PUMP"), SOUTH): 10,
            (("BASE", "CABLE", "PUMP", "SPARE"), SOUTH): 1,
            (("PUMP", "SPARE", "TOP"), SOUTH): 10,
        },
    ),
)


@pytest.mark.parametrize(("market", "crowd"), FEW_BEHIND_TWO_RULES, ids=["excludes", "either-or"])
def test_what_follows_from_rules_together_is_thought_of(market: Market, crowd: Crowd) -> None:
    sight, _ = read(crowd, market)

    assert list(told_of_few(sight, market)) == []
