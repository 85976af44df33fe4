"""Late credits: for each day past the promised one the buyer gets money by itself, once (DOMAIN section 6.4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from factory_orders.deliveries.balance import late_credit_minor
from factory_orders.deliveries.handover_store import write_late_credits
from factory_orders.deliveries.model import RECEIVED
from factory_orders.deliveries.shipment_store import shipment_of_car
from factory_orders.events import LateCreditBooked
from factory_orders.planning.model import (
    AtStoreOrder,
    CancelledOrder,
    DeliveredOrder,
    Order,
    OrderTerms,
    StockedOrder,
)
from factory_orders.planning.order_service import LATE_CREDIT_TIMER
from factory_orders.planning.order_store import lock_order
from factory_orders.policies import LateCreditPolicy
from kernel import policy, registry
from kernel.actor import Permission
from kernel.ledger import Transfer, account, book
from kernel.money import Money
from kernel.owed import payable_account
from kernel.timers import set_timer
from kernel.work import Work

ONE_DAY = timedelta(days=1)


def credit_late_days(work: Work, order_id: str, _payload: object = None) -> None:
    """Credit the days an order has been late up to today, and look again tomorrow; the timer of an order.

    Days that were credited before stay as they are, however often this runs; it ends when the car stands ready at the
    store, the order ends, or the most there is has been credited.
    """
    work.actor.require(Permission.SYSTEM)
    order = lock_order(work, order_id)
    if _is_ready(work, order) or order.terms.promised_by is None:
        return
    terms, promised_by, brand = order.terms, order.terms.promised_by, registry.own_brand(work)
    today = work.now.astimezone(brand.zone).date()
    rules = policy.pinned(work, terms.policy_version).section(LateCreditPolicy)
    amounts = _amounts(terms, today, rules)
    fresh = write_late_credits(work, terms.id, amounts)
    if fresh:
        book(
            work,
            *(
                Transfer(
                    "late_credit",
                    f"{terms.id}:{day.isoformat()}",
                    account("late_credits", terms.brand_id),
                    payable_account(terms.account_id),
                    Money(amount),
                )
                for day, amount in sorted(fresh.items())
            ),
        )
        work.record(LateCreditBooked(terms.brand_id, terms.id, terms.account_id, len(amounts), sum(fresh.values())))
    days_late = max((today - promised_by).days, 0)
    if not amounts or len(amounts) == days_late:
        tomorrow = datetime.combine(today + ONE_DAY, time.min, brand.zone).astimezone(UTC)
        set_timer(work, LATE_CREDIT_TIMER, order_id, tomorrow)


def _is_ready(work: Work, order: Order) -> bool:
    if isinstance(order, DeliveredOrder | CancelledOrder | StockedOrder):
        return True
    if not isinstance(order, AtStoreOrder):
        return False
    shipment = shipment_of_car(work, vin=order.vin, order_id=order.terms.id)
    return shipment is not None and shipment.state in RECEIVED


def _amounts(terms: OrderTerms, today: date, rules: LateCreditPolicy) -> dict[date, int]:
    """Return what each late day is worth up to today; days past the cap are worth nothing and left out."""
    assert terms.promised_by is not None
    amounts: dict[date, int] = {}
    before = 0
    for number in range(1, max((today - terms.promised_by).days, 0) + 1):
        after = late_credit_minor(
            days_late=number,
            price_minor=terms.price_minor,
            per_day_minor=rules.per_day_minor,
            most_bp=rules.most_bp,
        )
        if after == before:
            break
        amounts[terms.promised_by + ONE_DAY * number] = after - before
        before = after
    return amounts
