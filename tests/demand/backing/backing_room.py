"""A pool room in which a comparison is released, a proposal takes backings, and the worker hears all news."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from configurator.service import publish_catalogue
from demand.backing.model import Backing, BackingHead, backing_state
from demand.backing.rows import backing_from
from demand.backing.service import BackRequest, back_proposal, fund_backing, open_backing, withdraw_backing
from demand.backing.tables import backings
from demand.compare.model import Interval, ItemOutcome, ReleasedComparison
from demand.compare.queries import lock_comparison
from demand.compare.store import insert_outcomes, save_comparison
from demand.queries import ProposalView, proposals_by_id
from demand.service import SUBSCRIPTIONS, TIMERS
from kernel import outbox, payments
from kernel.actor import system
from kernel.ids import BrandId
from kernel.money import yuan
from kernel.payments import Received
from kernel.sandbox import SignedMessage
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND, PLANNER, small_catalogue
from tests.demand.compare.studies import PRICE_MINOR, Study, open_study, person
from tests.demand.pool_room import PoolRoom

TOOLING_MINOR: Final = 10_000_000
UNIT_COST_MINOR: Final = 300_000
THRESHOLD: Final = 100
DRAWS: Final = 200
BACKING: Final = yuan(200)


def release(study: Study, *, parts_per_million: int) -> None:
    """Release a comparison whose every item is taken by the same share of everybody, for sure."""
    study.close()
    share, rate = Interval(833, 800, 850), Interval(parts_per_million // 100, 0, 10_000)
    outcomes = [ItemOutcome(number, Interval(0, -5, 5), share, rate) for number in range(12)]
    draws = {number: {model: [parts_per_million] * DRAWS for model in ("A1", "B2")} for number in range(12)}
    with study.works.change(system(BRAND)) as work:
        closed = lock_comparison(work, study.id)
        save_comparison(work, ReleasedComparison(closed.head, work.now, 500, 400))
        insert_outcomes(work, study.id, outcomes, draws)


@dataclass(frozen=True, slots=True)
class BackingRoom:
    """A proposal that takes backings: `room` has its clock and wallet, `study` the comparison it comes from."""

    room: PoolRoom
    study: Study
    proposal_id: str

    # --- backers ---

    def token(self, number: int, *, amount_yuan: int = 200) -> str:
        return self.room.token(person(number), amount_yuan=amount_yuan)

    def request(self, number: int, *, cap_minor: int = PRICE_MINOR, funded: bool = True) -> BackRequest:
        token = self.token(number) if funded else None
        return BackRequest(f"back-{number:04}", self.proposal_id, "A1", cap_minor, token)

    def back(self, number: int, request: BackRequest | None = None) -> Backing:
        with self.room.works.change(person(number)) as work:
            return back_proposal(work, self.room.providers, request or self.request(number))

    def withdraw(self, number: int, backing_id: str) -> Backing:
        with self.room.works.change(person(number)) as work:
            return withdraw_backing(work, backing_id)

    def pay(self, head: BackingHead, *, reference: str = "paid") -> SignedMessage:
        (payment,) = self.room.payments_of(head.id)
        return self.room.pay(payment, reference=reference, amount_yuan=200)

    def hear(self, message: SignedMessage) -> Received:
        with self.room.works.change(system(BrandId("platform"))) as work:
            heard = payments.receive_callback(work, self.room.sandbox, message.headers, message.body)
            if heard.outcome == "received":
                fund_backing(work.acting(system(BRAND)), heard.payment)
            return heard

    def states(self) -> dict[str, int]:
        """Count backings by state."""
        with self.room.works.read(system(BRAND)) as work:
            rows = work.connection.execute(select(backings)).mappings().all()
        found = [backing_state(backing_from(row)) for row in rows]
        return {state: found.count(state) for state in sorted(set(found))}

    # --- the maker and the worker ---

    def view(self) -> ProposalView:
        with self.room.works.read(PLANNER) as work:
            return proposals_by_id(work, [self.proposal_id])[self.proposal_id]

    def work_off(self) -> None:
        """Do what the worker does until nothing is due."""
        while outbox.deliver(self.room.works, SUBSCRIPTIONS) + fire_due(self.room.works, TIMERS):
            pass
        self.room.settle()

    def pass_days(self, days: float) -> None:
        self.room.clock.advance(timedelta(days=days))
        self.work_off()

    def publish(self, *, price_minor: int = PRICE_MINOR, first_day: date | None = None, fulfils: bool = True) -> None:
        """Publish the small catalogue with an option that names the proposal, at a price."""
        publish_with(self, price_minor=price_minor, first_day=first_day, fulfils=fulfils)


OPTION: Final = "HOOK"


def publish_with(place: BackingRoom, *, price_minor: int, first_day: date | None, fulfils: bool) -> None:
    catalogue = small_catalogue()
    options = tuple(
        replace(one, fulfils_proposal=place.proposal_id if fulfils else "") if one.code == OPTION else one
        for one in catalogue.options
    )
    prices = tuple(
        replace(one, price_minor=price_minor, cost_minor=min(one.cost_minor, price_minor))
        if one.option == OPTION
        else one
        for one in catalogue.prices
    )
    day = first_day or place.room.clock.now().date()
    with place.room.works.change(PLANNER) as work:
        next_one = replace(catalogue, label=work.new_id(), options=options, prices=prices)
        publish_catalogue(work, next_one, effective_from=day)
    place.work_off()


def open_backing_room(room: PoolRoom, *, parts_per_million: int = 100) -> BackingRoom:
    """Open a proposal to backers; by default ten of the market's hundred thousand would take it for sure."""
    study = open_study(room.works)
    release(study, parts_per_million=parts_per_million)
    return open_to_backers(room, study)


def open_to_backers(room: PoolRoom, study: Study) -> BackingRoom:
    """Publish the threshold of a released comparison's first proposal."""
    place = BackingRoom(room, study, study.proposal_ids[0])
    with room.works.change(PLANNER) as work:
        open_backing(
            work,
            place.proposal_id,
            comparison_id=study.id,
            tooling_minor=TOOLING_MINOR,
            unit_cost_minor=UNIT_COST_MINOR,
        )
    return place
