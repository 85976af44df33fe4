"""What buyers of the simulated year do beside waiting: leave, do not pay, take another car or another store.

Each acts as itself, once, through the use cases that the API calls; what falls to whom is drawn from the number of the
pre-order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, Table, select

from benchmarks.year_plot import Plot, drawn, falls
from demand.pools.tables import pools, pre_orders
from demand.service import withdraw
from factory_orders import service
from factory_orders.consents.tables import repair_offers
from factory_orders.early_cars.tables import early_offers
from factory_orders.exchanges.tables import swap_offers
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage as BuildStage
from factory_orders.plant.tables import build_orders
from factory_orders.policies import CancellationPolicy
from factory_orders.waiting.service import accept_wait_offer, decline_wait_offer
from factory_orders.waiting.tables import wait_offers
from kernel import db, policy, registry
from kernel.actor import Actor, Role, system
from kernel.errors import Refusal
from kernel.ids import AccountId, BrandId
from kernel.work import Work
from muster.demo.activity import Stage

Answer: TypeAlias = Callable[[Work, str], object]
BEFORE_THE_BODY: Final = (None, BuildStage.QUEUED.value, BuildStage.PARTS_READY.value)
UNDER_WAY: Final = ("scheduled", "built", "in_transit", "at_store")
WITHDRAW_WITHIN_DAYS: Final = 14
LEAVE_WITHIN_DAYS: Final = 30
PAYS_AFTER_DAYS: Final = 20
PICKS_AFTER_DAYS: Final = 9


@dataclass(frozen=True, slots=True)
class People:
    """The buyers of the year: the number of each account's pre-order, in the order in which they came."""

    brand_id: BrandId
    number_of: Mapping[str, int]

    def actor(self, account_id: str) -> Actor:
        """Return a buyer acting for themselves."""
        return Actor(self.brand_id, frozenset({Role.CONSUMER}), AccountId(account_id))

    def number(self, account_id: str) -> int | str:
        """Return a buyer's number; who buys from stock has none, and draws by the account."""
        return self.number_of.get(account_id, account_id)


def people_of(work: Work) -> People:
    """Number the buyers by their pre-orders."""
    found = (
        select(pre_orders.c.account_id).where(pre_orders.c.brand_id == work.actor.brand_id).order_by(pre_orders.c.id)
    )
    accounts = work.connection.execute(found).scalars()
    return People(work.actor.brand_id, {account_id: number for number, account_id in enumerate(accounts)})


@dataclass(frozen=True, slots=True)
class Act:
    """What a buyer does in a change of their own, as through the API; `may_be_late` where others may be quicker."""

    who: Actor
    do: Callable[[Work], object]
    may_be_late: bool = False


def live_as_buyers(stage: Stage, plot: Plot) -> None:
    """Let buyers do what falls to them today, and say who lets a car stand at its store."""
    with stage.works.read(system(stage.brand.id)) as work:
        people = people_of(work)
        under_way = _orders_under_way(work)
        acts = [*_withdraw(work, people, plot), *_leave(work, people, plot, under_way)]
        acts += [*_pick_stores(work, people, plot), *_answer_offers(work, people, plot)]
        stage.waiting = _who_waits(work, people, plot, under_way)
    for act in acts:
        try:
            stage.works.run(act.who, act.do)
        except Refusal:
            if not act.may_be_late:
                raise


def _withdraw(work: Work, people: People, plot: Plot) -> Iterator[Act]:
    """Leave a pool before its freeze, some days after having joined it."""
    found = (
        select(pre_orders.c.id, pre_orders.c.account_id, pre_orders.c.funded_at)
        .join(pools, pools.c.id == pre_orders.c.pool_id)
        .where(pre_orders.c.brand_id == people.brand_id, pre_orders.c.state == "pooled", pools.c.state == "open")
        .where(pools.c.freeze_at > work.now)
        .order_by(pre_orders.c.id)
    )
    for row in work.connection.execute(found).all():
        number = people.number(row.account_id)
        after = timedelta(days=1 + drawn("day to withdraw", number, WITHDRAW_WITHIN_DAYS))
        if falls("withdraws", number, plot.rates.withdraws) and work.now >= row.funded_at + after:
            yield Act(people.actor(row.account_id), partial(_withdraw_one, row.id))


def _withdraw_one(pre_order_id: str, work: Work) -> object:
    return withdraw(work, pre_order_id)


def _orders_under_way(work: Work) -> Sequence[Row[Any]]:
    """Return the orders of buyers that have not ended, each with the stage of its car on the line."""
    order, built = orders.c, build_orders.c
    found = (
        select(order.id, order.account_id, order.state, order.origin, order.locked_at, order.promised_by, built.stage)
        .add_columns(order.arrived_at)
        .outerjoin(build_orders, (built.order_id == order.id) & (built.stage != BuildStage.WITHDRAWN.value))
        .where(order.brand_id == work.actor.brand_id, order.origin != OrderOrigin.STORE.value)
        .where(db.among(order.state, UNDER_WAY))
        .order_by(order.id)
    )
    return work.connection.execute(found).all()


def _leave(work: Work, people: People, plot: Plot, under_way: Sequence[Row[Any]]) -> Iterator[Act]:
    """Leave after the lock for a part of the earnest money, or with it twice where the car is far too late."""
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    days = policy.current(work).section(CancellationPolicy).rescind_after_days
    for row in under_way:
        number = people.number(row.account_id)
        wants = _wants_to_leave(row, number, plot, now=work.now)
        if wants or _is_left_for_lateness(row, number, today, days=days):
            yield Act(people.actor(row.account_id), partial(_cancel_one, row.id))


def _cancel_one(order_id: str, work: Work) -> object:
    """Look at what it costs, and leave for exactly that."""
    shown = service.preview_cancellation(work, order_id)
    ended = service.cancel_order(work, order_id)
    assert ended == shown, "leaving costs what was shown"
    return ended


def _wants_to_leave(row: Row[Any], number: int | str, plot: Plot, *, now: datetime) -> bool:
    if row.origin == OrderOrigin.STOCK.value:
        return row.state == "at_store" and falls("leaves stock car", number, plot.rates.leaves_stock_car)
    if row.state != "scheduled" or row.stage not in BEFORE_THE_BODY:
        return False
    if row.stage == BuildStage.PARTS_READY.value:
        return falls("leaves on build day", number, plot.rates.leaves_on_build_day)
    after = timedelta(days=1 + drawn("day to leave", number, LEAVE_WITHIN_DAYS))
    return falls("leaves after lock", number, plot.rates.leaves_after_lock) and now >= row.locked_at + after


def _is_left_for_lateness(row: Row[Any], number: int | str, today: date, *, days: int) -> bool:
    """Say whether a car is so late that its buyer may leave, and this one does: every second."""
    if row.promised_by is None or row.state == "at_store" or not falls("leaves for lateness", number, 500):
        return False
    late: timedelta = today - row.promised_by
    return late.days > days


# --- offers ----------------------------------------------------------------------------------------------------------


def _answer_offers(work: Work, people: People, plot: Plot) -> Iterator[Act]:
    """Answer what is offered: the repaired car, one that is there sooner, an equal one, a credit for waiting."""
    for row in _open(work, repair_offers):
        lot = drawn("repaired car", people.number(row.account_id), 1_000)
        answer: Answer | None = None
        if lot < plot.rates.takes_repaired_car:
            answer = service.accept_repaired_car
        elif lot < plot.rates.takes_repaired_car + plot.rates.declines_repaired_car:
            answer = service.decline_repaired_car
        if answer is not None:
            yield Act(people.actor(row.account_id), partial(_answer_one, answer, row.order_id), may_be_late=True)
    kinds: tuple[tuple[Table, Answer, Answer], ...] = (
        (early_offers, service.accept_early_car, service.decline_early_car),
        (swap_offers, service.accept_car_swap, service.decline_car_swap),
        (wait_offers, accept_wait_offer, decline_wait_offer),
    )
    for table, accept, decline in kinds:
        for row in _open(work, table):
            takes = falls(f"takes offer of {table.name}", people.number(row.account_id), plot.rates.takes_offer)
            answer = accept if takes else decline
            yield Act(people.actor(row.account_id), partial(_answer_one, answer, row.id), may_be_late=True)


def _answer_one(answer: Answer, about: str, work: Work) -> object:
    return answer(work, about)


def _open(work: Work, table: Table) -> Sequence[Row[Any, Any, Any]]:
    """Return the open offers of a kind, each with the account of its buyer."""
    found = (
        select(table.c.id, table.c.order_id, orders.c.account_id)
        .join(orders, orders.c.id == table.c.order_id)
        .where(table.c.brand_id == work.actor.brand_id, table.c.state == "open")
        .order_by(table.c.id)
    )
    return work.connection.execute(found).all()


# --- stores and money ------------------------------------------------------------------------------------------------


def _pick_stores(work: Work, people: People, plot: Plot) -> Iterator[Act]:
    """Pick another store of the region where the own one has closed, some only after they were told again."""
    stores = registry.list_stores(work)
    closed = {store.id: store for store in stores if store.closed_at is not None}
    found = (
        select(orders.c.id, orders.c.account_id, orders.c.store_id)
        .where(orders.c.brand_id == people.brand_id, orders.c.origin == OrderOrigin.POOL.value)
        .where(db.among(orders.c.state, UNDER_WAY), db.among(orders.c.store_id, list(closed)))
        .order_by(orders.c.id)
    )
    for row in work.connection.execute(found).all() if closed else []:
        number, own = people.number(row.account_id), closed[row.store_id]
        waits = PICKS_AFTER_DAYS if falls("picks store late", number, plot.rates.picks_store_late) else 1
        assert own.closed_at is not None, "it is one of the closed ones"
        if work.now >= own.closed_at + timedelta(days=waits):
            near = [store for store in stores if store.closed_at is None and store.region == own.region]
            chosen = near[drawn("store", number, len(near))]
            yield Act(people.actor(row.account_id), partial(_pick_one, row.id, chosen.id))


def _pick_one(order_id: str, store_id: str, work: Work) -> object:
    return service.pick_store(work, order_id, store_id)


def _who_waits(work: Work, people: People, plot: Plot, under_way: Sequence[Row[Any]]) -> frozenset[str]:
    """Return who lets a car stand at its store today: some pay after the second notice, some never."""
    waiting = set()
    for row in under_way:
        number = people.number(row.account_id)
        is_new = row.arrived_at is None or work.now < row.arrived_at + timedelta(days=PAYS_AFTER_DAYS)
        late = falls("pays late", number, plot.rates.pays_after_second_notice) and is_new
        if late or falls("never pays", number, plot.rates.never_pays):
            waiting.add(row.account_id)
    return frozenset(waiting)
