"""The released cube: shares of published counts, small cells hidden, nothing gained by differencing."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.configuration_service import save_configuration
from configurator.events import ConfigurationSaved
from demand.cubes.model import ALL_REGIONS, CellKey, PublishedCell, Tally, publish_cell, shown_cells, wilson
from demand.cubes.release import Facts, draw
from demand.queries import newest_cube_release, recent_take_rates, take_rates
from demand.service import SUBSCRIPTIONS, release_cubes
from kernel import db
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, NotFound
from kernel.identity.model import AccountState
from kernel.identity.tables import accounts, persons
from kernel.ids import AccountId, PersonId
from kernel.outbox import deliver
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, open_small_brand
from tests.demand.pool_room import make_pool_room
from tests.kernel.payment_room import counting

K = 10
WEEK = date(2026, 11, 23)
PAINTS = ("RED", "BLUE", "GOLD")
CATEGORIES = dict.fromkeys(PAINTS, "Paint")


def save(works: Works, number: int, *, paint: str = "RED", region: str = "east", person: int | None = None) -> None:
    """Let an account keep a car: that of a verified person, by default one of its own, or of nobody known (-1)."""
    account_id = AccountId(f"{number:032x}")
    with works.change(Actor(BRAND, frozenset({Role.CONSUMER}), account_id)) as work:
        if person != -1:
            know(work, account_id, PersonId(f"{number if person is None else person:032x}"))
        save_configuration(work, model="A1", options=(paint, *PLAIN_CAR[1:]), region=region)


def know(work: Work, account_id: AccountId, person_id: PersonId) -> None:
    """Write an account with the person behind it, where there is none yet."""
    person = {"id": person_id, "brand_id": BRAND, "identity_hash": person_id, "verified_at": work.now}
    db.insert_new(work.connection, persons, [person], returning="id")
    account = {
        "id": account_id,
        "brand_id": BRAND,
        "email": f"{account_id}@fir.test",
        "email_key": account_id,
        "name": "",
        "locale": "en",
        "state": AccountState.ACTIVE.value,
        "created_at": work.now,
        "changed_at": work.now,
        "person_id": person_id,
    }
    db.insert_new(work.connection, accounts, [account], returning="id")


def release(works: Works) -> int:
    while deliver(works, SUBSCRIPTIONS):
        pass
    with works.change(system(BRAND)) as work:
        return release_cubes(work)


def cells(works: Works, options: tuple[str, ...] = ()) -> dict[tuple[str, str], PublishedCell]:
    with works.read(PLANNER) as work:
        found = take_rates(work, cells_max=5_000, options=options).cells
    return {(cell.key.option, cell.key.region): cell for cell in found}


def test_a_release_shows_rounded_shares_of_large_cells_only(works: Works) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 18 else "BLUE")
    save(works, 50, region="south")

    assert release(works) == 1

    shown = cells(works, options=PAINTS)
    red = shown["RED", "east"]
    assert (red.chosen, red.offered) == (20, 40)
    assert red.take_rate == 0.5
    assert red.interval == wilson(20, 40)
    assert ("RED", "south") not in shown
    assert ("GOLD", "east") not in shown


def test_a_cell_is_released_anew_only_when_k_persons_behind_it_changed(works: Works) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    release(works)
    before = cells(works, options=PAINTS)

    for number in range(100, 100 + K - 1):
        save(works, number)
    assert release(works) == 2
    unchanged = cells(works, options=PAINTS)
    save(works, 200)
    release(works)

    assert unchanged == before
    assert cells(works, options=PAINTS)["RED", "east"].offered == 50


def test_somebody_who_saves_again_counts_once(works: Works) -> None:
    open_small_brand(works)
    for number in range(30):
        save(works, number, paint="RED" if number < 15 else "BLUE")
    for _ in range(20):
        save(works, 1)

    release(works)

    assert cells(works)["RED", "east"].offered == 30


def test_many_accounts_of_one_person_make_no_cell_large(works: Works) -> None:
    open_small_brand(works)
    for number in range(30):
        save(works, number, paint="BLUE")
    for number in range(100, 100 + 2 * K):
        save(works, number, paint="RED", person=100 + number % (K - 1))

    release(works)

    assert ("RED", "east") not in cells(works)


def test_accounts_of_nobody_known_are_counted_but_make_no_cell_large(works: Works) -> None:
    open_small_brand(works)
    for number in range(30):
        save(works, number, paint="BLUE")
    for number in range(100, 100 + K - 1):
        save(works, number, paint="RED")
    for number in range(200, 220):
        save(works, number, paint="RED", person=-1)
    release(works)
    hidden = cells(works)

    for number in range(300, 300 + K):
        save(works, number, paint="RED")
    release(works)

    assert ("RED", "east") not in hidden
    assert cells(works)["RED", "east"].chosen == 40


def test_accounts_of_nobody_known_let_no_cell_be_released_anew(works: Works) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    release(works)
    before = cells(works, options=PAINTS)

    for number in range(100, 140):
        save(works, number, person=-1)
    save(works, 200)
    release(works)

    assert cells(works, options=PAINTS) == before


def test_a_funded_pre_order_is_a_configuration_too(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    room.join(*range(1, 13))
    for number in range(30, 42):
        save(works, number, paint="BLUE")

    release(works)

    assert (cells(works)["RED", "east"].chosen, cells(works)["RED", "east"].offered) == (10, 25)


def test_only_who_may_read_demand_reads_the_cube(works: Works) -> None:
    open_small_brand(works)
    consumer = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("1" * 32))

    with pytest.raises(Forbidden), works.read(consumer) as work:
        take_rates(work)
    with pytest.raises(NotFound), works.read(PLANNER) as work:
        take_rates(work)
    with pytest.raises(Forbidden), works.change(PLANNER) as work:
        release_cubes(work)
    with works.read(PLANNER) as work:
        assert newest_cube_release(work) is None


def test_recent_take_rates_are_sums_of_published_counts_alone(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    with works.read(system(BRAND)) as work:
        assert recent_take_rates(work) is None
    for number in range(40):
        save(works, number, paint="RED" if number < 18 else "BLUE")
    clock.advance(timedelta(weeks=1))
    for number in range(40, 80):
        save(works, number, paint="RED" if number < 70 else "BLUE")
    save(works, 90, paint="GOLD")
    release(works)

    with works.read(system(BRAND)) as work:
        recent = recent_take_rates(work)
        shown = take_rates(work, regions=[ALL_REGIONS], cells_max=5_000).cells

    assert recent is not None
    reds = [cell for cell in shown if cell.key.option == "RED"]
    assert [cell.chosen for cell in reds] == [20, 30]
    assert recent["RED"] == sum(cell.chosen for cell in reds) / sum(cell.offered for cell in reds)
    assert "GOLD" not in recent
    assert set(recent) == {cell.key.option for cell in shown}


def test_recent_take_rates_forget_what_is_older_than_a_quarter(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 10 else "BLUE")
    clock.advance(timedelta(weeks=13))
    for number in range(40, 80):
        save(works, number, paint="RED" if number < 70 else "BLUE")
    release(works)

    with works.read(system(BRAND)) as work:
        recent = recent_take_rates(work)
        newest = take_rates(work, options=["RED"], regions=[ALL_REGIONS], first_week=WEEK + timedelta(weeks=13)).cells

    assert recent is not None
    assert [cell.take_rate for cell in newest] == [recent["RED"]]


def test_a_read_takes_as_many_statements_after_more_configurations(works: Works) -> None:
    open_small_brand(works)
    numbers = []
    for batch in range(2):
        for number in range(25):
            save(works, 100 * batch + number, paint="RED" if number % 2 else "BLUE")
        release(works)
        with counting(works.engine) as statements:
            cells(works)
        numbers.append(len(statements))

    assert numbers[0] == numbers[1]


def test_the_server_does_not_load_pandas() -> None:
    code = "import sys, demand.service, demand.queries; sys.exit('pandas' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_news_of_a_saved_configuration_is_what_makes_a_fact() -> None:
    assert ConfigurationSaved.kind in SUBSCRIPTIONS[0].kinds


@given(st.integers(1, 5_000), st.data())
def test_an_interval_holds_its_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))

    low, high = wilson(successes, trials)

    assert 0 <= low <= successes / trials <= high <= 1


# --- the attacker ----------------------------------------------------------------------------------------------------


@dataclass
class World:
    """What really happens: configurations that arrive day by day, and the releases the attacker sees."""

    chance: random.Random
    rows: list[dict[str, object]] = field(default_factory=list)
    blocks: dict[tuple[str, date, str], int] = field(default_factory=dict)

    def arrive(self, number: int) -> None:
        for _ in range(number):
            model = self.chance.choice(("A1", "A1", "B2"))
            self.rows.append(
                {
                    "serial": len(self.rows) + 1,
                    "person": f"p{self.chance.randrange(400)}",
                    "verified": self.chance.random() < 0.9,
                    "version_id": "v",
                    "region": self.chance.choices(("east", "north", "south"), (6, 3, 1))[0],
                    "model": model,
                    "week": WEEK + timedelta(days=7 * self.chance.randrange(2)),
                    "options": [self.chance.choices(PAINTS, (5, 4, 1 if model == "A1" else 0))[0]],
                }
            )

    def release(self) -> tuple[dict[CellKey, Tally], dict[CellKey, PublishedCell]]:
        """Return the truth behind every cell and what is published of it."""
        models = {"A1": {"Paint": list(PAINTS)}, "B2": {"Paint": ["RED", "BLUE"]}}
        offerings = {
            ("v", region, model, WEEK + timedelta(days=7 * week)): options
            for region in ("east", "north", "south")
            for week in range(2)
            for model, options in models.items()
        }
        drawn = draw(Facts(self.rows, offerings), released=self.blocks, k=K)
        self.blocks = drawn.blocks
        shown = shown_cells(drawn.tallies, category_of=drawn.category_of, k=K)
        return drawn.tallies, {key: publish_cell(key, drawn.tallies[key], rounding=5) for key in shown}


def arrived(world: World, key: CellKey, before: dict[tuple[str, date, str], int]) -> set[str]:
    """Return the verified persons whose configurations came in behind a cell since its last release."""
    persons = set()
    for row in world.rows:
        block = (str(row["region"]), key.week, "Paint")
        here = row["week"] == key.week and key.region in (ALL_REGIONS, row["region"])
        offered = key.option != "GOLD" or row["model"] == "A1"
        serial = row["serial"]
        assert isinstance(serial, int)
        if here and offered and before.get(block, 0) < serial <= world.blocks.get(block, 0):
            persons |= {str(row["person"])} if row["verified"] else set()
    return persons


@pytest.mark.parametrize("seed", range(6))
def test_an_attacker_learns_nothing_about_fewer_than_k_persons(seed: int) -> None:
    world = World(random.Random(seed))
    last_truth: dict[CellKey, Tally] = {}
    seen = 0

    for _day in range(12):
        world.arrive(world.chance.randrange(20, 80))
        before = dict(world.blocks)
        truth, published = world.release()
        for key, cell in published.items():
            seen += 1
            assert len(truth[key].choosers) >= K
            assert len(truth[key].others) >= K
            assert cell.chosen % 5 == cell.offered % 5 == 0
        # In time: a cell that differs from the day before does so by at least k persons' configurations.
        for key in truth.keys() & last_truth.keys():
            if truth[key] != last_truth[key]:
                assert len(arrived(world, key, before)) >= K
        # In space: all regions together less those shown leaves nobody, or at least k on either side.
        for total in [key for key in published if key.region == ALL_REGIONS]:
            hidden = Tally()
            own = [key for key in truth if (key.option, key.week) == (total.option, total.week) and key != total]
            for key in own:
                if key not in published:
                    hidden.add(truth[key])
            assert not hidden.offered or (len(hidden.choosers) >= K and len(hidden.others) >= K)
        # Within a category: configurations less the options shown leaves nobody, or at least k.
        for region, week in {(key.region, key.week) for key in published}:
            paints = [CellKey(paint, region, week) for paint in PAINTS]
            known = [key for key in paints if key in truth]
            if sum(truth[key].chosen for key in known) == max(truth[key].offered for key in known):
                left = {person for key in known if key not in published for person in truth[key].choosers}
                assert not left or len(left) >= K
        last_truth = truth

    assert seen > 40
