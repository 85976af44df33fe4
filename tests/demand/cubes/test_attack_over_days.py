"""The attacker who comes back every day and holds the unrounded counts of all releases against each other.

Each person is a path of what they said at the days of release. What is published are sums over paths; whatever else
follows from them by linear algebra must be about nobody or about k persons and more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product
from typing import Any, Final, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.cubes.model import EVERYBODY, Count, Counts, CubeName, PublishedCell, TableKey
from demand.cubes.moving import Saying, burnt_by
from demand.cubes.publishing import publish_take_rates
from demand.cubes.setting_out import Rules, Snapshot
from kernel.clock import FixedClock
from kernel.work import Works
from tests.configurator.small_brand import open_small_brand
from tests.demand.wishing_room import cells, end_week, release, save

K: Final = 10
WEEK: Final = date(2026, 11, 23)
TABLE: Final = TableKey(CubeName.TAKE_RATES, WEEK, "A1", "v")
OPTIONS: Final = ("RED", "BLUE")
REGIONS: Final = ("east", "south")
NOTHING: Final = ""
SAYINGS: Final = (*(f"{region}:{option}" for region in REGIONS for option in OPTIONS), NOTHING)
Crowd: TypeAlias = Counter[tuple[str, ...]]
"""How many there are by path: what they said at each release so far, and what they say now."""
Shift: TypeAlias = tuple[str, str, int]


@dataclass
class Week:
    """A week of releases, decided by the same functions as the worker's."""

    crowd: Crowd
    shown: list[list[PublishedCell]] = field(default_factory=list)
    snapshot: Snapshot | None = None

    def shift(self, shifts: Sequence[Shift]) -> None:
        """Let so many who say one thing say another now."""
        for before, after, number in shifts:
            left = number
            for path in sorted(self.crowd):
                moved = min(left, self.crowd[path]) if path[-1] == before else 0
                self.crowd[path] -= moved
                self.crowd[(*path[:-1], after)] += moved
                left -= moved

    def release(self, *, final: bool = False) -> None:
        """Move the table on if enough changed; the last release shows the regions of the state told before or now."""
        told_before = {cell.key.option for some in self.shown for cell in some}
        now = Snapshot(TABLE, self._blocks(), {region: {"Paint": OPTIONS} for region in REGIONS}, frozenset())
        sayings = [
            Saying(path[-2] if len(path) > 1 else NOTHING, path[-1])
            for path, number in self.crowd.items()
            for _ in range(number)
        ]
        burnt = burnt_by(now, sayings, shown_before=told_before, k=K)
        if burnt is not None:
            self.snapshot = Snapshot(TABLE, now.blocks, now.menus, burnt)
            self.shown.append(publish_take_rates(self.snapshot, Rules(k=K, rounding=5, final=final)))
            self.crowd = _sum_up((*path, path[-1]) for path in self.crowd.elements())
        elif final and self.snapshot is not None:
            self.shown[-1] += publish_take_rates(self.snapshot, Rules(k=K, rounding=5, final=True))

    def _blocks(self) -> dict[str, Counts]:
        blocks: dict[str, Counts] = {}
        for region in REGIONS:
            said = Counter({option: self._saying(f"{region}:{option}") for option in OPTIONS})
            if said.total():
                counts = {EVERYBODY: said.total(), **{option: count for option, count in said.items() if count}}
                blocks[region] = {code: Count(count, count) for code, count in counts.items()}
        return blocks

    def _saying(self, said: str) -> int:
        return sum(number for path, number in self.crowd.items() if path[-1] == said)


def _sum_up(paths: Iterator[tuple[str, ...]]) -> Crowd:
    return Counter(paths)


@dataclass
class Attacker:
    """Knows which sums over paths were published, and with that every combination of them."""

    releases: int
    known: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.paths = list(product(SAYINGS, repeat=self.releases))

    def read(self, at: int, cell: PublishedCell) -> None:
        regions = REGIONS if cell.key.region == "*" else (cell.key.region,)
        options = OPTIONS if cell.key.option == EVERYBODY else (cell.key.option,)
        said = {f"{region}:{option}" for region in regions for option in options}
        self.known.append(np.array([path[at] in said for path in self.paths], dtype=float))

    def told(self, wanted: Sequence[Any]) -> list[bool]:
        """Say of each sum whether it follows from what is known."""
        if not self.known:
            return [False] * len(wanted)
        _, sizes, rows = np.linalg.svd(np.array(self.known), full_matrices=False)
        basis = rows[sizes > 1e-9]
        asked = np.array(wanted)
        rest = asked - asked @ basis.T @ basis
        return [bool(one) for one in np.abs(rest).max(axis=1) < 1e-7]


def questions(paths: Sequence[tuple[str, ...]], releases: int) -> Iterator[tuple[str, Any]]:
    """Yield what an attacker would ask: who said what at a release, and who went from what to what between two."""

    def those(asked: Any) -> Any:
        return np.array([asked(path) for path in paths], dtype=float)

    for at in range(releases):
        for said in SAYINGS[:-1]:
            yield f"{said} at {at}", those(lambda path, at=at, said=said: path[at] == said)
        for option in OPTIONS:
            yield f"{option} at {at}", those(lambda path, at=at, option=option: path[at].endswith(":" + option))
        for region in REGIONS:
            yield f"{region} at {at}", those(lambda path, at=at, region=region: path[at].startswith(region))
    for first, second in combinations(range(releases), 2):
        yield f"changed {first}-{second}", those(lambda path, a=first, b=second: path[a] != path[b])
        for before, after in product(SAYINGS, repeat=2):
            if before != after:
                yield (
                    f"{before} {first} to {after} {second}",
                    those(lambda path, a=first, b=second, x=before, y=after: path[a] == x and path[b] == y),
                )


def play(first: Sequence[int], days: Sequence[Sequence[Shift]]) -> Week:
    """Play a week: so many say each thing at first, forty more say nothing yet; then a release after each day."""
    week = Week(Counter({(said,): number for said, number in zip(SAYINGS, [*first, 40], strict=True)}))
    week.release()
    for shifts in days:
        week.shift(shifts)
        week.release()
    week.release(final=True)
    return week


def found_out(week: Week) -> list[tuple[str, int]]:
    """Return the sums about some, but fewer than k persons, that an attacker can work out."""
    releases = len(week.shown)
    if not releases:
        return []
    attacker = Attacker(releases)
    for at, shown in enumerate(week.shown):
        for cell in shown:
            attacker.read(at, cell)
    numbers = np.array([sum(n for own, n in week.crowd.items() if own[:releases] == path) for path in attacker.paths])
    asked = list(questions(attacker.paths, releases))
    told = attacker.told([sum_ for _, sum_ in asked])
    counts = [(name, int(sum_ @ numbers)) for (name, sum_), known in zip(asked, told, strict=True) if known]
    return [(name, count) for name, count in counts if 0 < count < K]


_SHIFTS = st.lists(
    st.tuples(st.sampled_from(SAYINGS), st.sampled_from(SAYINGS), st.integers(1, 14)), min_size=1, max_size=3
)
_FIRST = st.lists(st.one_of(st.integers(0, 14), st.integers(0, 40)), min_size=4, max_size=4)


@given(_FIRST, st.lists(_SHIFTS, max_size=3))
def test_releases_held_against_each_other_tell_of_nobody(first: list[int], days: list[list[Shift]]) -> None:
    assert found_out(play(first, days)) == []


def test_this_attacker_finds_the_few_where_a_table_is_released_at_every_change() -> None:
    week = play([30, 30, 30, 30], [])
    week.shift([(NOTHING, "east:RED", 3)])
    week.crowd = Counter((*path[:-1], path[-1]) for path in week.crowd.elements())

    # As it would be without the rule that k persons must have changed.
    now = Snapshot(TABLE, week._blocks(), {region: {"Paint": OPTIONS} for region in REGIONS}, frozenset())
    week.shown.append(publish_take_rates(now, Rules(k=K, rounding=5, final=True)))

    attacker = Attacker(2)
    for at, shown in enumerate(week.shown):
        for cell in shown:
            attacker.read(at, cell)
    grown = np.array([(path[1] != NOTHING) - float(path[0] != NOTHING) for path in attacker.paths])
    assert attacker.told([grown]) == [True]


STORIES: Final = (
    ([20, 20, 15, 15], [[(NOTHING, "east:RED", 9)], [(NOTHING, "east:BLUE", 4), ("south:RED", "east:RED", 3)]]),
    ([12, 14, 4, 3], [[(NOTHING, "south:RED", 12)], [("east:RED", "east:BLUE", 11)]]),
    ([0, 25, 11, 0], [[(NOTHING, "east:RED", 13)], []]),
)


@pytest.mark.parametrize("story", STORIES)
def test_the_worker_shows_what_these_rules_say(
    works: Works, clock: FixedClock, story: tuple[list[int], list[list[Shift]]]
) -> None:
    first, days = story
    open_small_brand(works)
    people = [said for said, number in zip(SAYINGS, first, strict=False) for _ in range(number)] + [NOTHING] * 40

    def say(number: int, said: str) -> None:
        people[number] = said
        region, _, option = said.partition(":")
        save(works, number, paint=option, region=region)

    for number, said in enumerate(people):
        if said:
            say(number, said)
    release(works)
    for shifts in days:
        for before, after, count in shifts:
            for number in [at for at, said in enumerate(people) if said == before][:count]:
                say(number, after)
        release(works)
    end_week(clock)
    release(works)

    expected = {(cell.key.option, cell.key.region): cell for cell in play(first, days).shown[-1]}
    shown = cells(works, options=OPTIONS)
    assert {key: (cell.chosen, cell.offered) for key, cell in shown.items()} == {
        key: (cell.chosen, cell.offered) for key, cell in expected.items() if key[0] != EVERYBODY
    }
