"""Comparisons for tests: twelve proposals of the small brand, persons who answer, and the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demand.compare.analysis_service import analyse_closed
from demand.compare.model import MarketSegment, Participant, Segment
from demand.compare.queries import ComparisonView, Sheet, comparisons_by_id, own_sheet
from demand.compare.service import (
    ComparisonPlan,
    answer_price,
    answer_set,
    close_comparison,
    join_comparison,
    open_comparison,
)
from demand.votes.service import publish_proposal, submit_proposal
from kernel.actor import Actor, Role
from kernel.ids import AccountId, PersonId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, GUEST, PLANNER

EAST: Final = Segment("east", owner=False, model="A1")
MARKET: Final = (
    MarketSegment(EAST, 60_000),
    MarketSegment(Segment("north", owner=True, model="A1"), 30_000),
    MarketSegment(Segment("north", owner=False, model="A2"), 10_000),
)
PRICE_MINOR: Final = 400_000


def person(number: int) -> Actor:
    """Return the n-th verified person."""
    return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(f"{number:032x}"), PersonId(f"{number:032x}"))


def wish(works: Works, title: str) -> str:
    """Submit and publish a proposal and return its id."""
    with works.change(person(900)) as work:
        proposal_id = submit_proposal(work, title=title, text="").head.id
    with works.change(PLANNER) as work:
        publish_proposal(work, proposal_id)
    return proposal_id


@dataclass(frozen=True, slots=True)
class Study:
    """A comparison of the small brand and its proposals, in the order of their titles."""

    works: Works
    id: str
    proposal_ids: tuple[str, ...]

    def join(self, number: int, segment: Segment = EAST) -> Participant:
        with self.works.change(person(number)) as work:
            return join_comparison(work, self.id, segment)

    def sheet(self, number: int) -> Sheet:
        with self.works.read(person(number)) as work:
            found = own_sheet(work, self.id)
        assert found is not None
        return found

    def answer(self, number: int, set_number: int, *, best: str, worst: str) -> Participant:
        with self.works.change(person(number)) as work:
            return answer_set(work, self.id, number=set_number, best=best, worst=worst)

    def answer_price(self, number: int, *, took: bool) -> Participant:
        with self.works.change(person(number)) as work:
            return answer_price(work, self.id, took=took)

    def fill_in(self, number: int, segment: Segment = EAST, *, took: bool | None = None) -> None:
        """Join and answer everything: the earlier a proposal's title, the better it is liked."""
        self.join(number, segment)
        rank = {proposal_id: place for place, proposal_id in enumerate(self.proposal_ids)}
        for one in self.sheet(number).sets:
            liked = sorted(one.proposal_ids, key=lambda proposal_id: rank[proposal_id])
            self.answer(number, one.number + 1, best=liked[0], worst=liked[-1])
        self.answer_price(number, took=number % 2 == 0 if took is None else took)

    def view(self) -> ComparisonView:
        with self.works.read(GUEST) as work:
            return comparisons_by_id(work, [self.id])[self.id]

    def close(self) -> None:
        with self.works.change(PLANNER) as work:
            close_comparison(work, self.id)

    def work_out(self) -> int:
        return analyse_closed(self.works)


def open_study(works: Works, proposal_ids: tuple[str, ...] | None = None) -> Study:
    """Open a comparison of twelve new proposals, or of these."""
    compared = proposal_ids or tuple(wish(works, f"Wish {number:02}") for number in range(12))
    with works.change(PLANNER) as work:
        plan = ComparisonPlan("Spring", dict.fromkeys(compared, PRICE_MINOR), MARKET)
        made = open_comparison(work, plan)
    return Study(works, made.head.id, compared)
