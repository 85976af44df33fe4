"""Use cases of a promise while somebody orders: held for half an hour, given back, run out (DOMAIN section 6.4).

Weeks are locked before anything is promised, and the database counts along: what a pool has promised never exceeds
what it holds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from configurator.errors import QuoteExpired, QuoteTaken
from configurator.model import Quote, QuoteStatus
from configurator.quote_queries import quotes_by_id
from demand.pools.queries import pools_by_id, time_to_pay
from factory_orders.errors import PromiseLater, PromiseUnavailable
from factory_orders.parts.queries import late_parts
from factory_orders.planning.capacity_store import (
    PoolPlan,
    open_plan,
    open_plan_of_class,
    promise_place,
    room_of_pool,
)
from factory_orders.planning.model import SLOT
from factory_orders.planning.promise import Window, promise_days
from factory_orders.planning.queries import car_facts
from factory_orders.planning.service import pool_place
from factory_orders.policies import PromisePolicy
from factory_orders.promises.events import PromiseHoldEnding
from factory_orders.promises.margin_store import margin_at
from factory_orders.promises.model import Hold, HoldState, Place
from factory_orders.promises.store import (
    HOLD_TIMER,
    give_back,
    held_by_account,
    insert_holds,
    live_hold_of_quote,
    lock_hold,
)
from kernel import db, policy
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.timers import set_timer
from kernel.work import Work

REMINDED_MINUTES_BEFORE: Final = 10
HOLD_REMINDER_TIMER: Final = "factory_orders.promise_hold_reminder"


def hold_promise(work: Work, quote_id: str) -> Hold:
    """Hold the date of one's own quote while ordering; the same quote again answers the same hold.

    One holds one promise at a time: another quote's takes its place. Refuses a quote that is not the actor's own
    (NotFound), has ended (QuoteTaken, QuoteExpired), has no open pool or no room (PromiseUnavailable), and one whose
    date others have taken meanwhile (PromiseLater); then what was held before still is.
    """
    work.actor.require(Permission.PREORDER)
    account_id = work.actor.signed_in()
    # A double click, or two quotes of one person at once, come one after the other.
    db.take_turns(work.connection, f"promise:{account_id}")
    quote = _own_open_quote(work, quote_id)
    standing = live_hold_of_quote(work, quote_id)
    # One whose half hour is over stands no more, even where nobody has ended it yet: it is made anew below.
    if standing is not None and (standing.state is not HoldState.HELD or standing.expires_at > work.now):
        return standing
    before = held_by_account(work, account_id)
    if before is not None:
        give_back(work, before, reason="replaced")
    plan = _plan_of(work, quote)
    place, window = _find_place(work, plan, quote)
    times = policy.current(work).section(PromisePolicy)
    # As the quote's date was made: what was learned since makes no date later than the one that was shown.
    margin = margin_at(work, plan.plant_id, quote.facts.issued_at)
    p50, p90 = promise_days(window, distance_km=quote.facts.distance_km, policy=times, margin=margin)
    if quote.facts.promise is not None and p90 > quote.facts.promise.p90:
        raise PromiseLater(quote.facts.promise.p90, p90)
    hold = Hold(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        account_id=account_id,
        quote_id=quote_id,
        pre_order_id=None,
        pool_id=plan.pool_id,
        plant_id=plan.plant_id,
        place=place,
        p50=p50,
        p90=p90,
        dated_at=quote.facts.issued_at,
        held_at=work.now,
        expires_at=work.now + timedelta(minutes=times.hold_minutes),
        state=HoldState.HELD,
    )
    promise_place(work, plan.plant_id, plan.pool_id, place, by=1)
    insert_holds(work, [hold])
    set_timer(work, HOLD_TIMER, hold.id, hold.expires_at)
    if times.hold_minutes > REMINDED_MINUTES_BEFORE:
        remind_at = hold.expires_at - timedelta(minutes=REMINDED_MINUTES_BEFORE)
        set_timer(work, HOLD_REMINDER_TIMER, hold.id, remind_at)
    return hold


def _plan_of(work: Work, quote: Quote) -> PoolPlan:
    """Return the plan of the pool that the quote offers, or of the one of its own class that is open by now."""
    offered = quote.facts.pool
    plan = None if offered is None else open_plan(work, offered.pool_id)
    if plan is None or plan.deadline <= work.now:
        plan = open_plan_of_class(work, [quote.pooling_class.l1_key])
    if plan is None:
        raise PromiseUnavailable
    return plan


def _own_open_quote(work: Work, quote_id: str) -> Quote:
    view = quotes_by_id(work, [quote_id]).get(quote_id)
    if view is None or view.account_id != work.actor.account_id:
        raise NotFound("quote")
    match view.status:
        case QuoteStatus.ISSUED:
            return view.signed.quote
        case QuoteStatus.EXPIRED:
            raise QuoteExpired(view.signed.quote.expires_at)
        case QuoteStatus.ACCEPTED | QuoteStatus.SUPERSEDED:
            raise QuoteTaken(view.status.value)


def _find_place(work: Work, plan: PoolPlan, quote: Quote) -> tuple[Place, Window]:
    facts = quote.facts
    car = car_facts(work, facts.version_id)
    resources = (SLOT, *sorted(car.constrained_of(facts.options)))
    room = room_of_pool(work, plan, resources, lock=True, held_alone=True)
    if open_plan(work, plan.pool_id) is None:
        raise PromiseUnavailable
    members = pools_by_id(work, [plan.pool_id])[plan.pool_id].members
    features = car.features.of((facts.model, *facts.options))
    parts = car.part_time(features, facts.day, late_parts(work, plan.plant_id))
    found = pool_place(work, plan, room, resources, members=members, parts=parts)
    if found is None:  # Somebody who waits stands in a week behind all that the pool holds.
        room = room_of_pool(work, plan, resources, lock=True)
        found = pool_place(work, plan, room, resources, members=members, parts=parts)
    if found is None:
        raise PromiseUnavailable
    return found


def release_promise(work: Work, hold_id: str) -> Hold:
    """Give back what one holds while ordering; what is kept for a member stays. Refuses another's (NotFound)."""
    work.actor.require(Permission.PREORDER)
    account_id = work.actor.signed_in()
    hold = lock_hold(work, hold_id)
    if hold.account_id != account_id or hold.state is not HoldState.HELD:
        raise NotFound("hold")
    give_back(work, hold, reason="released")
    return hold


def remind_of_hold(work: Work, hold_id: str, _payload: Any = None) -> None:
    """Tell who holds a date that it is given to others soon; nobody who has ordered or let go by now."""
    work.actor.require(Permission.SYSTEM)
    hold = lock_hold(work, hold_id)
    if hold.state is not HoldState.HELD or hold.account_id is None or work.now >= hold.expires_at:
        return
    if quotes_by_id(work, [hold.quote_id])[hold.quote_id].status is not QuoteStatus.ACCEPTED:
        work.record(PromiseHoldEnding(hold.brand_id, hold.id, hold.account_id, hold.p90, hold.expires_at))


def expire_hold(work: Work, hold_id: str, _payload: Any = None) -> None:
    """Let a hold run out; one whose quote was ordered on waits for the money. The timer of a hold."""
    work.actor.require(Permission.SYSTEM)
    hold = lock_hold(work, hold_id)
    if hold.state is not HoldState.HELD:
        return
    quote = quotes_by_id(work, [hold.quote_id])[hold.quote_id]
    # Whoever has ordered on the quote has so long for the money, and the hold waits as long.
    paid_by = hold.expires_at + time_to_pay(work)
    if quote.status is QuoteStatus.ACCEPTED and work.now < paid_by:
        set_timer(work, HOLD_TIMER, hold.id, paid_by)
        return
    give_back(work, hold, reason="expired")
