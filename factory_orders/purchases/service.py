"""Use cases of buying a stock car: a contract on the held car, the deposit, and from then on an order like any other.

The car is locked before its hold, and the hold before its purchase: of many who want one car exactly one gets it, and
money that comes for a car that is gone goes back whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from configurator.quote_service import QuoteDesk, sign_stock_document
from factory_orders.deliveries.balance import REMIND_TIMER, earnest_account_of
from factory_orders.deliveries.handover_store import booked_meanwhile, lock_handover, open_handover
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.errors import StockHoldOver, StockQuoteDead
from factory_orders.events import EarnestMissing
from factory_orders.leaving.service import leave_car, tell_ended
from factory_orders.planning.model import AtStoreOrder, CancelledOrder, Order, OrderOrigin, OrderTerms
from factory_orders.planning.order_store import insert_orders, lock_order, save_order
from factory_orders.policies import HandoverPolicy
from factory_orders.stock.events import StockCarBought, StockCarSold
from factory_orders.stock.model import (
    STOCK_DEPOSIT_PURPOSE,
    Liveness,
    PurchaseState,
    StockCar,
    StockHold,
    StockPurchase,
    deposit_for,
    write_contract,
)
from factory_orders.stock.policy import StockPurchasePolicy
from factory_orders.stock.queries import purchase_by_id, quote_by_id, stock_cars_by_vin
from factory_orders.stock.service import STOCK_HOLD_TIMER
from factory_orders.stock.store import (
    class_of_car,
    end_stock_hold,
    insert_purchase,
    lock_purchase,
    lock_stock_hold,
    pricing_adviser,
    purchase_of_hold,
    save_purchase,
)
from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.service import allocate_vehicle
from factory_orders.vehicles.store import lock_vehicle
from kernel import payments, policy, registry
from kernel.actor import Permission
from kernel.errors import Conflict, NotFound, Refusal
from kernel.idempotency import Keyed, Replay, claim, keep
from kernel.identity.queries import hold_own_account
from kernel.ledger import book
from kernel.money import Money
from kernel.payments import Payment, PaymentAlreadyMade, PaymentProvider, PaymentRequest
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class BuyRequest:
    """A hold whose car one buys; with a provider's signed `authorisation` the deposit is paid at once."""

    idempotency_key: str
    hold_id: str
    authorisation: str | None = None

    def keyed(self, account_id: str) -> Keyed:
        """Return the request under its key."""
        body: dict[str, Any] = {"buy": self.hold_id, "authorisation": self.authorisation}
        return Keyed(account_id, self.idempotency_key, body)


def buy_stock_car(
    work: Work, desk: QuoteDesk, providers: Mapping[str, PaymentProvider], request: BuyRequest
) -> StockPurchase:
    """Buy the car that one holds at its quote: a signed contract, good once the deposit is there before the hold ends.

    The same key again is the same purchase. Refuses another's hold (NotFound), one that has ended (StockHoldOver), a
    car that is gone or of which more was told since (StockQuoteDead), and a deposit that is paid or does not fit.
    """
    work.actor.require(Permission.PREORDER)
    account_id = hold_own_account(work)
    claimed = claim(work, request.keyed(account_id))
    if isinstance(claimed, Replay):
        return lock_purchase(work, claimed.outcome["purchase_id"])
    given = None if request.authorisation is None else payments.read_authorisation(providers, request.authorisation)
    hold = lock_stock_hold(work, request.hold_id)
    if hold.account_id != account_id:
        raise NotFound("hold")
    purchase = purchase_of_hold(work, hold.id) or _open(work, desk, hold)
    keep(work, claimed, {"purchase_id": purchase.id})
    if purchase.state is PurchaseState.DROPPED:
        raise StockHoldOver
    if given is None:
        return purchase
    if purchase.state is PurchaseState.BOUGHT:
        raise PaymentAlreadyMade
    _car_in_stock(work, hold, purchase.store_id)
    outcome = payments.receive_authorised(work, [(_request(purchase), given)])[0]
    if isinstance(outcome, Refusal):
        raise outcome
    payments.close_payments(work, [purchase.payment_id])
    return _bind(work, replace(purchase, payment_id=outcome.id), outcome)


def _open(work: Work, desk: QuoteDesk, hold: StockHold) -> StockPurchase:
    """Sign the contract of a live hold and ask for the deposit."""
    quote = quote_by_id(work, hold.quote_id)
    assert quote is not None, "a quote stays"
    _car_in_stock(work, hold, quote.store_id)
    registry.hold_open_store(work, quote.store_id)
    rules = policy.current(work)
    terms = rules.section(StockPurchasePolicy)
    purchase_id = work.new_id()
    deposit_minor = deposit_for(quote.price_minor, asked_minor=terms.deposit_minor)
    contract = write_contract(
        quote,
        purchase_id=purchase_id,
        deposit_minor=deposit_minor,
        forfeit_bp=terms.forfeit_bp,
        placed_at=work.now,
        payable_until=hold.expires_at,
    )
    key_id, signature = sign_stock_document(desk, contract)
    opened = StockPurchase(
        id=purchase_id,
        brand_id=hold.brand_id,
        store_id=quote.store_id,
        vin=hold.vin,
        quote_id=quote.id,
        hold_id=hold.id,
        account_id=work.actor.signed_in(),
        person_id=work.actor.person_id,
        deposit_minor=deposit_minor,
        policy_version=rules.version,
        contract=contract,
        key_id=key_id,
        signature=signature,
        payment_id="",
        placed_at=work.now,
        payable_until=hold.expires_at,
    )
    asked = payments.request_payments(work, [_request(opened)])[0]
    opened = replace(opened, payment_id=asked.id)
    insert_purchase(work, opened)
    return opened


def _request(purchase: StockPurchase) -> PaymentRequest:
    return PaymentRequest(
        purchase.brand_id,
        purchase.account_id,
        STOCK_DEPOSIT_PURPOSE,
        purchase.id,
        Money(purchase.deposit_minor),
        purchase.payable_until,
    )


def _car_in_stock(work: Work, hold: StockHold, store_id: str) -> StockCar:
    """Return the held car as its quote told of it; refuses StockHoldOver and StockQuoteDead."""
    if hold.ended_at is not None or work.now >= hold.expires_at:
        raise StockHoldOver
    car = stock_cars_by_vin(work, [hold.vin]).get(hold.vin)
    if car is None or car.store_id != store_id:
        raise StockQuoteDead(Liveness.GONE.value)
    quote = quote_by_id(work, hold.quote_id)
    assert quote is not None, "a quote stays"
    if car.told != quote.told:
        raise StockQuoteDead(Liveness.OUTDATED.value)
    return car


def receive_stock_deposit(work: Work, payment: Payment) -> StockPurchase:
    """Take a deposit that a provider's callback told of; what comes for a purchase that is over goes back whole."""
    work.actor.require(Permission.SYSTEM)
    purchase = lock_purchase(work, payment.subject_id)
    hold = lock_stock_hold(work, purchase.hold_id)
    is_waiting = purchase.state is PurchaseState.OPEN and purchase.payment_id == payment.id
    try:
        _car_in_stock(work, hold, purchase.store_id)
    except (StockHoldOver, StockQuoteDead):
        is_waiting = False
    if not is_waiting:
        payments.send_back(work, payment, "late")
        return purchase
    return _bind(work, purchase, payment)


def _bind(work: Work, purchase: StockPurchase, payment: Payment) -> StockPurchase:
    """Make an order of a purchase whose deposit is there: the car is bound to it and waits for its buyer."""
    bought = replace(purchase, state=PurchaseState.BOUGHT, ended_at=work.now)
    save_purchase(work, bought)
    end_stock_hold(work, bought.hold_id, reason="bought")
    cancel_timer(work, STOCK_HOLD_TIMER, bought.hold_id)
    car = stock_cars_by_vin(work, [bought.vin])[bought.vin]
    terms = _terms(work, bought, car)
    book(work, payments.receipt(payment, kind="stock_deposit", to=earnest_account_of(terms)))
    fresh = insert_orders(work, [terms])
    assert fresh == {terms.id}, "a purchase becomes one order"
    vehicle = lock_vehicle(work, bought.vin)
    # Whoever signs for a repaired car has a quote that says so.
    consented_for = terms.id if vehicle.newness is Newness.REPAIRED else None
    allocate_vehicle(work, replace(vehicle, consented_for=consented_for), terms)
    save_order(work, AtStoreOrder(terms, bought.vin, car.arrived_at))
    notice_days = policy.current(work).section(HandoverPolicy).second_notice_days
    set_timer(work, REMIND_TIMER, terms.id, work.now + timedelta(days=notice_days))
    work.record(
        StockCarBought(bought.brand_id, bought.id, bought.account_id, bought.store_id, bought.vin, bought.deposit_minor)
    )
    if (adviser := pricing_adviser(work, bought.vin)) is not None:
        work.record(StockCarSold(bought.brand_id, bought.id, adviser, bought.store_id, bought.vin))
    return bought


def _terms(work: Work, purchase: StockPurchase, car: StockCar) -> OrderTerms:
    quote = quote_by_id(work, purchase.quote_id)
    assert quote is not None, "a quote stays"
    vehicle = lock_vehicle(work, purchase.vin)
    return OrderTerms(
        id=purchase.id,
        brand_id=purchase.brand_id,
        pool_id=purchase.id,
        place=1,
        account_id=purchase.account_id,
        person_id=purchase.person_id,
        quote_id=quote.id,
        store_id=purchase.store_id,
        plant_id=vehicle.plant_id,
        class_l1=class_of_car(work, vehicle.build_order_id),
        model=car.model,
        options=car.options,
        catalogue_version_id=car.catalogue_version_id,
        policy_version=purchase.policy_version,
        price_minor=quote.price_minor,
        guaranteed_other_minor=0,
        third_party_minor=quote.total_minor - quote.price_minor,
        promised_by=None,
        locked_at=work.now,
        origin=OrderOrigin.STOCK,
    )


def lose_stock_deposit(work: Work, payment: Payment, missing: Money) -> None:
    """Act on a deposit that was counted and is lost: the order ends and the car is free, unless all is paid by then.

    It runs in the change that notes it. What was spent by then is a claim.
    """
    work.actor.require(Permission.SYSTEM)
    purchase = purchase_by_id(work, payment.subject_id)
    assert purchase is not None, "a purchase stays"
    if purchase.payment_id != payment.id:
        payments.take_back(work, payment, missing, out_of=payments.late_account(payment.id))
        return
    handover, order = _lock_order(work, purchase.id)
    paid = handover is not None and handover.state is HandoverState.BALANCE_PAID
    terms, is_over = order.terms, isinstance(order, CancelledOrder)
    if isinstance(order, AtStoreOrder) and not paid:
        leave_car(work, order, handover, reason="payment_lost")
        tell_ended(work, terms, by="payment", forfeit_minor=0, returned_minor=0)
    elif not is_over:
        work.record(EarnestMissing(terms.brand_id, terms.id, terms.account_id, is_claim=True))
    payments.take_back(work, payment, missing, out_of=earnest_account_of(terms))


def _lock_order(work: Work, order_id: str) -> tuple[Handover | None, Order]:
    """Lock an order behind its open handover, as everybody does."""
    known = open_handover(work, order_id)
    handover = None if known is None else lock_handover(work, known.id)
    order = lock_order(work, order_id)
    return handover or booked_meanwhile(work, order_id), order


def hold_stock_deposit(work: Work, purchase_id: str) -> None:
    """Keep a purchase's order as it is until this change has ended; nobody sets its deposit off beside it.

    Refuses Conflict while the deposit binds a car. An account that belongs to no purchase is held by nobody.
    """
    try:
        order = lock_order(work, purchase_id)
    except NotFound:
        return
    if isinstance(order, AtStoreOrder):
        raise Conflict("movement", because("CAR_BOUND"))
