"""The numbers of backing that a brand may change; a proposal pins the version its terms were published under."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackingPolicy:
    """DOMAIN section 6.2's defaults; amounts in fen. The prior is a Beta distribution of orders among backers."""

    deposit_minor: int = 20_000
    payment_minutes: int = 15
    refund_working_days: int = 3
    answer_days: int = 30
    reminder_days_before: int = 7
    order_window_days: int = 30
    prior_ordered: int = 6
    prior_lapsed: int = 4

    def __post_init__(self) -> None:
        assert self.deposit_minor > 0, "a backing is above zero"
        assert min(self.payment_minutes, self.refund_working_days, self.order_window_days) >= 1, "time is needed"
        assert self.answer_days > self.reminder_days_before >= 1, "the reminder lies before the answer is due"
        assert min(self.prior_ordered, self.prior_lapsed) >= 1, "a prior has both parts"
