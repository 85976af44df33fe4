"""The planners' digest: told on its day, once, of what is public or released, with a chance that can be checked."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from demand.backing.model import Trigger
from demand.backing.store import save_trigger, show_figures
from demand.cubes.model import EVERYBODY, ORDERED, CellKey, PublishedCell
from demand.digest.model import PeopleChange, RateChange, chance_to_reach, is_close, people_changes, rate_changes
from demand.digest.service import is_digest_day
from demand.queries import planners_digest
from demand.service import make_digest
from kernel import policy
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.identity.model import AccountState, IdentitySettings
from kernel.identity.tables import accounts, role_grants
from kernel.ids import AccountId
from kernel.notices import notices, render
from kernel.outbox import deliver
from kernel.timers import fire_due
from kernel.work import Work, Works
from muster.daily import each_morning, morning_timers
from muster.digest_telling import DIGEST_TELLER
from tests.configurator.small_brand import BRAND, PLANNER, open_small_brand
from tests.demand.backing.backing_room import open_backing_room
from tests.demand.pool_room import make_pool_room
from tests.demand.released_room import MONDAY, publish

WEEK: Final = MONDAY - timedelta(weeks=1)


def cell(option: str, chosen: int, *, week: date = WEEK, offered: int = 100, model: str = "A1") -> PublishedCell:
    return PublishedCell(CellKey(option, "*", week, model), chosen, offered)


def before(option: str, chosen: int, *, model: str = "A1") -> PublishedCell:
    return cell(option, chosen, week=WEEK - timedelta(weeks=1), model=model)


def test_only_a_rate_that_moved_more_than_chance_explains_is_told_the_largest_first() -> None:
    cells = [
        *(before("RED", 50), cell("RED", 55)),
        *(before("BLUE", 20), cell("BLUE", 50)),
        *(before("GOLD", 70), cell("GOLD", 20)),
        cell("NEW", 90),
    ]

    found = rate_changes(cells, WEEK, changes_max=8)

    assert found == (RateChange("A1", "GOLD", 0.7, 0.2), RateChange("A1", "BLUE", 0.2, 0.5))
    assert rate_changes(cells, WEEK, changes_max=1) == found[:1]


def test_everybody_and_those_who_ordered_are_no_options() -> None:
    cells = [before(EVERYBODY, 100), cell(EVERYBODY, 20), before(ORDERED, 90), cell(ORDERED, 5)]

    assert rate_changes(cells, WEEK, changes_max=8) == ()
    assert people_changes(cells, WEEK) == (PeopleChange("A1", 100, 20),)


def test_cells_of_two_catalogue_versions_are_added_up() -> None:
    cells = [before(EVERYBODY, 40), cell(EVERYBODY, 30), cell(EVERYBODY, 25)]

    assert people_changes(cells, WEEK) == (PeopleChange("A1", 40, 55),)


@pytest.mark.parametrize(("bound", "close"), [(79, False), (80, True), (120, True)])
def test_a_vote_is_close_from_four_fifths_of_its_threshold_on(bound: int, close: bool) -> None:
    assert is_close(bound, 100, percent=80) is close


def test_a_digest_comes_on_mondays_or_daily() -> None:
    week = [MONDAY + timedelta(days=day) for day in range(7)]

    assert [is_digest_day(day, every_days=7) for day in week] == [True] + [False] * 6
    assert all(is_digest_day(day, every_days=1) for day in week)


def test_the_chance_agrees_with_playing_it() -> None:
    chance, joined, needed, days_open, days_left = Random(5), 30, 25, 10.0, 7.0
    hits = 0
    for _ in range(4_000):
        rate = chance.gammavariate(joined + 0.5, 1 / days_open)
        passed, more = chance.expovariate(rate), 0
        while passed < days_left:
            more += 1
            passed += chance.expovariate(rate)
        hits += more >= needed

    found = chance_to_reach(joined=joined, needed=needed, days_open=days_open, days_left=days_left)

    assert found == pytest.approx(hits / 4_000, abs=0.03)


_DAYS = st.floats(0.01, 60)


@given(st.integers(0, 2_000), st.integers(1, 500), _DAYS, _DAYS)
def test_a_chance_is_one_and_falls_with_what_is_needed(joined: int, needed: int, open_: float, left: float) -> None:
    first = chance_to_reach(joined=joined, needed=needed, days_open=open_, days_left=left)
    second = chance_to_reach(joined=joined, needed=needed + 5, days_open=open_, days_left=left)

    assert 0 <= second <= first + 1e-9
    assert first <= 1


def test_a_pool_that_needs_nobody_has_made_it_and_one_without_time_has_not() -> None:
    assert chance_to_reach(joined=9, needed=0, days_open=3, days_left=0) == 1
    assert chance_to_reach(joined=9, needed=1, days_open=3, days_left=0) == 0


# --- with a brand ----------------------------------------------------------------------------------------------------


def add_planner(works: Works) -> None:
    """Write an account that is a planner of the brand, as the staff's invitation would."""
    with works.change(system(BRAND)) as work:
        planner = {
            "id": PLANNER.account_id,
            "brand_id": BRAND,
            "email": "planner@fir.test",
            "email_key": "planner",
            "name": "",
            "locale": "en",
            "state": AccountState.ACTIVE.value,
            "created_at": work.now,
            "changed_at": work.now,
        }
        grant = {
            "id": work.new_id(),
            "brand_id": BRAND,
            "account_id": PLANNER.account_id,
            "role": Role.PLANNER.value,
            "granted_at": work.now,
        }
        work.connection.execute(accounts.insert().values(planner))
        work.connection.execute(role_grants.insert().values(grant))


def make(works: Works) -> bool:
    with works.change(system(BRAND)) as work:
        return make_digest(work)


def mails(works: Works, locale: str = "en") -> list[tuple[str, str]]:
    """Return what planners have been told, once all news is out."""
    while deliver(works, [DIGEST_TELLER]):
        pass
    with works.read(system(BRAND)) as work:
        rows = work.connection.execute(select(notices).where(notices.c.kind == "planners_digest")).mappings().all()
    return [render(row["kind"], row["facts"], locale=locale, zone=ZoneInfo("Asia/Shanghai")) for row in rows]


def test_planners_are_told_what_changed_and_which_pool_will_miss(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    add_planner(works)
    counts: dict[str, list[int | None]] = {EVERYBODY: [100, 200], "RED": [50, 180], "BLUE": [50, 55]}
    publish(works, counts)
    pool_id = room.open(days=7)
    room.join(1)
    room.pass_time(days=6)
    with works.change(system(BRAND)) as work:
        policy_of_every_day(work)

    assert make(works)
    told = mails(works)

    with works.read(PLANNER) as work:
        digest = planners_digest(work)
    assert digest.week == WEEK
    assert digest.people == (PeopleChange("A1", 100, 200),)
    assert digest.rates == (RateChange("A1", "RED", 0.25, 0.9),)
    assert [(pool.pool_id, pool.members, pool.needed) for pool in digest.pools] == [(pool_id, 1, 2)]
    assert digest.pools[0].chance < 0.1
    assert len(told) == 1
    assert told[0][0] == "Demand in the week of 16 November 2026"
    assert "A1: 100 → 200\nA1 RED: 25% → 90%" in told[0][1]
    assert "1 + 2, 2026-11-30" in told[0][1]
    assert mails(works, "zh-CN")[0][0] == "需求摘要：2026年11月16日当周"


def policy_of_every_day(work: Work) -> None:
    admin = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
    policy.change_policy(
        work.acting(admin), base_version=0, changes={"digest": {"every_days": 1}}, reason="A launch is near."
    )


def test_on_another_day_and_with_nothing_to_tell_nobody_is_told(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    add_planner(works)

    quiet = make(works)
    publish(works, {EVERYBODY: [100, 200]})
    clock.advance(timedelta(days=1))
    on_tuesday = make(works)
    clock.advance(timedelta(days=6))
    a_week_later = make(works)

    assert (quiet, on_tuesday, a_week_later) == (False, False, False)
    assert mails(works) == []


def test_a_vote_near_its_threshold_and_one_that_waits_for_an_answer_are_told(works: Works, clock: FixedClock) -> None:
    place = open_backing_room(make_pool_room(works, clock), parts_per_million=100)

    def show(bound: int) -> list[tuple[int, int]]:
        with works.change(system(BRAND)) as work:
            show_figures(work, place.proposal_id, bound=bound, backers=None, serial=0)
        with works.read(PLANNER) as work:
            return [(vote.bound, vote.threshold) for vote in planners_digest(work).votes]

    far, near = show(75), show(80)
    with works.change(system(BRAND)) as work:
        due_at = work.now + timedelta(days=30)
        save_trigger(work, place.proposal_id, Trigger(work.now, due_at))
    with works.read(PLANNER) as work:
        waiting = planners_digest(work).votes

    assert (far, near) == ([], [(80, 100)])
    assert [vote.answer_due_at for vote in waiting] == [due_at]


def test_the_morning_makes_the_digest_after_the_release(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    add_planner(works)
    publish(works, {EVERYBODY: [100, 200]})
    timers = morning_timers(IdentitySettings(identity_key=bytes(32)))
    with works.change(system(BRAND)) as work:
        each_morning(work, BRAND, None)

    while fire_due(works, timers):
        pass

    assert [subject for subject, _ in mails(works)] == ["Demand in the week of 16 November 2026"]


def test_only_who_may_read_demand_reads_the_digest(works: Works) -> None:
    open_small_brand(works)
    dealer = Actor(BRAND, frozenset({Role.DEALER}), AccountId("2" * 32))

    with pytest.raises(Forbidden), works.read(dealer) as work:
        planners_digest(work)
