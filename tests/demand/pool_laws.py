"""What holds of pools at every moment of any life: places, money, records, prices; a machine plays the lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import func, select

from demand.pools import joining
from demand.pools.clearing import count_reaching
from demand.pools.model import (
    FailureChoice,
    FrozenPool,
    LockedPool,
    OpenPool,
    Pool,
    PooledPreOrder,
    WaitingPreOrder,
    is_costlier,
)
from demand.pools.replay import replay_pool
from demand.pools.rows import pool_from, pre_order_from
from demand.pools.tables import pool_changes, pools, pre_order_changes, pre_orders
from demand.queries import pool_progress
from kernel import db, record
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import SeededIds
from kernel.ledger import ledger_transfers
from kernel.payments.tables import payments
from kernel.work import Works
from tests.configurator.small_brand import BRAND
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import PoolRoom, make_pool_room


class PoolLaws(RuleBasedStateMachine):
    """A room on an empty database, and what was seen in it earlier; `reached` is what came up in any life."""

    fresh: Callable[[], str]
    reached: ClassVar[set[str]]

    def __init__(self) -> None:
        super().__init__()
        self.engine = db.open_engine(type(self).fresh())
        self.clock = FixedClock(MONDAY_MORNING)
        self.room: PoolRoom = make_pool_room(Works(self.engine, clock=self.clock, ids=SeededIds(7)), self.clock)
        self.replayed: dict[str, int] = {}
        self.locked_prices: dict[str, int] = {}
        self.frozen_discounts: dict[str, int] = {}
        self.kept_times: dict[str, tuple[str, datetime]] = {}

    def pool_ids(self, *states: str) -> list[str]:
        """Return the pools in these states, the newest first."""
        with self.room.works.read(system(BRAND)) as work:
            found = select(pools.c.id).where(pools.c.state.in_(states)).order_by(pools.c.id.desc())
            return list(work.connection.execute(found).scalars())

    def nobody_waits_beside_a_place(self) -> None:
        """Who waits is in the pool that is open once it is, unless it is full, costs more or the person is in it."""
        with self.room.works.read(system(BRAND)) as work:
            rows = work.connection.execute(select(pools)).mappings().all()
            found = {row["id"]: pool_from(row).pool for row in rows}
            orders = [pre_order_from(row) for row in work.connection.execute(select(pre_orders)).mappings()]
        for waiting in orders:
            if not isinstance(waiting, WaitingPreOrder):
                continue
            head = waiting.head
            wider = head.class_l2 if head.accepts_wider_class or head.failure_choice is FailureChoice.WIDEN else None
            for pool in found.values():
                if not isinstance(pool, OpenPool) or pool.head.class_key not in (head.class_l1, wider):
                    continue
                has_place = not isinstance(joining.join(pool, head.offer, now=self.clock.now()), Refusal)
                assert not has_place or is_costlier(head, old=found[waiting.pool_id].head.terms, new=pool.head.terms), (
                    head.id,
                    pool.head.id,
                )

    @invariant()
    def counts_are_the_places(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            pool_rows = work.connection.execute(select(pools)).mappings().all()
            held = select(pre_orders)
            order_rows = work.connection.execute(held).mappings().all()
        orders = [pre_order_from(one) for one in order_rows]
        type(self).reached |= {f"pool {row['state']}" for row in pool_rows}
        type(self).reached |= {f"pre-order {row['state']}" for row in order_rows}
        for row in pool_rows:
            pool = pool_from(row).pool
            own = [
                one
                for one, stored in zip(orders, order_rows, strict=True)
                if one.pool_id == pool.head.id and stored["state"] in ("pooled", "locked")
            ]
            self.members_fit(pool, [one.head.person_id for one in own])
            if not isinstance(pool, LockedPool):
                assert pool.head.reaching == count_reaching([one.head.offer for one in own], pool.head.terms)
        for one in orders:
            self.nobody_becomes_earlier(one)

    def members_fit(self, pool: Pool, persons: Sequence[str]) -> None:
        assert len(persons) == pool.head.members <= pool.head.terms.member_limit
        assert len(set(persons)) == len(persons)
        if isinstance(pool, LockedPool):
            assert pool.head.terms.minimum <= len(persons) <= pool.head.terms.capacity

    def nobody_becomes_earlier(self, one: object) -> None:
        """A time of funding stays while somebody is in a pool or waits; beyond a clearing it begins anew, later."""
        if isinstance(one, PooledPreOrder | WaitingPreOrder):
            pool_id, funded_at = self.kept_times.get(one.head.id, (one.pool_id, one.funded_at))
            assert one.funded_at >= funded_at
            if isinstance(one, PooledPreOrder) and one.pool_id == pool_id:
                assert one.funded_at == funded_at
            self.kept_times[one.head.id] = (one.pool_id, one.funded_at)

    @invariant()
    def money_is_where_the_states_say(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            balances: dict[str, int] = {}
            for side, sign in ((ledger_transfers.c.debit_account, -1), (ledger_transfers.c.credit_account, 1)):
                for name, amount in work.connection.execute(
                    select(side, func.sum(ledger_transfers.c.amount_minor)).group_by(side)
                ):
                    balances[name] = balances.get(name, 0) + sign * int(amount)
            rows = work.connection.execute(select(pre_orders.c.id, pre_orders.c.state)).all()
            gone = select(payments.c.subject_id).where(payments.c.state.in_(("declined", "charged_back")))
            lost = set(work.connection.execute(gone).scalars())
        for row in rows:
            held = 500_000 if row.state in ("pooled", "rolled_over") else 0
            assert balances.get(f"deposit:{row.id}", 0) == held
            is_earnest = row.state == "locked" and row.id not in lost
            assert balances.get(f"earnest:{row.id}", 0) == (500_000 if is_earnest else 0)

    @invariant()
    def a_question_ends_at_its_pool_s_freeze_alone(self) -> None:
        """Nobody is sent away while a pool waits for their answer, and nobody waits for none but pools that froze."""
        with self.room.works.read(system(BRAND)) as work:
            changes = list(work.connection.execute(select(pre_order_changes).order_by(pre_order_changes.c.serial)))
            over = {
                row.pool_id: row
                for row in work.connection.execute(select(pool_changes).order_by(pool_changes.c.serial.desc()))
                if row.state not in ("scheduled", "open")
            }
            freezes = {row.id: row.freeze_at for row in work.connection.execute(select(pools.c.id, pools.c.freeze_at))}
        for name, state in self.room.states().items():
            own = [row for row in changes if row.pre_order_id == name]
            asked = [row.asked_by_pool_id for row in own if row.asked_by_pool_id is not None]
            live = [one for one in asked if one not in over and self.clock.now() < freezes[one]]
            if own[-1].reason == "roll_not_possible":
                at = own[-1].at
                assert all(freezes[one] <= at or (one in over and over[one].at <= at) for one in asked), name
            elif state == "rolled_over":
                rolled = max(place for place, row in enumerate(own) if row.asked_by_pool_id is None)
                ends = [over[row.asked_by_pool_id].state for row in own[rolled + 1 :] if row.asked_by_pool_id in over]
                assert live or "cancelled" in ends or not ends, name
                type(self).reached |= {"asked by two"} if len(live) == 2 else set()
                type(self).reached |= {"one of two froze"} if live and "frozen" in ends else set()

    @invariant()
    def every_record_replays(self) -> None:
        """Replay each record that has grown since the step before."""
        with self.room.works.read(system(BRAND)) as work:
            chains = record.record_entries.c
            found = select(chains.chain, func.max(chains.sequence)).where(chains.chain.startswith("pool:"))
            for chain, length in work.connection.execute(found.group_by(chains.chain)).all():
                if self.replayed.get(chain) != length:
                    entries = record.entries_of(work, chain)
                    assert record.verify(entries) is None
                    assert replay_pool(chain.removeprefix("pool:"), entries).faults == []
                    self.replayed[chain] = length

    @invariant()
    def a_locked_price_never_changes(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            for row in work.connection.execute(select(pre_orders).where(pre_orders.c.price_minor.is_not(None))):
                assert self.locked_prices.setdefault(row.id, row.price_minor) == row.price_minor
                assert row.price_minor <= min(row.price_cap_minor, row.vehicle_price_minor)

    @invariant()
    def the_price_of_a_frozen_pool_only_falls(self) -> None:
        for pool_id in self.pool_ids("open", "frozen"):
            with self.room.works.read(system(BRAND)) as work:
                view = pool_progress(work, pool_id)
            if isinstance(view.pool, FrozenPool):
                assert view.discount_bp >= self.frozen_discounts.get(pool_id, 0)
                self.frozen_discounts[pool_id] = view.discount_bp
            assert view.places_left >= 0
