"""What changes after the lock are refused for.

Refusal
  AmendmentTooLate         this part of the car is frozen: until which stage it could change
  AmendmentNotPossible     the other car cannot be built under this order
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import Refusal


@dataclass(unsafe_hash=True)
class AmendmentTooLate(Refusal):
    """What is in `category` could change until `last_stage` was over; the car is at `stage`."""

    code = "AMENDMENT_TOO_LATE"
    en = "{name_en} could be changed up to the stage {last_stage}; your car is at {stage}. See what is still open."
    zh = "{name_zh}在{last_stage}及之前可以更改，您的车当前为{stage}。请查看仍可更改的项目。"
    category: str
    last_stage: str
    stage: str
    name_en: str
    name_zh: str


@dataclass(unsafe_hash=True)
class AmendmentNotPossible(Refusal):
    """The order stays as it is; `reason` says what is in the way, `advice` what can be done instead."""

    code = "AMENDMENT_NOT_POSSIBLE"
    en = "The order stays as it is: {reason}. {advice}."
    zh = "订单保持不变：{reason}。{advice}。"
    reason: str
    advice: str
