"""Papers: nobody signs without the vehicle invoice, a provider is asked until it answers, papers go back with a car."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from factory_orders import queries, service
from factory_orders.deliveries.tables import handovers
from factory_orders.errors import InvoiceMissing, PaperNotPossible
from factory_orders.model import Handover, HandoverState
from factory_orders.papers.model import Issued, Paper, PaperKind, PaperRequest, PaperState, Refused, answered
from factory_orders.papers.store import lock_paper, save_paper
from factory_orders.papers.tables import papers
from kernel import policy
from kernel.actor import Actor, Role
from kernel.errors import NotFound
from kernel.ids import AccountId
from kernel.paging import PageRequest
from kernel.work import Work
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer
from tests.support.locks import SECONDS_MAX, wait_until_waiting

ADMIN: Final = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))


@dataclass
class SlowOffice:
    """A provider that answers when told to, and notes what it was asked."""

    name: str = "office"
    answers: list[Issued | Refused | Exception | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    voided: list[str | None] = field(default_factory=list)

    def issue(self, request: PaperRequest) -> Issued | Refused | None:
        self.asked.append(request.paper_id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def void(self, request: PaperRequest, number: str | None) -> bool:
        self.voided.append(number)
        return len(self.voided) > 1


def use_office(trade: Trade) -> None:
    """Let the office issue the brand's invoices from now on."""
    with trade.works.change(ADMIN) as work:
        changes = {"papers": {"invoice_provider": "office"}}
        policy.change_policy(work, base_version=0, changes=changes, reason="real invoices")


def paid(trade: Trade, order_id: str, *, who: Actor | None = None, hour: int = 10) -> Handover:
    """Take an order to its paid balance."""
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id, who=who, hour=hour))
    return trade.pay(handover, trade.ask_balance(handover, who=who), who=who)


def told(trade: Trade, order_id: str, who: Actor | None = None) -> list[Paper]:
    """Return an order's papers, oldest first."""
    with trade.works.read(who or buyer()) as work:
        return list(reversed(queries.papers_of_order(work, order_id, PageRequest(20)).items))


def ask(trade: Trade, office: SlowOffice) -> int:
    """Let a worker ask in an hour, when what had no answer is due again."""
    trade.clock.advance(timedelta(hours=1))
    return service.ask_providers(trade.works, providers={office.name: office})


def test_the_invoice_comes_with_the_payment_over_the_cars_price_and_lets_one_sign(trade: Trade) -> None:
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    (invoice,) = told(trade, order_id)
    signed = trade.sign(handover)

    with trade.works.read(SYSTEM) as work:
        price = queries.orders_by_id(work, [order_id])[order_id].terms.price_minor
    assert (invoice.state, invoice.request.kind) == (PaperState.ISSUED, PaperKind.VEHICLE_INVOICE)
    assert (invoice.request.vin, invoice.request.amount_minor) == (handover.vin, price)
    assert invoice.number is not None
    assert invoice.number.startswith("SANDBOX-")
    assert signed.state is HandoverState.SIGNED


def test_without_the_invoice_nobody_signs_and_with_it_one_does(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)
    office = SlowOffice(answers=[None, OSError("down"), Issued("24112000000012345678")])
    with pytest.raises(InvoiceMissing):
        trade.sign(handover)

    rounds = [ask(trade, office) for _ in range(4)]

    assert rounds == [0, 0, 1, 0]
    assert len(set(office.asked)) == 1
    assert [one.number for one in told(trade, order_id)] == ["24112000000012345678"]
    assert trade.sign(handover).state is HandoverState.SIGNED


def test_a_number_that_another_paper_has_is_no_answer_and_holds_up_nobody_else(trade: Trade) -> None:
    use_office(trade)
    orders = dict(enumerate(trade.lock(3), start=1))
    for name, order_id in orders.items():
        paid(trade, order_id, who=buyer(name), hour=9 + name)

    office = SlowOffice(answers=[Issued("7"), Issued("7"), Issued("8"), Issued("9")])

    rounds = [ask(trade, office), ask(trade, office)]

    assert rounds == [2, 1]
    numbers = [paper.number for name, one in orders.items() for paper in told(trade, one, buyer(name))]
    assert numbers == ["7", "9", "8"]


def test_a_refused_invoice_lets_nobody_sign(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    ask(trade, SlowOffice(answers=[Refused("name_unknown")]))

    assert [(one.state, one.reason) for one in told(trade, order_id)] == [(PaperState.REFUSED, "name_unknown")]
    with pytest.raises(InvoiceMissing):
        trade.sign(handover)


def test_a_refused_invoice_is_asked_for_again_and_then_one_signs(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)
    ask(trade, SlowOffice(answers=[Refused("name_unknown")]))

    request_invoice(trade, order_id)
    request_invoice(trade, order_id)
    assert ask(trade, SlowOffice(answers=[Issued("7")])) == 1

    assert [one.state for one in told(trade, order_id)] == [PaperState.REFUSED, PaperState.ISSUED]
    trade.sign(handover)


def test_no_invoice_is_asked_for_before_the_car_is_paid(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    trade.inspect(trade.book(order_id))

    with pytest.raises(PaperNotPossible):
        request_invoice(trade, order_id)


def request_invoice(trade: Trade, order_id: str) -> None:
    with trade.works.change(buyer()) as work:
        service.request_paper(work, order_id, PaperKind.VEHICLE_INVOICE)


def test_an_invoice_that_comes_after_its_car_was_rejected_is_taken_back_at_its_provider(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    class Rejecting(SlowOffice):
        def issue(self, request: PaperRequest) -> Issued | Refused | None:
            with trade.works.change(buyer()) as work:
                service.reject_handover(work, handover.id, "the door does not close")
            return super().issue(request)

    office = Rejecting(answers=[Issued("7")])
    for _ in range(3):
        ask(trade, office)

    assert [(one.state, one.number) for one in told(trade, order_id)] == [(PaperState.VOIDED, "7")]


def test_two_workers_that_ask_for_one_invoice_leave_it_as_it_was_issued(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    class Slower(SlowOffice):
        def issue(self, request: PaperRequest) -> Issued | Refused | None:
            ask(trade, SlowOffice(answers=[Issued("7")]))
            return super().issue(request)

    ask(trade, Slower(answers=[Issued("7")]))

    assert [(one.state, one.number) for one in told(trade, order_id)] == [(PaperState.ISSUED, "7")]
    trade.sign(handover)


def test_the_database_lets_nobody_sign_without_the_invoice(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    signing = update(handovers).where(handovers.c.id == handover.id).values(state="signed", ended_at=trade.clock.now())
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(signing)


def test_a_rejected_car_gives_its_papers_back(trade: Trade) -> None:
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)

    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "the door does not close")

    assert [one.state for one in told(trade, order_id)] == [PaperState.VOIDED]


def test_a_provider_is_asked_to_take_a_paper_back_until_it_has(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)
    office = SlowOffice(answers=[Issued("77")])
    ask(trade, office)
    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "the door does not close")

    assert [one.state for one in told(trade, order_id)] == [PaperState.VOID_WANTED]
    assert [ask(trade, office) for _ in range(3)] == [0, 1, 0]
    assert office.voided == ["77", "77"]
    assert [one.state for one in told(trade, order_id)] == [PaperState.VOIDED]


def test_insurance_and_plate_are_asked_for_once_the_car_is_there(trade: Trade) -> None:
    (order_id,) = trade.lock()

    def request(kind: PaperKind, who: Actor | None = None) -> Paper:
        with trade.works.change(who or buyer()) as work:
            return service.request_paper(work, order_id, kind)

    with pytest.raises(PaperNotPossible):
        request(PaperKind.PLATE)
    trade.bring_to_store(order_id)
    plate, again = request(PaperKind.PLATE), request(PaperKind.PLATE)

    assert (plate.state, again) == (PaperState.ISSUED, plate)
    assert request(PaperKind.INSURANCE).state is PaperState.ISSUED
    with pytest.raises(PaperNotPossible):
        request(PaperKind.VEHICLE_INVOICE)
    with pytest.raises(NotFound):
        request(PaperKind.PLATE, buyer(2))


def test_papers_are_read_by_their_buyer_and_the_store_alone(trade: Trade) -> None:
    (order_id,) = trade.lock()
    paid(trade, order_id)

    assert len(told(trade, order_id, STORE_ADVISER)) == 1
    for stranger in (buyer(2), OTHER_STORE, replace(STORE_ADVISER, store_id=None)):
        with pytest.raises(NotFound):
            told(trade, order_id, stranger)


def test_an_orders_papers_are_read_page_by_page_the_newest_first(trade: Trade) -> None:
    (order_id,) = trade.lock()
    paid(trade, order_id)
    with trade.works.change(SYSTEM) as work:
        row = dict(work.connection.execute(select(papers)).mappings().one())
        asked = row | {"kind": "insurance", "state": "refused", "number": None, "reason": "no", "due_at": None}
        rows = [asked | {"id": f"{number:032x}"} for number in range(24)] + [asked | {"id": "f" * 32}]
        work.connection.execute(papers.insert(), rows)

    with trade.works.read(buyer()) as work:
        newest = queries.papers_of_order(work, order_id, PageRequest(20))
        rest = queries.papers_of_order(work, order_id, PageRequest(20, newest.items[-1].request.paper_id))

    ids = [one.request.paper_id for page in (newest, rest) for one in page.items]
    assert ids == ["f" * 32, row["id"], *(f"{number:032x}" for number in reversed(range(24)))]
    assert (newest.has_next, rest.has_next) == (True, False)


def test_the_database_keeps_one_live_invoice_a_car_and_a_number_for_one_paper(trade: Trade) -> None:
    (order_id,) = trade.lock()
    paid(trade, order_id)
    with trade.works.read(SYSTEM) as work:
        row = dict(work.connection.execute(select(papers)).mappings().one())

    for other in ({"number": "another"}, {"state": "voided", "voided_at": trade.clock.now()}):
        with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
            work.connection.execute(papers.insert().values(**(row | {"id": "f" * 32} | other)))


def test_a_paper_that_a_provider_still_owes_goes_back_with_the_car_and_is_never_issued(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)
    office = SlowOffice(answers=[None])
    ask(trade, office)

    with trade.works.change(buyer()) as work:
        service.reject_handover(work, handover.id, "the door does not close")

    assert [(one.state, one.number) for one in told(trade, order_id)] == [(PaperState.VOID_WANTED, None)]
    assert [ask(trade, office) for _ in range(3)] == [0, 1, 0]
    assert office.voided == [None, None]
    assert [one.state for one in told(trade, order_id)] == [PaperState.VOIDED]


def test_a_provider_that_has_no_answer_is_asked_again_after_a_growing_pause(trade: Trade) -> None:
    use_office(trade)
    (order_id,) = trade.lock()
    paid(trade, order_id)
    office = SlowOffice(answers=[None, OSError("down"), Issued("7")])
    pauses = []

    for seconds in (0, 1, 1, 3, 1):
        trade.clock.advance(timedelta(seconds=seconds))
        service.ask_providers(trade.works, providers={office.name: office})
        pauses.append(len(office.asked))

    # Nobody else's paper waits meanwhile: a worker takes the hundred that have been due the longest.
    assert pauses == [1, 1, 2, 2, 3]
    assert [one.state for one in told(trade, order_id)] == [PaperState.ISSUED]


@pytest.mark.postgres
def test_an_invoice_that_is_issued_while_its_car_is_rejected_goes_back_by_its_number(postgres_trade: Trade) -> None:
    trade = postgres_trade
    use_office(trade)
    (order_id,) = trade.lock()
    handover = paid(trade, order_id)
    (asked,) = told(trade, order_id)

    def reject(work: Work) -> None:
        service.reject_handover(work, handover.id, "the door does not close")

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            now = lock_paper(work, asked.request.paper_id)
            save_paper(work, answered(now, Issued("7"), now=work.now))
            rejecting = other.submit(trade.works.run, buyer(), reject)
            wait_until_waiting(trade.works.engine, 1)
        rejecting.result(SECONDS_MAX)

    assert [(one.state, one.number) for one in told(trade, order_id)] == [(PaperState.VOID_WANTED, "7")]
