"""Who is told what: every kind of news that has a teller becomes one notice, once, in the account's language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import delete, insert, select, update

from configurator.events import ConfigurationBroken
from configurator.model import Tier
from demand.circles.tables import (
    circle_answers,
    circle_drives,
    circle_hosts,
    circle_members,
    circle_messages,
    circle_offers,
    circle_questions,
    circles,
)
from demand.events import CostlierTermsOffered, DepositsHeld, DriveReplied, MemberRemoved, PreOrderRolled
from demand.pools.model import ClassLevel, FailureChoice
from factory_orders.conditions.events import DamageCaseMoved
from factory_orders.consents.events import RepairedCarAnswered
from factory_orders.events import BalanceDeclined, EarnestMissing, OrderCancelled, OrderScheduled, VehicleDisclosed
from factory_orders.exchanges.events import OrderCarSwapped
from factory_orders.papers.events import PaperAnswered
from kernel import news, outbox
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.consent import consent_entries
from kernel.events import Event
from kernel.identity.model import TokenPurpose
from kernel.identity.tables import accounts, invitations
from kernel.identity.tokens import one_time_token
from kernel.notice_sending import send_due
from kernel.notices import Address, Message, notices, registered_notices
from kernel.work import Work, Works
from muster.telling import TELLERS, IdentityAddresses, WithAddress, WithoutTokens, WithTokens
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.kernel.identity.people import personal_traces

KEY: Final = b"an identity key of these tests, 32 bytes"
MEMBER: Final = f"{1:032x}"
CIRCLE, OFFER, MESSAGE = "1" * 32, "2" * 32, "3" * 32
HOST, DRIVE, DECLINED, QUESTION, ANSWER = "4" * 32, "5" * 32, "6" * 32, "7" * 32, "8" * 32
CONFIRMATION, RECOVERY, INVITATION = "c" * 32, "d" * 32, "e" * 32
LANGUAGES: Final = ("zh-CN", "en")
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Post:
    """A channel that keeps what it sends."""

    sent: list[Message] = field(default_factory=list)
    name: str = "post"

    def reaches(self, address: Address) -> bool:
        return True

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        self.sent.extend(messages)
        return {}


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


def write_people(room: PoolRoom, locale: str) -> str:
    """Write a member's account and somebody's invitation, and let the member join a pool; returns the pool."""
    pool_id = room.open()
    room.join(1)
    now = room.clock.now()
    account = {"id": MEMBER, "brand_id": BRAND, "email": "li@fir.test", "email_key": "li@fir.test", "name": "Li"}
    times = {"created_at": now, "changed_at": now, "confirmed_at": now}
    invited = {"id": INVITATION, "brand_id": BRAND, "email": "wang@fir.test", "role": "planner", "locale": locale}
    with room.works.change(system(BRAND)) as work:
        work.connection.execute(delete(news.outbox))
        work.connection.execute(insert(accounts).values(**account, **times, locale=locale, state="active"))
        work.connection.execute(insert(invitations).values(**invited, created_at=now, expires_at=now))
        circle = {"id": CIRCLE, "brand_id": BRAND, "kind": "city", "subject": "x", "title": "x", "text": ""}
        work.connection.execute(insert(circles).values(**circle, access="open", founded_at=now))
        member = {"circle_id": CIRCLE, "person_id": MEMBER, "brand_id": BRAND, "account_id": MEMBER, "joined_at": now}
        work.connection.execute(insert(circle_members).values(**member))
        made = {"brand_id": BRAND, "circle_id": CIRCLE, "text": "x"}
        offer = {"id": OFFER, "pool_id": pool_id, "made_by": MEMBER, "made_at": now, "ends_at": now + timedelta(days=1)}
        work.connection.execute(insert(circle_offers).values(**made, **offer))
        work.connection.execute(insert(circle_messages).values(**made, id=MESSAGE, sent_by=MEMBER, sent_at=now))
        write_owners(work, now)
        for place, purpose in enumerate(("circle_offers", "maker_contact")):
            consent = {"id": f"{place:032}", "brand_id": BRAND, "account_id": MEMBER, "purpose": purpose}
            work.connection.execute(insert(consent_entries).values(**consent, given=True, text_version="1", at=now))
    return pool_id


def write_owners(work: Work, now: datetime) -> None:
    """Write a host with a test drive that was agreed and one that was declined, and a question with its answer."""
    own = {"brand_id": BRAND, "account_id": MEMBER, "text": "x"}
    host = {"id": HOST, "circle_id": CIRCLE, "person_id": MEMBER, "model": "A1", "since": now}
    work.connection.execute(insert(circle_hosts).values(**own, **host))
    for drive_id, state in ((DRIVE, "agreed"), (DECLINED, "declined")):
        drive = {"id": drive_id, "host_id": HOST, "person_id": drive_id, "state": state, "answer": "x"}
        work.connection.execute(insert(circle_drives).values(**own, **drive, asked_at=now, answered_at=now))
    question = {"id": QUESTION, "circle_id": CIRCLE, "person_id": MEMBER, "asked_at": now}
    work.connection.execute(insert(circle_questions).values(**own, **question))
    answer = {"id": ANSWER, "question_id": QUESTION, "person_id": MEMBER, "model": "A1", "at": now}
    work.connection.execute(insert(circle_answers).values(**own, **answer))


def told_kinds() -> list[str]:
    """Return every kind of news that has a teller; one kind has one."""
    kinds = [kind for teller in TELLERS for kind in teller.kinds]
    assert len(kinds) == len(set(kinds))
    return sorted(kinds)


OTHERWISE: Final[Mapping[type[Event], dict[str, Any]]] = {
    CostlierTermsOffered: {"any_trim": True},
    DepositsHeld: {"frozen_until": None},
    OrderCarSwapped: {"days_sooner": 0},
    OrderScheduled: {"promised_by": date.min},
}
"""What makes another notice of news of a kind."""


def events_of(kind: str, pool_id: str, now: datetime) -> list[Event]:
    """Make news of a kind about the member; whatever is not an id or a word of its own is filled in by its type."""
    token = RECOVERY if "recovery" in kind else CONFIRMATION
    words = {
        "brand_id": BRAND,
        "account_id": MEMBER,
        "adviser_ids": MEMBER,
        "pool_id": pool_id,
        "token_id": token,
        "invitation_id": INVITATION,
        "by": "buyer",
        "vin": "LZZAAAAA0A0000001",
        "offer_id": OFFER,
        "message_id": MESSAGE,
        "drive_id": DRIVE,
        "answer_id": ANSWER,
    }
    cls = next(one for one in Event.__subclasses__() if one.kind == kind)
    made = [example(cls, words, now)]
    if cls is DriveReplied:
        made.append(DriveReplied(BRAND, DECLINED))
    if cls is ConfigurationBroken:
        made.append(ConfigurationBroken(BRAND, "x", MEMBER, "x", now.date(), "A1", None, None))
    if cls is OrderCancelled:
        made += [example(cls, {**words, "by": by}, now) for by in ("maker", "payment", "default", "late", "not_new")]
    if cls is PaperAnswered:
        made += [replace(made[0], state="issued", paper=paper) for paper in ("vehicle_invoice", "insurance", "plate")]
    if cls is DamageCaseMoved:
        made = [replace(made[0], state=state) for state in ("open", "disputed")]
    if cls is RepairedCarAnswered:
        made = [replace(made[0], answer=answer) for answer in ("accepted", "lapsed")]
    if cls is MemberRemoved:
        made.append(MemberRemoved(BRAND, "x", MEMBER, pool_id, "fraud", 1))
    if cls in (EarnestMissing, BalanceDeclined):
        made.append(replace(made[0], is_claim=True))
    if cls in OTHERWISE:
        made.append(replace(made[0], **OTHERWISE[cls]))
    if cls is PreOrderRolled:
        made.append(PreOrderRolled(BRAND, "x", MEMBER, pool_id, None, keeps_time=True))
    return made


def example(cls: Any, words: Mapping[str, str], now: datetime) -> Any:
    hints = get_type_hints(cls)
    return cls(**{one.name: _value(hints[one.name], words.get(one.name, "x"), words, now) for one in fields(cls)})


def _value(hint: Any, word: str, words: Mapping[str, str], now: datetime) -> Any:
    if get_origin(hint) is UnionType:
        return _value(get_args(hint)[0], word, words, now)
    if get_origin(hint) is tuple:
        return (_value(get_args(hint)[0], word, words, now),)
    if is_dataclass(hint):
        return example(hint, words, now)
    return {str: word, int: 123_400, bool: False, datetime: now, date: now.date()}[hint]


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "(token withheld: set MUSTER_MAIL_HOST)"), ("zh-CN", "口令未显示")]
)
def test_a_log_holds_no_token_but_says_why_and_where_the_platform_is(locale: str, says: str) -> None:
    post = Post()
    channel = WithoutTokens(WithAddress(post, "https://cars.example"))
    body = f"Token:\n⟦recovery:{RECOVERY}⟧"

    channel.send([Message("1" * 32, "li@fir.test", "Subject", body, locale, datetime.now().astimezone())])

    (sent,) = post.sent
    assert "⟦" not in sent.body
    assert RECOVERY not in sent.body
    assert says in sent.body
    assert sent.body.endswith("\n\nhttps://cars.example\n")


def deliver(works: Works) -> None:
    while outbox.deliver(works, TELLERS):
        pass


def deliver_again(works: Works) -> None:
    """Deliver everything a second time, as if the note that it was seen were lost."""
    with works.change(system(BRAND)) as work:
        work.connection.execute(delete(news.outbox_seen))
        work.connection.execute(update(news.outbox).values(due_at=work.now))
    deliver(works)


def test_who_joins_a_frozen_pool_is_not_told_that_leaving_is_free(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1)
    deadline = room.pool(pool_id).head.deadline
    room.clock.advance(room.pool(pool_id).head.freeze_at - room.clock.now())
    room.join(2)

    deliver(room.works)

    with room.works.read(system(BRAND)) as work:
        told = dict(work.connection.execute(select(notices.c.account_id, notices.c.kind)).all())
        facts = dict(work.connection.execute(select(notices.c.account_id, notices.c.facts)).all())
    assert told == {f"{1:032x}": "deposit_in", f"{2:032x}": "deposit_in_frozen"}
    assert str(deadline.date()) in str(facts[f"{2:032x}"])


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_kind_of_news_is_told_once_in_the_accounts_language(room: PoolRoom, locale: str) -> None:
    pool_id = write_people(room, locale)
    with room.works.change(system(BRAND)) as work:
        for kind in told_kinds():
            work.record(*events_of(kind, pool_id, work.now))
    post = Post()

    deliver(room.works)
    deliver_again(room.works)
    while send_due(room.works, [WithTokens(post, KEY)], IdentityAddresses()):
        pass

    with room.works.read(system(BRAND)) as work:
        failed = work.connection.execute(select(news.outbox.c.kind, news.outbox.c.last_error))
        rows = work.connection.execute(select(notices.c.event_id, notices.c.kind)).all()
        posted = set(work.connection.execute(select(news.outbox.c.id)).scalars())
    assert [row for row in failed if row.last_error] == []
    assert Counter(row.event_id for row in rows) == Counter(posted)
    assert {row.kind for row in rows} == {kind for kind in registered_notices() if not kind.startswith("test.")}
    assert len(post.sent) == len(rows)
    assert {message.locale for message in post.sent} == {locale}
    assert all(bool(CHINESE.search(one.subject + one.body)) == (locale == "zh-CN") for one in post.sent)
    assert not any(re.search(r"[{}⟦⟧]", one.subject + one.body) for one in post.sent)


def test_a_one_time_token_is_in_the_message_that_leaves_and_nowhere_here(room: PoolRoom) -> None:
    pool_id = write_people(room, "en")
    expected = {
        "identity.confirmation_requested": one_time_token(KEY, TokenPurpose.CONFIRMATION, CONFIRMATION),
        "identity.recovery_requested": one_time_token(KEY, TokenPurpose.RECOVERY, RECOVERY),
        "identity.staff_invited": one_time_token(KEY, TokenPurpose.INVITATION, INVITATION),
    }
    with room.works.change(system(BRAND)) as work:
        for kind in expected:
            work.record(*events_of(kind, pool_id, work.now))
    post = Post()

    deliver(room.works)
    send_due(room.works, [WithTokens(post, KEY)], IdentityAddresses())

    found = {line for message in post.sent for line in message.body.splitlines() if len(line) == 96}
    assert found == set(expected.values())
    # A token is its row's id, which is no secret, and a hash under our key, which no row may hold.
    with room.works.read(system(BRAND)) as work:
        assert personal_traces(work, re.compile("|".join(token[32:] for token in expected.values()))) == []
        assert personal_traces(work, re.compile(CONFIRMATION)) == ["notices", "outbox"]


def test_nobody_is_asked_to_agree_to_damage_of_a_car_that_is_built_again(room: PoolRoom) -> None:
    with room.works.change(system(BRAND)) as work:
        for number, newness, reason in (
            (1, "new_disclosed", "transport_damage"),
            (2, "repaired", "transport_damage"),
            (3, "repaired", "rejected_handover"),
        ):
            work.record(VehicleDisclosed(BRAND, "V", "o", f"{number:032x}", "d", newness, reason))

    deliver(room.works)

    with room.works.read(system(BRAND)) as work:
        told = dict(work.connection.execute(select(notices.c.account_id, notices.c.kind)).all())
    assert told == {f"{1:032x}": "vehicle_disclosed", f"{3:032x}": "vehicle_disclosed"}


def test_nobody_is_told_at_an_address_that_is_gone(room: PoolRoom) -> None:
    pool_id = write_people(room, "en")
    with room.works.change(system(BRAND)) as work:
        work.record(*events_of("factory_orders.handover_rejected", pool_id, work.now))
        empty = {"email": None, "email_key": None, "name": "", "state": "erased", "erased_at": work.now}
        work.connection.execute(update(accounts).values(**empty))
    post = Post()

    deliver(room.works)
    sent = send_due(room.works, [WithTokens(post, KEY)], IdentityAddresses())

    assert (sent, post.sent) == (0, [])
    with room.works.read(system(BRAND)) as work:
        assert work.connection.execute(select(notices.c.id).where(notices.c.due_at.isnot(None))).all() == []


def test_the_news_of_a_pool_that_failed_tells_nobody_how_many_others_agreed(room: PoolRoom) -> None:
    room.open(days=10, capacity=30, tiers=(Tier(20, 0), Tier(25, 500)))
    room.join(1, 2)
    room.join(*range(3, 14), cap=9_600_000)
    room.pass_time(days=11)

    deliver(room.works)

    with room.works.read(system(BRAND)) as work:
        facts = list(work.connection.execute(select(notices.c.facts).where(notices.c.kind == "pool_failed")).scalars())
    assert facts == [{}] * 13


def test_who_leaves_for_lateness_keeps_the_late_credits_beside_what_comes_back() -> None:
    text = registered_notices()["order_rescinded"]

    assert "beside them you get {returned}" in text.en_body
    assert "此外您还将收到{returned}" in text.zh_body


def test_a_question_of_costlier_terms_names_the_model_and_which_of_two_pools_asks(room: PoolRoom) -> None:
    room.open(tiers=(Tier(3, 300),))
    room.place(room.request(room.buyer(1), choice=FailureChoice.ROLL, accepts_wider_class=True))
    room.pass_time(days=21)
    for level in ClassLevel:
        room.open(level=level, tiers=(Tier(3, 0),))
        room.pass_time(minutes=1)

    deliver(room.works)

    with room.works.read(system(BRAND)) as work:
        rows = work.connection.execute(select(notices.c.kind, notices.c.facts)).all()
    asked = [(row.kind, row.facts["model"]) for row in rows if row.kind.startswith("costlier")]
    assert sorted(asked) == [("costlier_terms", "A1"), ("costlier_terms_any_trim", "A1")]
    for kind, english, chinese in (
        ("costlier_terms", "of your {model} in its trim", "{model}（所选配置版本）"),
        ("costlier_terms_any_trim", "of every trim for your {model}", "{model}的下一个不限配置版本"),
    ):
        text = registered_notices()[kind]
        assert english in text.en_body
        assert chinese in text.zh_body


def test_notices_count_no_people_but_those_who_are_public() -> None:
    counted = {
        (kind, name)
        for kind, text in registered_notices().items()
        for name in re.findall(r"\{(\w+):(?:member|person|people|voter|backer)", text.en_subject + text.en_body)
    }

    # A pool's member count is exempt by name (DOMAIN section 4.12).
    assert counted == {
        (kind, "members") for kind in ("deposit_in", "deposit_in_frozen", "pool_freeze_near", "pool_frozen")
    }
