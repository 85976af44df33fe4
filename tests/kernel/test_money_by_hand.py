"""Money moved by hand takes two operators, and the books stay right."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError, IntegrityError

from kernel import db, ledger, payments
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.identity import store
from kernel.identity.tables import accounts, persons
from kernel.ids import AccountId, BrandId, PersonId
from kernel.ledger import AccountName, Transfer
from kernel.money import Money, yuan
from kernel.money_by_hand import (
    AccountTooLow,
    HandState,
    MoneyByHand,
    SecondOperatorNeeded,
    approve_movement,
    decline_movement,
    money_by_hand,
    movements_by_hand,
    propose_movement,
)
from kernel.paging import PageRequest
from kernel.reasons import because
from kernel.work import Works
from tests.kernel.identity.people import add_two_brands
from tests.kernel.payment_room import make_room

BRAND = BrandId("a" * 32)
HELD = yuan(300)


def operator(name: str, brand_id: BrandId = BRAND) -> Actor:
    return Actor(brand_id, frozenset({Role.OPERATOR}), AccountId(name * 32))


WANG, LI = operator("1"), operator("2")


def propose(works: Works, amount: Money = HELD) -> MoneyByHand:
    with works.change(system(BRAND)) as work:
        held = Transfer("held", work.new_id(), AccountName("provider:sandbox"), AccountName("late:x"), HELD)
        ledger.book(work, held)
    with works.change(WANG) as work:
        return propose_movement(work, debit="late:x", credit="payable:y", amount=amount, reason=" settled by phone ")


def balance(works: Works, name: str) -> int:
    with works.read(system(BRAND)) as work:
        return ledger.balance(work, AccountName(name))


def test_two_operators_move_money(works: Works) -> None:
    proposed = propose(works)

    with works.change(LI) as work:
        approved = approve_movement(work, proposed.id)

    assert (proposed.state, proposed.reason) == (HandState.PROPOSED, "settled by phone")
    assert (approved.state, approved.proposed_by, approved.decided_by) == (HandState.APPROVED, "1" * 32, "2" * 32)
    assert (balance(works, "late:x"), balance(works, "payable:y")) == (0, 30_000)


def test_a_proposal_alone_moves_nothing(works: Works) -> None:
    propose(works)

    assert (balance(works, "late:x"), balance(works, "payable:y")) == (30_000, 0)


def test_who_proposed_cannot_approve(works: Works) -> None:
    proposed = propose(works)

    with pytest.raises(SecondOperatorNeeded), works.change(WANG) as work:
        approve_movement(work, proposed.id)

    assert balance(works, "payable:y") == 0


def test_one_person_with_two_accounts_is_not_two_operators(works: Works) -> None:
    add_two_brands(works)
    person, stranger = PersonId("9" * 32), PersonId("8" * 32)
    proposed = propose(works)
    with works.change(system(BRAND)) as work:
        for one in (person, stranger):
            row = {"id": one, "brand_id": BRAND, "identity_hash": one, "verified_at": work.now}
            work.connection.execute(persons.insert().values(**row))
        account = store.account_row(
            work, email="wang@x.test", key="wang@x.test", name="Wang", locale="en", password_hash=None, confirmed=True
        )
        known = {**account, "id": WANG.account_id, "person_id": person}
        db.insert_many(work.connection, accounts, [known])

    with pytest.raises(SecondOperatorNeeded), works.change(replace(LI, person_id=person)) as work:
        approve_movement(work, proposed.id)
    untouched = balance(works, "payable:y")
    with works.change(replace(LI, person_id=stranger)) as work:
        approved = approve_movement(work, proposed.id)

    assert untouched == 0
    assert approved.state is HandState.APPROVED
    assert balance(works, "payable:y") == HELD.minor


def test_the_database_holds_the_two_operators_apart(works: Works) -> None:
    proposed = propose(works)
    alone = update(money_by_hand).values(state="approved", decided_by=proposed.proposed_by)

    with pytest.raises(IntegrityError), works.change(WANG) as work:
        work.connection.execute(alone)


def test_a_movement_is_decided_once(works: Works) -> None:
    proposed = propose(works)
    with works.change(LI) as work:
        approve_movement(work, proposed.id)

    for again in (approve_movement, decline_movement):
        with pytest.raises(Conflict), works.change(LI) as work:
            again(work, proposed.id)

    assert balance(works, "payable:y") == 30_000


def test_a_declined_movement_is_never_booked(works: Works) -> None:
    proposed = propose(works)

    with works.change(WANG) as work:
        declined = decline_movement(work, proposed.id)

    assert declined.state is HandState.DECLINED
    with pytest.raises(Conflict), works.change(LI) as work:
        approve_movement(work, proposed.id)
    assert balance(works, "payable:y") == 0


def test_no_account_is_drawn_below_zero(works: Works) -> None:
    proposed = propose(works, yuan(300, fen=1))

    with pytest.raises(AccountTooLow) as refused, works.change(LI) as work:
        approve_movement(work, proposed.id)

    assert refused.value == AccountTooLow("late:x", yuan(300), yuan(300, fen=1))
    assert balance(works, "late:x") == 30_000


@pytest.mark.parametrize(
    ("debit", "credit", "minor", "reason"),
    [
        ("late", "payable:y", 1, "why"),
        ("late:x", "late:x", 1, "why"),
        ("late:x", "payable:y", 0, "why"),
        ("late:x", "payable:y", -1, "why"),
        ("late:x", "payable:y", 1, "  "),
        ("late:x", "payable:'; --", 1, "why"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(
    works: Works, debit: str, credit: str, minor: int, reason: str
) -> None:
    with pytest.raises(InvalidInput), works.change(WANG) as work:
        propose_movement(work, debit=debit, credit=credit, amount=Money(minor), reason=reason)


def test_only_operators_move_money_and_only_their_brands(works: Works) -> None:
    proposed = propose(works)
    planner = Actor(BRAND, frozenset({Role.PLANNER}), AccountId("3" * 32))

    with pytest.raises(Forbidden), works.change(planner) as work:
        approve_movement(work, proposed.id)
    with pytest.raises(NotFound), works.change(operator("4", BrandId("b" * 32))) as work:
        approve_movement(work, proposed.id)

    assert balance(works, "payable:y") == 0


def test_an_auditor_reads_what_was_moved_newest_first(works: Works) -> None:
    made = [propose(works).id for _ in range(3)]
    auditor = Actor(BRAND, frozenset({Role.AUDITOR}), AccountId("5" * 32))

    with works.read(auditor) as work:
        first = movements_by_hand(work, PageRequest(2))
        rest = movements_by_hand(work, PageRequest(2, first.items[-1].id))

    assert [one.id for one in first.items + rest.items] == made[::-1]
    assert (first.has_next, rest.has_next) == (True, False)


def test_the_database_itself_decides_once_and_what_was_proposed(works: Works) -> None:
    proposed = propose(works)
    for changed in ({"amount_minor": 1}, {"credit_account": "payable:z"}, {"proposed_by": "2" * 32}):
        with pytest.raises(DatabaseError, match="as it was proposed"), works.change(system(BRAND)) as work:
            work.connection.execute(money_by_hand.update().values(**changed))
    with works.change(LI) as work:
        approve_movement(work, proposed.id)

    with pytest.raises(DatabaseError, match="decided once"), works.change(system(BRAND)) as work:
        work.connection.execute(money_by_hand.update().values(state="declined"))


def test_two_approvals_at_once_move_no_more_than_there_is(works: Works) -> None:
    add_two_brands(works)
    first = propose(works)
    with works.change(WANG) as work:
        second = propose_movement(work, debit="late:x", credit="payable:z", amount=HELD, reason="told twice")

    def approve(movement_id: str) -> str:
        try:
            with works.change(LI) as work:
                state = approve_movement(work, movement_id).state
                time.sleep(0.3)
        except AccountTooLow as refusal:
            return refusal.code
        return state.value

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(approve, [first.id, second.id]))

    assert outcomes == ["ACCOUNT_TOO_LOW", "approved"]
    assert balance(works, "late:x") == 0


def test_money_on_its_way_back_to_its_payer_is_not_moved_by_hand_as_well(works: Works, clock: FixedClock) -> None:
    room = make_room(works, clock, BRAND)
    payment = room.held("s1", HELD, "ref-1")
    room.give_back(payment)
    refund = f"refund:{payment.id}"
    with works.change(WANG) as work:
        asked = propose_movement(work, debit=refund, credit="payable:y", amount=HELD, reason="paid by bank transfer")

    with pytest.raises(Conflict) as refused, works.change(LI) as work:
        approve_movement(work, asked.id)
    held = balance(works, refund)
    room.work_off()

    assert refused.value == Conflict("movement", because("GOING_BACK"))
    assert (held, balance(works, refund), balance(works, "payable:y")) == (HELD.minor, 0, 0)
    with pytest.raises(AccountTooLow), works.change(LI) as work:
        approve_movement(work, asked.id)


def test_what_was_sent_back_in_part_leaves_the_rest_to_be_moved_by_hand(works: Works, clock: FixedClock) -> None:
    room = make_room(works, clock, BRAND)
    payment = room.held("s1", HELD, "ref-1")
    room.give_back(payment, yuan(100))
    room.work_off()
    with works.change(system(BRAND)) as work:
        more = Transfer("more", "s1", AccountName("deposit:s1"), payments.refund_account(payment.id), yuan(200))
        ledger.book(work, more)
    with works.change(WANG) as work:
        rest = propose_movement(
            work, debit=f"refund:{payment.id}", credit="payable:y", amount=yuan(200), reason="the rest"
        )

    with works.change(LI) as work:
        approve_movement(work, rest.id)

    assert balance(works, "payable:y") == 20_000
