"""Agreements after the lock, and the freeze points: what of a car may change until which stage, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from configurator.model import Text
from factory_orders.agreements.errors import AmendmentTooLate

STAGES: Final = ("scheduled", "queued", "parts_ready", "body")
"""The stages in which something may change, in order: at the paint the car gets its number, and its passport begins."""
EVERY_OTHER: Final = "*"
"""The category of the freeze point that counts for each category without one of its own."""


class AgreementKind(StrEnum):
    """What was agreed on."""

    AMENDMENT = "amendment"
    REDUCTION = "reduction"
    REDUCTION_ENDED = "reduction_ended"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement on an order, the `number`-th: what it does to the car's price, and a fee that is no part of it."""

    id: str
    brand_id: str
    order_id: str
    number: int
    kind: AgreementKind
    account_id: str
    stage: str
    options_before: tuple[str, ...]
    options_after: tuple[str, ...]
    price_delta_minor: int
    fee_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class FreezePoint:
    """A category may change up to a stage, for a fee once the plant has the build order."""

    category: str
    last_stage: str
    fee_minor: int

    def is_open(self, stage: str) -> bool:
        """Say whether the category may change at a stage; any stage that is none of `STAGES` is past them all."""
        return stage in STAGES and STAGES.index(stage) <= STAGES.index(self.last_stage)

    def fee_at(self, stage: str) -> int:
        """Return what a change costs at a stage: nothing before the plant has the build order."""
        return 0 if stage == STAGES[0] else self.fee_minor


def point_of(points: Sequence[FreezePoint], category: str) -> FreezePoint:
    """Return the freeze point of a category; one that none speaks of is frozen from the build order on."""
    by_category = {point.category: point for point in points}
    found = by_category.get(category, by_category.get(EVERY_OTHER))
    return FreezePoint(category, STAGES[0], 0) if found is None else found


def fee_of_change(points: Sequence[FreezePoint], categories: Mapping[str, Text], *, stage: str) -> int:
    """Return what changing these categories, by code with their names, costs at a stage: once, the dearest of them.

    Refuses AmendmentTooLate with the first category that is frozen.
    """
    fees = [0]
    for category, name in categories.items():
        point = point_of(points, category)
        if not point.is_open(stage):
            raise AmendmentTooLate(category, point.last_stage, stage, name.en, name.zh)
        fees.append(point.fee_at(stage))
    return max(fees)
