"""Comparisons for tests: twelve proposals of the small brand, persons who answer, and the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demand.compare.analysis_service import analyse_closed
from demand.compare.design import deal, sets_of
from demand.compare.model import MarketSegment, Participant, ParticipantId, Segment, SetAnswer
from demand.compare.queries import ComparisonView, Sheet, comparisons_by_id, lock_comparison, own_sheet
from demand.compare.service import (
    ComparisonPlan,
    answer_price,
    answer_set,
    close_comparison,
    join_comparison,
    open_comparison,
)
from demand.compare.sheet import chain_of, sheet_of
from demand.compare.store import segment_row
from demand.compare.tables import comparison_answers, comparison_participants, price_answers
from demand.votes.service import publish_proposal, submit_proposal
from kernel import db, record
from kernel.actor import Actor, Role, system
from kernel.ids import AccountId, BrandId, PersonId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, GUEST, PLANNER

EAST: Final = Segment("east", owner=False, model="A1")
MARKET: Final = (
    MarketSegment(EAST, 60_000),
    MarketSegment(Segment("north", owner=True, model="A1"), 30_000),
    MarketSegment(Segment("north", owner=False, model="B2"), 10_000),
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
    brand: BrandId = BRAND

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

    def fill_in_many(self, count: int) -> None:
        """Write the complete sheets of many persons at once, as their answers would have; half would pay, block by
        block of the questions of price."""
        participants, answers, prices, sheets = [], [], [], []
        with self.works.change(system(self.brand)) as work:
            head = lock_comparison(work, self.id).head
            for number in range(count):
                dealt = deal(self.id, number, price_steps=len(head.price_steps_percent))
                segment = head.market[number % len(head.market)].segment
                took = number // 60 % 2 == 0
                participant = Participant(
                    ParticipantId(work.new_id()), head.id, f"{5000 + number:032x}", number, dealt.version,
                    dealt.price_item, dealt.price_step, segment, work.now, work.now,
                )  # fmt: skip
                chosen = {place: SetAnswer(place, *one[:2]) for place, one in enumerate(sets_of(dealt.version))}
                names = set(Participant.__dataclass_fields__) - {"segment"}
                participants.append(
                    {name: getattr(participant, name) for name in names} | segment_row(participant.segment)
                )
                answers += [
                    {"participant_id": participant.id, "set_number": one.set_number, "best": one.best}
                    | {"worst": one.worst, "at": work.now}
                    for one in chosen.values()
                ]
                prices.append({"participant_id": participant.id, "took": took, "at": work.now})
                sheet = {"person": f"{number:032x}", **sheet_of(participant, chosen, took=took)}
                sheets.append(record.NewEntry(chain_of(self.id), "comparison.answered", sheet))
            db.insert_many(work.connection, comparison_participants, participants)
            db.insert_many(work.connection, comparison_answers, answers)
            db.insert_many(work.connection, price_answers, prices)
            record.append_many(work, sheets)

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
