"""What offers of other orders' cars are refused for.

Refusal
  SwapOfferEnded           the car cannot be had any more: answered, too late, or one of the two cars has moved on
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class SwapOfferEnded(Refusal):
    """The offer is `state`: answered, over, or one of the two orders is not as it was any more (`changed`)."""

    code = "SWAP_OFFER_ENDED"
    en = "This car cannot be taken or declined any more: {state}. Your order says which car you get."
    zh = "该换车方案已无法接受或拒绝：{state}。请在订单中查看您将得到的车辆。"
    state: str
