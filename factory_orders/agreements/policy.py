"""The freeze points of a brand: what of a locked car may change until when, and for how much."""

from __future__ import annotations

from dataclasses import dataclass

from factory_orders.agreements.model import EVERY_OTHER, STAGES, FreezePoint
from kernel.bounds import MINOR_MAX, check_bounds, check_rows
from kernel.policy import policy_section


@policy_section("amendments")
@dataclass(frozen=True, slots=True)
class AmendmentPolicy:
    """Rows are category, last stage, fee in fen; `*` counts for every category without a row (DOMAIN section 6.5).

    Nothing changes once the body is painted: the car has its number then. An order is amended `amendments_max` times.
    """

    freeze_points: tuple[tuple[str, str, int], ...] = (
        (EVERY_OTHER, "queued", 50_000),
        ("Exterior", "parts_ready", 50_000),
        ("Cargo", "parts_ready", 50_000),
        ("Family", "parts_ready", 50_000),
        ("Software", "body", 0),
        ("Connectivity", "body", 0),
        ("ServicePlan", "body", 0),
    )
    amendments_max: int = 5

    def __post_init__(self) -> None:
        check_bounds(self, amendments_max=(0, 50))
        check_rows("freeze_points", self.freeze_points, (0, MINOR_MAX))
        assert all(stage in STAGES for _, stage, _ in self.freeze_points), f"a last stage is one of {STAGES}"
        categories = [category for category, _, _ in self.freeze_points]
        assert len(set(categories)) == len(categories), "a category has one freeze point"

    @property
    def points(self) -> list[FreezePoint]:
        """Return the freeze points."""
        return [FreezePoint(*row) for row in self.freeze_points]
