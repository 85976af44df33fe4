"""Whether a car may change hands unseen; a brand decides."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.policy import policy_section


@policy_section("conditions")
@dataclass(frozen=True, slots=True)
class ConditionPolicy:
    """With `checks_required` a leg is taken only after the check of its hand-over.

    It is off until carriers and stores have the devices for it: without checks cars would stand still.
    """

    checks_required: bool = False
