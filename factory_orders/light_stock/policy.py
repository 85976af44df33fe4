"""The numbers by which light inventory is levelled and shared out (DOMAIN section 6.6); a brand may change them."""

from __future__ import annotations

from dataclasses import dataclass

from factory_orders.footfall.model import VISITORS_MAX, WEEKS_BACK
from factory_orders.light_stock.base_stock import CARS_MAX, mean_over
from kernel.bounds import MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("light_stock")
@dataclass(frozen=True, slots=True)
class LightStockPolicy:
    """Expected sales of stock cars a store and model in thousandths of a car a week, unless a planner gave others.

    A car too few costs `under_minor`, one too many `over_minor` over the exposure; a way costs `move_minor` and
    `km_minor` a kilometre (DOMAIN: ¥300 and ¥3); a car of difference between what a store gets and is owed costs
    `unfair_minor` times its square; a car that comes after its store has sold what it has costs `late_day_minor` a day.
    With `first_cars` (1; 0 is without) a store that should have a car of a model and has none gets one before others
    get more. A store may refuse an offered car within `answer_hours`; of display cars it has `display_per_model`, and a
    demo car for each `visitors_per_demo` people a week, counted over the reported ones of the last `footfall_weeks`, of
    a model `demo_per_model` at most.
    """

    weekly_milli: int = 250
    exposure_days: int = 28
    under_minor: int = 800_000
    over_minor: int = 200_000
    move_minor: int = 30_000
    km_minor: int = 300
    unfair_minor: int = 5_000
    late_day_minor: int = 10_000
    first_cars: int = 1
    answer_hours: int = 24
    display_per_model: int = 1
    visitors_per_demo: int = 60
    footfall_weeks: int = 8
    demo_per_model: int = 2

    def __post_init__(self) -> None:
        cost = (0, MINOR_MAX)
        check_bounds(
            self,
            weekly_milli=(0, 10_000),
            exposure_days=(1, 365),
            under_minor=(1, MINOR_MAX),
            over_minor=(1, MINOR_MAX),
            move_minor=cost,
            km_minor=cost,
            unfair_minor=cost,
            late_day_minor=cost,
            first_cars=(0, 1),
            answer_hours=(1, 720),
            display_per_model=(0, 50),
            visitors_per_demo=(1, VISITORS_MAX),
            footfall_weeks=(1, WEEKS_BACK),
            demo_per_model=(0, 50),
        )
        assert mean_over(self.weekly_milli, self.exposure_days) <= CARS_MAX / 2, "light inventory"
