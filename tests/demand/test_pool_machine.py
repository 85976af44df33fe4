"""Any order of joins, payments, declines, departures, removals, hours and clearings keeps DOMAIN section 4."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from configurator.model import Tier
from demand.audit_service import CHECKS
from demand.pools.clearing import count_reaching
from demand.pools.model import (
    FailureChoice,
    FrozenPool,
    LockedPool,
    OpenPool,
)
from demand.pools.replay import replay_pool
from demand.pools.rows import pool_from, pre_order_from
from demand.pools.tables import pools, pre_orders
from demand.queries import pool_progress
from demand.service import change_car, raise_cap, remove_member, withdraw
from kernel import db, record
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import AccountId, SeededIds
from kernel.ledger import ledger_transfers
from kernel.payments import Payment
from kernel.payments.tables import payments
from kernel.soundness import LEDGER_CHECKS, PAYMENT_CHECKS, examine
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import PoolRoom, make_pool_room

MACHINE = settings(max_examples=8, stateful_step_count=18, deadline=None)
PERSONS = st.integers(1, 9)
CAPS = st.sampled_from([9_400_000, 9_500_000, 9_800_000, 9_999_900, 10_000_000, 12_000_000])
OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
CARS = st.sampled_from([PLAIN_CAR, ("BLUE", *PLAIN_CAR[1:]), ("RED", "W19", *PLAIN_CAR[2:])])
CHOICES = st.sampled_from(list(FailureChoice))


class PoolMachine(RuleBasedStateMachine):
    """One class of cars, nine persons, a pool at a time."""

    fresh: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.engine = db.open_engine(type(self).fresh())
        self.clock = FixedClock(MONDAY_MORNING)
        self.room: PoolRoom = make_pool_room(Works(self.engine, clock=self.clock, ids=SeededIds(7)), self.clock)
        self.unpaid: list[Payment] = []
        self.locked_prices: dict[str, int] = {}
        self.frozen_discounts: dict[str, int] = {}

    def teardown(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            found = examine(work, (*LEDGER_CHECKS, *PAYMENT_CHECKS, *CHECKS))
        self.engine.dispose()
        assert [line for one in found for line in one.violations] == []

    @initialize()
    def open_first(self) -> None:
        self.open_next()

    @rule()
    def open_next(self) -> None:
        with contextlib.suppress(Refusal):
            self.room.open(capacity=4, tiers=(Tier(2, 0), Tier(3, 200), Tier(4, 500)), days=5)

    @rule(
        names=st.lists(PERSONS, min_size=1, max_size=4),
        cap=CAPS,
        choice=CHOICES,
        funded=st.booleans(),
        empty=st.sampled_from([False, False, False, True]),
    )
    def place(self, names: list[int], cap: int, choice: FailureChoice, funded: bool, empty: bool) -> None:
        room = self.room
        room.wallet_is_empty = empty
        requests = [room.request(room.buyer(name), cap=cap, choice=choice, funded=funded) for name in names]
        room.wallet_is_empty = False
        outcomes = room.place(*requests, requests[0])
        first, again = outcomes[0], outcomes[-1]
        if isinstance(first, Refusal):
            assert type(again) is type(first)
        else:
            assert not isinstance(again, Refusal)
            assert again.pre_order_id == first.pre_order_id
        for outcome in outcomes[:-1]:
            if not isinstance(outcome, Refusal) and outcome.state == "acknowledged":
                (payment,) = room.payments_of(outcome.pre_order_id)
                self.unpaid.append(payment)

    @rule(index=st.integers(0, 30))
    def hear(self, index: int) -> None:
        """Deliver some callback: late, out of order, again, signed anew as a provider does."""
        if self.unpaid:
            payment = self.unpaid[index % len(self.unpaid)]
            self.room.hear(self.room.pay(payment, reference=f"ref-{payment.id}"))

    @rule(name=PERSONS)
    def leave(self, name: int) -> None:
        for pre_order_id in self.mine(name):
            try:
                with self.room.works.change(self.room.buyer(name)) as work:
                    withdraw(work, pre_order_id)
            except Refusal:
                pass

    @rule(name=PERSONS, cap=CAPS)
    def raise_one(self, name: int, cap: int) -> None:
        for pre_order_id in self.mine(name):
            try:
                with self.room.works.change(self.room.buyer(name)) as work:
                    raise_cap(work, pre_order_id, price_cap_minor=cap)
            except Refusal:
                pass

    @rule(name=PERSONS, options=CARS, cap=CAPS)
    def change_one(self, name: int, options: tuple[str, ...], cap: int) -> None:
        for pre_order_id in self.mine(name):
            with contextlib.suppress(Refusal):
                quote_id = self.room.quote(self.room.buyer(name), options=options)
                with self.room.works.change(self.room.buyer(name)) as work:
                    change_car(work, pre_order_id, quote_id=quote_id, price_cap_minor=cap)

    @rule(hours=st.sampled_from([0, 1, 24, 49, 72, 130]))
    def wait(self, hours: int) -> None:
        self.room.pass_time(hours=hours)
        removed = list(self.room.states().values()).count("removed")
        self.room.settle()
        if list(self.room.states().values()).count("removed") != removed:
            # A returned payment is what may raise the price of a frozen pool.
            self.frozen_discounts.clear()

    @rule(name=PERSONS)
    def prove_a_fraud(self, name: int) -> None:
        for pre_order_id in self.mine(name):
            with contextlib.suppress(Refusal), self.room.works.change(OPERATOR) as work:
                remove_member(work, pre_order_id, case="F-2026")
                self.frozen_discounts.clear()

    def mine(self, name: int) -> list[str]:
        with self.room.works.read(system(BRAND)) as work:
            found = select(pre_orders.c.id).where(pre_orders.c.account_id == f"{name:032x}").order_by(pre_orders.c.id)
            return list(work.connection.execute(found).scalars())

    # --- what never breaks ---

    @invariant()
    def counts_are_the_places(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            for row in work.connection.execute(select(pools)).mappings().all():
                pool = pool_from(row).pool
                held = select(pre_orders).where(
                    pre_orders.c.pool_id == pool.head.id, pre_orders.c.state.in_(("pooled", "locked"))
                )
                members = [pre_order_from(one) for one in work.connection.execute(held).mappings()]
                assert len(members) == pool.head.members <= pool.head.terms.member_limit
                assert len({one.head.person_id for one in members}) == len(members)
                if isinstance(pool, LockedPool):
                    assert pool.head.terms.minimum <= len(members) <= pool.head.terms.capacity
                else:
                    assert pool.head.reaching == count_reaching([one.head.offer for one in members], pool.head.terms)

    @invariant()
    def money_is_where_the_states_say(self) -> None:
        balances: dict[str, int] = {}
        with self.room.works.read(system(BRAND)) as work:
            for row in work.connection.execute(select(ledger_transfers)):
                balances[row.debit_account] = balances.get(row.debit_account, 0) - row.amount_minor
                balances[row.credit_account] = balances.get(row.credit_account, 0) + row.amount_minor
            rows = work.connection.execute(select(pre_orders.c.id, pre_orders.c.state)).all()
            declined = set(
                work.connection.execute(select(payments.c.subject_id).where(payments.c.state == "declined")).scalars()
            )
        assert sum(balances.values()) == 0
        for row in rows:
            held = 500_000 if row.state in ("pooled", "rolled_over") else 0
            assert balances.get(f"deposit:{row.id}", 0) == held
            is_earnest = row.state == "locked" and row.id not in declined
            assert balances.get(f"earnest:{row.id}", 0) == (500_000 if is_earnest else 0)

    @invariant()
    def every_record_replays(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            for pool_id in work.connection.execute(select(pools.c.id)).scalars().all():
                entries = record.entries_of(work, f"pool:{pool_id}")
                assert record.verify(entries) is None
                assert replay_pool(pool_id, entries).faults == []

    @invariant()
    def a_locked_price_never_changes(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            for row in work.connection.execute(select(pre_orders).where(pre_orders.c.price_minor.is_not(None))):
                assert self.locked_prices.setdefault(row.id, row.price_minor) == row.price_minor
                assert row.price_minor <= min(row.price_cap_minor, row.vehicle_price_minor)

    @invariant()
    def the_price_of_a_frozen_pool_only_falls(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            for pool_id in work.connection.execute(select(pools.c.id)).scalars().all():
                view = pool_progress(work, pool_id)
                if isinstance(view.pool, FrozenPool):
                    assert view.discount_bp >= self.frozen_discounts.get(pool_id, 0)
                    self.frozen_discounts[pool_id] = view.discount_bp
                if isinstance(view.pool, OpenPool | FrozenPool):
                    assert view.places_left >= 0


def test_no_order_of_events_breaks_a_pool(fresh_url: Callable[[], str]) -> None:
    machine = type("Machine", (PoolMachine,), {"fresh": staticmethod(fresh_url)})

    run_state_machine_as_test(machine, settings=MACHINE)
