"""What is shown of a circle tells of nobody: not by itself, not beside another figure, not beside yesterday's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demand.circles.model import PARENTS, Figure, Released, release_figures

K = 10
PARTED = [one for one in Figure if one in PARENTS]
PEOPLE = st.frozensets(st.integers(0, 45), max_size=46)


def behind(members: frozenset[int], parts: list[frozenset[int]]) -> dict[Figure, frozenset[str]]:
    """Return persons behind each figure, each figure's among its parent's."""
    found = {Figure.MEMBERS: members}
    for figure, part in zip(PARTED, parts, strict=True):
        parent = PARENTS[figure]
        found[figure] = part & found.get(parent, members)
    return {figure: frozenset(str(one) for one in persons) for figure, persons in found.items()}


def wholes_of(figure: Figure) -> list[Figure]:
    above = PARENTS.get(figure)
    return [] if above is None else [above, *wholes_of(above)]


def tells_of_many(part: Released, whole: Released | None) -> bool:
    """Say whether two figures of the same or of two days, held against each other, tell of nobody or of many."""
    apart = 0 if whole is None or whole.shown is None else len(whole.persons ^ part.persons)
    return apart == 0 or apart >= K


DAYS = st.lists(st.tuples(PEOPLE, st.lists(PEOPLE, min_size=len(PARTED), max_size=len(PARTED))), min_size=1, max_size=4)


@given(DAYS)
def test_no_figure_nor_difference_of_two_is_about_fewer_than_ten(
    days: list[tuple[frozenset[int], list[frozenset[int]]]],
) -> None:
    released: dict[Figure, Released] = {}
    for members, parts in days:
        before = released
        released = release_figures(behind(members, parts), before, k=K, rounding=5)

        for figure, one in released.items():
            known = before.get(figure)
            if one.shown is not None:
                assert len(one.persons) >= K
                assert abs(one.shown - len(one.persons)) <= 3
                for whole in wholes_of(figure):
                    assert tells_of_many(one, released[whole])
                    assert tells_of_many(one, before.get(whole))
            elif known is not None and known.shown is not None:
                assert all(tells_of_many(known, released[whole]) for whole in wholes_of(figure))
            if known is not None and known.persons != one.persons:
                assert len(known.persons ^ one.persons) >= K


def test_a_part_that_lacks_a_few_of_the_whole_is_not_shown_with_it() -> None:
    members = frozenset(range(30))

    shown = release_figures(
        behind(members, [frozenset(range(25)), members, frozenset(range(20)), *[frozenset[int]()] * (len(PARTED) - 3)]),
        {},
        k=K,
        rounding=5,
    )

    assert (shown[Figure.MEMBERS].shown, shown[Figure.INVITED].shown) == (30, None)
    assert (shown[Figure.REACHABLE].shown, shown[Figure.VOTED].shown) == (30, 20)


def test_a_part_of_a_part_is_held_against_the_whole_as_well() -> None:
    members, most = frozenset(range(30)), frozenset(range(25))
    parts = {Figure.PRE_ORDERED: most, Figure.LOCKED: most}

    shown = release_figures(
        {Figure.MEMBERS: {str(one) for one in members}}
        | {figure: {str(one) for one in part} for figure, part in parts.items()},
        {},
        k=K,
        rounding=5,
    )

    assert shown[Figure.LOCKED].shown is None


def test_a_whole_stays_as_it_was_where_its_new_figure_would_leave_a_few_beside_a_part_of_yesterday() -> None:
    voters = frozenset(range(12))
    yesterday = release_figures(
        {Figure.MEMBERS: {str(one) for one in range(40)}, Figure.VOTED: {str(one) for one in voters}},
        {},
        k=K,
        rounding=5,
    )

    shown = release_figures(
        {Figure.MEMBERS: {str(one) for one in range(17)}, Figure.VOTED: {str(one) for one in range(3)}},
        yesterday,
        k=K,
        rounding=5,
    )

    assert (yesterday[Figure.MEMBERS].shown, yesterday[Figure.VOTED].shown) == (40, 10)
    assert (shown[Figure.MEMBERS].shown, shown[Figure.VOTED].shown) == (40, 10)
