"""Any order of backings, payments, repeats, crashes, days, answers and catalogues keeps a proposal's invariants.

The runs of `dev.py test` are the same each time, and together they must reach every state, reason and refusal that is
listed here: a machine in which nothing is ever promised would prove nothing of promises.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import ClassVar, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from demand.backing.audit_service import CHECKS
from demand.backing.model import AcknowledgedBacking, BackingHead, Outcome
from demand.backing.service import BackRequest, back_proposal, withdraw_backing
from demand.backing.tables import backing_changes
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

IS_SAMPLE: Final = settings().derandomize
BEGINNINGS: Final = (
    *("backed", "wanted", "overdue", "declined", "closed", "promised", "late", "on_sale", "dear", "gone", "sold"),
)
# `dev.py prove` plays twenty times as many lives as `dev.py test`, new ones each time.
MACHINE: Final = settings(max_examples=max(1, settings().max_examples // 25), stateful_step_count=8, deadline=None)
PERSONS = st.integers(1, 5)
PRICES = st.sampled_from([PRICE_MINOR - 100, PRICE_MINOR, PRICE_MINOR + 100])
# A proposal goes one way; what has ended stays ended.
ORDER: Final = ("backing", "committed", "in_catalogue", "converted")
ENDED: Final = ("declined", "expired", "converted")
REACHED: Final = (
    *(f"proposal {state}" for state in (*ORDER, "declined", "expired")),
    *(f"promise {outcome}" for outcome in ("pending", "kept", "late", "above_ceiling", "withdrawn")),
    *(f"answer {answer}" for answer in ("none", "wanted", "overdue", "yes", "no")),
    *("placed", "funded", "ordered", "not_ordered", "withdrawn", "no_money_in_time", "proposal_closed"),
    *("declined", "closed"),
    *("ALREADY_BACKED", "BACKING_CLOSED", "PROPOSAL_CLOSED", "CEILING_ABOVE_PRICE"),
)


class Crash(Exception):
    """The process dies after everything was decided and before it was committed."""


class ProposalMachine(RuleBasedStateMachine):
    """One proposal, five persons, a maker who answers or does not."""

    fresh: Callable[[], str]
    beginning: str
    reached: ClassVar[set[str]]

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
        with self.place.room.works.read(system(BRAND)) as work:
            type(self).reached |= set(work.connection.execute(select(backing_changes.c.reason).distinct()).scalars())
        self.engine.dispose()

    @initialize()
    def begin(self) -> None:
        """Begin where it gets interesting, since few lives come there by chance."""
        self.place.room.open(days=200, capacity=30)
        self.place.work_off()
        is_small = self.beginning in ("backed", "closed")
        for name in (1,) if is_small else (1, 2, 3, 4):
            self.back(name, PRICE_MINOR, funded=True, crash=False)
        self.back(5, PRICE_MINOR, funded=False, crash=False)
        self.place.work_off()
        match self.beginning:
            case "backed":
                self.back(1, PRICE_MINOR, funded=True, crash=False)
                self.back(2, PRICE_MINOR, funded=False, crash=False)
                self.hear(0)
                self.withdraw(1, crash=False)
                self.pass_time(0.02)
            case "overdue":
                self.pass_time(31)
            case "declined":
                self.answer_no(crash=False)
                self.back(1, PRICE_MINOR, funded=True, crash=False)
            case "closed":
                self.close()
            case "promised" | "late":
                self.answer_yes(10, PRICE_MINOR + 100, crash=False)
                self.answer_yes(0 if self.beginning == "late" else 20, PRICE_MINOR, crash=False)
                self.hear(0)
                self.pass_time(2)
            case "on_sale" | "gone" | "sold" | "dear":
                self.answer_yes(20, PRICE_MINOR - 100 * (self.beginning == "dear"), crash=False)
                self.publish(PRICE_MINOR, fulfils=True)
                if self.beginning == "gone":
                    self.publish(PRICE_MINOR, fulfils=False)
                elif self.beginning == "sold":
                    self.order(1, wanted=True)
                    self.pass_time(31)
                    self.withdraw(1, crash=False)
            case _:
                assert self.beginning == "wanted"

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
        with self.attempt(), self.place.room.works.change(person(name)) as work:
            made = back_proposal(work, self.place.room.providers, request)
            if crash:
                raise Crash
            if isinstance(made, AcknowledgedBacking):
                self.unpaid.append(made.head)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Let something be refused, which is noted, or die."""
        try:
            yield
        except Refusal as refusal:
            type(self).reached.add(refusal.code)
        except Crash:
            pass

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
            with self.attempt(), self.place.room.works.change(person(name)) as work:
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
        with self.attempt(), self.place.room.works.change(PLANNER) as work:
            decide(work)
            if crash:
                raise Crash

    @rule(price=PRICES, fulfils=st.booleans())
    def publish(self, price: int, fulfils: bool) -> None:
        with self.attempt():
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
        type(self).reached |= {f"proposal {view.state}", f"answer {replay.answer}"}
        if isinstance(view.proposal, PromisedProposal):
            promise = view.proposal.commitment
            assert replay.outcome == promise.outcome.value
            type(self).reached.add(f"promise {promise.why or promise.outcome.value}")

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
    reached: set[str] = set()
    for beginning in BEGINNINGS:
        facts = {"fresh": staticmethod(fresh_url), "reached": reached, "beginning": beginning}
        run_state_machine_as_test(type("Machine", (ProposalMachine,), facts), settings=MACHINE)

    if IS_SAMPLE:
        assert [one for one in REACHED if one not in reached] == []
