"""What offers of cars that are there already are refused for.

Refusal
  EarlyOfferEnded          the car cannot be taken any more: answered, too late, gone, or the own car is begun
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class EarlyOfferEnded(Refusal):
    """The offer is `state`: answered or over, the own car is `begun` or `changed`, or the offered one is `gone`."""

    code = "EARLY_OFFER_ENDED"
    en = "This car cannot be taken or declined any more: {state}. Your order says which car you get."
    zh = "该现车已无法接受或拒绝：{state}。请在订单中查看您将得到的车辆。"
    state: str
