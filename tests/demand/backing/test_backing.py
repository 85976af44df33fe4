"""Backing with money: one a person, refundable at any time, and every fen on the account where it belongs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from demand.backing.audit_service import CHECKS
from demand.backing.model import Backing, HeldBacking
from demand.backing.service import back_proposal, open_backing
from demand.errors import (
    AlreadyBacked,
    BackingClosed,
    BackingOpen,
    NeverPays,
    NotCompared,
    PersonNotVerified,
    ProposalClosed,
)
from demand.personal.service import DemandData
from demand.service import close_proposal, commit_to_proposal, decline_proposal, hold_backing
from kernel import record, soundness
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Conflict, Forbidden, IdempotencyMismatch, InvalidInput, NotFound, Refusal
from kernel.ids import AccountId, PersonId
from kernel.money_by_hand import approve_movement, propose_movement
from kernel.payments import PaymentAlreadyMade, PaymentAmountMismatch, PaymentState
from kernel.reasons import because
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.backing.backing_room import (
    BACKING,
    THRESHOLD,
    TOOLING_MINOR,
    UNIT_COST_MINOR,
    BackingRoom,
    open_backing_room,
)
from tests.demand.compare.studies import PRICE_MINOR, open_study, person
from tests.demand.pool_room import make_pool_room


@pytest.fixture
def place(works: Works, clock: FixedClock) -> BackingRoom:
    return open_backing_room(make_pool_room(works, clock))


def held_of(place: BackingRoom, backing: Backing) -> int:
    return place.room.balance(f"backing:{backing.head.id}")


def sound(place: BackingRoom) -> bool:
    """Say whether the ledger and the backings fit each other."""
    with place.room.works.read(system(BRAND)) as work:
        return not any(list(check.look(work)) for check in (*CHECKS, *soundness.CHECKS))


# --- the terms -------------------------------------------------------------------------------------------------------


def test_the_threshold_is_published_and_says_how_many_cars_pay_the_tooling(place: BackingRoom) -> None:
    place.work_off()

    terms = place.view().proposal.terms  # type: ignore[union-attr]  # it takes backings

    assert terms.threshold == THRESHOLD == TOOLING_MINOR // (PRICE_MINOR - UNIT_COST_MINOR)
    assert place.view().figures.bound == 10
    assert place.view().figures.backers is None


def test_only_what_was_compared_and_can_pay_gets_a_threshold(place: BackingRoom) -> None:
    other = place.study.proposal_ids[1]

    def attempt(proposal_id: str, comparison_id: str, unit_cost_minor: int) -> None:
        with place.room.works.change(PLANNER) as work:
            open_backing(
                work,
                proposal_id,
                comparison_id=comparison_id,
                tooling_minor=TOOLING_MINOR,
                unit_cost_minor=unit_cost_minor,
            )

    with pytest.raises(NeverPays):
        attempt(other, place.study.id, PRICE_MINOR)
    with pytest.raises(NotFound):
        attempt(other, "0" * 32, 0)
    with pytest.raises(ProposalClosed):
        attempt(place.proposal_id, place.study.id, 0)
    with pytest.raises(InvalidInput):
        attempt(other, place.study.id, -1)
    fresh = tuple(place.study.proposal_ids[1:])
    with place.room.works.change(PLANNER) as work:
        close_proposal(work, fresh[-1])
    with pytest.raises(ProposalClosed):
        attempt(fresh[-1], place.study.id, 0)


def test_a_comparison_that_is_not_released_gives_no_threshold(works: Works, clock: FixedClock) -> None:
    place = open_backing_room(make_pool_room(works, clock))
    study = open_study(works)

    with pytest.raises(NotCompared), works.change(PLANNER) as work:
        open_backing(
            work, study.proposal_ids[0], comparison_id=study.id, tooling_minor=TOOLING_MINOR, unit_cost_minor=0
        )

    assert place.view().state == "backing"


# --- backing ---------------------------------------------------------------------------------------------------------


def test_an_authorised_backing_holds_at_once_and_its_money_lies_on_its_account(place: BackingRoom) -> None:
    backing = place.back(1)

    assert isinstance(backing, HeldBacking)
    assert held_of(place, backing) == 20_000
    assert sound(place)


def test_the_same_key_is_one_backing_and_another_body_is_refused(place: BackingRoom) -> None:
    request = place.request(1)
    first = place.back(1, request)

    again = place.back(1, request)
    with pytest.raises(IdempotencyMismatch):
        place.back(1, replace(request, price_cap_minor=1))

    assert again == first
    assert place.states() == {"held": 1}


def test_one_person_backs_once_also_from_a_second_account_and_anew_after_a_withdrawal(place: BackingRoom) -> None:
    backing = place.back(1)
    second_account = replace(person(1), account_id=AccountId("d" * 32))

    with pytest.raises(AlreadyBacked), place.room.works.change(second_account) as work:
        back_proposal(work, place.room.providers, replace(place.request(1, funded=False), idempotency_key="second-1"))
    place.withdraw(1, backing.head.id)
    place.back(1, replace(place.request(1), idempotency_key="once more"))

    assert place.states() == {"held": 1, "withdrawn": 1}
    place.room.settle()
    assert sound(place)


def test_one_person_at_the_same_moment_backs_once_and_nobody_s_money_is_lost(place: BackingRoom) -> None:
    requests = [replace(place.request(1), idempotency_key=f"at once {number}") for number in range(5)]
    start = threading.Barrier(5)

    def back(number: int) -> bool:
        start.wait(30)
        try:
            place.back(1, requests[number])
        except AlreadyBacked:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        won = list(pool.map(back, range(5)))

    assert sum(won) == 1
    assert place.states() == {"held": 1}
    assert sound(place)


def test_who_may_not_back_or_pays_wrong_is_refused_and_nothing_changes(place: BackingRoom) -> None:
    wrong = {
        PersonNotVerified: (replace(person(1), person_id=None), place.request(1)),
        Forbidden: (PLANNER, place.request(1)),
        InvalidInput: (person(1), replace(place.request(1), model="Z9")),
        PaymentAmountMismatch: (person(1), replace(place.request(1), authorisation=place.token(1, amount_yuan=199))),
        NotFound: (person(1), replace(place.request(1), proposal_id="0" * 32)),
    }
    used = place.request(2)
    place.back(2, used)
    wrong[PaymentAlreadyMade] = (
        person(2),
        replace(used, idempotency_key="again-0002", proposal_id=place.proposal_id),
    )
    place.withdraw(2, place.back(2, used).head.id)

    for refusal, (actor, request) in wrong.items():
        with pytest.raises(refusal), place.room.works.change(actor) as work:
            back_proposal(work, place.room.providers, request)
    with pytest.raises(InvalidInput):
        place.back(1, place.request(1, cap_minor=0))

    assert place.states() == {"withdrawn": 1}


def test_money_comes_later_twice_and_late(place: BackingRoom) -> None:
    waiting = place.back(1, place.request(1, funded=False))
    message = place.pay(waiting.head)

    assert place.hear(message).outcome == "received"
    assert place.hear(message).outcome == "repeated"

    assert place.states() == {"held": 1}
    assert held_of(place, waiting) == 20_000
    unpaid = place.back(2, place.request(2, funded=False))
    place.pass_days(1)
    assert place.states() == {"expired_unpaid": 1, "held": 1}
    assert place.hear(place.pay(unpaid.head, reference="too late")).outcome == "late"
    place.room.settle()
    assert place.room.payments_of(unpaid.head.id)[0].state is PaymentState.REFUNDED
    assert sound(place)


def test_money_for_a_proposal_that_was_declined_meanwhile_goes_back(place: BackingRoom) -> None:
    waiting = place.back(1, place.request(1, funded=False))
    message = place.pay(waiting.head)

    with place.room.works.change(PLANNER) as work:
        decline_proposal(work, place.proposal_id, reason="No supplier.")
    heard = place.hear(message)
    place.room.settle()

    assert heard.outcome == "late"
    assert place.states() == {"expired_unpaid": 1}
    assert held_of(place, waiting) == 0
    assert sound(place)


def test_a_backing_is_withdrawn_by_its_own_account_once_and_the_money_goes_back(place: BackingRoom) -> None:
    backing = place.back(1)

    with pytest.raises(NotFound):
        place.withdraw(2, backing.head.id)
    place.withdraw(1, backing.head.id)
    with pytest.raises(BackingClosed):
        place.withdraw(1, backing.head.id)
    place.work_off()

    assert place.room.payments_of(backing.head.id)[0].state is PaymentState.REFUNDED
    assert held_of(place, backing) == 0
    with place.room.works.read(system(BRAND)) as work:
        entries = record.entries_of(work, f"proposal:{place.proposal_id}")
    assert record.verify(entries) is None
    assert [entry.kind for entry in entries][-2:] == ["backing.held", "backing.withdrawn"]
    assert sound(place)


def test_money_that_comes_after_the_answer_goes_back_and_never_counted(place: BackingRoom) -> None:
    waiting = place.back(1, place.request(1, funded=False))
    with place.room.works.change(PLANNER) as work:
        day = place.room.clock.now().date()
        commit_to_proposal(work, place.proposal_id, available_by=day, ceiling_minor=PRICE_MINOR)

    place.hear(place.pay(waiting.head))

    assert place.states() == {"refunded": 1}
    assert sound(place)


@pytest.mark.parametrize("step", ["back", "withdraw", "fund"])
def test_a_crash_before_the_commit_leaves_nothing(place: BackingRoom, step: str) -> None:
    waiting = place.back(1, place.request(1, funded=False))
    message = place.pay(waiting.head)
    held = place.back(2)
    before = place.states()

    def crash(work: Work) -> None:
        from demand.backing.service import fund_backing, withdraw_backing
        from kernel import payments

        if step == "back":
            back_proposal(work, place.room.providers, place.request(3))
        elif step == "withdraw":
            withdraw_backing(work, held.head.id)
        else:
            heard = payments.receive_callback(work, place.room.sandbox, message.headers, message.body)
            fund_backing(work.acting(system(BRAND)), heard.payment)
        raise ConnectionError

    actor = {"back": person(3), "withdraw": person(2), "fund": system(BRAND)}[step]
    with pytest.raises(ConnectionError), place.room.works.change(actor) as work:
        crash(work)

    assert place.states() == before
    assert place.hear(message).outcome == "received"
    place.withdraw(2, held.head.id)
    place.room.settle()
    assert place.states() == {"held": 1, "withdrawn": 1}
    assert sound(place)


def test_whoever_backs_with_money_takes_it_back_before_leaving_for_good(place: BackingRoom) -> None:
    backing = place.back(1)
    account_id = backing.head.account_id

    with place.room.works.read(person(1)) as work:
        blocked = DemandData().blocks_erasure(work, AccountId(account_id))
        exported = DemandData().export(work, AccountId(account_id))["backings"]
    place.withdraw(1, backing.head.id)

    with place.room.works.read(person(1)) as work:
        free = DemandData().blocks_erasure(work, AccountId(account_id))
    assert blocked == BackingOpen("held")
    assert [(one["state"], one["deposit_minor"]) for one in exported] == [("held", 20_000)]
    assert free is None


def test_a_no_sends_every_backer_home(place: BackingRoom) -> None:
    held = [place.back(number) for number in range(3)]
    place.back(9, place.request(9, funded=False))

    with place.room.works.change(PLANNER) as work:
        decline_proposal(work, place.proposal_id, reason="No supplier.")
    place.work_off()

    assert place.states() == {"expired_unpaid": 1, "refunded": 3}
    assert [held_of(place, one) for one in held] == [0, 0, 0]
    assert {place.room.payments_of(one.head.id)[0].state for one in held} == {PaymentState.REFUNDED}
    with pytest.raises(Refusal):
        place.back(4)
    assert sound(place)


def test_a_payment_that_the_provider_declines_counts_no_more(place: BackingRoom) -> None:
    from demand.backing.service import lose_backing

    backing = place.back(1)
    (payment,) = place.room.payments_of(backing.head.id)
    with place.room.works.change(system(BRAND)) as work:
        lose_backing(work, replace(payment, state=PaymentState.DECLINED), payment.amount)

    assert place.states() == {"declined": 1}
    assert held_of(place, backing) == 0
    place.room.clock.advance(timedelta(minutes=1))
    assert isinstance(place.back(1, replace(place.request(1), idempotency_key="another card")), HeldBacking)


def test_money_that_stands_behind_a_proposal_is_not_moved_by_hand_and_goes_back_once(place: BackingRoom) -> None:
    backing = place.back(1)
    account = f"backing:{backing.head.id}"
    hands = [Actor(BRAND, frozenset({Role.OPERATOR}), AccountId(name * 32), PersonId(name * 32)) for name in "ef"]
    with place.room.works.change(hands[0]) as work:
        asked = propose_movement(work, debit=account, credit="payable:x", amount=BACKING, reason="a mistake")

    with pytest.raises(Conflict) as refused, place.room.works.change(hands[1]) as work:
        approve_movement(work, asked.id, holds={"backing": hold_backing})
    held = held_of(place, backing)
    place.withdraw(1, backing.head.id)
    place.room.settle()

    assert refused.value == Conflict("movement", because("BACKING_BOUND"))
    assert (held, held_of(place, backing), place.room.balance("payable:x")) == (BACKING.minor, 0, 0)
    assert sound(place)


def test_an_account_of_no_backing_is_held_by_nobody(place: BackingRoom) -> None:
    with place.room.works.change(system(BRAND)) as work:
        hold_backing(work, "0" * 32)
