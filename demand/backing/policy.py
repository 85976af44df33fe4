"""The numbers of backing that a brand may change; a proposal pins the version its terms were published under."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("backing")
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
        check_bounds(
            self,
            deposit_minor=(1, MINOR_MAX),
            payment_minutes=(1, 24 * 60),
            refund_working_days=(1, 30),
            answer_days=(2, 365),
            reminder_days_before=(1, self.answer_days - 1),
            order_window_days=(1, 365),
            prior_ordered=(1, 1_000_000),
            prior_lapsed=(1, 1_000_000),
        )
