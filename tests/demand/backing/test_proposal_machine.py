"""Any order of backings, payments, repeats, crashes, days, answers and catalogues keeps a proposal's invariants."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from demand.backing.audit_service import CHECKS
from demand.backing.model import AcknowledgedBacking, BackingHead, Outcome
from demand.backing.service import BackRequest, back_proposal, withdraw_backing
from demand.model import PromisedProposal
from demand.queries import own_backings
from demand.service import close_proposal, commit_to_proposal, decline_proposal
from demand.votes.chain import chain_of
from demand.votes.replay import replay_proposal
from kernel import db, record, soundness
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import SeededIds
from kernel.paging import PageRequest
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.conftest import MONDAY_MORNING
from tests.demand.backing.backing_room import OPTION, BackingRoom, open_backing_room
from tests.demand.compare.studies import PRICE_MINOR, person
from tests.demand.pool_room import make_pool_room

MACHINE = settings(max_examples=6, stateful_step_count=20, deadline=None)
PERSONS = st.integers(1, 5)
PRICES = st.sampled_from([PRICE_MINOR - 100, PRICE_MINOR, PRICE_MINOR + 100])
# A proposal goes one way; what has ended stays ended.
ORDER: Final = ("backing", "committed", "in_catalogue", "converted")
ENDED: Final = ("declined", "expired", "converted")


class Crash(Exception):
    """The process dies after everything was decided and before it was committed."""


class ProposalMachine(RuleBasedStateMachine):
    """One proposal, five persons, a maker who answers or does not."""

    fresh: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.engine = db.open_engine(type(self).fresh())
        clock = FixedClock(MONDAY_MORNING)
        room = make_pool_room(Works(self.engine, clock=clock, ids=SeededIds(7)), clock)
        # Ninety-nine of a hundred are wanted for sure: two backers who order make it.
        self.place: BackingRoom = open_backing_room(room, parts_per_million=990)
        self.last: dict[int, BackRequest] = {}
        self.unpaid: list[BackingHead] = []
        self.number = 0
        self.state = "backing"
        self.broken = False

    def teardown(self) -> None:
        self.engine.dispose()

    @initialize()
    def begin(self) -> None:
        self.place.room.open(days=60, capacity=30)
        self.place.work_off()

    @rule(name=PERSONS, cap=PRICES, funded=st.booleans(), crash=st.booleans())
    def back(self, name: int, cap: int, funded: bool, crash: bool) -> None:
        self.number += 1
        token = self.place.token(name) if funded else None
        request = BackRequest(f"machine-{self.number:04}", self.place.proposal_id, "A1", cap, token)
        self._ask(name, request, crash=crash)

    @rule(name=PERSONS)
    def back_again(self, name: int) -> None:
        """The same request as last time, whatever came of it."""
        if name in self.last:
            self._ask(name, self.last[name], crash=False)

    def _ask(self, name: int, request: BackRequest, *, crash: bool) -> None:
        self.last[name] = request
        with contextlib.suppress(Refusal, Crash), self.place.room.works.change(person(name)) as work:
            made = back_proposal(work, self.place.room.providers, request)
            if crash:
                raise Crash
            if isinstance(made, AcknowledgedBacking):
                self.unpaid.append(made.head)

    @rule(index=st.integers(0, 20))
    def hear(self, index: int) -> None:
        """Deliver some callback: in time, late, again."""
        if self.unpaid:
            head = self.unpaid[index % len(self.unpaid)]
            self.place.hear(self.place.pay(head, reference=f"ref-{head.id}"))

    @rule(name=PERSONS, crash=st.booleans())
    def withdraw(self, name: int, crash: bool) -> None:
        with self.place.room.works.read(person(name)) as work:
            own = [one.head.id for one in own_backings(work, PageRequest(20)).items]
        for backing_id in own:
            with contextlib.suppress(Refusal, Crash), self.place.room.works.change(person(name)) as work:
                withdraw_backing(work, backing_id)
                if crash:
                    raise Crash

    @rule(days=st.sampled_from([0.02, 2, 24, 31]))
    def pass_time(self, days: float) -> None:
        self.place.pass_days(days)

    @rule(days=st.integers(0, 40), ceiling=PRICES, crash=st.booleans())
    def answer_yes(self, days: int, ceiling: int, crash: bool) -> None:
        day = self.place.room.clock.now().date() + timedelta(days=days)
        self._plan(
            lambda work: commit_to_proposal(work, self.place.proposal_id, available_by=day, ceiling_minor=ceiling),
            crash=crash,
        )

    @rule(crash=st.booleans())
    def answer_no(self, crash: bool) -> None:
        self._plan(lambda work: decline_proposal(work, self.place.proposal_id, reason="No."), crash=crash)

    @rule()
    def close(self) -> None:
        self._plan(lambda work: close_proposal(work, self.place.proposal_id), crash=False)

    def _plan(self, decide: Callable[[Work], object], *, crash: bool) -> None:
        with contextlib.suppress(Refusal, Crash), self.place.room.works.change(PLANNER) as work:
            decide(work)
            if crash:
                raise Crash

    @rule(price=PRICES, fulfils=st.booleans())
    def publish(self, price: int, fulfils: bool) -> None:
        with contextlib.suppress(Refusal):
            self.place.publish(price_minor=price, fulfils=fulfils)

    @rule(name=PERSONS, wanted=st.booleans())
    def order(self, name: int, wanted: bool) -> None:
        room = self.place.room
        car = (*PLAIN_CAR, OPTION) if wanted else PLAIN_CAR
        room.place(room.request(person(name), quote_id=room.quote(person(name), options=car)))

    @rule()
    def work_off(self) -> None:
        self.place.work_off()

    @invariant()
    def everything_adds_up(self) -> None:
        with self.place.room.works.read(system(BRAND)) as work:
            found = [(check.name, line) for check in (*CHECKS, *soundness.CHECKS) for line in check.look(work)]
        assert found == []

    @invariant()
    def its_record_replays_to_what_it_is(self) -> None:
        proposal_id = self.place.proposal_id
        with self.place.room.works.read(system(BRAND)) as work:
            replay = replay_proposal(proposal_id, record.walk(work, chain_of(proposal_id)))
        view = self.place.view()
        assert (replay.faults, replay.state) == ([], view.state)
        if isinstance(view.proposal, PromisedProposal):
            assert replay.outcome == view.proposal.commitment.outcome.value

    @invariant()
    def a_proposal_goes_one_way_and_what_was_broken_stays_broken(self) -> None:
        view = self.place.view()
        if self.state in ENDED:
            assert view.state == self.state
        elif view.state in ORDER:
            assert ORDER.index(view.state) >= ORDER.index(self.state)
        self.state = view.state
        if isinstance(view.proposal, PromisedProposal):
            broken = view.proposal.commitment.outcome is Outcome.BROKEN
            assert broken or not self.broken
            self.broken = broken


def test_no_order_of_events_breaks_a_proposal(fresh_url: Callable[[], str]) -> None:
    machine = type("Machine", (ProposalMachine,), {"fresh": staticmethod(fresh_url)})

    run_state_machine_as_test(machine, settings=MACHINE)
