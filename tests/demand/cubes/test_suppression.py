"""The attacker: knows every published count unrounded, who is where, and adds and takes away as long as it likes.

It works with linear algebra over the hidden cells, which the suppression itself does not, and finds nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from demand.cubes.model import EVERYBODY, Count, Counts, CubeName, TableKey, pair_code
from demand.cubes.publishing import (
    publish_caps,
    publish_funnel,
    publish_pairs,
    publish_take_rates,
)
from demand.cubes.setting_out import Rules, Snapshot

K: Final = 10
WEEK: Final = date(2026, 11, 23)
TABLE: Final = TableKey(CubeName.TAKE_RATES, WEEK, "A1", "v")
RULES: Final = Rules(k=K, rounding=5, final=True)
OPTIONS: Final = ("BLUE", "GOLD", "RED", "WHITE")
REGIONS: Final = ("east", "north", "south", "west")


@dataclass(frozen=True, slots=True)
class World:
    """Who chose what where, of one category; `without` is how many in each region chose nothing of it."""

    chosen: dict[tuple[str, str], int]
    without: dict[str, int]
    regions: tuple[str, ...]

    def people(self, region: str) -> int:
        return self.without[region] + sum(count for (_, where), count in self.chosen.items() if where == region)

    def snapshot(self) -> Snapshot:
        blocks: dict[str, Counts] = {}
        for region in self.regions:
            if self.people(region):
                counts = {EVERYBODY: self.people(region)}
                counts |= {option: count for (option, where), count in self.chosen.items() if where == region and count}
                blocks[region] = {code: Count(count, count) for code, count in counts.items()}
        return Snapshot(TABLE, blocks, {region: {"Paint": OPTIONS} for region in self.regions})


counts = st.one_of(st.just(0), st.integers(0, 14), st.integers(0, 60))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    regions = REGIONS[: draw(st.integers(1, len(REGIONS)))]
    options = OPTIONS[: draw(st.integers(2, len(OPTIONS)))]
    chosen = {(option, region): draw(counts) if option in options else 0 for option in OPTIONS for region in regions}
    everyone_chooses = draw(st.booleans())
    return World(chosen, {region: 0 if everyone_chooses else draw(counts) for region in regions}, regions)


class Attacker:
    """Holds what is known as equations over the cells (option or none, region)."""

    def __init__(self, world: World) -> None:
        self.cells = [(option, region) for option in (*OPTIONS, "") for region in world.regions]
        self.place = {cell: number for number, cell in enumerate(self.cells)}
        self.truth = np.array(
            [world.chosen.get(cell, world.without[cell[1]] if cell[0] == "" else 0) for cell in self.cells], dtype=float
        )
        self.known: list[Any] = []

    def learn(self, cells: Sequence[tuple[str, str]]) -> None:
        row = np.zeros(len(self.cells))
        for cell in cells:
            row[self.place[cell]] += 1
        self.known.append(row)

    def can_tell(self, cells: Sequence[tuple[str, str]]) -> bool:
        """Say whether a sum of cells follows from what is known."""
        if not self.known:
            return False
        wanted = np.zeros(len(self.cells))
        for cell in cells:
            wanted[self.place[cell]] = 1
        equations = np.array(self.known).T
        found, *_ = np.linalg.lstsq(equations, wanted, rcond=None)
        return bool(np.allclose(equations @ found, wanted, atol=1e-7))

    def count(self, cells: Sequence[tuple[str, str]]) -> int:
        return int(sum(self.truth[self.place[cell]] for cell in cells))


def attacker_of(world: World) -> Attacker:
    """Let an attacker read a release: totals, cells, and how many people there are in each region that is shown."""
    attacker = Attacker(world)
    for cell in publish_take_rates(world.snapshot(), RULES):
        option, region = cell.key.option, cell.key.region
        where = world.regions if region == "*" else (region,)
        if option == EVERYBODY:
            attacker.learn([(one, place) for one in (*OPTIONS, "") for place in where])
        elif option in OPTIONS:
            attacker.learn([(option, place) for place in where])
    if not any(world.without.values()):
        # The catalogue says that everybody has to choose.
        for region in world.regions:
            attacker.learn([("", region)])
    return attacker


def some_of(items: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(1, len(items) + 1):
        yield from combinations(items, size)


def is_nobody_or_many(part: int, whole: int) -> bool:
    return (part == 0 or part >= K) and (part == whole or whole - part >= K)


@given(worlds())
def test_no_sum_of_regions_tells_of_few_who_chose_an_option(world: World) -> None:
    attacker = attacker_of(world)

    for option in OPTIONS:
        for regions in some_of(world.regions):
            cells = [(option, region) for region in regions]
            if attacker.can_tell(cells):
                assert is_nobody_or_many(attacker.count(cells), sum(map(world.people, regions))), cells


@given(worlds())
def test_no_sum_of_options_tells_of_few_in_a_region(world: World) -> None:
    attacker = attacker_of(world)

    for region in world.regions:
        for options in some_of(OPTIONS):
            cells = [(option, region) for option in options]
            if attacker.can_tell(cells):
                assert is_nobody_or_many(attacker.count(cells), world.people(region)), cells


@given(worlds())
def test_no_region_with_few_people_can_be_worked_out(world: World) -> None:
    attacker = attacker_of(world)

    for regions in some_of(world.regions):
        cells = [(option, region) for option in (*OPTIONS, "") for region in regions]
        if attacker.can_tell(cells):
            total = sum(map(world.people, world.regions))
            assert is_nobody_or_many(attacker.count(cells), total), regions


@given(worlds())
def test_what_is_shown_is_large_and_rounded(world: World) -> None:
    for cell in publish_take_rates(world.snapshot(), RULES):
        option, region = cell.key.option, cell.key.region
        where = world.regions if region == "*" else (region,)
        people = sum(map(world.people, where))
        assert cell.chosen % 5 == cell.offered % 5 == 0
        if option == EVERYBODY:
            assert people >= K
        else:
            chosen = sum(world.chosen.get((option, one), 0) for one in where)
            assert chosen >= K
            assert people - chosen >= K


def test_hiding_a_small_cell_hides_another_beside_it() -> None:
    chosen = {("RED", "east"): 40, ("RED", "south"): 30, ("BLUE", "east"): 25, ("BLUE", "south"): 4}
    world = World(chosen, {"east": 0, "south": 0}, ("east", "south"))

    shown = {(cell.key.option, cell.key.region) for cell in publish_take_rates(world.snapshot(), RULES)}

    assert shown == {("", "*"), ("", "east"), ("", "south"), ("RED", "*"), ("BLUE", "*")}


def test_what_is_large_everywhere_is_all_shown() -> None:
    chosen = {(option, region): 20 for option in OPTIONS for region in REGIONS}
    world = World(chosen, dict.fromkeys(REGIONS, 15), REGIONS)

    shown = publish_take_rates(world.snapshot(), RULES)

    assert len([cell for cell in shown if cell.key.option in OPTIONS]) == len(OPTIONS) * (len(REGIONS) + 1)


# --- pairs -----------------------------------------------------------------------------------------------------------


WHEELS: Final = ("W17", "W19")


@st.composite
def couples(draw: st.DrawFn) -> dict[tuple[str, str], int]:
    return {(paint, wheel): draw(counts) for paint in OPTIONS[:3] for wheel in WHEELS}


def snapshot_of(couples: dict[tuple[str, str], int]) -> tuple[Snapshot, Counts]:
    block: Counts = {EVERYBODY: Count(sum(couples.values()), sum(couples.values()))}
    pairs: Counts = {}
    for (paint, wheel), count in couples.items():
        one = Count(count, count)
        for code in (paint, wheel):
            block[code] = block.get(code, Count(0, 0)).plus(one)
        pairs[pair_code(paint, wheel)] = one
    return Snapshot(TABLE, {"east": block}, {"east": {"Paint": OPTIONS[:3], "Wheels": WHEELS}}), pairs


@given(couples())
def test_no_pair_that_is_hidden_can_be_worked_out_as_a_few(couples: dict[tuple[str, str], int]) -> None:
    take, pairs = snapshot_of(couples)
    told = [cell.key.option for cell in publish_take_rates(take, RULES) if cell.key.region == "*"]
    cells = list(couples)
    rows = [[1.0] * len(cells)]
    rows += [[float(code in cell) for cell in cells] for code in told if code]
    rows += [
        [float({one.key.option, one.key.second} == set(cell)) for cell in cells]
        for one in publish_pairs(take, pairs, RULES)
    ]
    equations = np.array(rows).T

    for number, cell in enumerate(cells):
        wanted = np.eye(len(cells))[number]
        found, *_ = np.linalg.lstsq(equations, wanted, rcond=None)
        if np.allclose(equations @ found, wanted, atol=1e-7):
            assert couples[cell] == 0 or couples[cell] >= K, cell


@given(couples())
def test_a_pair_that_is_shown_leaves_many_in_each_of_its_four_groups(couples: dict[tuple[str, str], int]) -> None:
    take, pairs = snapshot_of(couples)

    for cell in publish_pairs(take, pairs, RULES):
        paint, wheel = sorted((cell.key.option, cell.key.second), key=lambda code: code in WHEELS)
        both = couples[paint, wheel]
        of_paint = sum(count for (one, _), count in couples.items() if one == paint)
        of_wheel = sum(count for (_, one), count in couples.items() if one == wheel)
        neither = sum(couples.values()) - of_paint - of_wheel + both
        assert min(both, of_paint - both, of_wheel - both, neither) >= K
        assert cell.chosen <= min(cell.first_chosen, cell.second_chosen) <= cell.offered


# --- ladders and curves ----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 40), min_size=5, max_size=5), st.integers(0, 40))
def test_no_step_of_the_funnel_leaves_a_few_behind(fell: list[int], voted: int) -> None:
    delivered, locked, ordered, configured, seen = (sum(fell[: place + 1]) for place in range(5))
    steps = {"seen": seen, "configured": configured, "pre_ordered": ordered, "locked": locked, "delivered": delivered}
    steps["voted"] = min(voted, seen)
    block = {step: Count(count, count) for step, count in steps.items() if count}
    shown = publish_funnel(Snapshot(TableKey(CubeName.FUNNEL, WEEK), {"": block}, {}), RULES)

    ladder = [steps[cell.key.option] for cell in shown if cell.key.option != "voted"]
    assert all(higher == lower or higher - lower >= K for higher, lower in pairwise(ladder))
    assert all(steps[cell.key.option] >= K for cell in shown)
    if "voted" in {cell.key.option for cell in shown}:
        assert is_nobody_or_many(steps["voted"], seen)


@given(st.dictionaries(st.integers(0, 30), st.integers(1, 40), max_size=12))
def test_a_curve_of_caps_tells_of_many_at_every_step(waiting: dict[int, int]) -> None:
    block = {str(percent): Count(count, count) for percent, count in waiting.items()}

    shown = publish_caps(Snapshot(TableKey(CubeName.CAPS, WEEK, "A1"), {"": block}, {}), RULES)

    bounds = [-1, *(int(cell.key.option) for cell in shown)]
    for low, high in pairwise(bounds):
        assert sum(count for percent, count in waiting.items() if low < percent <= high) >= K
    if shown:
        assert bounds[-1] == max(waiting)
        assert sum(cell.chosen for cell in shown) == shown[0].offered
