"""A small brand with a pool: buyers who get quotes and place pre-orders, a wallet, and a clock that moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from configurator.model import PoolingClass, Tier
from configurator.quote_service import QuoteRequest, issue_quote
from configurator.service import class_of_car
from demand.audit_service import CHECKS
from demand.pools.model import (
    ClassLevel,
    FailureChoice,
    PaymentMethod,
    Pool,
    PoolHead,
    PreOrder,
)
from demand.pools.placing import PreOrderRequest
from demand.pools.pool_store import lock_pool
from demand.pools.pre_order_store import find_pre_order
from demand.pools.tables import pre_orders
from demand.service import (
    DEPOSIT_PURPOSE,
    TIMERS,
    Outcome,
    Placed,
    PoolPlan,
    fund_pre_order,
    lose_deposit,
    open_pool,
    place_pre_orders,
)
from kernel import ledger, payments, record
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import AccountId, BrandId, PersonId, SeededIds, StoreId
from kernel.ledger import AccountName
from kernel.money import yuan
from kernel.payments import Payment, PaymentProvider, Received
from kernel.sandbox import DECLINED_PREFIX, Sandbox, SignedMessage
from kernel.soundness import CHECKS as GROUND
from kernel.soundness import Check, examine
from kernel.timers import fire_due
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE, PLAIN_CAR, PLANNER, open_small_brand

SECRET: Final = b"a secret of thirty-two bytes long"
TIERS: Final = (Tier(3, 0), Tier(5, 200), Tier(8, 500))
DEPOSIT: Final = yuan(5_000)
ANY_PRICE: Final = 10**11


@dataclass(slots=True)
class PoolRoom:
    """Everything a test does with pools, by its word of the trade."""

    works: Works
    clock: FixedClock
    sandbox: Sandbox
    cls: PoolingClass
    quotes: dict[str, str] = field(default_factory=dict)
    number: int = 0
    wallet_is_empty: bool = False

    @property
    def providers(self) -> dict[str, PaymentProvider]:
        return {self.sandbox.name: self.sandbox}

    def buyer(self, name: int) -> Actor:
        """Return the n-th verified person."""
        return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(f"{name:032x}"), PersonId(f"{name:032x}"))

    def quote(self, buyer: Actor, *, options: tuple[str, ...] = PLAIN_CAR, store: StoreId = EAST_STORE) -> str:
        """Issue a quote for a car of the small brand to a buyer."""
        with self.works.change(buyer) as work:
            signed = issue_quote(work, DESK, QuoteRequest("A1", options, store))
        return signed.quote.facts.id

    def token(self, buyer: Actor, *, reference: str | None = None, amount_yuan: int = 5_000) -> str:
        """Authorise a deposit from the buyer's wallet."""
        assert buyer.account_id is not None
        self.number += 1
        return self.sandbox.authorise(
            account_id=buyer.account_id,
            amount=yuan(amount_yuan),
            reference=reference or f"{DECLINED_PREFIX if self.wallet_is_empty else 'auth-'}{self.number}",
            wallet=f"wallet-{buyer.account_id}",
            expires_at=self.clock.now() + timedelta(days=1),
        )

    def request(
        self,
        buyer: Actor,
        *,
        cap: int = ANY_PRICE,
        key: str | None = None,
        quote_id: str | None = None,
        pool_id: str | None = None,
        choice: FailureChoice = FailureChoice.REFUND,
        funded: bool = True,
        accepts_frozen: bool = True,
        accepts_wider_class: bool = False,
        method: PaymentMethod = PaymentMethod.CASH,
    ) -> PreOrderRequest:
        self.number += 1
        return PreOrderRequest(
            actor=buyer,
            idempotency_key=key or f"key-{self.number:06}",
            quote_id=quote_id or self.quote(buyer),
            price_cap_minor=cap,
            pool_id=pool_id,
            failure_choice=choice,
            accepts_frozen=accepts_frozen,
            accepts_wider_class=accepts_wider_class,
            method=method,
            authorisation=self.token(buyer) if funded else None,
        )

    def place(self, *requests: PreOrderRequest) -> list[Outcome]:
        """Place pre-orders in one group."""
        with self.works.change(system(BRAND)) as work:
            return place_pre_orders(work, self.providers, requests)

    def join(self, *names: int, cap: int = ANY_PRICE, choice: FailureChoice = FailureChoice.REFUND) -> list[Placed]:
        """Let persons join with funded pre-orders in one group; fails where one is refused."""
        outcomes = self.place(*(self.request(self.buyer(name), cap=cap, choice=choice) for name in names))
        return [placed(outcome) for outcome in outcomes]

    def open(
        self,
        *,
        capacity: int = 8,
        tiers: Sequence[Tier] | None = None,
        days: float = 21,
        opens_in: timedelta | None = None,
        level: ClassLevel = ClassLevel.L1,
        member_limit: int | None = None,
    ) -> str:
        """Open a pool of the plain car's class, L2 for every trim of it, and return its id."""
        now = self.clock.now()
        rows = [one for one in TIERS if one.members <= capacity] if tiers is None else tiers
        with self.works.change(PLANNER) as work:
            plan = PoolPlan(
                self.cls,
                capacity,
                level=level,
                member_limit=member_limit,
                minimum=rows[0].members,
                tiers=tuple(rows),
                opens_at=None if opens_in is None else now + opens_in,
                deadline=now + (opens_in or timedelta(0)) + timedelta(days=days),
            )
            return open_pool(work, plan).head.id

    def pass_time(self, **by: float) -> None:
        """Let time pass and fire what is due."""
        self.clock.advance(timedelta(**by))
        while fire_due(self.works, TIMERS):
            pass

    def pool(self, pool_id: str) -> Pool:
        with self.works.change(system(BRAND)) as work:
            return lock_pool(work, pool_id).pool

    def head(self, pool_id: str) -> PoolHead:
        return self.pool(pool_id).head

    def hear(self, message: SignedMessage) -> Received:
        """Take a provider's callback as the door does."""
        with self.works.change(system(BrandId("platform"))) as work:
            heard = payments.receive_callback(work, self.sandbox, message.headers, message.body)
            own = work.acting(system(BRAND))
            if heard.outcome == "received":
                fund_pre_order(own, heard.payment)
            elif heard.outcome == "charged_back":
                payments.settle_lost(own, {DEPOSIT_PURPOSE: lose_deposit}, heard.payment, heard.missing)
            return heard

    def charge_back(self, pre_order_id: str) -> Received:
        """Let the buyer's bank take the deposit of a pre-order back."""
        (payment,) = self.payments_of(pre_order_id)
        assert payment.provider_reference is not None
        return self.hear(
            self.sandbox.charge_back(payment_id=payment.id, reference=payment.provider_reference, wallet="wallet")
        )

    def pay(self, payment: Payment, *, reference: str, amount_yuan: int = 5_000) -> SignedMessage:
        """Pay a deposit from a wallet; returns the callback that tells of it."""
        return self.sandbox.pay(
            brand_id=BRAND,
            payment_id=payment.id,
            amount=yuan(amount_yuan),
            reference=reference,
            wallet="wallet",
        )

    def payments_of(self, subject_id: str) -> list[Payment]:
        with self.works.read(system(BRAND)) as work:
            return payments.payments_of(work, [subject_id])[subject_id]

    def unsound(self) -> list[str]:
        """Return what an audit of the ground and of this room finds wrong."""
        with self.works.read(system(BRAND)) as work:
            return unsound(work)

    def settle(self) -> None:
        """Let the worker capture and refund what is due."""
        payments.capture_due(self.works, self.providers, {DEPOSIT_PURPOSE: lose_deposit})
        payments.carry_out_refunds(self.works, self.providers)

    def balance(self, name: str) -> int:
        with self.works.read(system(BRAND)) as work:
            return ledger.balance(work, AccountName(name))

    def pre_order(self, pre_order_id: str) -> PreOrder:
        with self.works.read(system(BRAND)) as work:
            return find_pre_order(work, pre_order_id)[0]

    def states(self) -> dict[str, str]:
        """Return every pre-order's state by id."""
        with self.works.read(system(BRAND)) as work:
            return {row.id: row.state for row in work.connection.execute(select(pre_orders.c.id, pre_orders.c.state))}

    def count(self, pool_id: str, state: str = "pooled") -> int:
        with self.works.read(system(BRAND)) as work:
            found = (
                select(func.count())
                .select_from(pre_orders)
                .where(pre_orders.c.pool_id == pool_id, pre_orders.c.state == state)
            )
            return int(work.connection.execute(found).scalar_one())


def placed(outcome: Outcome) -> Placed:
    """Return what was placed, or fail with the refusal."""
    assert not isinstance(outcome, Refusal), outcome
    return outcome


def pre_order_of(outcome: Outcome) -> PreOrder:
    """Return the pre-order of an outcome."""
    return placed(outcome).pre_order


def unsound(work: Work, *, but: Sequence[Check] = ()) -> list[str]:
    """Return what an audit finds wrong, without some of its checks."""
    broken = [str(one) for one in record.broken_chains(work)]
    checks = [one for one in (*GROUND, *CHECKS) if one not in but]
    return broken + [line for one in examine(work, checks) for line in one.violations]


def make_pool_room(works: Works, clock: FixedClock) -> PoolRoom:
    """Found the small brand and its provider; no pool is open yet."""
    open_small_brand(works)
    with works.read(Actor(BRAND)) as work:
        cls = class_of_car(work, model="A1", options=PLAIN_CAR, region="east")
    return PoolRoom(works, clock, Sandbox(works.engine, SECRET, clock=clock), cls)


def beside(room: PoolRoom, *, behind: timedelta, seed: int = 77) -> PoolRoom:
    """Return the same room on a machine whose clock is behind."""
    clock = FixedClock(room.clock.now() - behind)
    return replace(room, works=Works(room.works.engine, clock=clock, ids=SeededIds(seed)), clock=clock, number=900)
