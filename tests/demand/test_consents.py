"""What a member agrees to beforehand, what a deposit may be, and who may move it: consents, the ceiling, two hands."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from configurator.model import Tier
from configurator.quote_service import QuoteRequest, issue_quote
from demand.errors import DepositAboveCeiling, DepositBound, FreezeNotAccepted, NoOpenPool, TermsUnsound, WrongClass
from demand.pools import opening_service
from demand.pools.clearing_service import clear_pool
from demand.pools.joining import join
from demand.pools.model import ClassLevel, EndedPreOrder, FailureChoice, Offer, OpenPool, PooledPreOrder, PoolTerms
from demand.pools.policy import PoolPolicy
from demand.pools.queries import pool_offer
from demand.pools.tables import pre_orders
from demand.service import change_car, hold_deposit, withdraw
from kernel import policy
from kernel.actor import Actor, Role, system
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.money import yuan
from kernel.money_by_hand import AccountTooLow, approve_movement, propose_movement
from kernel.work import Work
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE, PLAIN_CAR
from tests.demand.pool_room import PoolRoom, placed, pre_order_of

HANDS = [Actor(BRAND, frozenset({Role.OPERATOR}), AccountId(letter * 32)) for letter in "de"]
HOLDS = {"deposit": hold_deposit}


def open_wide(room: PoolRoom) -> str:
    return room.open(level=ClassLevel.L2)


# --- a frozen pool ---------------------------------------------------------------------------------------------------


def test_a_frozen_pool_is_joined_only_by_who_agreed_to_stay(room: PoolRoom) -> None:
    pool_id = room.open(days=4)
    room.pass_time(hours=25)

    refused, taken = room.place(
        room.request(room.buyer(1), accepts_frozen=False), room.request(room.buyer(2), accepts_frozen=True)
    )

    assert refused == FreezeNotAccepted(room.head(pool_id).deadline)
    joined = pre_order_of(taken)
    assert isinstance(joined, PooledPreOrder)
    assert joined.head.accepts_frozen
    assert room.head(pool_id).members == 1
    assert room.unsound() == []


def test_a_freeze_that_is_due_and_not_yet_noted_asks_for_the_consent_too(room: PoolRoom) -> None:
    room.open(days=4)
    room.clock.advance(timedelta(hours=25))

    (outcome,) = room.place(room.request(room.buyer(1), accepts_frozen=False))

    assert isinstance(outcome, FreezeNotAccepted)


def test_an_open_pool_asks_for_no_such_consent_and_whoever_fills_it_is_in(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))

    outcomes = room.place(*(room.request(room.buyer(name), accepts_frozen=False) for name in (1, 2, 3, 4)))

    assert [isinstance(one, Refusal) for one in outcomes] == [False, False, False, True]
    assert isinstance(outcomes[3], FreezeNotAccepted)
    assert room.head(pool_id).members == 3


def test_money_that_comes_after_the_freeze_goes_back_unless_the_freeze_was_agreed_to(room: PoolRoom) -> None:
    pool_id = room.open(days=4)
    room.pass_time(hours=23, minutes=55)
    asked = [
        placed(one)
        for one in room.place(
            room.request(room.buyer(1), funded=False, accepts_frozen=False),
            room.request(room.buyer(2), funded=False, accepts_frozen=True),
        )
    ]
    room.pass_time(minutes=10)

    for place, one in enumerate(asked):
        (payment,) = room.payments_of(one.pre_order_id)
        room.hear(room.pay(payment, reference=f"ref-{place}"))

    first, second = (room.pre_order(one.pre_order_id) for one in asked)
    assert isinstance(first, EndedPreOrder)
    assert (first.ending, first.refund_by is None) == ("refunded", False)
    assert isinstance(second, PooledPreOrder)
    assert room.balance(f"deposit:{first.head.id}") == 0
    assert room.head(pool_id).members == 1


def test_who_rolled_over_is_not_put_into_a_frozen_pool_without_having_agreed(room: PoolRoom) -> None:
    room.open(days=4, capacity=8)
    waiting = [
        placed(one).pre_order_id
        for one in room.place(
            room.request(room.buyer(1), choice=FailureChoice.ROLL, accepts_frozen=False),
            room.request(room.buyer(2), choice=FailureChoice.ROLL, accepts_frozen=True),
        )
    ]
    room.pass_time(hours=30)
    beside = room.open(days=4)
    room.pass_time(hours=66)

    states = room.states()

    assert [states[one] for one in waiting] == ["rolled_over", "pooled"]
    assert room.pre_order(waiting[1]).pool_id == beside
    assert room.unsound() == []


# --- a wider class ---------------------------------------------------------------------------------------------------


def test_a_wide_pool_is_joined_only_by_who_agreed_to_other_trims(room: PoolRoom) -> None:
    pool_id = open_wide(room)

    named, unnamed, agreed = room.place(
        room.request(room.buyer(1), pool_id=pool_id),
        room.request(room.buyer(2)),
        room.request(room.buyer(3), accepts_wider_class=True),
    )

    assert isinstance(named, WrongClass)
    assert isinstance(unnamed, NoOpenPool)
    assert pre_order_of(agreed).head.accepts_wider_class
    assert room.unsound() == []


def test_who_was_in_a_wide_pool_that_failed_goes_on_into_the_next_wide_one_whatever_the_choice(room: PoolRoom) -> None:
    open_wide(room)
    chosen = (FailureChoice.ROLL, FailureChoice.WIDEN)
    rolled, widened = (
        placed(one).pre_order_id
        for one in room.place(
            *(
                room.request(room.buyer(name), choice=choice, accepts_wider_class=True)
                for name, choice in enumerate(chosen, start=1)
            )
        )
    )
    room.pass_time(days=21)

    following = open_wide(room)
    room.pass_time(minutes=1)

    assert room.states() == {rolled: "pooled", widened: "pooled"}
    assert {room.pre_order(one).pool_id for one in (rolled, widened)} == {following}
    assert room.unsound() == []


def test_who_never_agreed_to_every_trim_waits_for_a_pool_of_the_own_one(room: PoolRoom) -> None:
    room.open()
    (one,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=21)

    open_wide(room)
    room.pass_time(minutes=1)
    assert room.states()[one.pre_order_id] == "rolled_over"

    narrow = room.open()
    room.pass_time(minutes=1)
    assert room.pre_order(one.pre_order_id).pool_id == narrow


def test_costlier_terms_of_the_next_wide_pool_are_accepted_by_who_rolled_out_of_one(room: PoolRoom) -> None:
    room.open(level=ClassLevel.L2, tiers=(Tier(3, 300),))
    (outcome,) = room.place(room.request(room.buyer(1), choice=FailureChoice.ROLL, accepts_wider_class=True))
    one = placed(outcome).pre_order_id
    room.pass_time(days=21)
    dearer = room.open(level=ClassLevel.L2, tiers=(Tier(3, 0),))
    room.pass_time(minutes=1)

    quote_id = room.quote(room.buyer(1))
    with room.works.change(room.buyer(1)) as work:
        joined = change_car(work, one, quote_id=quote_id, price_cap_minor=12_000_000)

    assert (joined.pool_id, room.states()[one]) == (dearer, "pooled")
    assert room.unsound() == []


def test_an_audit_finds_a_member_of_a_wide_pool_who_never_agreed(room: PoolRoom) -> None:
    open_wide(room)
    (agreed,) = room.place(room.request(room.buyer(3), accepts_wider_class=True))
    one = placed(agreed).pre_order_id

    with room.works.change(system(BRAND)) as work:
        work.connection.execute(pre_orders.update().values(accepts_wider_class=False))

    assert [line for line in room.unsound() if one in line] == [
        f"pre-order {one} is in pool {pre_order_of(agreed).pool_id} of a wider class"
    ]


class ShownPools:
    def open_pool(self, work: Work, cls: object, *, wider: bool) -> object:
        return pool_offer(work, cls, wider=wider)  # type: ignore[arg-type]  # a class of cars


def test_a_quote_shows_the_tiers_of_a_wide_pool_to_who_agreed_to_one(room: PoolRoom) -> None:
    wide = open_wide(room)
    desk = replace(DESK, pools=ShownPools())  # type: ignore[arg-type]  # answers as the port asks

    def pool_shown(*, wider: bool) -> str | None:
        with room.works.change(room.buyer(1)) as work:
            asked = QuoteRequest("A1", PLAIN_CAR, EAST_STORE, accepts_wider_class=wider)
            pool = issue_quote(work, desk, asked).quote.facts.pool
            return None if pool is None else pool.pool_id

    assert (pool_shown(wider=False), pool_shown(wider=True)) == (None, wide)
    narrow = room.open()
    assert (pool_shown(wider=False), pool_shown(wider=True)) == (narrow, narrow)


# --- the ceiling of earnest money ------------------------------------------------------------------------------------


def set_deposit(room: PoolRoom, deposit_minor: int) -> None:
    administrator = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("a" * 32))
    with room.works.change(administrator) as work:
        policy.change_policy(
            work, base_version=0, changes={"pools": {"deposit_minor": deposit_minor}}, reason="a larger deposit"
        )


def test_a_deposit_above_a_fifth_of_the_cheapest_car_at_the_deepest_tier_is_refused_at_set_up(room: PoolRoom) -> None:
    set_deposit(room, 1_900_001)

    with pytest.raises(TermsUnsound) as refused:
        room.open(tiers=(Tier(3, 0), Tier(5, 500)))

    assert refused.value.reason.code == "EARNEST_CEILING"  # type: ignore[attr-defined]  # a Reason


def test_a_deposit_of_exactly_a_fifth_is_lawful(room: PoolRoom) -> None:
    set_deposit(room, 1_900_000)

    assert room.head(room.open(tiers=(Tier(3, 0), Tier(5, 500)))).terms.deposit_minor == 1_900_000


def test_a_car_that_has_become_too_cheap_for_the_deposit_does_not_join(room: PoolRoom) -> None:
    pool = room.pool(room.open(tiers=(Tier(3, 0), Tier(5, 500))))
    assert isinstance(pool, OpenPool)
    terms = PoolTerms(3, 8, 16, (Tier(3, 0), Tier(5, 500)), 500_000, 72)
    dear = OpenPool(replace(pool.head, terms=terms))

    assert not isinstance(join(dear, Offer(2_631_600, 10**9), now=room.clock.now()), Refusal)
    assert join(dear, Offer(2_631_500, 10**9), now=room.clock.now()) == DepositAboveCeiling(yuan(5_000))
    assert PoolPolicy().deposit_minor == terms.deposit_minor


# --- money by hand ---------------------------------------------------------------------------------------------------


def propose(room: PoolRoom, pre_order_id: str) -> str:
    with room.works.change(HANDS[0]) as work:
        name = f"deposit:{pre_order_id}"
        return propose_movement(work, debit=name, credit="payable:x", amount=yuan(100), reason="a mistake").id


def approve(room: PoolRoom, movement_id: str) -> Refusal | None:
    try:
        with room.works.change(HANDS[1]) as work:
            approve_movement(work, movement_id, holds=HOLDS)
    except Refusal as refusal:
        return refusal
    return None


def test_a_deposit_that_a_place_stands_on_is_not_moved_by_hand(room: PoolRoom) -> None:
    room.open()
    (one,) = room.join(1)
    movement = propose(room, one.pre_order_id)

    refused = approve(room, movement)

    assert refused == DepositBound("pooled")
    assert room.balance(f"deposit:{one.pre_order_id}") == 500_000


def test_of_a_pre_order_that_is_over_there_is_nothing_to_move(room: PoolRoom) -> None:
    room.open()
    (one,) = room.join(1)
    movement = propose(room, one.pre_order_id)
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, one.pre_order_id)

    assert isinstance(approve(room, movement), AccountTooLow)


def test_a_hand_waits_for_a_clearing_and_then_finds_the_deposit_gone(room: PoolRoom) -> None:
    pool_id = room.open(days=4)
    members = room.join(1, 2, 3)
    movement = propose(room, members[0].pre_order_id)
    room.clock.advance(timedelta(days=4))
    answers: list[Refusal | None] = []
    hand = threading.Thread(target=lambda: answers.append(approve(room, movement)))

    with room.works.change(system(BRAND)) as work:
        clear_pool(work, pool_id)
        hand.start()
        hand.join(timeout=0.4)
        waited = hand.is_alive()
    hand.join(timeout=20)

    assert waited
    assert isinstance(answers[0], AccountTooLow)
    assert room.balance(f"earnest:{members[0].pre_order_id}") == 500_000
    assert room.balance(f"deposit:{members[0].pre_order_id}") == 0
    assert room.unsound() == []


def test_who_agreed_to_stay_is_not_held_up_by_those_who_did_not(
    room: PoolRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening_service, "TAKEN_IN_AT_ONCE", 1)
    room.open(days=21)
    first, second = (
        placed(room.place(room.request(room.buyer(number), choice=FailureChoice.ROLL, accepts_frozen=agrees))[0])
        for number, agrees in ((1, False), (2, True))
    )
    room.pass_time(days=18, hours=1)

    room.open(days=4)
    room.pass_time(days=3)

    states = room.states()
    assert (states[first.pre_order_id], states[second.pre_order_id]) == ("rolled_over", "pooled")
