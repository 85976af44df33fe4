"""What a buyer is told of agreements after the lock, in both languages, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.agreements.events import OrderAmended
from factory_orders.consents.events import RepairedCarAnswered, RepairedCarOffered
from kernel.money import Money
from kernel.notices import Fact, NewNotice, notify_many, register_notice
from kernel.outbox import Letter, Subscription
from kernel.work import Work

register_notice(
    "order_amended",
    "您的订单已更改",
    "您的选配更改已确认：差价{difference}，更改费{fee}，车辆现价{price}。差额在交车时结清，交期不变。",
    "Your order was changed",
    "Your change of the car is confirmed: a price difference of {difference}, a fee of {fee}. The car costs {price} "
    "now. The difference is settled at the handover, and the date stays.",
)
register_notice(
    "repaired_car_offered",
    "您的车经过维修，可降价接受",
    "车辆{vin}经过维修（维修费用{repair}），已不能按新车交付，正在为您重新生产一辆。如您愿意接受该车，可减价{reduction}，"
    "请在{answer_by}前答复；逾期未答复则交付新车。",
    "Your car was repaired: you may take it for less",
    "Car {vin} was repaired (for {repair}) and is no longer sold as new, so another one is being built for you. If you "
    "would rather take it, it costs {reduction} less: answer by {answer_by}. Without an answer you get the new one.",
)
register_notice(
    "repaired_car_accepted",
    "已确认接受维修车辆",
    "您已确认接受车辆{vin}，减价{reduction}。该车将交付给您，另一辆不再生产。",
    "You take the repaired car",
    "You take car {vin} for {reduction} less. It is yours, and the other one is not built.",
)
register_notice(
    "repaired_car_lapsed",
    "维修车辆的报价已结束",
    "接受车辆{vin}（减价{reduction}）的报价已失效。如您的订单仍有效，我们正在为您生产另一辆新车。",
    "The offer of the repaired car has ended",
    "The offer to take car {vin} for {reduction} less has ended. Unless your order has ended, a new car is being "
    "built for you.",
)


def tell_of_agreements(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers what was agreed on."""
    told = [_of_agreement(letter) for letter in letters]
    notify_many(work, [notice for notice in told if notice is not None])


def _of_agreement(letter: Letter) -> NewNotice | None:
    match letter.event:
        case OrderAmended() as amended:
            facts: dict[str, Fact] = {
                "difference": Money(amended.price_delta_minor),
                "fee": Money(amended.fee_minor),
                "price": Money(amended.price_minor),
            }
            return NewNotice(amended.account_id, "order_amended", facts, letter.event_id)
        case RepairedCarOffered() as offered:
            facts = {
                "vin": offered.vin,
                "repair": Money(offered.repair_minor),
                "reduction": Money(offered.reduction_minor),
                "answer_by": offered.answer_by,
            }
            return NewNotice(offered.account_id, "repaired_car_offered", facts, letter.event_id)
        case RepairedCarAnswered(answer="declined"):
            return None  # Whoever declines knows it, and that another car is built was told before.
        case RepairedCarAnswered() as answered:
            facts = {"vin": answered.vin, "reduction": Money(answered.reduction_minor)}
            return NewNotice(answered.account_id, f"repaired_car_{answered.answer}", facts, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


KINDS: Final = frozenset({OrderAmended.kind, RepairedCarOffered.kind, RepairedCarAnswered.kind})
TELLER: Final = Subscription("telling.agreements", KINDS, tell_of_agreements)
