"""Accounts under any order of events: a token opens exactly what a plain model of sessions and roles says."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel import db, personal
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.identity import account_service, staff_service
from kernel.identity.erasure_service import IdentityData
from kernel.identity.model import NewAccount, SignedIn, TokenPurpose
from kernel.identity.service import Identity
from kernel.ids import AccountId, SeededIds
from kernel.work import Works
from tests.conftest import MONDAY_MORNING
from tests.kernel.identity.people import (
    GUEST,
    OTHER_PASSWORD,
    PASSWORD,
    QILAN,
    SETTINGS,
    actor_of,
    mailed_token,
    make_identity,
    signed_up,
)
from tests.support.databases import copy_sqlite, make_schema

NAMES = ("first@qilan.test", "second@qilan.test")
names = st.sampled_from(NAMES)


@lru_cache(maxsize=1)
def template() -> Path:
    folder = tempfile.mkdtemp(prefix="muster-identity-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "template.db"
    make_schema(f"sqlite:///{path}")
    return path


@dataclass
class Person:
    """What has to be true of one account."""

    account_id: AccountId
    password: str = PASSWORD
    roles: set[Role] = field(default_factory=lambda: {Role.CONSUMER})
    enabled: bool = True


@dataclass
class Seen:
    """What has to be true of one session."""

    account_id: AccountId
    created_at: datetime
    seen_at: datetime
    ended: bool = False


class LifeOfAccounts(RuleBasedStateMachine):
    """Real use cases on SQLite beside a model of a few lines."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="muster-identity-")
        self.clock = FixedClock(MONDAY_MORNING)
        engine = db.open_engine(copy_sqlite(template(), Path(self.folder.name) / "muster.db"))
        self.works = Works(engine, clock=self.clock, ids=SeededIds(seed=3))
        self.identity: Identity = make_identity(self.works)
        self.people: dict[str, Person] = {}
        self.sessions: dict[str, Seen] = {}
        with self.works.change(system(QILAN)) as work:
            new = NewAccount("admin@qilan.test", "", roles=(Role.BRAND_ADMIN,))
            admin_id = account_service.add_accounts(work, SETTINGS, [new])[0]
        self.admin = Actor(QILAN, frozenset({Role.BRAND_ADMIN}), admin_id, locale="en")
        self.operator = Actor(QILAN, frozenset({Role.OPERATOR}), AccountId("8" * 32))

    def teardown(self) -> None:
        self.identity.close()
        self.works.engine.dispose()
        self.folder.cleanup()

    def opened(self, session: SignedIn) -> None:
        self.sessions[session.token] = Seen(session.account_id, self.clock.now(), self.clock.now())

    def all_ended(self, account_id: AccountId) -> None:
        for session in self.sessions.values():
            if session.account_id == account_id:
                session.ended = True

    def acting(self, name: str) -> Actor:
        person = self.people[name]
        return Actor(QILAN, frozenset(person.roles), person.account_id, locale="en")

    # An hour passes before each step, so that throttling, which has tests of its own, does not step in here.

    @rule(name=names)
    def join(self, name: str) -> None:
        self.clock.advance(timedelta(hours=1))
        if name in self.people:
            self.identity.sign_up(GUEST, email=name, password=OTHER_PASSWORD)
        else:
            session = signed_up(self.identity, self.works, email=name)
            self.people[name] = Person(session.account_id)
            self.opened(session)

    @rule(name=names, password=st.sampled_from((PASSWORD, OTHER_PASSWORD)))
    def sign_in(self, name: str, password: str) -> None:
        self.clock.advance(timedelta(hours=1))
        person = self.people.get(name)
        try:
            session = self.identity.sign_in(GUEST, email=name, password=password)
        except Refusal as refusal:
            assert refusal.code == "SIGN_IN_FAILED"  # noqa: PT017 - either outcome is right in its place
            assert person is None or not person.enabled or person.password != password
        else:
            assert person is not None
            assert person.enabled
            assert person.password == password
            self.opened(session)

    @precondition(lambda self: self.sessions)
    @rule(number=st.integers(0, 9), everywhere=st.booleans())
    def sign_out(self, number: int, everywhere: bool) -> None:
        token = list(self.sessions)[number % len(self.sessions)]
        actor = actor_of(self.identity, self.works, token)
        with self.works.change(actor or GUEST) as work:
            if actor is not None and everywhere:
                account_service.sign_out_everywhere(work)
                self.all_ended(self.sessions[token].account_id)
            else:
                account_service.sign_out(work, token)
                self.sessions[token].ended = True

    @precondition(lambda self: self.people)
    @rule(name=names, password=st.sampled_from((PASSWORD, OTHER_PASSWORD)))
    def recover(self, name: str, password: str) -> None:
        person = self.people.get(name)
        if person is None or not person.enabled:
            return
        self.clock.advance(timedelta(hours=2))
        self.identity.request_recovery(GUEST, email=name)
        token = mailed_token(self.works, TokenPurpose.RECOVERY)
        session = self.identity.recover(GUEST, token=token, new_password=password)
        person.password = password
        self.all_ended(person.account_id)
        self.opened(session)

    @rule(name=names)
    def disable_or_enable(self, name: str) -> None:
        person = self.people.get(name)
        if person is None:
            return
        with self.works.change(self.operator) as work:
            if person.enabled:
                account_service.disable_account(work, person.account_id, reason="test")
                self.all_ended(person.account_id)
            else:
                account_service.enable_account(work, person.account_id)
        person.enabled = not person.enabled
        if person.enabled:
            self.opened(self.identity.sign_in(GUEST, email=name, password=person.password))

    @rule(name=names)
    def become_planner(self, name: str) -> None:
        person = self.people.get(name)
        if person is None or not person.enabled or Role.PLANNER in person.roles:
            return
        self.clock.advance(timedelta(hours=2))
        with self.works.change(self.admin) as work:
            staff_service.invite_staff(work, SETTINGS, email=name, role=Role.PLANNER)
        token = mailed_token(self.works, TokenPurpose.INVITATION)
        session = staff_service.accept_invitation(
            self.identity.credentials, GUEST, token=token, password=person.password
        )
        person.roles.add(Role.PLANNER)
        self.all_ended(person.account_id)
        self.opened(session)

    @rule(name=names)
    def stop_planning(self, name: str) -> None:
        person = self.people.get(name)
        if person is None or Role.PLANNER not in person.roles:
            return
        with self.works.change(self.admin) as work:
            staff_service.revoke_role(work, person.account_id, role=Role.PLANNER)
        person.roles.discard(Role.PLANNER)
        self.all_ended(person.account_id)
        if person.enabled:
            self.opened(self.identity.sign_in(GUEST, email=name, password=person.password))

    @rule(name=names)
    def erase(self, name: str) -> None:
        person = self.people.get(name)
        if person is None or not person.enabled:
            return
        with self.works.change(self.acting(name)) as work:
            personal.erase_own_account(work, [IdentityData(SETTINGS)])
        del self.people[name]
        self.all_ended(person.account_id)

    @rule(days=st.sampled_from((1, 13, 14, 15)))
    def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))

    @invariant()
    def a_token_opens_what_the_model_says(self) -> None:
        by_account = {person.account_id: person for person in self.people.values()}
        now = self.clock.now()
        for token, session in self.sessions.items():
            actor = actor_of(self.identity, self.works, token)
            idle = now - session.seen_at >= SETTINGS.session_idle
            old = now - session.created_at >= SETTINGS.session_absolute
            if session.ended or idle or old:
                assert actor is None
                continue
            assert actor is not None
            assert actor.roles == by_account[session.account_id].roles
            if now - session.seen_at >= SETTINGS.session_touch_after:
                session.seen_at = now
        self.identity.close()


TestLifeOfAccounts = LifeOfAccounts.TestCase
TestLifeOfAccounts.settings = settings(deadline=None, max_examples=settings().max_examples // 2, stateful_step_count=40)
