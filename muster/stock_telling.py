"""Who is told what of stock cars: their buyers, and the advisers of the stores that sell, get or give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from factory_orders.light_stock.events import StockCarLeaves, StockCarOffered
from factory_orders.stock.events import StockCarBought, StockCarSold, StockPurchaseExpired
from factory_orders.stock_orders.events import OrderedStockCarArrived, StockOrderScheduled
from kernel.money import Money
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "stock_car_bought",
    "现车已为您锁定",
    "您为现车{vin}支付的定金{amount}已收到，该车已锁定给您，价格不变。请预约交车时间：先验车，后付尾款。",
    "The car is yours to inspect",
    "Your deposit of {amount} for the car {vin} is in, and the car is bound to you at the price of its quote. Book "
    "your handover: you inspect first and pay the rest then.",
)
register_notice(
    "stock_car_sold",
    "现车已售出",
    "您标价的现车{vin}已有买家支付定金，请准备交车。",
    "A stock car has a buyer",
    "The deposit for the car {vin} that you priced is in. Get it ready for its handover.",
    may_mute=True,
)
register_notice(
    "stock_purchase_expired",
    "现车保留已到期",
    "您对现车{vin}的保留已到期，定金未在保留期内到账，未锁定该车。之后到账的款项将全额退回。如该车仍在库，可重新保留。",
    "Your hold has run out",
    "Your hold of the car {vin} ended before its deposit came, so the car is not bound to you. Money that still comes "
    "goes back in full. Hold it anew, if it is still there.",
)
register_notice(
    "stock_car_not_new",
    "您订购的现车已无法按新车交付",
    "很抱歉，您订购的现车经查损伤超出新车标准，订单已终止。依法双倍返还定金，您共将收到{returned}；该车不会交付给您。",
    "The car that you bought is not new any more",
    "We are sorry: damage was found on the stock car that you bought, and it cannot be handed over as new. Your order "
    "has ended. By law you get your deposit twice, {returned} in all.",
)
register_notice(
    "stock_car_offered",
    "现车将调入本店",
    "现车{vin}按计划调入本店。如不需要，请在{answer_by}前拒收；未答复将自动发运。",
    "A stock car is sent to your store",
    "The stock car {vin} is to come to your store. Refuse it by {answer_by} if you do not want it; without an answer "
    "it goes by itself.",
    may_mute=True,
)
register_notice(
    "stock_car_leaves",
    "现车将调出本店",
    "现车{vin}将从本店调往另一门店，请准备交接给承运商。",
    "A stock car leaves your store",
    "The stock car {vin} goes from your store to another one. Get it ready for the carrier.",
    may_mute=True,
)
register_notice(
    "stock_order_scheduled",
    "现车订单已排产",
    "为门店库存订购的{cars}辆{model}已排产，最晚于{week}当周下线。",
    "Cars for stock have their week",
    "{cars} of the {model} ordered for a store's stock are planned; the last is built in the week of {week}.",
    may_mute=True,
)
register_notice(
    "ordered_stock_car_arrived",
    "订购的现车已到店",
    "为门店库存订购的{vin}已到店并完成验收，标价后即可销售。",
    "A car for stock has arrived",
    "The car {vin} that was ordered for stock stands at its store. Name its price, and it can be sold.",
    may_mute=True,
)


def tell_of_stock(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers and advisers."""
    notify_many(work, [notice for letter in letters for notice in _of_stock(letter)])


def _of_stock(letter: Letter) -> Iterator[NewNotice]:
    match letter.event:
        case StockCarBought(account_id=account_id, vin=vin, deposit_minor=deposit_minor):
            facts: dict[str, Fact] = {"vin": vin, "amount": Money(deposit_minor)}
            yield NewNotice(account_id, "stock_car_bought", facts, letter.event_id)
        case StockCarSold(account_id=account_id, vin=vin):
            yield NewNotice(account_id, "stock_car_sold", {"vin": vin}, letter.event_id)
        case StockPurchaseExpired(account_id=account_id, vin=vin):
            yield NewNotice(account_id, "stock_purchase_expired", {"vin": vin}, letter.event_id)
        case StockCarOffered(vin=vin, answer_by=answer_by, adviser_ids=advisers):
            for adviser in advisers:
                yield NewNotice(adviser, "stock_car_offered", {"vin": vin, "answer_by": answer_by}, letter.event_id)
        case StockCarLeaves(vin=vin, adviser_ids=advisers):
            for adviser in advisers:
                yield NewNotice(adviser, "stock_car_leaves", {"vin": vin}, letter.event_id)
        case StockOrderScheduled(account_id=account, model=model, cars=cars, last_week=week):
            if account is not None:
                facts = {"model": model, "cars": cars, "week": week}
                yield NewNotice(account, "stock_order_scheduled", facts, letter.event_id)
        case OrderedStockCarArrived(account_id=account, vin=vin):
            if account is not None:
                yield NewNotice(account, "ordered_stock_car_arrived", {"vin": vin}, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


KINDS: Final = frozenset(
    cls.kind
    for cls in (
        StockCarBought,
        StockCarSold,
        StockPurchaseExpired,
        StockCarOffered,
        StockCarLeaves,
        StockOrderScheduled,
        OrderedStockCarArrived,
    )
)
TELLER: Final = Subscription("telling.stock", KINDS, tell_of_stock)
