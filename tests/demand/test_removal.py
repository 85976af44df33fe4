"""A deposit that never comes takes the place with it: from an open pool, a frozen one, and from whoever waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from configurator.model import Tier
from demand.audit_service import CHECKS
from demand.errors import PreOrderClosed
from demand.pools.model import FailedPool, FailureChoice, FrozenPool, LockedPool, OpenPool
from demand.service import Placed, remove_member, withdraw
from kernel import record
from kernel.actor import Actor, Role, system
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId
from kernel.news import outbox
from kernel.payments import PaymentState
from kernel.sandbox import DECLINED_PREFIX
from kernel.soundness import LEDGER_CHECKS, PAYMENT_CHECKS, examine
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import ANY_PRICE, PoolRoom, placed


def join_with_empty_wallet(
    room: PoolRoom, name: int, *, cap: int = ANY_PRICE, choice: FailureChoice = FailureChoice.REFUND
) -> Placed:
    """Let somebody join whose deposit is authorised and will be declined."""
    buyer = room.buyer(name)
    room.wallet_is_empty = True
    request = room.request(buyer, cap=cap, choice=choice)
    room.wallet_is_empty = False
    return placed(room.place(request)[0])


def violations(room: PoolRoom) -> list[str]:
    with room.works.read(system(BRAND)) as work:
        found = examine(work, (*LEDGER_CHECKS, *PAYMENT_CHECKS, *CHECKS))
    return [f"{one.check.name}: {line}" for one in found for line in one.violations]


def kinds(room: PoolRoom, pool_id: str) -> list[str]:
    with room.works.read(system(BRAND)) as work:
        entries = record.entries_of(work, f"pool:{pool_id}")
    assert record.verify(entries) is None
    return [entry.kind for entry in entries]


def told(room: PoolRoom, kind: str) -> int:
    with room.works.read(system(BRAND)) as work:
        return len(work.connection.execute(outbox.select().where(outbox.c.kind == kind)).all())


def test_a_member_of_an_open_pool_whose_deposit_is_declined_loses_the_place(room: PoolRoom) -> None:
    pool_id = room.open()
    stays = room.join(1)[0]
    goes = join_with_empty_wallet(room, 2)

    room.settle()

    pool = room.pool(pool_id)
    assert isinstance(pool, OpenPool)
    assert (pool.head.members, pool.head.reaching) == (1, (1, 1, 1))
    assert room.states() == {stays.pre_order_id: "pooled", goes.pre_order_id: "removed"}
    assert kinds(room, pool_id)[-1] == "pool.removed"
    assert told(room, "demand.member_removed") == 1
    assert violations(room) == []


def test_a_returned_payment_removes_a_member_of_a_frozen_pool_too_and_the_freeze_stays(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(3, 0),))
    room.join(1, 2)
    goes = join_with_empty_wallet(room, 3)
    frozen = room.pool(pool_id)
    assert isinstance(frozen, FrozenPool)

    room.settle()

    after = room.pool(pool_id)
    assert isinstance(after, FrozenPool)
    assert (after.head.members, after.head.deadline) == (2, frozen.head.deadline)
    assert room.states()[goes.pre_order_id] == "removed"
    assert violations(room) == []
    room.pass_time(hours=72)
    assert isinstance(room.pool(pool_id), FailedPool)


def test_a_deposit_that_the_bank_takes_back_takes_the_place_with_it_also_in_a_frozen_pool(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(3, 0),))
    goes, *others = room.join(1, 2, 3)
    room.settle()
    assert isinstance(room.pool(pool_id), FrozenPool)

    outcomes = [room.charge_back(goes.pre_order_id).outcome for _ in range(2)]

    assert outcomes == ["charged_back", "repeated"]
    assert isinstance(room.pool(pool_id), FrozenPool)
    assert room.head(pool_id).members == 2
    assert room.states() == {goes.pre_order_id: "removed"} | {one.pre_order_id: "pooled" for one in others}
    assert room.balance(f"deposit:{goes.pre_order_id}") == 0
    with room.works.read(system(BRAND)) as work:
        last = record.entries_of(work, f"pool:{pool_id}")[-1]
    assert (last.kind, last.body["reason"]) == ("pool.removed", "payment_returned")
    assert told(room, "demand.member_removed") == 1
    assert violations(room) == []


def test_a_refunded_deposit_that_the_bank_takes_back_too_is_a_claim_and_changes_no_pool(room: PoolRoom) -> None:
    pool_id = room.open()
    (left,) = room.join(1)
    room.settle()
    with room.works.change(Actor(BRAND, account_id=room.buyer(1).account_id, roles=frozenset({Role.CONSUMER}))) as work:
        withdraw(work, left.pre_order_id)
    room.settle()

    room.charge_back(left.pre_order_id)

    (payment,) = room.payments_of(left.pre_order_id)
    assert (payment.state, room.states()) == (PaymentState.CHARGED_BACK, {left.pre_order_id: "withdrawn"})
    assert room.balance(f"uncollected:{payment.id}") == -500_000
    assert "pool.removed" not in kinds(room, pool_id)
    assert violations(room) == []


def test_the_waiting_list_moves_up_where_a_member_is_removed(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(3, 0),))
    goes = join_with_empty_wallet(room, 9)
    others = room.join(1, 2, 3)

    room.settle()
    room.pass_time(hours=72)

    assert isinstance(room.pool(pool_id), LockedPool)
    assert {room.states()[one.pre_order_id] for one in others} == {"locked"}
    assert room.states()[goes.pre_order_id] == "removed"
    assert violations(room) == []


def test_who_waits_for_the_next_pool_with_money_that_never_comes_waits_no_more(room: PoolRoom) -> None:
    room.open(tiers=(Tier(3, 0),))
    goes = join_with_empty_wallet(room, 1, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    assert room.states() == {goes.pre_order_id: "rolled_over"}

    room.settle()

    assert room.states() == {goes.pre_order_id: "removed"}
    second = room.open(tiers=(Tier(3, 0),))
    room.pass_time(seconds=1)
    assert room.head(second).members == 0
    assert violations(room) == []


def test_who_left_before_the_money_was_declined_has_nothing_to_get_back(room: PoolRoom) -> None:
    room.open()
    goes = join_with_empty_wallet(room, 1)
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, goes.pre_order_id)

    room.settle()
    room.clock.advance(timedelta(hours=2))
    room.settle()

    assert room.states() == {goes.pre_order_id: "withdrawn"}
    assert [one.state.value for one in room.payments_of(goes.pre_order_id)] == ["declined"]
    assert room.balance("provider:sandbox") == 0
    assert violations(room) == []


def test_a_member_locked_on_money_that_never_comes_keeps_the_others_prices(room: PoolRoom) -> None:
    pool_id = room.open()
    others = room.join(1, 2)
    goes = join_with_empty_wallet(room, 3)
    room.pass_time(days=21)
    before = room.pool(pool_id)

    room.settle()

    assert isinstance(before, LockedPool)
    assert room.pool(pool_id) == before
    assert {room.states()[one.pre_order_id] for one in (*others, goes)} == {"locked"}
    assert room.balance(f"earnest:{goes.pre_order_id}") == 0
    assert told(room, "demand.earnest_lost") == 1
    assert violations(room) == []


def test_a_removed_person_may_join_again_with_other_money(room: PoolRoom) -> None:
    pool_id = room.open()
    join_with_empty_wallet(room, 1)
    room.settle()

    again = room.join(1)[0]

    assert room.states()[again.pre_order_id] == "pooled"
    assert room.head(pool_id).members == 1


def test_declining_twice_removes_once(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1)
    goes = join_with_empty_wallet(room, 2)
    (payment,) = room.payments_of(goes.pre_order_id)
    assert payment.provider_reference is not None
    assert payment.provider_reference.startswith(DECLINED_PREFIX)

    for _ in range(3):
        room.settle()

    assert room.head(pool_id).members == 1
    assert kinds(room, pool_id).count("pool.removed") == 1


# --- a proven fraud --------------------------------------------------------------------------------------------------

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))


def test_an_operator_takes_a_proven_fraud_out_of_a_frozen_pool_and_the_record_says_so(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    _, goes, _ = room.join(1, 2, 3)
    assert isinstance(room.pool(pool_id), FrozenPool)

    with room.works.change(OPERATOR) as work:
        ended = remove_member(work, goes.pre_order_id, case="F-2026/017")
    room.settle()

    assert (ended.ending, ended.refund_by is not None) == ("removed", True)
    assert room.head(pool_id).members == 2
    assert [one.state.value for one in room.payments_of(goes.pre_order_id)] == ["refunded"]
    with room.works.read(system(BRAND)) as work:
        entry = record.entries_of(work, f"pool:{pool_id}")[-1]
    assert (entry.kind, entry.body["reason"], entry.body["case"]) == ("pool.removed", "fraud", "F-2026/017")
    assert violations(room) == []
    room.pass_time(hours=72)
    assert isinstance(room.pool(pool_id), LockedPool)


@pytest.mark.parametrize("case", ["", "ab", "she lied to us", "x" * 41, "F-2026\n017"])
def test_a_removal_names_its_case_and_tells_no_story(room: PoolRoom, case: str) -> None:
    pool_id = room.open()
    (member,) = room.join(1)

    with pytest.raises(InvalidInput), room.works.change(OPERATOR) as work:
        remove_member(work, member.pre_order_id, case=case)

    assert room.head(pool_id).members == 1


def test_only_an_operator_removes_and_only_who_holds_or_waits_for_a_place(room: PoolRoom) -> None:
    room.open()
    (member,) = room.join(1)
    for actor in (room.buyer(1), PLANNER):
        with pytest.raises(Forbidden), room.works.change(actor) as work:
            remove_member(work, member.pre_order_id, case="F-2026")
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, member.pre_order_id)

    with pytest.raises(PreOrderClosed), room.works.change(OPERATOR) as work:
        remove_member(work, member.pre_order_id, case="F-2026")
    with pytest.raises(NotFound), room.works.change(OPERATOR) as work:
        remove_member(work, "0" * 32, case="F-2026")
