"""Whatever providers answer, and when: nobody signs without an invoice, and nothing stays issued for a car not taken.

The runs of `dev.py test` are the same each time, and together they must reach every state, course and refusal that is
listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.model import AtStoreOrder, DeliveredOrder, Handover, HandoverState
from factory_orders.papers.model import Issued, Paper, PaperKind, PaperRequest, PaperState, Refused
from factory_orders.papers.rows import paper_from
from factory_orders.papers.tables import papers
from kernel import policy
from kernel.work import Work
from tests.factory_orders.leaving_room import locked_orders
from tests.factory_orders.machines import FactoryMachine, play
from tests.factory_orders.test_leaving_late import until_late
from tests.factory_orders.test_papers import ADMIN
from tests.factory_orders.trade import SYSTEM, buyer

MACHINE: Final = settings(max_examples=settings().max_examples * 2 // 5, stateful_step_count=30, deadline=None)
WHICH: Final = st.integers(0, 1)
STEPS: Final = (
    *(*["ask"] * 6, *["request"] * 5, *["go on"] * 3, *["reject"] * 2, *["sign"] * 3),
    *("leave", "request another's", *["let everything be answered"] * 3),
)
WAYS: Final = st.sampled_from(["issue", "refuse", "later", "lost", "issue", "lost"])
BETWEEN: Final = st.sampled_from(["", "a buyer", "a worker"])
STATES: Final = (*(state.value for state in PaperState), *(f"{kind.value} issued" for kind in PaperKind))
COURSES: Final = (
    *("issued late", "issued, its answer lost", "asked of two workers", "asked for anew after a refusal"),
    *("given up while it is asked for", "given up before it was answered", "taken back late", "signed"),
)
REFUSALS: Final = ("PAPER_NOT_POSSIBLE", "INVOICE_MISSING", "NOT_FOUND", "HANDOVER_NOT_POSSIBLE", "BALANCE_OPEN")


@dataclass
class Office:
    """A provider with books of its own: what it has issued stands there until it is taken back."""

    name: str = "office"
    way: str = "issue"
    between: Callable[[], None] | None = None
    books: dict[str, str | None] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    courses: set[str] = field(default_factory=set)

    def issue(self, request: PaperRequest) -> Issued | Refused | None:
        """Answer as told to; the same question has the same answer once there is one."""
        between, self.between = self.between, None
        paper_id = request.paper_id
        if between is not None:
            between()
        if paper_id in self.gone or paper_id in self.refused:
            return Refused("taken_back" if paper_id in self.gone else "name_unknown")
        if (number := self.books.get(paper_id)) is not None:
            return Issued(number)
        if self.way == "later":
            self.books[paper_id] = None
            return None
        if self.way == "refuse":
            self.refused.add(paper_id)
            return Refused("name_unknown")
        if paper_id in self.books:
            self.courses.add("issued late")
        self.books[paper_id] = number = f"N-{paper_id}"
        if self.way == "lost":
            self.courses.add("issued, its answer lost")
            raise OSError("the line went dead")
        return Issued(number)

    def void(self, request: PaperRequest, number: str | None) -> bool:
        """Take back what stands under an id, whether its number is known or not."""
        if self.way in ("later", "lost"):
            self.courses.add("taken back late")
            if self.way == "later":
                return False
            raise OSError(self.way)
        assert number is None or number == self.books[request.paper_id]
        if number is None and request.paper_id in self.books:
            self.courses.add("given up before it was answered")
        self.gone.add(request.paper_id)
        return True

    def stands(self) -> set[tuple[str, str]]:
        """Return what is issued and not taken back, by paper and number."""
        return {(one, number) for one, number in self.books.items() if number is not None and one not in self.gone}


class PaperMachine(FactoryMachine):
    """Two buyers whose cars stand at their store, and an office that issues every paper, in its own time."""

    seed = 7

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(courses=type(self).reached)

    def teardown(self) -> None:
        try:
            if self.ids:
                self.let_everything_be_answered()
        finally:
            super().teardown()

    @initialize(steps=st.tuples(st.sampled_from([3, 0]), st.sampled_from([3, 3, 2])))
    def bring_two_late_cars(self, steps: tuple[int, int]) -> None:
        with self.trade.works.change(ADMIN) as work:
            offices = {f"{kind}_provider": "office" for kind in ("invoice", "insurance", "plate")}
            policy.change_policy(work, base_version=0, changes={"papers": offices}, reason="real papers")
        _, (*self.ids, _) = locked_orders(self.room)
        until_late(self.room, self.ids[0], days=31)
        for order_id in self.ids:
            self.trade.bring_to_store(order_id)
        for which, number in enumerate(steps):
            self.go_on(which, number)

    # One rule, since Hypothesis leaves some rules out of a life, and a life without answers says nothing.
    @rule(what=st.sampled_from(STEPS), which=WHICH, kind=st.sampled_from(list(PaperKind)), way=WAYS, between=BETWEEN)
    def play(self, what: str, which: int, kind: PaperKind, way: str, between: str) -> None:
        """Take one step."""
        match what:
            case "go on":
                self.go_on(which, 2)
            case "sign":
                self.sign(which)
            case "request":
                self.request(which, kind, own=True)
            case "request another's":
                self.request(which, kind, own=False)
            case "reject":
                self.reject(which)
            case "leave":
                self.leave_a_late_car(which)
            case "ask":
                self.ask(way, between, which)
            case _:
                self.let_everything_be_answered()
                self.sign(which)

    # --- the buyers ---

    def handover(self, which: int) -> Handover | None:
        with self.trade.works.read(SYSTEM) as work:
            known = queries.handovers_of_orders(work, [self.ids[which]])[self.ids[which]]
        return known[-1] if known else None

    def go_on(self, which: int, steps: int) -> None:
        """Take the next steps at the store."""
        for _ in range(steps):
            self.attempt(lambda: self.step(which))

    def step(self, which: int) -> None:
        who, handover = buyer(which + 1), self.handover(which)
        match None if handover is None else handover.state:
            case HandoverState.BOOKED:
                assert handover is not None
                self.trade.inspect(handover)
            case HandoverState.INSPECTED:
                assert handover is not None
                self.trade.pay(handover, self.trade.ask_balance(handover, who=who), who=who)
            case HandoverState.BALANCE_PAID:
                self.sign(which)
            case _:
                with self.trade.works.change(who) as work:
                    service.accept_disclosures(work, self.ids[which])
                self.trade.book(self.ids[which], who=who, hour=10 + which)

    def sign(self, which: int) -> None:
        handover = self.handover(which)
        if handover is not None:
            self.attempt(lambda: self.trade.sign(handover, who=buyer(which + 1)))

    def request(self, which: int, kind: PaperKind, *, own: bool) -> None:
        def ask() -> None:
            before = self.papers()
            with self.trade.works.change(buyer(which + 1 if own else 2 - which)) as work:
                service.request_paper(work, self.ids[which], kind)
            if any(
                one.state is PaperState.REFUSED and (one.request.order_id, one.request.kind) == (self.ids[which], kind)
                for one in before
            ):
                self.reach("asked for anew after a refusal")

        self.attempt(ask)

    def reject(self, which: int) -> None:
        handover = self.handover(which)

        def leave_it(work: Work) -> None:
            assert handover is not None
            service.reject_handover(work, handover.id, "the door does not close")

        if handover is not None:
            self.attempt(lambda: self.trade.works.run(buyer(which + 1), leave_it))

    def leave_a_late_car(self, which: int) -> None:
        """Let a buyer end an order whose car came long after its day."""
        ended = partial(service.cancel_order, order_id=self.ids[which])
        self.attempt(lambda: self.trade.works.run(buyer(which + 1), ended))

    # --- the office and the workers ---

    def ask(self, way: str, between: str, which: int) -> None:
        """Let a worker ask in an hour; while the office thinks another worker asks, or a buyer rejects the car."""
        self.clock.advance(timedelta(hours=1))
        self.office.way = way
        waits = [one for one in self.papers() if one.state is PaperState.REQUESTED]
        if between == "a worker":
            self.office.between = partial(self.ask_at_once, "asked of two workers" if waits else None)
        elif between == "a buyer":
            self.office.between = partial(self.give_up, which)
        self.ask_at_once(None)
        self.office.between = None

    def ask_at_once(self, course: str | None) -> None:
        service.ask_providers(self.trade.works, providers={self.office.name: self.office})
        if course is not None:
            self.reach(course)

    def give_up(self, which: int) -> None:
        before = {one.request.paper_id: one.state for one in self.papers()}
        self.reject(which)
        for one in self.papers():
            if one.state is PaperState.VOID_WANTED and before[one.request.paper_id] is PaperState.REQUESTED:
                self.reach("given up while it is asked for")

    def let_everything_be_answered(self) -> None:
        """Once the office answers everything, its books and ours say the same."""
        self.office.way = "issue"
        for _ in range(4):
            self.clock.advance(timedelta(hours=1))
            self.ask_at_once(None)
        known = self.papers()
        assert {one.state for one in known} <= {PaperState.ISSUED, PaperState.REFUSED, PaperState.VOIDED}
        issued = {(one.request.paper_id, one.number) for one in known if one.state is PaperState.ISSUED}
        assert issued == self.office.stands()

    # --- what never breaks ---

    def papers(self) -> list[Paper]:
        with self.trade.works.read(SYSTEM) as work:
            rows = work.connection.execute(select(papers).order_by(papers.c.id)).mappings()
            return [paper_from(row) for row in rows]

    @invariant()
    def papers_are_of_cars_that_stand_for_their_buyer(self) -> None:
        with self.trade.works.read(SYSTEM) as work:
            known = queries.orders_by_id(work, self.ids)
        for paper in self.papers():
            self.reach(paper.state.value, f"{paper.request.kind.value} {paper.state.value}")
            order = known[paper.request.order_id]
            if paper.state in (PaperState.REQUESTED, PaperState.ISSUED):
                assert isinstance(order, AtStoreOrder | DeliveredOrder)
                assert order.vin == paper.request.vin
            if paper.state is PaperState.ISSUED:
                assert (paper.request.paper_id, paper.number) in self.office.stands()
        if any(isinstance(order, DeliveredOrder) for order in known.values()):
            self.reach("signed")


def test_no_order_of_answers_breaks_a_paper(fresh_url: Callable[[], str]) -> None:
    play(PaperMachine, fresh_url, how=MACHINE, wanted=(*STATES, *COURSES, *REFUSALS))
