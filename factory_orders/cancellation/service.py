"""Ending an order after its lock while its car has not begun: what it costs by stage, and who gives what back.

The buyer forfeits a share of the earnest money by the freeze point that was reached (DOMAIN sections 6.1 and 6.5) and
leaves free where the contract's date, or the plan's, is later than the one that was accepted, where the plan's is later
than the contract's, or where that day is over without a plan; and where another car is built, as the first was lost or
is no new one (docs/decisions/028). Where the maker cancels it returns double (law), and so it does where the buyer
leaves for more than 30 days of lateness, at whatever stage: a car that is begun becomes stock.
Otherwise nothing changes any more once the body is begun.
A stock car that is found damaged past the threshold after it was bought ends its order by itself, at the maker's cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from demand.service import DEPOSIT_PURPOSE, earnest_account
from factory_orders.deliveries.balance import earnest_account_of
from factory_orders.deliveries.handover_store import (
    balance_of,
    booked_meanwhile,
    late_credit_total,
    lock_handover,
    open_handover,
)
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.deliveries.shipment_store import way_to_buyer
from factory_orders.errors import OrderNotCancellable
from factory_orders.events import EarnestMissing
from factory_orders.leaving.service import UnderWay, end_order, leave_car, tell_ended
from factory_orders.planning.model import (
    AtStoreOrder,
    CancelledOrder,
    DeliveredOrder,
    OrderOrigin,
    OrderTerms,
    ScheduledOrder,
    StockedOrder,
    order_state,
)
from factory_orders.planning.order_service import release_rest, withdraw_build_order
from factory_orders.planning.order_store import lock_order
from factory_orders.planning.queries import rebuilds_of_orders
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import BEFORE_THE_LINE, BuildOrder
from factory_orders.plant.store import lock_with_order
from factory_orders.policies import CancellationPolicy
from factory_orders.promises.accepted_service import later_dates
from factory_orders.stock.model import STOCK_DEPOSIT_PURPOSE
from factory_orders.stock.policy import StockPurchasePolicy
from factory_orders.waiting.store import has_open_offer
from kernel import ledger, payments, policy, registry
from kernel.actor import Permission
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ledger import Transfer, account, book
from kernel.money import Money, share_basis_points
from kernel.owed import payable_account
from kernel.payments import Payment, PaymentState
from kernel.reasons import because
from kernel.work import Work

REASON_LENGTH_MAX = 80


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What ending an order would mean, or meant: the share kept, what goes back, and what is owed on top; in fen."""

    order_id: str
    stage: str
    earnest_minor: int
    forfeit_minor: int
    penalty_minor: int

    @property
    def returned_minor(self) -> int:
        """Return what the buyer gets in all."""
        return self.earnest_minor - self.forfeit_minor + self.penalty_minor


def preview_cancellation(work: Work, order_id: str) -> Cancellation:
    """Say what leaving would cost the buyer now; changes nothing."""
    work.actor.require(Permission.OWN_READ)
    ending = _ending_by_buyer(work, order_id)
    return _by_buyer(work, ending)


def cancel_order(work: Work, order_id: str) -> Cancellation:
    """End the buyer's own order.

    Refuses OrderNotCancellable once its car is begun, unless the car is more than 30 days late and not paid. A stock
    car can be left until its balance is paid; it goes back to the store's stock.
    """
    work.actor.require(Permission.OWN_WRITE)
    ending = _ending_by_buyer(work, order_id)
    ended = _by_buyer(work, ending)
    by = "late" if ending.is_late else "buyer"
    if _is_begun(ending.order, ending.built):
        leave_car(work, ending.order, ending.handover, reason=by)
        return _give_back_and_tell(work, ending.order.terms, ended, by=by)
    return _end(work, ending.order.terms, ending.built, ended, by=by, reason=by)


def leave_free(work: Work, order_id: str, *, reason: str) -> Cancellation:
    """End an order whose buyer was offered the way out: all the earnest money goes back, and nothing is kept.

    Refuses OrderNotCancellable once its car is begun. Whose order it is, the offer knows.
    """
    built, order = _cancellable(work, order_id)
    earnest = ledger.balance_to_spend(work, earnest_account(order_id))
    return _end(
        work, order.terms, built, Cancellation(order_id, _stage(built), earnest, 0, 0), by="buyer", reason=reason
    )


def cancel_order_by_maker(work: Work, order_id: str, *, reason: str) -> Cancellation:
    """End an order on the maker's word: the earnest money goes back and as much again is owed to the buyer (law)."""
    work.actor.require(Permission.BATCH_MANAGE)
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY", most=REASON_LENGTH_MAX))
    built, order = _cancellable(work, order_id)
    if not order.terms.has_buyer:
        raise NotFound("order")
    earnest = ledger.balance_to_spend(work, earnest_account(order_id))
    double = Cancellation(order_id, _stage(built), earnest, 0, earnest)
    return _end(work, order.terms, built, double, by="maker", reason=reason.strip())


def lose_earnest(work: Work, order_id: str) -> Cancellation | None:
    """Act on earnest money that never came, or was returned: the order ends, with nothing to give back or keep.

    None where it has ended already, or the car is begun: then the order stands, and its whole price is due at the
    handover; where the earnest money was set off before, it stays a claim. Refuses NotFound while the lock has not made
    the order yet; the news comes again.
    """
    work.actor.require(Permission.SYSTEM)
    try:
        built, order = _cancellable(work, order_id)
    except OrderNotCancellable:
        order_now = lock_order(work, order_id)
        if not isinstance(order_now, CancelledOrder):
            terms = order_now.terms
            is_claim = isinstance(order_now, DeliveredOrder) or _is_balance_asked(work, order_id)
            work.record(EarnestMissing(terms.brand_id, terms.id, terms.account_id, is_claim))
        return None
    ended = Cancellation(order_id, _stage(built), 0, 0, 0)
    return _end(work, order.terms, built, ended, by="payment", reason="payment_lost")


def fail_purchase(work: Work, order: UnderWay, handover: Handover | None) -> Cancellation:
    """End the order of a stock car that turned out not to be new: all comes back, and as much again is owed (law).

    There is no other car for it, so that the contract fails by who received the deposit: Civil Code, article 587. The
    car stays in stock, not new and at another price. The caller has locked `handover`, the open one, and the order.
    """
    leave_car(work, order, handover, reason="not_new")
    earnest = ledger.balance_to_spend(work, earnest_account_of(order.terms))
    double = Cancellation(order.terms.id, order_state(order), earnest, 0, earnest)
    return _give_back_and_tell(work, order.terms, double, by="not_new")


def _is_balance_asked(work: Work, order_id: str) -> bool:
    handover = open_handover(work, order_id)
    return handover is not None and balance_of(work, handover.id) is not None


def _cancellable(work: Work, order_id: str) -> tuple[BuildOrder | None, ScheduledOrder]:
    """Lock the build order, then the order: as a plant's report does."""
    built, order = lock_with_order(work, order_id)
    if not isinstance(order, ScheduledOrder):
        raise OrderNotCancellable(order_state(order))
    if built is not None and _is_begun(order, built):
        raise OrderNotCancellable(built.stage.value)
    return built, order


def _is_begun(order: UnderWay, built: BuildOrder | None) -> bool:
    return not isinstance(order, ScheduledOrder) or (built is not None and built.stage not in BEFORE_THE_LINE)


def _stage(built: BuildOrder | None) -> str:
    return "scheduled" if built is None else built.stage.value


@dataclass(frozen=True, slots=True)
class _Ending:
    """What a buyer is about to end: `is_late` says that it may be left for its lateness."""

    built: BuildOrder | None
    order: UnderWay
    handover: Handover | None
    is_late: bool


def _ending_by_buyer(work: Work, order_id: str) -> _Ending:
    """Lock what a buyer wants to end: the handover, the build order, then the order."""
    known = open_handover(work, order_id)
    handover = None if known is None else lock_handover(work, known.id)
    built, order = lock_with_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    handover = handover or booked_meanwhile(work, order_id)
    paid = handover is not None and handover.state is HandoverState.BALANCE_PAID
    if isinstance(order, AtStoreOrder) and order.terms.origin is OrderOrigin.STOCK:
        if paid:
            raise OrderNotCancellable(HandoverState.BALANCE_PAID.value)
        return _Ending(None, order, handover, is_late=False)
    if (
        not isinstance(order, DeliveredOrder | CancelledOrder | StockedOrder)
        and not paid
        and _is_very_late(work, order)
    ):
        return _Ending(built, order, handover, is_late=True)
    built, scheduled = _cancellable(work, order_id)
    return _Ending(built, scheduled, None, is_late=False)


def _is_very_late(work: Work, order: UnderWay) -> bool:
    """Say whether the car is so late that its buyer may leave: one that stands ready gets no later."""
    terms = order.terms
    if terms.promised_by is None:
        return False
    days = policy.pinned(work, terms.policy_version).section(CancellationPolicy).rescind_after_days
    ready_at = _ready_at(work, order) or work.now
    return (ready_at.astimezone(registry.own_brand(work).zone).date() - terms.promised_by).days > days


def _ready_at(work: Work, order: UnderWay) -> datetime | None:
    if not isinstance(order, AtStoreOrder):
        return None
    shipment = way_to_buyer(work, order.terms, order.vin)
    return None if shipment is None else shipment.inspected_at


def _by_buyer(work: Work, ending: _Ending) -> Cancellation:
    terms, built = ending.order.terms, ending.built
    # What was asked for at a handover has set the earnest money off; leaving undoes that.
    asked = None if ending.handover is None else balance_of(work, ending.handover.id)
    earnest = ledger.balance_to_spend(work, earnest_account_of(terms)) + (0 if asked is None else asked.earnest_minor)
    if terms.origin is OrderOrigin.STOCK:
        share = policy.pinned(work, terms.policy_version).section(StockPurchasePolicy).forfeit_bp
        return Cancellation(terms.id, order_state(ending.order), earnest, share_basis_points(earnest, share), 0)
    if ending.is_late:
        penalty = max(0, earnest - late_credit_total(work, terms.id))
        stage = _stage(built) if isinstance(ending.order, ScheduledOrder) else order_state(ending.order)
        return Cancellation(terms.id, stage, earnest, 0, penalty)
    shares = dict(policy.pinned(work, terms.policy_version).section(CancellationPolicy).forfeits)
    is_free = (
        has_open_offer(work, terms.id)
        or rebuilds_of_orders(work, [terms.id])[terms.id]
        or later_dates(work, [(terms, None if built is None else built.week)])
    )
    share = 0 if is_free else shares.get(_stage(built), 10_000)
    return Cancellation(terms.id, _stage(built), earnest, share_basis_points(earnest, share), 0)


def _end(
    work: Work, terms: OrderTerms, built: BuildOrder | None, ended: Cancellation, *, by: str, reason: str
) -> Cancellation:
    withdraw_build_order(work, terms)
    end_order(work, terms, reason=reason)
    # Where it was the last of its pool to wait for a week, nobody needs what the pool still holds.
    release_rest(work, terms.pool_id, terms.plant_id)
    if built is not None:
        complete_batch(work, built.batch_id)
    return _give_back_and_tell(work, terms, ended, by=by)


def _give_back_and_tell(work: Work, terms: OrderTerms, ended: Cancellation, *, by: str) -> Cancellation:
    _give_back(work, terms, ended)
    tell_ended(work, terms, by=by, forfeit_minor=ended.forfeit_minor, returned_minor=ended.returned_minor)
    return ended


def _give_back(work: Work, terms: OrderTerms, ended: Cancellation) -> None:
    """Book the forfeit, send the rest of the earnest money back the way it came, and owe the maker's penalty."""
    earnest = earnest_account_of(terms)
    back = ended.earnest_minor - ended.forfeit_minor
    transfers = []
    if ended.forfeit_minor:
        forfeit = account("forfeit", terms.brand_id)
        transfers.append(Transfer("earnest_forfeited", terms.id, earnest, forfeit, Money(ended.forfeit_minor)))
    if ended.penalty_minor:
        penalty, payable = account("penalty", terms.brand_id), payable_account(terms.account_id)
        transfers.append(Transfer("earnest_doubled", terms.id, penalty, payable, Money(ended.penalty_minor)))
    if back:
        paid = _deposit_of(work, terms.id)
        transfers.append(Transfer("earnest_returned", terms.id, earnest, payments.refund_account(paid.id), Money(back)))
        payments.request_refund(work, paid.id, "order_cancelled", amount=Money(back))
    book(work, *transfers)


def _deposit_of(work: Work, order_id: str) -> Payment:
    """Return the deposit whose money goes back the way it came; refuses Conflict where none is held any more."""
    for one in payments.payments_of(work, [order_id])[order_id]:
        if one.purpose in (DEPOSIT_PURPOSE, STOCK_DEPOSIT_PURPOSE) and one.state is PaymentState.RECEIVED:
            return one
    raise Conflict("payment", because("NOT_AT_PROVIDER"))
