"""What tests of stock purchases share: a car in stock, its deposit paid or told of, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.conditions.model import Mark
from factory_orders.model import Order, Vehicle
from factory_orders.stock.model import StockPurchase
from factory_orders.stock.tables import stock_purchases
from kernel import ledger
from kernel.actor import Actor, system
from kernel.ids import BrandId
from kernel.ledger import account
from kernel.money import Money
from kernel.payments import (
    Received,
    receive_callback,
    settle_lost,
)
from kernel.work import Work
from tests.configurator.small_brand import BRAND, DESK
from tests.factory_orders.test_stock import ask, free_car, hold, set_price
from tests.factory_orders.trade import SYSTEM, Trade, buyer

DEPOSIT = Money(500_000)
OWN = {"stock_deposit": service.lose_stock_deposit, "balance": service.lose_balance}


def stock_car(
    trade: Trade, *, number: int = 1, damage: service.Damage | None = None, marks: tuple[Mark, ...] = ()
) -> str:
    """Bring a car into stock and give it its price."""
    vin = free_car(trade, number=number, damage=damage, marks=marks)
    set_price(trade, vin)
    return vin


def token(trade: Trade, who: Actor, amount: Money = DEPOSIT, *, reference: str = "auth-1") -> str:
    return trade.sandbox.authorise(
        account_id=who.signed_in(),
        amount=amount,
        reference=reference,
        wallet="w",
        expires_at=trade.clock.now() + timedelta(hours=1),
    )


def buy(
    trade: Trade, hold_id: str, *, who: Actor | None = None, key: str = "a key of mine", given: str | None = None
) -> StockPurchase:
    def act(work: Work) -> StockPurchase:
        request = service.BuyRequest(key, hold_id, given)
        return service.buy_stock_car(work, DESK, {"sandbox": trade.sandbox}, request)

    return trade.works.run(who or buyer(7), act)


def bought(trade: Trade, vin: str, who: Actor | None = None) -> StockPurchase:
    """Hold a car and pay its deposit at once."""
    actor = who or buyer(7)
    held = hold(trade, ask(trade, vin), actor)
    return buy(trade, held.id, who=actor, given=token(trade, actor, reference=f"auth-{held.id}"))


def call_back(trade: Trade, payment_id: str, amount: Money = DEPOSIT, *, reference: str = "pay-1") -> Received:
    """Let the provider tell that money came; as the door does."""
    paid = trade.sandbox.pay(brand_id=BRAND, payment_id=payment_id, amount=amount, reference=reference, wallet="w")
    return hear(trade, paid.headers, paid.body)


def hear(trade: Trade, headers: Mapping[str, str], body: bytes) -> Received:
    with trade.works.change(system(BrandId(""))) as work:
        heard = receive_callback(work, trade.sandbox, headers, body)
        own = work.acting(SYSTEM)
        if heard.outcome == "received":
            service.receive_stock_deposit(own, heard.payment)
        elif heard.outcome in ("declined", "charged_back"):
            settle_lost(own, OWN, heard.payment, heard.missing)
        return heard


def order_of(trade: Trade, purchase: StockPurchase) -> Order:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [purchase.id])[purchase.id]


def car(trade: Trade, vin: str) -> Vehicle:
    with trade.works.read(SYSTEM) as work:
        return queries.vehicles_by_vin(work, [vin])[vin]


def deposit_of(trade: Trade, purchase: StockPurchase) -> int:
    with trade.works.read(SYSTEM) as work:
        return ledger.balance(work, account("stock_deposit", purchase.id))


def purchases(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        return list(work.connection.execute(select(stock_purchases.c.state)).scalars())


def cancel(trade: Trade, purchase: StockPurchase, number: int = 7) -> service.Cancellation:
    with trade.works.change(buyer(number)) as work:
        return service.cancel_order(work, purchase.id)
