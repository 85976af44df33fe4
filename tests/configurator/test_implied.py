"""What each option needs is found by the engine, chains of rules included, and differs by model, place and day."""

from __future__ import annotations

from datetime import date

from configurator.implied_service import implied_options
from configurator.queries import version_in_force
from kernel.work import Works
from tests.configurator.small_brand import PLANNER, open_small_brand

THIS_YEAR, NEXT_YEAR = date(2026, 11, 23), date(2027, 1, 4)


def test_an_option_needs_what_is_in_every_car_that_has_it_at_all_of_the_places(works: Works) -> None:
    open_small_brand(works)

    with works.read(PLANNER) as work:
        version, _ = version_in_force(work)
        east = implied_options(work, version.id, model="A1", places=[("east", THIS_YEAR)])
        both = implied_options(work, version.id, model="A1", places=[("east", THIS_YEAR), ("north", THIS_YEAR)])
        later = implied_options(work, version.id, model="A1", places=[("east", THIS_YEAR), ("east", NEXT_YEAR)])

    # The small motor cannot have the wheels that need the big one; red cannot have the trim that comes in blue.
    assert east == {
        ("GOLD", "TR_BASE"),
        ("PT_SMALL", "W17"),
        ("RED", "TR_BASE"),
        ("TR_PLUS", "BLUE"),
        ("W19", "PT_BIG"),
    }
    assert both == east
    assert later == {("PT_SMALL", "W17"), ("W19", "PT_BIG")}
