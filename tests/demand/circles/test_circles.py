"""Circles: who joins, invites and proposes, what the maker may offer and write, and that nobody in one is told of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from configurator.errors import ModelUnknown
from demand.circles.errors import (
    AlreadyInCircle,
    AlreadyOffered,
    CircleClosed,
    CirclesFull,
    InvitationNeeded,
    InvitationSpent,
    MessageTooSoon,
    NotInCircle,
)
from demand.circles.model import CircleAccess, CircleKind, Figure
from demand.circles.tables import circle_counted, circle_members, circles
from demand.errors import PersonNotVerified, PoolClosed
from demand.queries import carried_proposals, circle_figures_of, circles_by_id, list_circles, offers_of
from demand.service import (
    DemandData,
    cast_votes,
    close_circle,
    found_circle,
    invite_to_circle,
    join_circle,
    leave_circle,
    merge_proposals,
    message_circle,
    offer_to_circle,
    propose_in_circle,
    publish_proposal,
    release_circles,
    submit_proposal,
)
from kernel import db, outbox
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.consent import Purpose, consent_entries
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.identity.tables import accounts as account_rows
from kernel.ids import AccountId, BrandId
from kernel.notices import notices
from kernel.paging import PageRequest
from kernel.work import Works
from muster.telling import TELLERS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom, make_pool_room

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


def found(room: PoolRoom, name: int = 1, access: CircleAccess = CircleAccess.OPEN, title: str = "By night") -> str:
    with room.works.change(room.buyer(name)) as work:
        return found_circle(
            work, kind=CircleKind.INTEREST, subject="driving by night", title=title, text="", access=access
        ).id


def join(room: PoolRoom, circle_id: str, *names: int, code: str | None = None) -> None:
    for name in names:
        with room.works.change(room.buyer(name)) as work:
            join_circle(work, circle_id, code=code)


def invite(room: PoolRoom, circle_id: str, name: int = 1) -> str:
    with room.works.change(room.buyer(name)) as work:
        return invite_to_circle(work, circle_id).code


def agree(room: PoolRoom, purpose: Purpose, *names: int) -> None:
    """Let persons agree to something, who have accounts then."""
    with room.works.change(system(BRAND)) as work:
        for name in names:
            email = f"{name}@fir.test"
            account = {"id": room.buyer(name).account_id, "brand_id": BRAND, "email": email, "email_key": email}
            times = dict.fromkeys(("created_at", "changed_at", "confirmed_at"), work.now)
            person = {"name": "", "locale": "en", "state": "active"}
            db.insert_new(work.connection, account_rows, [account | times | person], returning="id")
            row = {
                "id": work.new_id(),
                "brand_id": BRAND,
                "account_id": room.buyer(name).account_id,
                "purpose": purpose.value,
                "given": True,
                "text_version": "1",
                "at": work.now,
            }
            work.connection.execute(consent_entries.insert().values(row))


def told(room: PoolRoom, kind: str) -> list[str]:
    while outbox.deliver(room.works, TELLERS):
        pass
    with room.works.read(PLANNER) as work:
        asked = select(notices.c.account_id).where(notices.c.kind == kind).order_by(notices.c.account_id)
        return list(work.connection.execute(asked).scalars())


def accounts(*names: int) -> list[str]:
    return [f"{name:032x}" for name in names]


# --- members ---------------------------------------------------------------------------------------------------------


def test_a_circle_around_a_model_is_around_one_that_there_is(room: PoolRoom) -> None:
    with pytest.raises(ModelUnknown) as refused, room.works.change(room.buyer(1)) as work:
        found_circle(work, kind=CircleKind.MODEL, subject="A9", title="A9", text="", access=CircleAccess.OPEN)

    assert (refused.value.model, "A1" in refused.value.models) == ("A9", True)
    with room.works.read(room.buyer(1)) as work:
        assert list_circles(work, PageRequest(5)).items == ()


def test_who_founds_a_circle_is_in_it_and_others_join_once(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, 2)

    with pytest.raises(AlreadyInCircle):
        join(room, circle_id, 2)

    with room.works.read(room.buyer(2)) as work:
        view = circles_by_id(work, [circle_id])[circle_id]
    assert (view.is_member, view.members) == (True, None)
    with room.works.read(room.buyer(3)) as work:
        assert [one.is_member for one in list_circles(work, PageRequest(5)).items] == [False]


def test_a_person_with_two_accounts_is_in_a_circle_once(room: PoolRoom) -> None:
    circle_id = found(room)
    person = room.buyer(1)
    other_account = Actor(BRAND, person.roles, AccountId("9" * 32), person.person_id)

    with pytest.raises(AlreadyInCircle), room.works.change(other_account) as work:
        join_circle(work, circle_id)


def test_only_a_verified_person_founds_or_joins(room: PoolRoom) -> None:
    circle_id = found(room)
    unverified = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("9" * 32))

    with pytest.raises(PersonNotVerified), room.works.change(unverified) as work:
        join_circle(work, circle_id)
    with pytest.raises(Forbidden), room.works.change(PLANNER) as work:
        join_circle(work, circle_id)


def test_who_leaves_is_nowhere_any_more_and_may_come_back(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, 2)
    with room.works.change(room.buyer(2)) as work:
        leave_circle(work, circle_id)

    with pytest.raises(NotInCircle), room.works.change(room.buyer(2)) as work:
        leave_circle(work, circle_id)
    with room.works.read(system(BRAND)) as work:
        assert list(work.connection.execute(select(circle_members.c.person_id)).scalars()) == accounts(1)
    join(room, circle_id, 2)


def test_an_invited_circle_opens_to_a_code_of_its_own_until_it_is_used_up_or_over(room: PoolRoom) -> None:
    circle_id, other = found(room, access=CircleAccess.INVITED), found(room, title="By day")
    code = invite(room, circle_id)

    with pytest.raises(InvitationNeeded):
        join(room, circle_id, 2)
    with pytest.raises(InvitationSpent):
        join(room, circle_id, 2, code=invite(room, other))
    with pytest.raises(InvitationSpent):
        join(room, circle_id, 2, code="made up")
    join(room, circle_id, *range(2, 22), code=code)
    with pytest.raises(InvitationSpent):
        join(room, circle_id, 22, code=code)
    later = invite(room, circle_id)
    room.clock.advance(timedelta(days=30))
    with pytest.raises(InvitationSpent):
        join(room, circle_id, 22, code=later)
    assert room.unsound() == []


def test_a_code_that_was_refused_for_something_else_is_not_used_up(room: PoolRoom) -> None:
    circle_id = found(room, access=CircleAccess.INVITED)
    code = invite(room, circle_id)

    with pytest.raises(AlreadyInCircle):
        join(room, circle_id, 1, code=code)

    join(room, circle_id, *range(2, 22), code=code)


def test_nobody_founds_more_than_three_circles(room: PoolRoom) -> None:
    for title in ("one", "two", "three"):
        found(room, title=title)

    with pytest.raises(CirclesFull) as refused:
        found(room, title="four")

    assert refused.value == CirclesFull(3)


@pytest.mark.parametrize("title", ["", "   ", "x" * 81])
def test_a_circle_needs_words_of_some_length(room: PoolRoom, title: str) -> None:
    with pytest.raises(InvalidInput):
        found(room, title=title)


def test_members_alone_invite_and_propose_and_the_circle_carries_it(room: PoolRoom) -> None:
    circle_id = found(room)

    with room.works.change(room.buyer(1)) as work:
        draft = propose_in_circle(work, circle_id, title="Lamps that see round corners", text="")
    for act in (
        lambda work: propose_in_circle(work, circle_id, title="x", text=""),
        lambda work: invite_to_circle(work, circle_id),
    ):
        with pytest.raises(NotInCircle), room.works.change(room.buyer(2)) as work:
            act(work)

    with room.works.read(room.buyer(2)) as work:
        assert carried_proposals(work, [circle_id]) == {circle_id: [draft.head.id]}


def test_a_closed_circle_takes_nothing_and_lets_its_members_go(room: PoolRoom) -> None:
    circle_id = found(room)
    with room.works.change(OPERATOR) as work:
        closed = close_circle(work, circle_id, reason="insults")

    for act in (
        lambda work: join_circle(work, circle_id),
        lambda work: invite_to_circle(work, circle_id),
        lambda work: propose_in_circle(work, circle_id, title="x", text=""),
    ):
        with pytest.raises(CircleClosed), room.works.change(room.buyer(1)) as work:
            act(work)
    with pytest.raises(CircleClosed), room.works.change(PLANNER) as work:
        message_circle(work, circle_id, text="Hello")
    with room.works.change(room.buyer(1)) as work:
        leave_circle(work, circle_id)
        assert list_circles(work, PageRequest(5)).items == ()
    assert closed.closed_at is not None


def test_a_circle_of_another_brand_is_not_found(room: PoolRoom) -> None:
    circle_id = found(room)
    stranger = Actor(BrandId("c" * 32), frozenset({Role.PLANNER}), AccountId("9" * 32))

    with pytest.raises(NotFound), room.works.change(stranger) as work:
        message_circle(work, circle_id, text="Hello")


# --- the maker -------------------------------------------------------------------------------------------------------


def test_a_message_reaches_those_who_agreed_and_not_twice_a_week(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, 2, 3)
    agree(room, Purpose.MAKER_CONTACT, 2, 4)

    with room.works.change(PLANNER) as work:
        message_circle(work, circle_id, text="Come and see")
    with pytest.raises(MessageTooSoon) as refused, room.works.change(PLANNER) as work:
        message_circle(work, circle_id, text="Again")

    assert refused.value == MessageTooSoon(room.clock.now() + timedelta(days=7))
    assert told(room, "circle_message") == accounts(2)
    room.clock.advance(timedelta(days=7))
    with room.works.change(PLANNER) as work:
        message_circle(work, circle_id, text="Again")
    assert told(room, "circle_message") == accounts(2, 2)


def test_an_offer_is_a_pool_that_takes_members_and_is_told_to_those_who_agreed(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, 2)
    agree(room, Purpose.CIRCLE_OFFERS, 1)
    pool_id = room.open(days=4)

    with room.works.change(PLANNER) as work:
        offer_to_circle(work, circle_id, pool_id=pool_id, text="For you")
    with pytest.raises(AlreadyOffered), room.works.change(PLANNER) as work:
        offer_to_circle(work, circle_id, pool_id=pool_id, text="Once more")

    assert told(room, "circle_offer") == accounts(1)
    with room.works.read(room.buyer(3)) as work:
        (offer,) = offers_of(work, [circle_id])[circle_id]
    assert (offer.pool_id, offer.ends_at) == (pool_id, room.head(pool_id).deadline)
    room.pass_time(days=4)
    other = found(room, 2)
    with pytest.raises(PoolClosed), room.works.change(PLANNER) as work:
        offer_to_circle(work, other, pool_id=pool_id, text="Too late")
    with room.works.read(room.buyer(3)) as work:
        assert offers_of(work, [circle_id]) == {}


def test_a_member_offers_and_writes_nothing_in_the_makers_name(room: PoolRoom) -> None:
    circle_id = found(room)

    with pytest.raises(Forbidden), room.works.change(room.buyer(1)) as work:
        message_circle(work, circle_id, text="I am the maker")
    with pytest.raises(Forbidden), room.works.read(room.buyer(1)) as work:
        circle_figures_of(work, circle_id)


# --- figures ---------------------------------------------------------------------------------------------------------


def figures(room: PoolRoom, circle_id: str) -> dict[Figure, int | None]:
    with room.works.change(system(BRAND)) as work:
        release_circles(work)
    with room.works.read(PLANNER) as work:
        return circle_figures_of(work, circle_id)


def test_what_a_circle_brings_is_shown_from_ten_persons_on_and_rounded(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, *range(2, 10))
    assert set(figures(room, circle_id).values()) == {None}
    code = invite(room, circle_id)
    join(room, circle_id, *range(10, 26), code=code)
    agree(room, Purpose.MAKER_CONTACT, *range(1, 13))
    room.open(capacity=30)
    room.join(*range(1, 13))

    shown = figures(room, circle_id)

    told = {Figure.MEMBERS: 25, Figure.REACHABLE: 10, Figure.PRE_ORDERED: 10}
    assert shown == dict.fromkeys(Figure) | told
    assert room.unsound() == []


def test_votes_on_what_a_circle_carries_count_where_it_was_merged_into(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, *range(2, 26))
    with room.works.change(room.buyer(1)) as work:
        carried = propose_in_circle(work, circle_id, title="Lamps that see round corners", text="").head.id
        elsewhere = submit_proposal(work, title="Cornering lamps", text="").head.id
    with room.works.change(PLANNER) as work:
        for proposal_id in (carried, elsewhere):
            publish_proposal(work, proposal_id)
    with room.works.change(system(BRAND)) as work:
        cast_votes(work, [(room.buyer(name), carried) for name in range(1, 11)])
    with room.works.change(PLANNER) as work:
        merge_proposals(work, carried, into=elsewhere)

    assert figures(room, circle_id)[Figure.VOTED] == 10


def test_pre_orders_from_before_somebody_joined_are_not_what_the_circle_brings(room: PoolRoom) -> None:
    room.open(capacity=30)
    room.join(*range(1, 13))
    room.clock.advance(timedelta(hours=1))
    circle_id = found(room)
    join(room, circle_id, *range(2, 13))

    assert figures(room, circle_id)[Figure.PRE_ORDERED] is None


def test_who_took_an_offer_up_is_counted_with_the_locked(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, *range(2, 31))
    pool_id = room.open(capacity=12)
    with room.works.change(PLANNER) as work:
        offer_to_circle(work, circle_id, pool_id=pool_id, text="For you")
    room.join(*range(1, 13))
    room.pass_time(days=30)

    shown = figures(room, circle_id)

    assert [shown[one] for one in (Figure.MEMBERS, Figure.PRE_ORDERED, Figure.TOOK_OFFER, Figure.LOCKED)] == [
        30,
        10,
        10,
        10,
    ]


def test_one_more_person_changes_nothing_that_is_shown(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, *range(2, 13))
    before = figures(room, circle_id)
    join(room, circle_id, *range(13, 22))

    after = figures(room, circle_id)

    assert before[Figure.MEMBERS] == after[Figure.MEMBERS] == 10
    join(room, circle_id, 22)
    assert figures(room, circle_id)[Figure.MEMBERS] == 20


def test_an_erased_person_is_in_no_circle_and_behind_no_figure(room: PoolRoom) -> None:
    circle_id = found(room)
    join(room, circle_id, *range(2, 13))
    figures(room, circle_id)
    account_id = room.buyer(1).signed_in()

    with room.works.change(room.buyer(1)) as work:
        exported = DemandData().export(work, account_id)["circles"]
        DemandData().erase(work, account_id)

    assert [one["title"] for one in exported] == ["By night"]
    with room.works.read(system(BRAND)) as work:
        for table, column in (
            (circle_members, circle_members.c.account_id),
            (circles, circles.c.founded_by),
        ):
            assert account_id not in set(work.connection.execute(select(column).select_from(table)).scalars())
        assert work.connection.execute(select(circle_counted)).first() is not None
    assert room.unsound() == []
