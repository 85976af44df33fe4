"""The attacker who knows a rule of one region, and takes what it says there of a pair from the pair of all regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import WITHOUT, Ties
from demand.cubes import publishing
from demand.cubes.model import PublishedCell
from tests.demand.cubes.test_rules_told import REGIONS, Crowd, K, Market, Sight, can_be, crowds, read

MARKET: Final = Market({"Paint": ("RED", "BLUE"), "Tent": ("TENT",), "Trim": ("BASE", "TOP", "TRAIL")}, frozenset())
# Closed, as the engine says them: a tent that goes with no other trim needs the one that is left.
RULES: Final[Mapping[str, Mapping[str, Ties]]] = {
    "needs": {"south": frozenset({("!TRAIL", "TENT"), ("BASE", "TENT"), ("TENT", "TOP")})},
    "excludes": {"south": frozenset({("TENT", "TOP")})},
    "either-or": {"south": frozenset({("!TENT", "!TRAIL"), ("!TENT", "BASE"), ("!TENT", "TOP")})},
    "two regions": {
        "south": frozenset({("TENT", "TOP")}),
        "east": frozenset({("RED", "TOP"), ("!BLUE", "TOP")}),
    },
}


def told_of_pairs(sight: Sight) -> Iterator[str]:
    """Yield what follows about some, but few, of a region: both, one, neither of two, one without several others."""
    options = sorted(option for own in MARKET.menu.values() for option in own)
    literals = [prefix + option for option in options for prefix in ("", WITHOUT)]
    asked = {tuple(sorted(pair)) for pair in product(literals, literals)} | {
        (WITHOUT + "TENT", one, other) for one in MARKET.menu["Trim"] for other in MARKET.menu["Trim"] if one < other
    }
    for region, none_of in product(REGIONS, sorted(asked)):
        count = sight.count((), (region,), none_of=none_of)
        if count is not None and 0 < count < K:
            yield f"{count} in the {region} with none of {none_of}"


def seen(crowd: Crowd, ties_in: Mapping[str, Ties]) -> tuple[list[str], list[PublishedCell]]:
    """Return what follows about few persons, and the cells that it follows from."""
    allowed = {place: number for place, number in crowd.items() if can_be(place, ties_in)}
    sight, cells = read(allowed, MARKET, ties_in=ties_in)
    return list(told_of_pairs(sight)), cells


@pytest.mark.parametrize("kind", RULES)
@given(data=st.data())
def test_what_a_region_s_rule_and_pairs_tell_is_about_nobody_or_many(kind: str, data: st.DataObject) -> None:
    told, _ = seen(data.draw(crowds(MARKET)), RULES[kind])

    assert told == []


FEW_IN_THE_EAST: Final[Crowd] = {
    (("RED", "TENT", "TRAIL"), "south"): 30,
    (("BASE", "RED"), "south"): 30,
    (("RED", "TENT", "TRAIL"), "east"): 4,
    (("RED", "TENT", "TOP"), "east"): 30,
    (("RED", "TRAIL"), "east"): 30,
    (("BASE", "RED"), "east"): 30,
}


def test_the_few_beside_a_region_are_found_where_nobody_thinks_of_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as unaware:
        unaware.setattr(publishing, "blocks_told_of_regions", lambda *_, **__: frozenset())
        before, cells_before = seen(FEW_IN_THE_EAST, RULES["needs"])

    after, cells = seen(FEW_IN_THE_EAST, RULES["needs"])

    assert any(one.startswith("4 in the east") for one in before)
    assert after == []
    assert {cell.key for cell in cells_before} - {cell.key for cell in cells} == {
        cell.key for cell in cells_before if "TENT" in (cell.key.option, cell.key.second) and cell.key.second
    }


def test_a_rule_of_a_region_with_nobody_in_it_tells_nothing() -> None:
    crowd = {place: number for place, number in FEW_IN_THE_EAST.items() if place[1] == "east"}

    told, cells = seen(crowd, RULES["needs"])

    assert told == []
    assert "TENT" in {cell.key.option for cell in cells}


def test_where_nobody_or_many_are_beside_it_all_is_told() -> None:
    crowd = {**FEW_IN_THE_EAST, (("RED", "TENT", "TRAIL"), "east"): K}

    told, cells = seen(crowd, RULES["needs"])

    assert told == []
    assert {"TENT"} <= {cell.key.option for cell in cells if cell.key.second}
