"""Comparisons: what is dealt stays, what is answered stays, and what is released speaks of ten persons at least."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from configurator.errors import ModelUnknown
from demand.compare.model import MarketSegment, Participant, ReleasedComparison, Segment, UnansweredComparison
from demand.compare.policy import ComparePolicy
from demand.compare.service import (
    ComparisonPlan,
    SheetAnswer,
    answer_set,
    answer_sheet,
    join_comparison,
    open_comparison,
)
from demand.compare.sheet import chain_of
from demand.compare.tables import comparison_answers, comparison_participants
from demand.errors import (
    AlreadyAnswered,
    AlreadyJoined,
    ComparisonOver,
    NotComparable,
    NotJoined,
    OutsideDesign,
    PersonNotVerified,
    ProposalClosed,
)
from demand.personal.service import DemandData
from demand.queries import proposals_by_id
from demand.service import TIMERS, cast_vote, decline_proposal
from kernel import record
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId, BrandId
from kernel.policy import change_policy
from kernel.timers import fire_due
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, GUEST, PLANNER, open_small_brand
from tests.demand.compare.studies import EAST, MARKET, PRICE_MINOR, Study, open_study, person, wish


@pytest.fixture
def study(works: Works) -> Study:
    open_small_brand(works)
    with works.change(system(BRAND)) as work:
        change_policy(work, base_version=0, changes={"compare": {"draws": 100}}, reason="quick tests")
    return open_study(works)


def rows(works: Works) -> tuple[int, int]:
    with works.read(GUEST) as work:
        counts = [
            work.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (comparison_participants, comparison_answers)
        ]
    return counts[0], counts[1]


# --- opening ---------------------------------------------------------------------------------------------------------


def test_what_is_compared_takes_no_votes_any_more(study: Study) -> None:
    with study.works.read(GUEST) as work:
        states = {view.state for view in proposals_by_id(work, study.proposal_ids).values()}

    with pytest.raises(ProposalClosed), study.works.change(person(1)) as work:
        cast_vote(work, study.proposal_ids[0])

    assert states == {"compare"}


def test_only_what_takes_votes_is_compared_and_in_one_comparison_at_a_time(study: Study) -> None:
    others = tuple(wish(study.works, f"Other {number}") for number in range(12))
    with study.works.change(PLANNER) as work:
        decline_proposal(work, others[0], reason="No.")

    for proposal_ids in (others, (study.proposal_ids[0], *others[1:])):
        with pytest.raises(NotComparable):
            open_study(study.works, proposal_ids)

    with study.works.read(GUEST) as work:
        states = {view.state for view in proposals_by_id(work, others[1:]).values()}
    assert states == {"signal"}


@pytest.mark.parametrize(
    "change",
    [
        {"title": " "},
        {"prices_minor": {}},
        {"prices_minor": {f"{number:032x}": 0 for number in range(12)}},
        {"market": ()},
        {"market": (*MARKET, MARKET[0])},
        {"market": (replace(MARKET[0], segment=Segment("moon", owner=True, model="A1")),)},
        {"market": (replace(MARKET[0], persons=0),)},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(study: Study, change: dict[str, object]) -> None:
    plan = ComparisonPlan("Spring", {f"{number:032x}": PRICE_MINOR for number in range(12)}, MARKET)

    with pytest.raises(InvalidInput), study.works.change(PLANNER) as work:
        open_comparison(work, replace(plan, **change))  # type: ignore[arg-type]  # each is of its field's type


def test_a_market_of_a_model_that_the_catalogue_does_not_have_is_refused_by_name(study: Study) -> None:
    others = tuple(wish(study.works, f"Other {number}") for number in range(12))
    odd = replace(MARKET[0], segment=Segment("east", owner=True, model="A9"))

    with pytest.raises(ModelUnknown) as refused, study.works.change(PLANNER) as work:
        open_comparison(work, ComparisonPlan("Spring", dict.fromkeys(others, PRICE_MINOR), (*MARKET, odd)))

    assert refused.value == ModelUnknown("A9", ("A1", "B2"))
    with study.works.read(GUEST) as work:
        assert {view.state for view in proposals_by_id(work, others).values()} == {"signal"}


# --- joining ---------------------------------------------------------------------------------------------------------


def test_who_joins_again_is_dealt_the_same_and_stays_where_they_said_to_stand(study: Study) -> None:
    first = study.join(1)

    again = study.join(1)
    with pytest.raises(AlreadyJoined):
        study.join(1, Segment("north", owner=True, model="A1"))

    assert again == first
    assert rows(study.works) == (1, 0)


def test_an_owner_is_refused_where_the_market_has_none_as_the_answer_could_not_be_weighed(works: Works) -> None:
    open_small_brand(works)
    proposal_ids = tuple(wish(works, f"Wish {number:02}") for number in range(12))
    with works.change(PLANNER) as work:
        plan = ComparisonPlan("Spring", dict.fromkeys(proposal_ids, PRICE_MINOR), (MarketSegment(EAST, 60_000),))
        study = Study(works, open_comparison(work, plan).head.id, proposal_ids)

    with pytest.raises(InvalidInput) as refused:
        study.join(1, replace(EAST, owner=True))

    assert refused.value.field == "owner"
    assert rows(works) == (0, 0)


def test_persons_at_the_same_moment_are_dealt_versions_that_go_round(study: Study) -> None:
    start = threading.Barrier(6)

    def join(number: int) -> None:
        start.wait(30)
        study.join(1 + number // 2)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(join, range(6)))

    dealt = sorted((study.join(number).number, study.join(number).version) for number in (1, 2, 3))
    assert dealt == [(0, 0), (1, 1), (2, 2)]


def test_who_may_not_take_part_is_refused_and_nothing_changes(study: Study) -> None:
    unverified, foreign = replace(person(1), person_id=None), replace(person(1), brand_id=BrandId("9" * 32))

    for actor, refusal in ((unverified, PersonNotVerified), (PLANNER, Forbidden), (foreign, NotFound)):
        with pytest.raises(refusal), study.works.change(actor) as work:
            join_comparison(work, study.id, EAST)
    for segment in (replace(EAST, region="south"), replace(EAST, model="A9")):
        with pytest.raises(InvalidInput):
            study.join(1, segment)

    assert rows(study.works) == (0, 0)


# --- answering -------------------------------------------------------------------------------------------------------


def test_a_set_is_answered_once_and_the_same_answer_again_is_one_answer(study: Study) -> None:
    study.join(1)
    first, second, third, _ = study.sheet(1).sets[0].proposal_ids
    study.answer(1, 1, best=first, worst=second)

    study.answer(1, 1, best=first, worst=second)
    with pytest.raises(AlreadyAnswered):
        study.answer(1, 1, best=first, worst=third)
    study.answer_price(1, took=True)
    study.answer_price(1, took=True)
    with pytest.raises(AlreadyAnswered):
        study.answer_price(1, took=False)

    assert rows(study.works) == (1, 1)
    assert (study.sheet(1).sets[0].best, study.sheet(1).sets[0].worst) == (first, second)
    assert study.sheet(1).took is True


def test_an_answer_outside_the_design_is_refused(study: Study) -> None:
    study.join(1)
    shown = study.sheet(1).sets[0].proposal_ids
    elsewhere = next(one for one in study.proposal_ids if one not in shown)

    for number, best, worst in (
        (1, shown[0], elsewhere),
        (1, elsewhere, shown[0]),
        (1, shown[0], shown[0]),
        (1, shown[0], "none"),
        (0, shown[0], shown[1]),
        (10, shown[0], shown[1]),
    ):
        with pytest.raises(OutsideDesign):
            study.answer(1, number, best=best, worst=worst)
    with pytest.raises(NotJoined):
        study.answer(2, 1, best=shown[0], worst=shown[1])

    assert rows(study.works) == (1, 0)


def test_two_different_answers_at_the_same_moment_leave_one(study: Study) -> None:
    study.join(1)
    shown = study.sheet(1).sets[0].proposal_ids
    start = threading.Barrier(3)

    def answer(place: int) -> bool:
        start.wait(30)
        try:
            study.answer(1, 1, best=shown[place], worst=shown[3])
        except AlreadyAnswered:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        won = list(pool.map(answer, range(3)))

    assert sum(won) == 1
    assert study.sheet(1).sets[0].best == shown[won.index(True)]


def test_the_last_two_answers_at_the_same_moment_complete_the_sheet_once(study: Study) -> None:
    study.join(1)
    sets = study.sheet(1).sets
    for one in sets[:8]:
        study.answer(1, one.number + 1, best=one.proposal_ids[0], worst=one.proposal_ids[1])
    start = threading.Barrier(2)

    def last(name: str) -> None:
        start.wait(30)
        if name == "price":
            study.answer_price(1, took=True)
        else:
            study.answer(1, 9, best=sets[8].proposal_ids[0], worst=sets[8].proposal_ids[1])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(last, ("price", "set")))

    with study.works.read(system(BRAND)) as work:
        kinds = [entry.kind for entry in record.entries_of(work, f"comparison:{study.id}")]
    assert kinds == ["comparison.opened", "comparison.answered"]
    assert study.sheet(1).participant.completed_at is not None


@pytest.mark.parametrize("number", [1, 9])
def test_a_crash_before_the_commit_leaves_nothing_of_an_answer(study: Study, number: int) -> None:
    study.join(1)
    sets = study.sheet(1).sets
    for one in sets[: number - 1]:
        study.answer(1, one.number + 1, best=one.proposal_ids[0], worst=one.proposal_ids[1])
    if number == 9:
        study.answer_price(1, took=True)
    before = rows(study.works)
    shown = sets[number - 1].proposal_ids

    def crash(work: Work) -> None:
        answer_set(work, study.id, number=number, best=shown[0], worst=shown[1])
        raise ConnectionError

    with pytest.raises(ConnectionError), study.works.change(person(1)) as work:
        crash(work)

    assert rows(study.works) == before
    assert study.sheet(1).participant.completed_at is None
    study.answer(1, number, best=shown[0], worst=shown[1])
    assert (study.sheet(1).participant.completed_at is not None) == (number == 9)


def test_what_is_over_takes_no_answer_but_the_one_it_has(study: Study, clock: FixedClock) -> None:
    study.join(1)
    shown = study.sheet(1).sets[0].proposal_ids
    study.answer(1, 1, best=shown[0], worst=shown[1])
    clock.advance(timedelta(days=ComparePolicy().open_days))

    # At first nobody has closed it, then the timer has.
    for _ in range(2):
        shown_next = study.sheet(1).sets[1].proposal_ids
        with pytest.raises(ComparisonOver):
            study.answer(1, 2, best=shown_next[0], worst=shown_next[1])
        with pytest.raises(ComparisonOver):
            study.answer_price(1, took=True)
        with pytest.raises(ComparisonOver):
            study.join(2)
        study.answer(1, 1, best=shown[0], worst=shown[1])
        fire_due(study.works, TIMERS)

    assert rows(study.works) == (1, 1)
    assert study.view().state == "closed"
    with pytest.raises(ComparisonOver):
        study.close()


# --- the outcome -----------------------------------------------------------------------------------------------------


def test_nine_persons_have_no_outcome_and_ten_have(study: Study) -> None:
    for number in range(9):
        study.fill_in(number)
    study.join(100)
    study.close()

    assert study.work_out() == 1

    view = study.view()
    assert isinstance(view.comparison, UnansweredComparison)
    assert view.outcomes == ()
    again = open_study(study.works, study.proposal_ids)
    for number in range(10):
        again.fill_in(number)
    again.close()
    again.work_out()
    assert isinstance(again.view().comparison, ReleasedComparison)


def test_an_outcome_ranks_what_everybody_ranked_alike(study: Study) -> None:
    for number in range(24):
        study.fill_in(number, EAST if number % 3 else MARKET[1].segment)
    study.close()

    assert study.work_out() == 1
    assert study.work_out() == 0

    view = study.view()
    assert isinstance(view.comparison, ReleasedComparison)
    assert view.comparison.persons == 25
    assert view.comparison.effective <= 25
    shares = {view.comparison.head.items[one.number].proposal_id: one.share.value for one in view.outcomes}
    ranked = [shares[proposal_id] for proposal_id in study.proposal_ids]
    assert ranked == sorted(ranked, reverse=True)
    assert all(one.share.value % 50 == 0 and one.utility.value % 5 == 0 for one in view.outcomes)
    # Two persons were asked about the price of each: that is nobody's business.
    assert [one.take_rate for one in view.outcomes] == [None] * 12


def test_a_take_rate_is_shown_where_ten_would_pay_and_ten_would_not(study: Study) -> None:
    study.fill_in_many(240)
    study.close()
    study.work_out()

    rates = [one.take_rate for one in study.view().outcomes]

    assert all(rate is not None and rate.low <= rate.value <= rate.high for rate in rates)
    assert all(rate is not None and 1_000 <= rate.value <= 9_000 for rate in rates)
    again = open_study(study.works, study.proposal_ids)
    again.fill_in_many(239)
    again.close()
    again.work_out()
    assert [one.take_rate is None for one in again.view().outcomes].count(True) == 1


def test_two_workers_release_one_outcome(study: Study) -> None:
    for number in range(10):
        study.fill_in(number)
    study.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: study.work_out(), range(2)))

    assert sum(done) == 1
    with study.works.read(system(BRAND)) as work:
        entries = record.entries_of(work, f"comparison:{study.id}")
    assert [entry.kind for entry in entries].count("comparison.released") == 1
    assert record.verify(entries) is None


def test_who_leaves_for_good_is_nobody_and_counts_no_more_where_it_is_open(study: Study) -> None:
    for number in range(1, 11):
        study.fill_in(number)
    leaver = person(10)
    assert leaver.account_id is not None

    with study.works.change(leaver) as work:
        exported = DemandData().export(work, AccountId(leaver.account_id))
        _erase(work)

    assert len(exported["comparisons"][0]["answers"]) == 9
    study.close()
    study.work_out()
    assert study.view().state == "unanswered"
    with study.works.read(leaver) as work:
        assert DemandData().export(work, AccountId(leaver.account_id))["comparisons"] == []


def _erase(work: Work) -> None:
    assert work.actor.account_id is not None
    DemandData().erase(work, work.actor.account_id)


def test_a_sheet_that_is_answered_at_once_counts_once_and_stays_within_what_was_dealt(study: Study) -> None:
    study.join(1)
    answers = [SheetAnswer(one.number + 1, *one.proposal_ids[:2]) for one in study.sheet(1).sets]
    outside = [*answers[:-1], SheetAnswer(len(answers), answers[-1].best, answers[-1].best)]

    def answer(given: list[SheetAnswer], *, took: bool) -> Participant:
        with study.works.change(person(1)) as work:
            return answer_sheet(work, study.id, given, took=took)

    with pytest.raises(OutsideDesign):
        answer(outside, took=True)
    assert rows(study.works) == (1, 0)
    done = answer(answers, took=True)
    assert answer(answers, took=True) == done
    with pytest.raises(AlreadyAnswered):
        answer(answers, took=False)

    assert done.completed_at is not None
    assert rows(study.works) == (1, len(answers))
    with study.works.read(system(BRAND)) as work:
        kinds = [entry.kind for entry in record.entries_of(work, chain_of(study.id))]
    assert kinds.count("comparison.answered") == 1
