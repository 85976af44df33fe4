"""What rules say of two options is found by the engine, chains included, and differs by model, place and day."""

from __future__ import annotations

from datetime import date

from configurator.implied_service import tied_options
from configurator.model import WITHOUT, Ties
from configurator.queries import version_in_force
from kernel.work import Works
from tests.configurator.small_brand import PLANNER, open_small_brand

THIS_YEAR, NEXT_YEAR = date(2026, 11, 23), date(2027, 1, 4)
ALTERNATIVES = (("RED", "BLUE", "GOLD"), ("W17", "W19"), ("PT_SMALL", "PT_BIG"), ("TR_BASE", "TR_PLUS"))


def tied(works: Works, *places: tuple[str, date]) -> Ties:
    """Return what rules tie at some places, without what an alternative of the tree says by itself."""
    with works.read(PLANNER) as work:
        version, _ = version_in_force(work)
        found = tied_options(work, version.id, model="A1", places=places)
    plain = {name: group for group in ALTERNATIVES for name in group}
    return frozenset(
        (one, other)
        for one, other in found
        if plain.get(one.removeprefix(WITHOUT), one) != plain.get(other.removeprefix(WITHOUT), other)
    )


def needs(ties: Ties) -> set[tuple[str, str]]:
    return {
        (other, one.removeprefix(WITHOUT)) for one, other in ties if one.startswith(WITHOUT) > other.startswith(WITHOUT)
    }


def excludes(ties: Ties) -> set[tuple[str, str]]:
    return {tie for tie in ties if not any(one.startswith(WITHOUT) for one in tie)}


def test_an_option_needs_what_is_in_every_car_that_has_it_at_all_of_the_places(works: Works) -> None:
    open_small_brand(works)

    east = tied(works, ("east", THIS_YEAR))
    later = tied(works, ("east", THIS_YEAR), ("east", NEXT_YEAR))

    # The small motor cannot have the wheels that need the big one; red cannot have the trim that comes in blue.
    assert needs(east) == {
        ("GOLD", "TR_BASE"),
        ("PT_SMALL", "W17"),
        ("RED", "TR_BASE"),
        ("TR_PLUS", "BLUE"),
        ("W19", "PT_BIG"),
    }
    assert needs(later) == {("PT_SMALL", "W17"), ("W19", "PT_BIG")}


def test_what_excludes_each_other_and_what_stands_for_each_other_is_found_as_well(works: Works) -> None:
    open_small_brand(works)

    east = tied(works, ("east", THIS_YEAR))

    assert excludes(east) == {("HOOK", "ROOF"), ("PT_SMALL", "W19"), ("GOLD", "TR_PLUS"), ("RED", "TR_PLUS")}
    # Whoever has not the trim in blue has the base one.
    assert {("!BLUE", "!TR_BASE"), ("!PT_BIG", "!W17")} <= east


def test_a_place_where_an_option_is_in_every_car_or_in_none_says_nothing_against_a_tie(works: Works) -> None:
    open_small_brand(works)

    east = tied(works, ("east", THIS_YEAR))
    both = tied(works, ("east", THIS_YEAR), ("north", THIS_YEAR))

    # In the north every car has heated seats.
    assert needs(both) == needs(east)
    assert not any("HEAT" in one for tie in both for one in tie)
