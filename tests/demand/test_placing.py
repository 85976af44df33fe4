"""Pre-orders placed in groups: each its own outcome, a refused one spoils no other, the same key the same order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from configurator.errors import QuoteExpired, QuoteTaken
from demand.errors import (
    AlreadyInPool,
    CapTooLow,
    NoOpenPool,
    PersonNotVerified,
    PoolClosed,
    PoolFull,
    WrongClass,
)
from demand.pools.model import (
    ClassLevel,
    FrozenPool,
    PooledPreOrder,
)
from demand.pools.queries import pool_offer
from demand.pools.tables import pre_orders
from demand.service import Outcome, PoolPlan, open_pool, place_pre_orders
from kernel.actor import system
from kernel.errors import Forbidden, IdempotencyMismatch, InvalidInput, NotFound, Refusal
from kernel.idempotency import idempotency_keys
from kernel.ids import SeededIds
from kernel.ledger import ledger_transfers
from kernel.payments import AuthorisationNotYours, PaymentAlreadyMade, PaymentAmountMismatch, PaymentSignatureInvalid
from kernel.work import Works
from tests.configurator.small_brand import BRAND, NORTH_STORE, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom, placed
from tests.kernel.payment_room import counting


def written(room: PoolRoom) -> tuple[int, ...]:
    """Count what a placement writes."""
    with room.works.read(system(BRAND)) as work:
        return tuple(
            int(work.connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (pre_orders, ledger_transfers, idempotency_keys)
        )


def refused(room: PoolRoom, outcome: Outcome) -> Refusal:
    assert isinstance(outcome, Refusal), outcome
    assert written(room)[0] == 0
    assert written(room)[2] == 0
    return outcome


def test_a_funded_pre_order_holds_its_place_at_once(room: PoolRoom) -> None:
    pool_id = room.open()

    (outcome,) = room.join(1)

    assert isinstance(outcome.pre_order, PooledPreOrder)
    assert room.head(pool_id).members == 1
    assert room.balance(f"deposit:{outcome.pre_order_id}") == 500_000


def test_each_of_a_group_gets_its_own_outcome(room: PoolRoom) -> None:
    pool_id = room.open()
    first = room.request(room.buyer(1))
    again = room.request(room.buyer(1))
    low = room.request(room.buyer(2), cap=9_000_000)
    last = room.request(room.buyer(3))

    outcomes = room.place(first, again, low, last)

    assert [type(one).__name__ for one in outcomes] == ["Placed", "AlreadyInPool", "CapTooLow", "Placed"]
    assert room.head(pool_id).members == room.count(pool_id) == 2


def test_the_same_key_brings_the_same_order_in_one_group_and_later(room: PoolRoom) -> None:
    pool_id = room.open()
    request = room.request(room.buyer(1))

    first, twin = map(placed, room.place(request, request))
    (later,) = map(placed, room.place(request))

    assert first.pre_order_id == twin.pre_order_id == later.pre_order_id
    assert [first.repeated, twin.repeated, later.repeated] == [False, True, True]
    assert room.head(pool_id).members == 1
    assert room.balance("provider:sandbox") == -500_000


def test_the_same_key_with_another_body_is_refused(room: PoolRoom) -> None:
    room.open()
    request = room.request(room.buyer(1))
    other = replace(request, price_cap_minor=request.price_cap_minor - 1)

    together = room.place(request, other)
    (later,) = room.place(other)

    assert together[1] == later == IdempotencyMismatch()


def test_a_refused_key_may_be_tried_again(room: PoolRoom) -> None:
    request = room.request(room.buyer(1))
    assert isinstance(refused(room, room.place(request)[0]), NoOpenPool)

    room.open()

    assert placed(room.place(request)[0]).state == "pooled"


def test_nobody_joins_past_the_member_limit(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=TIERS[:1])

    outcomes = room.place(*(room.request(room.buyer(name)) for name in range(1, 9)))

    assert [type(one) for one in outcomes[6:]] == [PoolFull, PoolFull]
    assert room.head(pool_id).members == room.count(pool_id) == 6


def test_who_finds_a_frozen_pool_full_is_told_so_and_not_asked_to_stay_in_it(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=TIERS[:1])
    room.place(*(room.request(room.buyer(name)) for name in range(1, 7)))
    assert isinstance(room.pool(pool_id), FrozenPool)

    (outcome,) = room.place(room.request(room.buyer(7), accepts_frozen=False))

    assert isinstance(outcome, PoolFull)
    assert outcome.text() == "All places for such an offer are taken (6 in all). To be in, choose another pool."
    assert room.head(pool_id).members == room.count(pool_id) == 6


def test_caps_below_the_first_price_hold_at_most_the_capacity(room: PoolRoom) -> None:
    room.open(capacity=5, tiers=TIERS[:2])
    low = 9_990_000

    outcomes = room.place(*(room.request(room.buyer(name), cap=low) for name in range(1, 7)))
    (high,) = room.join(7)

    assert [isinstance(one, Refusal) for one in outcomes] == [False] * 5 + [True]
    full = outcomes[5]
    assert isinstance(full, PoolFull)
    assert full.text() == (
        "All places for such an offer are taken (5 in all). "
        "To be in, raise your cap to ¥100,000 at least, or choose another pool."
    )
    assert high.state == "pooled"


def test_a_cap_below_every_tier_is_refused(room: PoolRoom) -> None:
    room.open()

    outcome = refused(room, room.place(room.request(room.buyer(1), cap=9_499_900))[0])

    assert outcome == CapTooLow.of(9_499_900, 9_500_000)


def test_money_that_does_not_fit_is_refused_and_changes_nothing(room: PoolRoom) -> None:
    room.open()
    base = room.request(room.buyer(1))
    short = replace(base, authorisation=room.token(base.actor, amount_yuan=4_999))
    foreign = replace(base, authorisation=room.token(room.buyer(2)))
    forged = replace(base, authorisation=(base.authorisation or "")[:-2] + "AA")

    kinds = [type(refused(room, room.place(one)[0])) for one in (short, foreign, forged)]

    assert kinds == [PaymentAmountMismatch, AuthorisationNotYours, PaymentSignatureInvalid]
    assert placed(room.place(base)[0]).state == "pooled"


def test_an_authorisation_pays_once_and_spoils_only_its_second_user(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=TIERS[:1])
    room.join(1, 2)
    token = room.token(room.buyer(3), reference="once")
    first = replace(room.request(room.buyer(3)), authorisation=token)
    second = replace(room.request(room.buyer(4)), authorisation=room.token(room.buyer(4), reference="once"))

    outcomes = room.place(first, second, room.request(room.buyer(5)))

    assert isinstance(outcomes[1], PaymentAlreadyMade)
    assert [placed(outcomes[0]).state, placed(outcomes[2]).state] == ["pooled", "pooled"]
    assert room.head(pool_id).members == room.count(pool_id) == 4
    assert placed(room.place(replace(second, authorisation=room.token(room.buyer(4))))[0]).state == "pooled"


def test_a_quote_serves_one_pre_order(room: PoolRoom) -> None:
    room.open()
    request = room.request(room.buyer(1), funded=False)
    other = replace(request, idempotency_key="another-key")

    outcomes = room.place(request, other)
    (later,) = room.place(replace(request, idempotency_key="third-key"))

    assert outcomes[1] == later == QuoteTaken("accepted")


def test_an_old_quote_a_foreign_one_and_another_class_are_refused(room: PoolRoom) -> None:
    pool_id = room.open()
    old = room.request(room.buyer(1))
    room.clock.advance(timedelta(days=8))
    fresh = room.request(room.buyer(1))
    foreign = replace(fresh, quote_id=room.quote(room.buyer(2)))
    plus = room.quote(room.buyer(1), options=("BLUE", "W17", "PT_SMALL", "TR_PLUS"))
    other_class = replace(fresh, quote_id=plus, pool_id=pool_id)
    no_pool = replace(fresh, quote_id=plus)
    made_up = replace(fresh, pool_id="f" * 32)
    other_store, foreign_store = replace(fresh, store_id=NORTH_STORE), replace(fresh, store_id="e" * 32)

    kinds = [type(refused(room, one)) for one in room.place(old)] + [
        type(refused(room, room.place(one)[0]))
        for one in (foreign, other_class, no_pool, made_up, other_store, foreign_store)
    ]

    assert kinds == [QuoteExpired, NotFound, WrongClass, NoOpenPool, NotFound, InvalidInput, NotFound]


def test_a_buyer_is_not_told_of_a_class_by_its_key() -> None:
    for refusal in (NoOpenPool("P1/north/PT/-/TR"), WrongClass("P1/north/PT/-/TR", "P1/north/PT/-/TR_PLUS")):
        assert "/" not in refusal.text("en") + refusal.text("zh-CN")


def test_only_a_verified_consumer_orders(room: PoolRoom) -> None:
    room.open()
    request = room.request(room.buyer(1))
    unverified = replace(request, actor=replace(request.actor, person_id=None))
    planner = replace(request, actor=PLANNER)

    outcomes = [refused(room, room.place(one)[0]) for one in (unverified, planner)]

    assert [type(one) for one in outcomes] == [PersonNotVerified, Forbidden]


def test_a_second_account_of_the_same_person_gets_no_second_place(room: PoolRoom) -> None:
    pool_id = room.open()
    (held,) = room.join(1)
    other = replace(room.buyer(2), person_id=room.buyer(1).person_id)

    (outcome,) = room.place(room.request(other))

    assert outcome == AlreadyInPool(pool_id, held.pre_order.head.id)


def test_a_join_after_the_deadline_is_refused(room: PoolRoom) -> None:
    pool_id = room.open()
    room.clock.advance(timedelta(days=21))

    outcome = refused(room, room.place(room.request(room.buyer(1), pool_id=pool_id))[0])

    assert isinstance(outcome, PoolClosed)


def test_a_frozen_pool_that_lacks_members_gets_them_before_a_new_one_beside_it(room: PoolRoom) -> None:
    frozen = room.open()
    room.join(1, 2)
    room.pass_time(days=19)
    opened = room.open(days=30)

    (third,) = room.join(3)
    (fourth,) = room.join(4)

    assert isinstance(room.pool(frozen), FrozenPool)
    assert [room.head(frozen).members, room.head(opened).members] == [3, 1]
    assert [getattr(one.pre_order, "pool_id", "") for one in (third, fourth)] == [frozen, opened]


def test_a_quote_names_the_pool_that_its_car_would_join(room: PoolRoom) -> None:
    frozen = room.open()
    room.join(1, 2)
    room.pass_time(days=19)
    opened = room.open(days=30)

    with room.works.read(system(BRAND)) as work:
        before = pool_offer(work, room.cls)
    room.join(3)
    with room.works.read(system(BRAND)) as work:
        after = pool_offer(work, room.cls)

    assert before is not None
    assert after is not None
    assert [before.pool_id, after.pool_id] == [frozen, opened]


def test_a_pool_past_its_deadline_takes_nobody_from_an_open_one(room: PoolRoom) -> None:
    frozen = room.open()
    room.pass_time(days=19)
    opened = room.open(days=30)
    room.clock.advance(timedelta(days=3))

    room.join(1)

    assert [room.head(frozen).members, room.head(opened).members] == [0, 1]


def test_a_new_pools_times_are_full_hours(room: PoolRoom) -> None:
    room.clock.advance(timedelta(minutes=53, seconds=52, microseconds=795_079))

    with room.works.change(PLANNER) as work:
        head = open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS)).head

    assert head.deadline.strftime("%M:%S.%f") == head.freeze_at.strftime("%M:%S.%f") == "00:00.000000"
    assert timedelta(days=21) <= head.deadline - room.clock.now() < timedelta(days=21, hours=1)


def test_the_number_of_statements_does_not_grow_with_the_group(room: PoolRoom) -> None:
    room.open(capacity=100, tiers=TIERS[:1])
    room.join(1, 2)

    numbers = []
    for names in (range(3, 5), range(10, 40)):
        requests = [room.request(room.buyer(name)) for name in names]
        with counting(room.works.engine) as statements:
            assert not any(isinstance(one, Refusal) for one in room.place(*requests))
        numbers.append(len(statements))

    assert numbers[0] == numbers[1] <= 25


def test_four_times_as_many_buyers_as_places_get_exactly_the_places(room: PoolRoom) -> None:
    pool_id = room.open(capacity=10, tiers=TIERS[:1])
    requests = [room.request(room.buyer(name)) for name in range(1, 81)]
    groups = [requests[start::8] for start in range(8)]
    works = [Works(room.works.engine, clock=room.clock, ids=SeededIds(seed)) for seed in range(100, 108)]
    start = threading.Barrier(8)

    def place(number: int) -> list[Outcome]:
        start.wait(30)
        outcomes: list[Outcome] = []
        for half in (groups[number][:5], groups[number][5:]):
            with works[number].change(system(BRAND)) as work:
                outcomes += place_pre_orders(work, room.providers, half)
        return outcomes

    with ThreadPoolExecutor(8) as pool:
        outcomes = [one for own in pool.map(place, range(8)) for one in own]

    assert sum(not isinstance(one, Refusal) for one in outcomes) == 20
    assert {type(one) for one in outcomes if isinstance(one, Refusal)} == {PoolFull}
    assert room.head(pool_id).members == room.count(pool_id) == 20
    assert room.balance("provider:sandbox") == -20 * 500_000


# --- where one pool is full ------------------------------------------------------------------------------------------


def full_pool_beside_a_wide_one(room: PoolRoom) -> tuple[str, str]:
    """Open a pool of the plain car's trim and fill it, and one of every trim beside it."""
    own = room.open(capacity=3, tiers=TIERS[:1])
    wide = room.open(capacity=3, tiers=TIERS[:1], level=ClassLevel.L2)
    room.place(*(room.request(room.buyer(name), pool_id=own) for name in range(1, 7)))
    assert (room.head(own).members, room.head(wide).members) == (6, 0)
    return own, wide


def test_who_agreed_to_every_trim_is_seated_where_there_is_room(room: PoolRoom) -> None:
    _, wide = full_pool_beside_a_wide_one(room)

    (outcome,) = room.place(room.request(room.buyer(7), accepts_wider_class=True))

    assert placed(outcome).pre_order.pool_id == wide
    assert room.head(wide).members == 1


def test_who_named_a_full_pool_is_told_of_the_one_that_has_room(room: PoolRoom) -> None:
    own, wide = full_pool_beside_a_wide_one(room)

    (outcome,) = room.place(room.request(room.buyer(7), pool_id=own, accepts_wider_class=True))

    assert isinstance(outcome, PoolFull)
    assert outcome.other_pool_id == wide
    assert outcome.text().endswith("To be in, join the other pool that your car fits and that has places.")
    assert room.head(wide).members == 0


def test_who_did_not_agree_to_every_trim_is_told_that_it_would_help(room: PoolRoom) -> None:
    _, wide = full_pool_beside_a_wide_one(room)

    (outcome,) = room.place(room.request(room.buyer(7)))

    assert isinstance(outcome, PoolFull)
    assert outcome.other_pool_id == wide
    assert outcome.text().endswith("To be in, agree to a pool of every trim, which has places.")


def test_a_low_offer_goes_on_to_the_pool_that_still_takes_such(room: PoolRoom) -> None:
    room.open(capacity=5, tiers=TIERS[:2])
    wide = room.open(capacity=8, tiers=TIERS, level=ClassLevel.L2)
    low = 9_990_000
    room.join(1, 2, 3, 4, 5, cap=low)

    (outcome,) = room.place(room.request(room.buyer(7), cap=low, accepts_wider_class=True))

    assert placed(outcome).pre_order.pool_id == wide


def test_no_pool_is_named_that_would_not_take_the_offer_either(room: PoolRoom) -> None:
    own, wide = full_pool_beside_a_wide_one(room)
    room.place(*(room.request(room.buyer(name), pool_id=wide, accepts_wider_class=True) for name in range(11, 17)))

    (outcome,) = room.place(room.request(room.buyer(7), pool_id=own, accepts_wider_class=True))

    assert isinstance(outcome, PoolFull)
    assert outcome.other_pool_id is None
    assert outcome.text().endswith("To be in, choose another pool.")


def test_no_pool_is_named_in_which_the_person_is_already(room: PoolRoom) -> None:
    own, wide = full_pool_beside_a_wide_one(room)
    room.place(room.request(room.buyer(7), pool_id=wide, accepts_wider_class=True))

    (outcome,) = room.place(room.request(room.buyer(7), pool_id=own, accepts_wider_class=True))

    assert isinstance(outcome, PoolFull)
    assert outcome.other_pool_id is None
    assert outcome.text().endswith("To be in, choose another pool.")


def test_the_next_pool_is_named_where_the_person_is_in_the_first(room: PoolRoom) -> None:
    frozen = room.open(capacity=3, tiers=TIERS[:1], level=ClassLevel.L2, days=4)
    room.place(room.request(room.buyer(7), pool_id=frozen, accepts_wider_class=True))
    room.pass_time(days=2)
    own, wide = full_pool_beside_a_wide_one(room)

    (outcome,) = room.place(room.request(room.buyer(7), pool_id=own, accepts_wider_class=True))
    (stranger,) = room.place(room.request(room.buyer(8), pool_id=own, accepts_wider_class=True))

    assert isinstance(outcome, PoolFull)
    assert isinstance(stranger, PoolFull)
    assert (outcome.other_pool_id, stranger.other_pool_id) == (wide, frozen)
