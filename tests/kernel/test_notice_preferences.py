"""What one wants to be told: by kind and way, for what may be muted; the rest always comes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from kernel.actor import Actor, Role, system
from kernel.errors import InvalidInput, NotSignedIn
from kernel.ids import AccountId
from kernel.kept import KeptPreferences
from kernel.notice_preferences import NoticeEssential, own_preferences, set_preference
from kernel.notice_sending import send_due
from kernel.notices import (
    Address,
    Message,
    Way,
    notice_preferences,
    notices,
    notices_of,
    notify,
    register_notice,
    unread_notices,
)
from kernel.paging import PageRequest
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, open_small_brand

ANN = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("1" * 32), locale="en")
BEN = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("2" * 32), locale="zh-CN")

register_notice("test.chatter", "闲话", "没什么要紧的。", "Chatter", "Nothing much.", may_mute=True)
register_notice("test.money", "款项", "请付款。", "Money", "Please pay.")
register_notice("test.circle", "致圈子“{circle}”", "您好。", "To {circle}", "Hello.")


@dataclass
class Post:
    """A channel that keeps what it sends."""

    sent: list[Message] = field(default_factory=list)
    name: str = "post"

    def reaches(self, address: Address) -> bool:
        return True

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        self.sent += messages
        return {}


class Book:
    def lookup(self, work: Work, account_ids: Sequence[str]) -> Mapping[str, Address]:
        return {one: Address(one, "en") for one in account_ids}


@pytest.fixture
def brand(works: Works) -> Works:
    open_small_brand(works)
    return works


def choose(works: Works, who: Actor, kind: str, way: Way, *, wanted: bool) -> None:
    with works.change(who) as work:
        set_preference(work, kind, way, wanted=wanted)


def tell(
    works: Works, kind: str, *, event: str = "e" * 32
) -> tuple[dict[AccountId, list[str]], dict[AccountId, list[str]]]:
    """Tell both of something; return what stands in each inbox, and what was sent to each."""
    with works.change(system(BRAND)) as work:
        for who in (ANN, BEN):
            notify(work, who.signed_in(), kind, {}, event)
    post = Post()
    send_due(works, [post], Book())
    inboxes = {}
    for who in (ANN, BEN):
        with works.read(who) as work:
            inboxes[who.signed_in()] = [one.kind for one in notices_of(work, PageRequest(10)).items]
            assert unread_notices(work) == len(inboxes[who.signed_in()])
    sent = {who.signed_in(): [one.subject for one in post.sent if one.to == who.signed_in()] for who in (ANN, BEN)}
    return inboxes, sent


@pytest.mark.parametrize(
    ("muted", "inbox", "messages"),
    [
        ((), ["test.chatter"], ["Chatter"]),
        ((Way.MESSAGE,), ["test.chatter"], []),
        ((Way.INBOX,), [], ["Chatter"]),
        ((Way.INBOX, Way.MESSAGE), [], []),
    ],
)
def test_a_notice_comes_only_on_the_ways_that_are_wanted(
    brand: Works, muted: tuple[Way, ...], inbox: list[str], messages: list[str]
) -> None:
    for way in muted:
        choose(brand, ANN, "test.chatter", way, wanted=False)

    inboxes, sent = tell(brand, "test.chatter")

    assert (inboxes[ANN.signed_in()], sent[ANN.signed_in()]) == (inbox, messages)
    assert (inboxes[BEN.signed_in()], sent[BEN.signed_in()]) == (["test.chatter"], ["Chatter"])


def test_what_was_muted_comes_again_once_it_is_wanted_again(brand: Works) -> None:
    for way in Way:
        choose(brand, ANN, "test.chatter", way, wanted=False)
    tell(brand, "test.chatter")
    choose(brand, ANN, "test.chatter", Way.INBOX, wanted=True)

    inboxes, sent = tell(brand, "test.chatter", event="f" * 32)

    assert inboxes[ANN.signed_in()] == ["test.chatter"]
    assert sent[ANN.signed_in()] == []


def test_what_money_hangs_on_cannot_be_muted(brand: Works) -> None:
    with pytest.raises(NoticeEssential) as refused:
        choose(brand, ANN, "test.money", Way.MESSAGE, wanted=False)

    inboxes, sent = tell(brand, "test.money")
    assert refused.value == NoticeEssential("Money")
    assert (inboxes[ANN.signed_in()], sent[ANN.signed_in()]) == (["test.money"], ["Money"])


def test_an_unknown_kind_and_a_guest_are_refused(brand: Works) -> None:
    with pytest.raises(InvalidInput):
        choose(brand, ANN, "no.such", Way.INBOX, wanted=False)
    with pytest.raises(NotSignedIn):
        choose(brand, Actor(BRAND), "test.chatter", Way.INBOX, wanted=False)


def test_every_kind_and_way_is_shown_with_what_is_chosen_in_ones_own_language(brand: Works) -> None:
    choose(brand, BEN, "test.chatter", Way.MESSAGE, wanted=False)

    with brand.read(BEN) as work:
        own = {(one.kind, one.way): one for one in own_preferences(work)}
    with brand.read(ANN) as work:
        others = {(one.kind, one.way): one.wanted for one in own_preferences(work)}

    chatter, money = own["test.chatter", Way.MESSAGE], own["test.money", Way.MESSAGE]
    assert (chatter.title, chatter.wanted, chatter.may_mute) == ("闲话", False, True)
    assert own["test.chatter", Way.INBOX].wanted
    assert (money.wanted, money.may_mute) == (True, False)
    assert own["test.circle", Way.INBOX].title == "致圈子“…”"
    assert all(others.values())


def test_preferences_are_handed_out_and_erased_with_the_account(brand: Works) -> None:
    choose(brand, ANN, "test.chatter", Way.MESSAGE, wanted=False)
    kept = KeptPreferences()

    with brand.change(ANN) as work:
        (row,) = kept.export(work, ANN.signed_in())
        kept.erase(work, ANN.signed_in())
        left = work.connection.execute(select(notice_preferences)).all()

    assert (row["kind"], row["way"], row["wanted"]) == ("test.chatter", "message", False)
    assert left == []


def test_muting_takes_away_nothing_that_was_told_before(brand: Works) -> None:
    tell(brand, "test.chatter")

    choose(brand, ANN, "test.chatter", Way.INBOX, wanted=False)

    with brand.read(ANN) as work:
        assert [one.kind for one in notices_of(work, PageRequest(10)).items] == ["test.chatter"]
        assert len(work.connection.execute(select(notices)).all()) == 2


def test_of_two_wishes_at_once_the_one_that_is_acknowledged_last_holds(brand: Works) -> None:
    written, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with brand.change(ANN) as work:
            set_preference(work, "test.chatter", Way.MESSAGE, wanted=True)
            written.set()
            go_on.wait(0.5)

    def last() -> None:
        written.wait(10)
        with brand.change(ANN) as work:
            set_preference(work, "test.chatter", Way.MESSAGE, wanted=False)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(last)]:
            done.result()

    with brand.read(ANN) as work:
        (wish,) = [one for one in own_preferences(work) if (one.kind, one.way) == ("test.chatter", Way.MESSAGE)]
    assert wish.wanted is False
