"""The maker's answer: asked for by the bound, in time or overdue, and what it promised kept or broken, in public."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest

from demand.backing.audit_service import CHECKS
from demand.backing.model import Outcome
from demand.errors import CeilingAbovePrice, ProposalClosed
from demand.model import BackingProposal, CommittedProposal, DeclinedProposal, InCatalogueProposal, PromisedProposal
from demand.queries import list_proposals
from demand.service import TIMERS, close_proposal, commit_to_proposal, decline_proposal, merge_proposals
from kernel import record
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import InvalidInput
from kernel.paging import PageRequest
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import BRAND, GUEST, PLAIN_CAR, PLANNER
from tests.demand.backing.backing_room import OPTION, BackingRoom, open_backing_room
from tests.demand.compare.studies import PRICE_MINOR, person, wish
from tests.demand.pool_room import make_pool_room, placed

TODAY: Final = date(2026, 11, 23)
CAR: Final = (*PLAIN_CAR, OPTION)


@pytest.fixture
def place(works: Works, clock: FixedClock) -> BackingRoom:
    """Open a proposal that seventy would take for sure, of a hundred that pay the tooling."""
    return open_backing_room(make_pool_room(works, clock), parts_per_million=700)


def commit(place: BackingRoom, *, days: int = 60, ceiling_minor: int = PRICE_MINOR) -> None:
    day = place.room.clock.now().date() + timedelta(days=days)
    with place.room.works.change(PLANNER) as work:
        commit_to_proposal(work, place.proposal_id, available_by=day, ceiling_minor=ceiling_minor)
    place.work_off()


def kinds(place: BackingRoom) -> list[str]:
    """Return the kinds of the proposal's chain that are about the proposal itself."""
    with place.room.works.read(system(BRAND)) as work:
        entries = record.entries_of(work, f"proposal:{place.proposal_id}")
    assert record.verify(entries) is None
    return [entry.kind for entry in entries if entry.kind.startswith("proposal.")]


def backing(place: BackingRoom) -> BackingProposal:
    found = place.view().proposal
    assert isinstance(found, BackingProposal)
    return found


def promised(place: BackingRoom) -> PromisedProposal:
    found = place.view().proposal
    assert isinstance(found, PromisedProposal)
    return found


def back(place: BackingRoom, numbers: Sequence[int]) -> dict[int, str]:
    return {number: place.back(number).head.id for number in numbers}


# --- asked -----------------------------------------------------------------------------------------------------------


def test_backers_move_the_bound_over_the_threshold_and_the_answer_is_due_in_thirty_days(place: BackingRoom) -> None:
    place.work_off()
    assert backing(place).trigger is None

    back(place, range(60))
    place.work_off()
    not_yet = backing(place).trigger
    back(place, range(60, 90))
    place.work_off()

    now = place.room.clock.now()
    trigger = backing(place).trigger
    assert not_yet is None
    assert trigger is not None
    assert (trigger.at, trigger.answer_due_at) == (now, now + timedelta(days=30))
    assert kinds(place)[-1] == "proposal.answer_wanted"


def test_backers_whose_cap_is_below_the_price_do_not_count(place: BackingRoom) -> None:
    for number in range(90):
        place.back(number, place.request(number, cap_minor=PRICE_MINOR - 1))
    place.work_off()

    assert backing(place).trigger is None
    assert place.view().figures.backers is None


def test_an_answer_once_asked_for_stays_asked_for(place: BackingRoom) -> None:
    given = back(place, range(90))
    place.work_off()

    for number, backing_id in given.items():
        place.withdraw(number, backing_id)
    place.work_off()

    assert backing(place).trigger is not None
    with pytest.raises(ProposalClosed), place.room.works.change(PLANNER) as work:
        close_proposal(work, place.proposal_id)


def test_what_is_shown_moves_only_when_ten_persons_moved_it(place: BackingRoom) -> None:
    place.work_off()
    shown = [place.view().figures]

    for number in range(23):
        place.back(number)
        place.work_off()
        shown.append(place.view().figures)

    assert [one.backers for one in shown] == [None] * 10 + [10] * 10 + [20] * 4
    assert all(one.bound is not None and one.bound % 5 == 0 for one in shown)
    assert len({one.bound for one in shown[:10]}) == 1


def test_an_answer_that_does_not_come_is_reminded_of_and_then_overdue_for_all_to_see(place: BackingRoom) -> None:
    back(place, range(90))
    place.work_off()

    place.pass_days(22.9)
    before = kinds(place)
    place.pass_days(7.2)
    with place.room.works.read(system(BRAND)) as work:
        told = list(work.connection.exec_driver_sql("SELECT kind FROM outbox ORDER BY id").scalars())

    assert "proposal.answer_overdue" not in before
    assert kinds(place)[-1] == "proposal.answer_overdue"
    assert [kind for kind in told if kind.startswith("demand.answer")] == [
        "demand.answer_wanted",
        "demand.answer_reminded",
        "demand.answer_overdue",
    ]
    commit(place)
    assert isinstance(promised(place), CommittedProposal)


# --- answered --------------------------------------------------------------------------------------------------------


def test_a_yes_has_a_day_and_a_ceiling_that_is_at_most_the_published_price(place: BackingRoom) -> None:
    with pytest.raises(CeilingAbovePrice):
        commit(place, ceiling_minor=PRICE_MINOR + 1)
    for days, ceiling_minor in ((-1, PRICE_MINOR), (365 * 6, PRICE_MINOR), (10, 0)):
        with pytest.raises(InvalidInput):
            commit(place, days=days, ceiling_minor=ceiling_minor)
    assert place.view().state == "backing"

    commit(place, ceiling_minor=PRICE_MINOR - 1)

    made = promised(place).commitment
    assert (made.available_by, made.ceiling_minor, made.outcome) == (
        TODAY + timedelta(days=60),
        PRICE_MINOR - 1,
        Outcome.PENDING,
    )
    with pytest.raises(ProposalClosed):
        commit(place)
    with pytest.raises(ProposalClosed):
        place.back(1)


def test_a_no_after_a_yes_is_a_broken_promise_and_the_money_goes_back(place: BackingRoom) -> None:
    back(place, [1])
    commit(place)

    with place.room.works.change(PLANNER) as work:
        decline_proposal(work, place.proposal_id, reason="The supplier is gone.")
    place.work_off()
    place.pass_days(90)

    assert isinstance(place.view().proposal, DeclinedProposal)
    assert place.states() == {"refunded": 1}
    assert kinds(place)[-2:] == ["proposal.promise_broken", "proposal.declined"]
    with place.room.works.read(GUEST) as work:
        broken = list_proposals(work, PageRequest(10), outcomes=["broken"]).items
    assert [view.proposal.head.id for view in broken] == [place.proposal_id]


def test_a_duplicate_is_merged_into_what_takes_backings(place: BackingRoom) -> None:
    duplicate = wish(place.room.works, "The same again")

    with place.room.works.change(PLANNER) as work:
        merge_proposals(work, duplicate, into=place.proposal_id)

    with pytest.raises(ProposalClosed), place.room.works.change(PLANNER) as work:
        merge_proposals(work, place.proposal_id, into=place.study.proposal_ids[1])


# --- in the catalogue ------------------------------------------------------------------------------------------------


def test_a_version_that_fulfils_a_promise_in_time_and_below_the_ceiling_keeps_it(place: BackingRoom) -> None:
    back(place, [1])
    commit(place)

    place.publish(first_day=TODAY + timedelta(days=10))

    found = promised(place)
    assert place.view().state == "in_catalogue"
    assert found.commitment.outcome is Outcome.KEPT
    window = found.window  # type: ignore[union-attr]  # it is in the catalogue
    assert window.option == OPTION
    # The day begins at midnight in Shanghai.
    assert window.opens_at.isoformat() == "2026-12-02T16:00:00+00:00"
    assert window.ends_at - window.opens_at == timedelta(days=30)


@pytest.mark.parametrize(
    ("days", "price_minor", "why"), [(61, PRICE_MINOR, "late"), (10, PRICE_MINOR + 100, "above_ceiling")]
)
def test_a_version_that_is_late_or_dearer_breaks_the_promise_and_opens_the_window_all_the_same(
    place: BackingRoom, days: int, price_minor: int, why: str
) -> None:
    back(place, [1])
    commit(place)

    place.publish(first_day=TODAY + timedelta(days=days), price_minor=price_minor)

    assert place.view().state == "in_catalogue"
    assert (promised(place).commitment.outcome, promised(place).commitment.why) == (Outcome.BROKEN, why)
    assert place.states() == {"held": 1}


def test_a_day_that_passes_breaks_the_promise_and_a_later_version_does_not_mend_it(place: BackingRoom) -> None:
    commit(place)

    place.pass_days(60.5)
    on_the_day = promised(place).commitment.outcome
    place.pass_days(1)
    place.publish()

    assert on_the_day is Outcome.PENDING
    assert (promised(place).commitment.outcome, promised(place).commitment.why) == (Outcome.BROKEN, "late")
    assert place.view().state == "in_catalogue"


def test_a_version_that_takes_the_option_away_or_makes_it_dearer_within_the_window_breaks_the_promise(
    place: BackingRoom,
) -> None:
    commit(place)
    place.publish()
    kept = promised(place).commitment.outcome

    place.publish(price_minor=PRICE_MINOR + 100)

    assert kept is Outcome.KEPT
    assert (promised(place).commitment.outcome, promised(place).commitment.why) == (Outcome.BROKEN, "above_ceiling")


def test_an_option_that_comes_before_any_answer_is_a_yes_for_that_day_and_the_published_price(
    place: BackingRoom,
) -> None:
    back(place, [1])

    place.publish()

    made = promised(place).commitment
    assert (made.available_by, made.ceiling_minor, made.outcome) == (TODAY, PRICE_MINOR, Outcome.KEPT)
    assert kinds(place)[-2:] == ["proposal.committed", "proposal.in_catalogue"]


def test_a_catalogue_that_names_a_duplicate_fulfils_what_it_was_merged_into(place: BackingRoom) -> None:
    duplicate = wish(place.room.works, "The same again")
    with place.room.works.change(PLANNER) as work:
        merge_proposals(work, duplicate, into=place.proposal_id)

    replace(place, proposal_id=duplicate).publish()

    assert place.view().state == "in_catalogue"


def test_news_of_a_version_that_comes_twice_changes_nothing(place: BackingRoom) -> None:
    commit(place)
    place.publish()
    before = (promised(place), kinds(place))

    with place.room.works.change(system(BRAND)) as work:
        work.connection.exec_driver_sql("DELETE FROM outbox_seen")
        work.connection.exec_driver_sql("UPDATE outbox SET due_at = at")
    place.work_off()

    assert (promised(place), kinds(place)) == before


# --- converted -------------------------------------------------------------------------------------------------------


def test_who_orders_in_time_has_converted_and_who_does_not_has_lapsed(place: BackingRoom) -> None:
    room = place.room
    back(place, [1, 2, 3, 4])
    commit(place)
    place.publish()
    room.open(days=60)
    for number, options in ((1, CAR), (2, PLAIN_CAR)):
        quote = room.quote(person(number), options=options)
        room.place(room.request(person(number), quote_id=quote))
    place.withdraw(4, place_of(place, 4))
    place.work_off()
    in_the_window = place.states()

    place.pass_days(30)
    late = room.quote(person(3), options=CAR)
    room.place(room.request(person(3), quote_id=late))
    place.work_off()

    assert in_the_window == {"converted": 1, "held": 2, "withdrawn": 1}
    assert place.states() == {"converted": 1, "lapsed": 2, "withdrawn": 1}
    assert place.view().state == "converted"
    assert place.view().figures.ordered is None
    assert room.balance(f"backing:{place_of(place, 1)}") == 0
    assert room.balance(f"backing:{place_of(place, 2)}") == 0
    assert kinds(place)[-1] == "proposal.converted"


def end_window(place: BackingRoom, *, minutes: int = 0) -> None:
    """Let the window's days pass while the worker fires timers alone and delivers no news."""
    window = promised(place)
    assert isinstance(window, InCatalogueProposal)
    place.room.clock.set(window.window.ends_at + timedelta(minutes=minutes))
    while fire_due(place.room.works, TIMERS):
        pass


def test_who_ordered_in_time_has_converted_though_the_news_comes_after_the_end(place: BackingRoom) -> None:
    room = place.room
    room.open(days=60)
    back(place, [1, 2, 3])
    place.publish()
    room.clock.advance(timedelta(days=29, hours=23))
    for number, options in ((1, CAR), (2, PLAIN_CAR)):
        room.place(room.request(person(number), quote_id=room.quote(person(number), options=options)))

    end_window(place)
    at_the_end = place.states()
    place.work_off()

    assert at_the_end == place.states() == {"converted": 1, "lapsed": 2}
    assert room.balance(f"backing:{place_of(place, 1)}") == 0
    with room.works.read(system(BRAND)) as work:
        assert [line for check in CHECKS for line in check.look(work)] == []


@pytest.mark.parametrize(("paid", "states"), [(True, {"converted": 1}), (False, {"lapsed": 1})])
def test_the_window_waits_for_the_money_of_who_ordered_in_its_last_minutes(
    place: BackingRoom, paid: bool, states: dict[str, int]
) -> None:
    room = place.room
    room.open(days=60)
    back(place, [1])
    place.publish()
    room.clock.advance(timedelta(days=29, hours=23, minutes=55))
    quote = room.quote(person(1), options=CAR)
    (outcome,) = room.place(room.request(person(1), quote_id=quote, funded=False))

    end_window(place)
    waiting = (place.view().state, place.states())
    if paid:
        (payment,) = room.payments_of(placed(outcome).pre_order_id)
        room.hear(room.pay(payment, reference="late"))
    end_window(place, minutes=15)
    place.work_off()

    assert waiting == ("in_catalogue", {"held": 1})
    assert (place.view().state, place.states()) == ("converted", states)


def place_of(place: BackingRoom, number: int) -> str:
    """Return the id of a person's backing."""
    with place.room.works.read(system(BRAND)) as work:
        found = work.connection.exec_driver_sql(
            f"SELECT id FROM backings WHERE person_id = '{number:032x}'"
        ).scalar_one()
    return str(found)
