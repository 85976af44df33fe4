"""Any order of joins, payments, declines, departures, removals, other cars, hours and clearings keeps DOMAIN section 4.

The runs of `dev.py test` are the same each time, and together they must reach every state, reason and refusal that is
listed here: a machine that never freezes a pool would prove nothing of frozen ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from sqlalchemy import RowMapping, select

from configurator.model import Tier
from demand.audit_service import CHECKS
from demand.pools.model import (
    POOL_STATES,
    ClassLevel,
    FailureChoice,
    PaymentMethod,
)
from demand.pools.tables import pre_order_changes, pre_orders
from demand.service import (
    approve_finance,
    cancel_pool,
    change_car,
    choose_method,
    confirm_plate,
    raise_cap,
    remove_member,
    withdraw,
)
from kernel import registry
from kernel.actor import Actor, Role, system
from kernel.errors import Refusal
from kernel.ids import AccountId, PersonId, StoreId
from kernel.payments.tables import payments
from kernel.sandbox import sandbox_entries
from kernel.soundness import LEDGER_CHECKS, PAYMENT_CHECKS, examine
from kernel.work import Work
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.demand.pool_laws import PoolLaws

IS_SAMPLE: Final = settings().derandomize
BEGINNINGS: Final = ("filled", "frozen", "locked", "failed", "asked", "tardy")
# `dev.py prove` plays twenty times as many lives as `dev.py test`, new ones each time.
MACHINE: Final = settings(max_examples=settings().max_examples * 4 // 15, stateful_step_count=20, deadline=None)
OPERATOR: Final = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
PERSONS: Final = st.integers(1, 9)
CAPS: Final = st.sampled_from([9_500_000, 9_800_000, 10_000_000, 12_000_000, 12_000_000, 14_000_000])
INDEX: Final = st.integers(0, 30)
# In the north a plate is asked for, and cars have heated seats; Plus is another trim of the same wider class.
NORTHERN: Final = (*PLAIN_CAR, "HEAT")
PLUS: Final = ("BLUE", "W17", "PT_SMALL", "TR_PLUS")
CARS: Final[dict[tuple[str, ...], StoreId]] = {
    PLAIN_CAR: EAST_STORE,
    ("BLUE", *PLAIN_CAR[1:]): EAST_STORE,
    NORTHERN: NORTH_STORE,
    PLUS: EAST_STORE,
}
TIERS: Final = (Tier(2, 0), Tier(3, 200), Tier(4, 500))
# Who comes out of a pool that was cheaper from the first tier on is asked before going on.
CHEAPER: Final = (Tier(2, 300), Tier(3, 400), Tier(4, 500))
MANY: Final = (Tier(4, 0),)

CLEARANCES: Final = ("finance", "plate")


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody joins; a wallet that is empty is found so when the deposit is captured."""

    choice: FailureChoice
    method: PaymentMethod
    funded: bool
    empty: bool
    frozen: bool
    wider: bool


WISHES: Final = st.builds(
    Wish,
    choice=st.sampled_from(list(FailureChoice)),
    method=st.sampled_from([PaymentMethod.CASH, PaymentMethod.CASH, PaymentMethod.INSTALMENTS]),
    funded=st.sampled_from([True, True, True, False]),
    empty=st.sampled_from([False] * 6 + [True]),
    frozen=st.sampled_from([True, True, False]),
    wider=st.booleans(),
)

FACTS: Final[dict[str, st.SearchStrategy[dict[str, Any]]]] = {
    "open_next": st.fixed_dictionaries(
        {
            "level": st.sampled_from([ClassLevel.L1, ClassLevel.L1, ClassLevel.L2]),
            "tiers": st.sampled_from([TIERS, TIERS, CHEAPER, MANY]),
            "later": st.sampled_from([False, False, False, True]),
        }
    ),
    "join": st.fixed_dictionaries(
        {
            "names": st.lists(PERSONS, min_size=1, max_size=5),
            "cap": CAPS,
            "wish": WISHES,
            "car": st.sampled_from([PLAIN_CAR, *CARS]),
        }
    ),
    "wait": st.fixed_dictionaries({"minutes": st.sampled_from([1, 16, 24 * 60, 49 * 60, 72 * 60, 5 * 24 * 60])}),
    "pay": st.fixed_dictionaries({"index": INDEX, "minutes": st.sampled_from([0, 0, 10, 24 * 60])}),
    "act": st.fixed_dictionaries(
        {
            "does": st.sampled_from(["leave", "raise", "method", "finance", "plate", "plate"]),
            "index": INDEX,
            "cap": CAPS,
        }
    ),
    "take_another_car": st.fixed_dictionaries(
        {"index": INDEX, "car": st.sampled_from([*CARS]), "more": st.sampled_from([0, 500_000, 2_000_000])}
    ),
    "go_wrong": st.fixed_dictionaries({"what": st.sampled_from(["fraud", "bank", "bank", "planner"]), "index": INDEX}),
}
OFTEN: Final = ("open_next",) * 2 + ("join",) * 5 + ("wait",) * 4 + ("pay",) * 2 + ("act",) * 5
STEPS: Final = st.sampled_from((*OFTEN, "take_another_car", "take_another_car", "go_wrong")).flatmap(
    lambda name: st.tuples(st.just(name), FACTS[name])
)

STATES: Final = (
    *(f"pool {state}" for state in POOL_STATES),
    *(
        f"pre-order {state}"
        for state in (
            "acknowledged",
            "pooled",
            "rolled_over",
            "locked",
            "expired_unpaid",
            "withdrawn",
            "refunded",
            "removed",
        )
    ),
)
REASONS: Final = (
    "placed",
    "funded",
    "withdrawn",
    "no_money_in_time",
    "cap_raised",
    "car_changed",
    "method_chosen",
    "plate_confirmed",
    "finance_approved",
    "not_cleared",
    "cleared",
    "beyond_clearing",
    "pool_failed",
    "pool_cancelled",
    "rolled_in",
    "roll_not_possible",
    "terms_offered",
    "fraud",
    "payment_declined",
    "payment_returned",
    "freeze_not_accepted",
)
QUESTIONS: Final = ("asked by two", "one of two froze")
REFUSALS: Final = (
    "POOL_FULL",
    "POOL_FROZEN",
    "POOL_ALREADY_OPEN",
    "NO_OPEN_POOL",
    "WRONG_CLASS",
    "ALREADY_IN_POOL",
    "CAP_TOO_LOW",
    "CAP_NOT_RAISED",
    "FREEZE_NOT_ACCEPTED",
    "FINANCE_NOT_APPROVED",
    "PRE_ORDER_CLOSED",
)


class PoolMachine(PoolLaws):
    """One class of cars in two trims, nine persons; a pool of each trim and one of both at a time."""

    beginning: str

    def __init__(self) -> None:
        super().__init__()
        self.unpaid: list[str] = []
        with self.room.works.change(system(BRAND)) as work:
            rationed = registry.stores.update().where(registry.stores.c.id == NORTH_STORE)
            work.connection.execute(rationed.values(plate_quota=True))

    def teardown(self) -> None:
        with self.room.works.read(system(BRAND)) as work:
            found = examine(work, (*LEDGER_CHECKS, *PAYMENT_CHECKS, *CHECKS))
            reasons = work.connection.execute(select(pre_order_changes.c.reason).distinct()).scalars().all()
        self.engine.dispose()
        assert [line for one in found for line in one.violations] == []
        type(self).reached |= set(reasons)

    # --- how a life begins and goes on ---

    @initialize(
        level=st.sampled_from(list(ClassLevel)),
        tiers=st.sampled_from([TIERS, CHEAPER, MANY]),
        wishes=st.lists(WISHES, min_size=2, max_size=6),
    )
    def begin(self, level: ClassLevel, tiers: tuple[Tier, ...], wishes: list[Wish]) -> None:
        """Begin where it gets interesting, since few lives come there by chance."""
        sure = [replace(one, method=PaymentMethod.CASH, funded=True, empty=False, wider=True) for one in wishes]
        match self.beginning:
            case "failed" | "asked":
                self.open(level, CHEAPER)
                for name, wish in enumerate(sure[:2], start=1):
                    cap = (9_500_000, 12_000_000)[name % 2]
                    self.place([name], cap, replace(wish, choice=FailureChoice.ROLL), PLAIN_CAR)
                self.pass_time(5 * 24 * 60)
                if self.beginning == "asked":
                    self.open(level, tiers)
                    self.pass_time(24 * 60)
                    self.open(ClassLevel.L2 if level is ClassLevel.L1 else ClassLevel.L1, TIERS)
            case "frozen" | "locked":
                self.open(level, tiers)
                for name in range(1, 6):
                    self.place([name], 12_000_000, replace(sure[name % len(sure)], frozen=True), PLAIN_CAR)
                self.pass_time((48 if self.beginning == "frozen" else 72) * 60)
                if wishes[0].wider:
                    self.go_wrong("bank", 0)
            case "tardy":
                self.open(level, tiers)
                self.place([1, 2], 12_000_000, sure[0], PLAIN_CAR)
                self.take_another_car(0, PLUS, 2_000_000)
                self.pass_time(48 * 60 - 5)
                for name in (8, 9):
                    self.place([name], 12_000_000, replace(sure[0], funded=False, frozen=name == 8), PLAIN_CAR)
                self.pass_time(6)
                for index in range(2):
                    self.pay(index, 0)
            case _:
                self.open(level, tiers)
                for name, wish in enumerate(wishes, start=1):
                    self.place([name], 12_000_000, replace(wish, wider=True), PLAIN_CAR)
                self.place([9], 12_000_000, replace(sure[0], method=PaymentMethod.INSTALMENTS), NORTHERN)
                for does in CLEARANCES:
                    self.act(does, 0, 1)

    @rule(step=STEPS)
    def go_on(self, step: tuple[str, dict[str, Any]]) -> None:
        """Take one step: a single rule, since of many Hypothesis switches off half in each run and no life gets far."""
        name, facts = step
        getattr(self, name)(**facts)

    def open_next(self, level: ClassLevel, tiers: tuple[Tier, ...], later: bool) -> None:
        opens_in = timedelta(minutes=30) if later else None
        self.attempt(lambda: self.open(level, tiers, opens_in=opens_in))
        self.nobody_waits_beside_a_place()

    def join(self, names: list[int], cap: int, wish: Wish, car: tuple[str, ...]) -> None:
        self.place(names, cap, wish, car)

    def wait(self, minutes: int) -> None:
        self.pass_time(minutes)

    def pay(self, index: int, minutes: int) -> None:
        """Deliver some callback: in time, late, out of order, again, signed anew as a provider does."""
        if minutes:
            self.pass_time(minutes)
        if self.unpaid:
            (payment,) = self.room.payments_of(self.unpaid[-1 - index % len(self.unpaid)])
            self.room.hear(self.room.pay(payment, reference=f"ref-{payment.id}"))

    def act(self, does: str, index: int, cap: int) -> None:
        """Let a member leave, raise a cap, choose the other way to pay, or be cleared for a frozen pool."""
        one = self.pick(index, "acknowledged", "pooled", "rolled_over", "locked", by_instalments=does in CLEARANCES)
        if one is None:
            return
        name, owner = one["id"], owner_of(one)
        other = PaymentMethod.CASH if one["method"] == "instalments" else PaymentMethod.INSTALMENTS
        match does:
            case "leave":
                self.change(owner, lambda work: withdraw(work, name))
            case "raise":
                self.change(owner, lambda work: raise_cap(work, name, price_cap_minor=cap + index % 2 * 5_000_000))
            case "method":
                self.change(owner, lambda work: choose_method(work, name, method=other))
            case "finance":
                self.change(OPERATOR, lambda work: approve_finance(work, name))
            case _:
                self.change(owner, lambda work: confirm_plate(work, name))

    def take_another_car(self, index: int, car: tuple[str, ...], more: int) -> None:
        """Take another car, or another store; who waits accepts costlier terms by it."""
        one = self.pick(index, "pooled", "rolled_over")
        if one is not None:
            quote_id = self.room.quote(owner_of(one), options=car, store=CARS[car])
            cap = one["price_cap_minor"] + more
            self.change(owner_of(one), lambda work: change_car(work, one["id"], quote_id=quote_id, price_cap_minor=cap))

    def go_wrong(self, what: str, index: int) -> None:
        """Prove a fraud, let a bank return a deposit, or take a pool back; a frozen pool's price may rise by that."""
        if what == "fraud" and (one := self.pick(index, "pooled", "rolled_over")) is not None:
            self.change(OPERATOR, lambda work: remove_member(work, one["id"], case="F-2026"))
        elif what == "bank" and (captured := self.captured()):
            self.room.charge_back(captured[index % len(captured)])
        elif what == "planner" and (found := self.pool_ids("scheduled", "open", "frozen")):
            self.change(PLANNER, lambda work: cancel_pool(work, found[index % len(found)], reason="the plant is full"))
        self.frozen_discounts.clear()

    # --- by what the rules go ---

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Refusal as refusal:
            type(self).reached.add(refusal.code)

    def change(self, actor: Actor, act: Callable[[Work], object]) -> None:
        def run() -> None:
            with self.room.works.change(actor) as work:
                act(work)

        self.attempt(run)

    def open(self, level: ClassLevel, tiers: tuple[Tier, ...], *, opens_in: timedelta | None = None) -> None:
        self.room.open(capacity=4, member_limit=5, tiers=tiers, days=5, level=level, opens_in=opens_in)

    def place(self, names: Sequence[int], cap: int, wish: Wish, car: tuple[str, ...]) -> None:
        """Place pre-orders in one group, the first one twice under its key."""
        room = self.room
        room.wallet_is_empty = wish.empty
        requests = [
            room.request(
                room.buyer(name),
                cap=cap,
                choice=wish.choice,
                funded=wish.funded,
                method=wish.method,
                accepts_frozen=wish.frozen,
                accepts_wider_class=wish.wider,
                quote_id=room.quote(room.buyer(name), options=car, store=CARS[car]),
            )
            for name in names
        ]
        room.wallet_is_empty = False
        outcomes = room.place(*requests, requests[0])
        first, again = outcomes[0], outcomes[-1]
        if isinstance(first, Refusal):
            assert type(again) is type(first)
        else:
            assert not isinstance(again, Refusal)
            assert again.pre_order_id == first.pre_order_id
        for outcome in outcomes[:-1]:
            if isinstance(outcome, Refusal):
                type(self).reached.add(outcome.code)
            elif outcome.state == "acknowledged":
                self.unpaid.append(outcome.pre_order_id)

    def pass_time(self, minutes: int) -> None:
        self.room.pass_time(minutes=minutes)
        removed = list(self.room.states().values()).count("removed")
        self.room.settle()
        if list(self.room.states().values()).count("removed") != removed:
            # A returned payment is what may raise the price of a frozen pool.
            self.frozen_discounts.clear()
        self.nobody_waits_beside_a_place()

    def captured(self) -> list[str]:
        """Return the pre-orders whose deposits a bank could return."""
        with self.room.works.read(system(BRAND)) as work:
            found = select(payments.c.subject_id).where(
                payments.c.state == "received",
                sandbox_entries.c.key == "capture:" + payments.c.provider_reference,
            )
            return list(work.connection.execute(found.order_by(payments.c.id)).scalars())

    def pick(self, index: int, *states: str, by_instalments: bool = False) -> RowMapping | None:
        """Return one of the pre-orders in these states, the newest first; none where there is none."""
        with self.room.works.read(system(BRAND)) as work:
            table = pre_orders.c
            found = select(pre_orders).where(table.state.in_(states)).order_by(table.id.desc())
            rows = list(work.connection.execute(found).mappings())
        rows = [row for row in rows if row["method"] == "instalments" or not by_instalments]
        return rows[index % len(rows)] if rows else None


def owner_of(row: RowMapping) -> Actor:
    """Return the buyer whose pre-order a row is."""
    account = AccountId(row["account_id"])
    return Actor(BRAND, frozenset({Role.CONSUMER}), account, PersonId(row["person_id"]))


def test_no_order_of_events_breaks_a_pool(fresh_url: Callable[[], str]) -> None:
    reached: set[str] = set()
    for beginning in BEGINNINGS:
        facts = {"fresh": staticmethod(fresh_url), "reached": reached, "beginning": beginning}
        run_state_machine_as_test(type("Machine", (PoolMachine,), facts), settings=MACHINE)

    if IS_SAMPLE:
        assert [one for one in (*STATES, *REASONS, *QUESTIONS, *REFUSALS) if one not in reached] == []
