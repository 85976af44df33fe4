"""What a member may change, and what is handed out and erased of a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from configurator.errors import QuoteTaken
from demand.errors import CapNotRaised, PreOrderOpen, WrongClass
from demand.pools.model import Offer
from demand.queries import pre_orders_seen, proposals_by_id
from demand.service import TIMERS, DemandData, cast_vote, change_car, publish_proposal, submit_proposal, withdraw
from kernel.actor import Actor, system
from kernel.errors import NotFound
from kernel.ids import AccountId
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom

HOOKED = ("RED", "W17", "PT_SMALL", "TR_BASE", "HOOK")
PLUS = ("BLUE", "W17", "PT_SMALL", "TR_PLUS")


def change(room: PoolRoom, buyer: Actor, pre_order_id: str, options: tuple[str, ...], cap: int) -> None:
    quote_id = room.quote(buyer, options=options)
    with room.works.change(buyer) as work:
        change_car(work, pre_order_id, quote_id=quote_id, price_cap_minor=cap)


def test_a_member_of_an_open_pool_changes_free_options_on_a_new_quote(room: PoolRoom) -> None:
    pool_id = room.open()
    (member,) = room.join(1, cap=10_000_000)

    change(room, room.buyer(1), member.pre_order_id, HOOKED, 9_700_000)

    with room.works.read(room.buyer(1)) as work:
        changed = pre_orders_seen(work, [member.pre_order_id])[member.pre_order_id]
    assert changed.head.options == ("RED", "W17", "PT_SMALL", "TR_BASE", "HOOK")
    assert changed.head.offer == Offer(10_200_000, 9_700_000)
    assert room.head(pool_id).reaching == (0, 0, 1)
    assert room.head(pool_id).members == 1


def test_in_a_frozen_pool_the_cap_rises_by_as_much_as_the_car(room: PoolRoom) -> None:
    pool_id = room.open()
    (member,) = room.join(1, cap=10_000_000)
    room.pass_time(days=19)

    with pytest.raises(CapNotRaised):
        change(room, room.buyer(1), member.pre_order_id, HOOKED, 10_199_900)
    assert room.head(pool_id).reaching == (1, 1, 1)
    change(room, room.buyer(1), member.pre_order_id, HOOKED, 10_200_000)

    assert room.head(pool_id).reaching == (1, 1, 1)


def test_a_change_to_another_class_or_on_anothers_order_is_refused(room: PoolRoom) -> None:
    room.open()
    (member,) = room.join(1)

    with pytest.raises(WrongClass):
        change(room, room.buyer(1), member.pre_order_id, PLUS, 12_000_000)
    with pytest.raises(NotFound):
        change(room, room.buyer(2), member.pre_order_id, HOOKED, 12_000_000)
    quote_id = member.pre_order.head.quote_id
    with pytest.raises(QuoteTaken), room.works.change(room.buyer(1)) as work:
        change_car(work, member.pre_order_id, quote_id=quote_id, price_cap_minor=12_000_000)


def test_what_is_kept_of_a_person_is_handed_out_and_nobody_elses(room: PoolRoom) -> None:
    room.open()
    mine, _ = room.join(1, 2)
    account_id = AccountId(mine.pre_order.head.account_id)

    with room.works.read(room.buyer(1)) as work:
        kept = DemandData().export(work, account_id)

    assert [one["id"] for one in kept["preOrders"]] == [mine.pre_order_id]
    assert [step[0] for step in kept["preOrders"][0]["timeline"]] == ["acknowledged", "funded", "pooled"]
    assert kept["votes"] == []


def test_an_account_with_a_pre_order_under_way_is_not_erased(room: PoolRoom) -> None:
    room.open()
    (mine,) = room.join(1)
    account_id = AccountId(mine.pre_order.head.account_id)

    with room.works.change(room.buyer(1)) as work:
        before = DemandData().blocks_erasure(work, account_id)
        withdraw(work, mine.pre_order_id)
        after = DemandData().blocks_erasure(work, account_id)

    assert before == PreOrderOpen("pooled")
    assert after is None


def test_an_erased_authors_draft_loses_its_words_and_only_the_authors_own_open_vote_is_taken_back(
    room: PoolRoom,
) -> None:
    author = room.buyer(1)
    with room.works.change(author) as work:
        draft = submit_proposal(work, title="My name is Li", text="Call me").head.id
        public = submit_proposal(work, title="Tow hook", text="").head.id
    with room.works.change(PLANNER) as work:
        publish_proposal(work, public)
    with room.works.change(room.buyer(2)) as work:
        cast_vote(work, public)
    with room.works.change(author) as work:
        cast_vote(work, public)
        DemandData().erase(work, author.signed_in())

    with room.works.read(PLANNER) as work:
        shown = proposals_by_id(work, [draft, public])
    assert (shown[draft].proposal.head.title, shown[draft].proposal.head.text) == ("-", "")
    assert author.account_id not in {view.proposal.head.account_id for view in shown.values()}
    assert shown[public].votes == 1


def test_timers_that_come_early_set_themselves_anew(room: PoolRoom) -> None:
    pool_id = room.open()
    before = room.pool(pool_id)
    with room.works.change(system(BRAND)) as work:
        TIMERS["demand.pool_freeze"](work, pool_id, None)
        TIMERS["demand.pool_clear"](work, pool_id, None)
    assert room.pool(pool_id) == before

    room.pass_time(seconds=timedelta(days=21).total_seconds())
    assert type(room.pool(pool_id)).__name__ == "FailedPool"
