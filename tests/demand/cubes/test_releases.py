"""Releases: rounded shares of large cells, a table anew only when enough people changed, a week's regions once."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from demand.cubes.audit_service import unlike_replay
from demand.cubes.model import ALL_REGIONS, EVERYBODY, ORDERED, Audience, lift, wilson
from demand.cubes.policy import CubePolicy
from demand.cubes.tables import cube_cells, cube_changes, cube_moves, demand_voices
from demand.queries import (
    CellFilter,
    newest_cube_release,
    recent_take_rates,
    region_weeks,
    take_rates,
    willingness_to_pay,
)
from demand.service import release_cubes
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, NotFound
from kernel.ids import AccountId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER, open_small_brand
from tests.demand.pool_room import make_pool_room
from tests.demand.released_room import publish
from tests.demand.wishing_room import PAINTS, K, cells, end_week, hear, release, save
from tests.kernel.payment_room import counting

WEEK = date(2026, 11, 23)


def test_a_running_week_is_shown_for_all_regions_together(works: Works) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 18 else "BLUE", region="east" if number % 2 else "south")

    assert release(works) == 1

    shown = cells(works, options=PAINTS)
    red = shown["RED", "*"]
    assert (red.chosen, red.offered) == (20, 40)
    assert red.take_rate == 0.5
    assert red.interval == wilson(20, 40)
    assert {region for _, region in shown} == {"*"}


def test_a_week_that_is_over_is_shown_by_region_where_cells_are_large(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(60):
        save(works, number, paint="RED" if number < 28 else "BLUE", region="east" if number % 2 else "south")

    end_week(clock)
    release(works)

    shown = cells(works, options=PAINTS)
    assert (shown["RED", "*"].chosen, shown["RED", "*"].offered) == (30, 60)
    assert (shown["RED", "east"].chosen, shown["RED", "east"].offered) == (15, 30)
    assert (shown["RED", "south"].chosen, shown["RED", "south"].offered) == (15, 30)


def test_a_small_region_is_not_shown_and_does_not_stand_alone(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(60):
        save(works, number, paint="RED" if number < 28 else "BLUE")
    for number in range(100, 105):
        save(works, number, region="south")

    end_week(clock)
    release(works)

    assert {region for _, region in cells(works)} == {"*"}


def test_a_table_is_released_anew_only_when_k_persons_changed(works: Works) -> None:
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
    assert cells(works, options=PAINTS)["RED", "*"].offered == 50


def test_who_changes_back_has_not_changed(works: Works) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    release(works)

    for paint in ("BLUE", "RED"):
        for number in range(K):
            save(works, number, paint=paint)
    for number in range(100, 105):
        save(works, number)
    release(works)

    assert cells(works, options=PAINTS)["RED", "*"].offered == 40


def test_the_last_release_of_a_week_leaves_out_the_few_who_came_after_the_one_before(
    works: Works, clock: FixedClock
) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    release(works)
    for number in range(100, 105):
        save(works, number)

    end_week(clock)
    release(works)

    shown = cells(works, options=PAINTS)
    assert (shown["RED", "*"].chosen, shown["RED", "*"].offered) == (20, 40)
    assert (shown["RED", "east"].chosen, shown["RED", "east"].offered) == (20, 40)


def test_a_closed_week_never_changes(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    end_week(clock)
    release(works)
    before = cells(works)

    end_week(clock)
    release(works)

    assert cells(works) == before
    assert before["RED", "east"].chosen == 20


def test_dealers_see_closed_weeks_from_twenty_persons_on(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(60):
        save(works, number, paint="RED" if number < 45 else "BLUE", region="east" if number % 2 else "south")
    release(works)
    running = cells(works, options=PAINTS, audience=Audience.TRADE)
    for number in range(100, 130):
        save(works, number, paint="BLUE")

    end_week(clock)
    release(works)

    assert running == {}
    shown = cells(works, options=PAINTS, audience=Audience.TRADE)
    assert (shown["RED", "*"].chosen, shown["RED", "*"].offered) == (45, 90)
    assert ("RED", "south") not in shown
    assert ("RED", "south") not in cells(works, options=PAINTS) or cells(works)["RED", "south"].offered < 40


def test_somebody_who_saves_again_counts_once(works: Works) -> None:
    open_small_brand(works)
    for number in range(30):
        save(works, number, paint="RED" if number < 15 else "BLUE")
    for _ in range(20):
        save(works, 1)

    release(works)

    assert cells(works)["RED", "*"].offered == 30


def test_many_accounts_of_one_person_make_no_cell_large(works: Works) -> None:
    open_small_brand(works)
    for number in range(30):
        save(works, number, paint="BLUE")
    for number in range(100, 100 + 2 * K):
        save(works, number, paint="RED", person=100 + number % (K - 1))

    release(works)

    assert ("RED", "*") not in cells(works)


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

    assert ("RED", "*") not in hidden
    assert cells(works)["RED", "*"].chosen == 40


def test_accounts_of_nobody_known_let_no_table_be_released_anew(works: Works) -> None:
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

    shown = cells(works)
    assert (shown["RED", "*"].chosen, shown["RED", "*"].offered) == (10, 25)
    assert (shown["@pre_order", "*"].chosen, shown["@pre_order", "*"].offered) == (10, 25)


def test_a_release_is_what_its_log_gives(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(60):
        save(works, number, paint=PAINTS[number % 2], region="east" if number % 3 else "south")
    release(works)
    for number in range(100, 120):
        save(works, number, paint="BLUE")
    release(works)
    end_week(clock)
    release(works)

    with works.change(system(BRAND)) as work:
        found = [unlike_replay(work, number) for number in (1, 2, 3)]
        moves = work.connection.execute(select(cube_moves.c.serial)).all()
        told = work.connection.execute(select(cube_cells.c.move).distinct()).all()

    assert found == [[], [], []]
    assert len(moves) >= 6
    assert len(told) >= 4


def test_only_who_may_read_demand_reads_the_cube(works: Works) -> None:
    open_small_brand(works)
    consumer = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("1" * 32))
    dealer = Actor(BRAND, frozenset({Role.DEALER}), AccountId("2" * 32))

    with pytest.raises(Forbidden), works.read(consumer) as work:
        take_rates(work)
    with pytest.raises(Forbidden), works.read(dealer) as work:
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
        shown = take_rates(work, CellFilter(regions=(ALL_REGIONS,)), cells_max=5_000).cells

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
    release(works)
    clock.advance(timedelta(weeks=13))
    for number in range(40, 80):
        save(works, number, paint="RED" if number < 70 else "BLUE")
    release(works)

    with works.read(system(BRAND)) as work:
        recent = recent_take_rates(work)
        wanted = CellFilter(("RED",), (ALL_REGIONS,), first_week=WEEK + timedelta(weeks=13))
        newest = take_rates(work, wanted).cells

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


def test_the_server_does_not_load_pandas_or_numpy_for_cubes() -> None:
    code = (
        "import sys, demand.service, demand.queries, demand.cubes.service;"
        " sys.exit(bool({'pandas', 'numpy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.integers(1, 5_000), st.data())
def test_an_interval_holds_its_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))

    low, high = wilson(successes, trials)

    assert 0 <= low <= successes / trials <= high <= 1


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_interval_of_a_lift_holds_it(both: int, only_first: int, only_second: int, neither: int) -> None:
    found = lift(both, both + only_first, both + only_second, both + only_first + only_second + neither)

    assert found is not None
    assert 0 < found.low <= found.value <= found.high


def test_options_that_have_nothing_to_do_with_each_other_have_a_lift_of_one() -> None:
    found = lift(100, 200, 500, 1_000)

    assert found is not None
    assert found.value == 1.0
    assert found.low < 1 < found.high


def test_a_week_of_two_catalogue_versions_is_one_sum(works: Works) -> None:
    open_small_brand(works)
    publish(works, {EVERYBODY: [80], ORDERED: [30], "P_RED": [None, 50]}, versions="vw")

    with works.read(PLANNER) as work:
        found = region_weeks(work, CellFilter(), cells_max=1)
        rates = take_rates(work, cells_max=1)
        later = take_rates(work, CellFilter(options=["P_RED"]))

    versions = ("v" * 32, "w" * 32)
    assert [(one.persons, one.pre_ordered) for one in found] == [(160, 60)]
    assert [(one.key.option, one.chosen, one.offered, one.versions) for one in rates.cells] == [
        (ORDERED, 60, 400, versions)
    ]
    assert rates.more
    assert [(one.chosen, one.offered, one.versions, one.take_rate) for one in later.cells] == [
        (100, 400, versions, 0.25)
    ]
    assert not later.more


def test_a_short_page_of_a_curve_leaves_no_smaller_discount_out(works: Works) -> None:
    open_small_brand(works)
    publish(works, {"3": [20], "10": [25], "20": [30]}, cube="caps")

    with works.read(PLANNER) as work:
        found = willingness_to_pay(work, CellFilter(), cells_max=2)

    assert [(one.percent_max, one.willing) for one in found] == [(3, 20), (10, 45)]


@pytest.mark.parametrize("rounding", [7, 50])
def test_counts_are_rounded_so_that_what_may_be_shown_is_told_as_ten_at_least(rounding: int) -> None:
    with pytest.raises(AssertionError, match="k rounds to 10 at least"):
        CubePolicy(10, 20, rounding)

    assert CubePolicy(50, 50, rounding).k == 50


def test_what_comes_after_the_last_release_is_counted_and_nobodys_word_is_kept_for_another(
    works: Works, clock: FixedClock
) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 20 else "BLUE")
    release(works)
    save(works, 100)
    clock.advance(timedelta(days=10))
    with works.change(system(BRAND)) as work:
        release_cubes(work)

    hear(works)

    with works.read(system(BRAND)) as work:
        waiting = work.connection.execute(select(cube_changes)).all()
        voices = work.connection.execute(select(demand_voices)).all()
    assert (len(voices), waiting) == (41, [])
