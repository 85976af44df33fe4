"""The numbers of this room that a brand may change; the defaults are the shipped ones (DOMAIN sections 6.4 to 6.6)."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import DAYS_MAX, MINOR_MAX, check_bounds, check_rows
from kernel.policy import policy_section

CARS_MAX = 100_000
DAY_MINOR_MAX = 100_000_000


@policy_section("capacity")
@dataclass(frozen=True, slots=True)
class CapacityPolicy:
    """How a plant's weeks are counted.

    A constrained option can be built into `option_share_bp` of a week's cars unless `option_limits` (option, cars a
    week) says otherwise; a pool reserves it for `option_take_bp` of its places.
    """

    weeks_ahead: int = 52
    pool_weeks: int = 6
    option_share_bp: int = 4_000
    option_take_bp: int = 1_500
    option_limits: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        check_bounds(
            self,
            weeks_ahead=(8, 104),
            pool_weeks=(1, self.weeks_ahead),
            option_share_bp=(0, 10_000),
            option_take_bp=(0, 10_000),
        )
        check_rows("option_limits", self.option_limits, (0, CARS_MAX))
        assert 0 <= self.option_take_bp <= self.option_share_bp <= 10_000, "take ≤ share ≤ all of a week"


@policy_section("promise")
@dataclass(frozen=True, slots=True)
class PromisePolicy:
    """From the week on the line to the day at the store; see `planning.promise`. Who orders holds it `hold_minutes`.

    The margins are learned from the latest `learn_from` cars of a plant and a prior that weighs as much as
    `prior_weight` cars, of which nine in ten come within `prior_late_days`; 0 cars turn learning off. The promised day
    lies `margin_least_days` behind the expected one at least.
    """

    planning_lead_days: int = 7
    transit_base_days: int = 2
    transit_km_per_day: int = 450
    pre_delivery_days: int = 3
    buffer_days: int = 10
    hold_minutes: int = 30
    learn_from: int = 400
    prior_weight: int = 2
    prior_late_days: int = 21
    margin_least_days: int = 1

    def __post_init__(self) -> None:
        check_bounds(
            self,
            hold_minutes=(1, 1_440),
            learn_from=(0, 10_000),
            prior_weight=(0, 1_000),
            prior_late_days=(0, 365),
            margin_least_days=(1, 60),
            planning_lead_days=(0, 365),
            transit_base_days=(0, 365),
            transit_km_per_day=(10, 5_000),
            pre_delivery_days=(0, 365),
            buffer_days=(0, 365),
        )


@policy_section("batches")
@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """Sizes of a batch per plant code: (plant, smallest, largest); the two defaults count for every other plant.

    What waiting and changing cost when batches are compared, and after how many days of waiting a buyer gets an offer.
    """

    batch_min: int = 1
    batch_max: int = 120
    plant_limits: tuple[tuple[str, int, int], ...] = ()
    wait_days_max: int = 45
    wait_day_minor: int = 6_000
    late_day_minor: int = 150_000
    setup_minor: int = 1_500_000
    idle_slot_minor: int = 200_000
    changeover_paint_minor: int = 80_000
    changeover_powertrain_minor: int = 600_000
    changeover_model_minor: int = 2_000_000

    def __post_init__(self) -> None:
        costs = (0, MINOR_MAX)
        check_bounds(
            self,
            batch_max=(1, CARS_MAX),
            batch_min=(1, self.batch_max),
            wait_days_max=(1, DAYS_MAX),
            # A hundred late weeks and more of an order are added up: ¥1,000,000 a day stay far from an overflow.
            wait_day_minor=(0, DAY_MINOR_MAX),
            late_day_minor=(0, DAY_MINOR_MAX),
            setup_minor=costs,
            idle_slot_minor=costs,
            changeover_paint_minor=costs,
            changeover_powertrain_minor=costs,
            changeover_model_minor=costs,
        )
        check_rows("plant_limits", self.plant_limits, (1, CARS_MAX), (1, CARS_MAX))
        assert all(1 <= smallest <= largest for _, smallest, largest in self.plant_limits), "smallest ≤ largest"

    def limits(self, plant_code: str) -> tuple[int, int]:
        """Return the smallest and the largest batch of a plant."""
        for code, smallest, largest in self.plant_limits:
            if code == plant_code:
                return smallest, largest
        return self.batch_min, self.batch_max


@policy_section("line")
@dataclass(frozen=True, slots=True)
class LinePolicy:
    """The line: the longest run of one paint, and ratio limits: at most p cars with an option in any q in a row.

    After a disturbance a day is mended: at most `mend_moved_max` cars change places, of which none has begun or is one
    of the next `mend_frozen_next`.
    """

    paint_run_max: int = 10
    ratio_p: int = 1
    ratio_q: int = 2
    ratio_limits: tuple[tuple[str, int, int], ...] = ()
    mend_moved_max: int = 10
    mend_frozen_next: int = 2

    def __post_init__(self) -> None:
        check_bounds(
            self,
            paint_run_max=(1, CARS_MAX),
            ratio_q=(1, CARS_MAX),
            ratio_p=(1, self.ratio_q),
            mend_moved_max=(2, CARS_MAX),
            mend_frozen_next=(0, CARS_MAX),
        )
        check_rows("ratio_limits", self.ratio_limits, (1, CARS_MAX), (1, CARS_MAX))
        assert all(1 <= p <= q for _, p, q in self.ratio_limits), "at most p in q"


@policy_section("plant")
@dataclass(frozen=True, slots=True)
class PlantPolicy:
    """How far ahead a plant's clock may be, and up to which repair cost a car stays new (disclosed)."""

    clock_ahead_seconds: int = 300
    repaired_from_minor: int = 500_000

    def __post_init__(self) -> None:
        check_bounds(self, clock_ahead_seconds=(0, 86_400), repaired_from_minor=(1, MINOR_MAX))


@policy_section("handover")
@dataclass(frozen=True, slots=True)
class HandoverPolicy:
    """Appointments, the check list, and how long a balance may stay unpaid before it is asked for anew.

    A car that stands ready is paid and taken within `second_notice_days`, or its buyer is told a second time;
    `default_days` after that it is a default (DOMAIN section 6.1). An appointment within `last_appointment_days` of the
    last day is waited for.
    """

    opens_at_hour: int = 9
    closes_at_hour: int = 18
    appointments_per_hour: int = 2
    days_ahead_max: int = 30
    balance_days: int = 15
    second_notice_days: int = 15
    default_days: int = 15
    last_appointment_days: int = 7
    checklist: tuple[str, ...] = (
        "vin_matches",
        "body_and_paint",
        "glass_and_lights",
        "wheels_and_tyres",
        "interior",
        "options_as_ordered",
        "electrics",
        "odometer",
        "documents_and_keys",
    )

    def __post_init__(self) -> None:
        check_bounds(
            self,
            opens_at_hour=(0, 23),
            closes_at_hour=(self.opens_at_hour + 1, 24),
            appointments_per_hour=(1, 50),
            days_ahead_max=(1, 365),
            balance_days=(1, 365),
            second_notice_days=(1, 365),
            default_days=(15, DAYS_MAX),  # nobody defaults sooner after the second notice
            last_appointment_days=(0, 365),
        )
        assert 1 <= len(self.checklist) <= 120, "a check list has 1 to 120 points"


@policy_section("late_credits")
@dataclass(frozen=True, slots=True)
class LateCreditPolicy:
    """What a late day is worth (DOMAIN section 6.4): ¥100 a day, at most 3 % of the price."""

    per_day_minor: int = 10_000
    most_bp: int = 300

    def __post_init__(self) -> None:
        check_bounds(self, per_day_minor=(0, MINOR_MAX), most_bp=(0, 10_000))


@policy_section("cancellation")
@dataclass(frozen=True, slots=True)
class CancellationPolicy:
    """What leaving after the lock costs by stage (the freeze points of DOMAIN section 6.5), as a share of the earnest.

    Rows are stage, basis points of the earnest that are forfeited; a stage that is not listed forfeits all of it. More
    than `rescind_after_days` late the buyer leaves with the earnest money twice (DOMAIN section 6.1). Whose car comes
    later than was accepted, or is built again, forfeits nothing (docs/decisions/028).
    """

    forfeits: tuple[tuple[str, int], ...] = (("scheduled", 2_000), ("queued", 2_000), ("parts_ready", 5_000))

    rescind_after_days: int = 30

    def __post_init__(self) -> None:
        check_rows("forfeits", self.forfeits, (0, 10_000))
        check_bounds(self, rescind_after_days=(0, 30))  # more than 30 days late anybody may leave
