"""Telling people: once per event, in their language, with money and times as they write them; logs name nobody."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import structlog
from sqlalchemy import select

from kernel import registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import NotSignedIn
from kernel.ids import AccountId, BrandId
from kernel.mail import ConsoleChannel, masked
from kernel.money import yuan
from kernel.notice_sending import MESSAGE_LEASE, PART_MAX, send_due
from kernel.notices import (
    Address,
    Fact,
    Message,
    NewNotice,
    Notice,
    TokenPlace,
    _to_json,
    mark_read,
    notices,
    notices_of,
    notify,
    notify_many,
    register_notice,
    registered_notices,
    render,
    unread_notices,
)
from kernel.paging import Page, PageRequest
from kernel.registry import Brand
from kernel.work import Work, Works

QILAN = Brand(BrandId("a" * 32), "qilan", {"en": "Qilan"}, "LQ9")
ZHOU, ANN, GONE = AccountId("1" * 32), AccountId("2" * 32), AccountId("3" * 32)
EVENT = "e" * 32
FACTS: dict[str, Fact] = {
    "amount": yuan(5000),
    "until": datetime(2026, 11, 23, 16, 30, tzinfo=UTC),
    "day": date(2026, 12, 1),
    "n": 60,
}

register_notice(
    "test.deposit_in",
    "意向金已到账",
    "已收到{amount}，{until}前可退出，预计{day}锁单（{n}人）。",
    "Your deposit is in",
    "We have {amount}. You may leave until {until}. {n} lock about {day}.",
)


@dataclass
class Post:
    """A channel that keeps what it sends and fails as often as told."""

    failures: int = 0
    sent: list[Message] = field(default_factory=list)
    name: str = "post"

    def reaches(self, address: Address) -> bool:
        return "@" in address.email

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        if self.failures:
            self.failures -= 1
            return {message.notice_id: "unreachable" for message in messages}
        self.sent.extend(messages)
        return {}


class Book:
    """An address book with one reader of each language."""

    def lookup(self, _work: Work, account_ids: Sequence[str]) -> Mapping[str, Address]:
        known = {ZHOU: Address("zhou@example.cn", "zh-CN"), ANN: Address("ann@example.org", "en")}
        return {one: address for one, address in known.items() if one in account_ids}


@pytest.fixture(autouse=True)
def brand(works: Works) -> None:
    with works.change(system(QILAN.id)) as work:
        registry.add_brand(work, QILAN, [])


def tell(works: Works, account_id: str, event_id: str = EVENT) -> None:
    with works.change(system(QILAN.id)) as work:
        notify(work, account_id, "test.deposit_in", FACTS, event_id)


def reader(account_id: AccountId, locale: str = "zh-CN") -> Actor:
    return Actor(QILAN.id, frozenset({Role.CONSUMER}), account_id, locale=locale)


def inbox(works: Works, actor: Actor, size: int = 10, after: str | None = None) -> Page[Notice]:
    with works.read(actor) as work:
        return notices_of(work, PageRequest(size, after))


def test_each_reads_it_in_their_language_with_money_and_times_as_written(works: Works) -> None:
    post = Post()
    tell(works, ZHOU)
    tell(works, ANN)

    sent = send_due(works, [post], Book())

    texts = {message.to: (message.subject, message.body) for message in post.sent}
    assert sent == 2
    assert texts["zhou@example.cn"] == (
        "意向金已到账",
        "已收到¥5,000，2026年11月24日 00:30前可退出，预计2026年12月1日锁单（60人）。",
    )
    assert texts["ann@example.org"] == (
        "Your deposit is in",
        "We have ¥5,000. You may leave until 24 November 2026, 00:30 (UTC+08:00). 60 lock about 1 December 2026.",
    )


def test_one_event_tells_one_account_once(works: Works) -> None:
    post = Post()

    for _ in range(3):
        tell(works, ZHOU)
        send_due(works, [post], Book())

    assert len(post.sent) == 1
    assert len(inbox(works, reader(ZHOU)).items) == 1


def test_what_could_not_be_sent_is_tried_again_after_a_pause(works: Works, clock: FixedClock) -> None:
    post = Post(failures=2)
    tell(works, ZHOU)

    outcomes = []
    for pause in (0, 29, 1, 60, 3600):
        clock.advance(timedelta(seconds=pause))
        outcomes.append(send_due(works, [post], Book()))

    assert outcomes == [0, 0, 0, 1, 0]
    assert len(post.sent) == 1


def test_a_notice_that_nobody_here_can_read_waits_and_holds_nobody_up(works: Works, clock: FixedClock) -> None:
    post = Post()
    row = {"brand_id": QILAN.id, "account_id": ANN, "facts": {}, "at": clock.now(), "due_at": clock.now()}
    with works.change(system(QILAN.id)) as work:
        for kind in ("test.of_a_newer_version", "test.deposit_in"):
            own = {"id": work.new_id(), "event_id": work.new_id(), "kind": kind, "in_inbox": True}
            work.connection.execute(notices.insert().values(**row, **own))
    tell(works, ZHOU)

    sent = send_due(works, [post], Book())

    assert (sent, [message.to for message in post.sent]) == (1, ["zhou@example.cn"])
    with works.read(system(QILAN.id)) as work:
        waiting = select(notices.c.last_error, notices.c.attempts).where(notices.c.due_at > clock.now())
        assert work.connection.execute(waiting).all() == [("unreadable", 1)] * 2


def test_a_worker_that_died_while_sending_leaves_the_notice_to_the_next(works: Works, clock: FixedClock) -> None:
    class Dies(Post):
        def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
            raise KeyboardInterrupt

    post = Post()
    tell(works, ZHOU)

    with pytest.raises(KeyboardInterrupt):
        send_due(works, [Dies()], Book())
    outcomes = []
    for pause in (30, 149, 1):
        clock.advance(timedelta(seconds=pause))
        outcomes.append(send_due(works, [post], Book()))

    assert outcomes == [0, 0, 1]


def test_a_slow_mail_server_and_two_workers_send_each_notice_once(works: Works, clock: FixedClock) -> None:
    other = Post()

    class Slow(Post):
        def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
            for message in messages:
                super().send([message])
                clock.advance(MESSAGE_LEASE)
                send_due(works, [other], Book())
            return {}

    slow = Slow()
    with works.change(system(QILAN.id)) as work:
        notify_many(work, [NewNotice(ANN, "test.deposit_in", FACTS, f"{n:032x}") for n in range(3 * PART_MAX)])

    sent = send_due(works, [slow], Book())

    assert sent == len(slow.sent)
    assert len({one.notice_id for one in slow.sent + other.sent}) == len(slow.sent + other.sent) == 3 * PART_MAX


def test_a_mail_that_never_goes_out_is_given_up_after_twelve_attempts(works: Works, clock: FixedClock) -> None:
    post = Post(failures=99)
    tell(works, ZHOU)

    for _ in range(20):
        send_due(works, [post], Book())
        clock.advance(timedelta(hours=1))

    assert post.failures == 99 - 12


def test_an_account_that_is_gone_is_told_nothing_and_holds_nobody_up(works: Works) -> None:
    post = Post()
    tell(works, GONE)
    tell(works, ZHOU)

    first, second = send_due(works, [post], Book()), send_due(works, [post], Book())

    assert (first, second) == (1, 0)
    with works.read(system(QILAN.id)) as work:
        row = work.connection.execute(select(notices).where(notices.c.account_id == GONE)).one()
    assert (row.sent_at, row.due_at, row.last_error) == (None, None, "no address")


def test_the_logs_name_notices_and_never_people(works: Works) -> None:
    tell(works, ZHOU)

    with structlog.testing.capture_logs() as logs:
        send_due(works, [Post(failures=1)], Book())

    assert [entry["event"] for entry in logs] == ["notice_not_sent"]
    assert "zhou" not in str(logs)
    assert ZHOU not in str(logs)


def test_an_inbox_is_ones_own_newest_first_and_paged(works: Works, clock: FixedClock) -> None:
    for number in range(3):
        tell(works, ZHOU, f"{number}" * 32)
        clock.advance(timedelta(minutes=1))
    tell(works, ANN)

    first = inbox(works, reader(ZHOU, "en"), size=2)
    rest = inbox(works, reader(ZHOU, "en"), size=2, after=first.items[-1].id)

    assert [len(first.items), first.has_next, len(rest.items), rest.has_next] == [2, True, 1, False]
    assert [one.at for one in first.items] > [one.at for one in rest.items]
    assert {one.subject for one in first.items} == {"Your deposit is in"}


@pytest.mark.parametrize(("locale", "says"), [("en", "cannot be shown"), ("zh-CN", "无法显示")])
def test_a_notice_that_nobody_here_can_read_keeps_its_place_and_the_page_is_shown(
    works: Works, clock: FixedClock, locale: str, says: str
) -> None:
    tell(works, ZHOU)
    with works.change(system(QILAN.id)) as work:
        for kind in ("test.of_a_newer_version", "test.deposit_in"):
            own = {"id": work.new_id(), "event_id": work.new_id(), "kind": kind, "in_inbox": True}
            row = {"brand_id": QILAN.id, "account_id": ZHOU, "facts": {}, "at": clock.now()}
            work.connection.execute(notices.insert().values(**row, **own))

    page = inbox(works, reader(ZHOU, locale))

    assert [says in one.subject for one in page.items] == [True, True, False]


def test_a_brand_sees_nothing_of_another_and_a_guest_nothing_at_all(works: Works) -> None:
    tell(works, ZHOU)
    stranger = Actor(BrandId("b" * 32), frozenset({Role.CONSUMER}), ZHOU)

    assert inbox(works, stranger).items == ()
    with pytest.raises(NotSignedIn):
        inbox(works, Actor(QILAN.id))


def test_reading_marks_ones_own_notices_only(works: Works) -> None:
    tell(works, ZHOU)
    tell(works, ANN)
    both = [inbox(works, reader(one)).items[0].id for one in (ZHOU, ANN)]

    with works.change(reader(ZHOU)) as work:
        mark_read(work, both)

    unread = []
    for account_id in (ZHOU, ANN):
        with works.read(reader(account_id)) as work:
            unread.append(unread_notices(work))
    assert unread == [0, 1]
    assert inbox(works, reader(ZHOU)).items[0].read_at is not None


def test_a_notice_without_its_facts_or_of_an_unknown_kind_is_our_own_mistake(works: Works) -> None:
    with pytest.raises(AssertionError), works.change(system(QILAN.id)) as work:
        notify(work, ZHOU, "test.deposit_in", {"amount": yuan(1)}, EVENT)
    with pytest.raises(KeyError), works.change(system(QILAN.id)) as work:
        notify(work, ZHOU, "test.unheard_of", {}, EVENT)


def test_both_languages_must_tell_the_same_facts() -> None:
    with pytest.raises(AssertionError):
        register_notice("test.lopsided", "价格", "{price}", "Price", "{price} on {day}")

    assert "test.lopsided" not in registered_notices()


def test_many_are_told_in_one_statement(works: Works) -> None:
    accounts = [f"{number:032x}" for number in range(300)]
    with works.change(system(QILAN.id)) as work:
        notify_many(work, [NewNotice(account_id, "test.deposit_in", FACTS, EVENT) for account_id in accounts])

    with works.read(system(QILAN.id)) as work:
        assert len(work.connection.execute(select(notices.c.id)).all()) == 300


def test_the_console_shows_the_notice_and_hides_the_address(works: Works) -> None:
    stream = io.StringIO()
    tell(works, ANN)

    send_due(works, [ConsoleChannel(stream)], Book())

    assert stream.getvalue().startswith("--- notice to a***@example.org: Your deposit is in\nWe have ¥5,000.")
    assert "ann@" not in stream.getvalue()


@pytest.mark.parametrize(
    ("address", "shown"), [("a@b.cn", "a***@b.cn"), ("", "***"), ("no-at", "***"), ("@b.cn", "***")]
)
def test_an_address_is_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_what_a_person_writes_leaves_no_place_for_a_token_and_a_place_is_kept_apart_from_texts() -> None:
    written = f"⟦recovery:{'a' * 32}⟧"
    facts = {name: _to_json(value) for name, value in (FACTS | {"amount": written}).items()}
    place = facts | {"amount": _to_json(TokenPlace("recovery", "a" * 32))}

    texts = [render("test.deposit_in", one, locale="en", zone=ZoneInfo("UTC"))[1] for one in (facts, place)]

    assert texts[0].startswith(f"We have [recovery:{'a' * 32}].")
    assert texts[1].startswith(f"We have {written}.")
