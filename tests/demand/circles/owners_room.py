"""A circle with an owner and a member, and what they do: hosting, asking, answering."""

from __future__ import annotations

from sqlalchemy import select

from demand.circles.tables import (
    car_owners,
    circle_answers,
    circle_drives,
    circle_hosts,
    circle_questions,
)
from demand.service import (
    answer_as_owner,
    ask_for_test_drive,
    ask_owners,
    host_test_drives,
)
from kernel import outbox
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from kernel.notices import notices
from muster.telling import TELLERS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
OWNER, MEMBER, OTHER = 1, 2, 3


def host(room: PoolRoom, circle_id: str, name: int = OWNER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return host_test_drives(work, circle_id, text="Sundays by the lake")


def ask_drive(room: PoolRoom, host_id: str, name: int = MEMBER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return ask_for_test_drive(work, host_id, text="May I come at ten?")


def ask(room: PoolRoom, circle_id: str, name: int = MEMBER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return ask_owners(work, circle_id, text="How far in winter?")


def answer(room: PoolRoom, question_id: str, name: int = OWNER) -> str:
    with room.works.change(room.buyer(name)) as work:
        return answer_as_owner(work, question_id, text="Some 380 km.")


def told(room: PoolRoom, name: int) -> list[str]:
    while outbox.deliver(room.works, TELLERS):
        pass
    with room.works.read(PLANNER) as work:
        mine = select(notices.c.kind).where(notices.c.account_id == room.buyer(name).account_id).order_by(notices.c.id)
        owners = ("test_drive_asked", "test_drive_agreed", "test_drive_declined", "owner_answered")
        return [kind for kind in work.connection.execute(mine).scalars() if kind in owners]


def rows(room: PoolRoom) -> list[int]:
    tables = (car_owners, circle_hosts, circle_drives, circle_questions, circle_answers)
    with room.works.read(PLANNER) as work:
        return [len(work.connection.execute(select(table)).all()) for table in tables]
