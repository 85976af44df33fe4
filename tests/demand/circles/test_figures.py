"""What is shown of a circle tells of nobody: not by itself, not beside another figure, not beside yesterday's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demand.circles.model import PARENTS, Figure, Released, release_figures

K = 10
PEOPLE = st.frozensets(st.integers(0, 45), max_size=46)


def behind(members: frozenset[int], parts: list[frozenset[int]]) -> dict[Figure, frozenset[str]]:
    """Return persons behind each figure, each figure's among its parent's."""
    found = {Figure.MEMBERS: members}
    for figure, part in zip([one for one in Figure if one in PARENTS], parts, strict=True):
        parent = PARENTS[figure]
        found[figure] = part & found.get(parent, members)
    return {figure: frozenset(str(one) for one in persons) for figure, persons in found.items()}


DAYS = st.lists(st.tuples(PEOPLE, st.lists(PEOPLE, min_size=6, max_size=6)), min_size=1, max_size=4)


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
                above = PARENTS.get(figure)
                while above is not None:
                    apart = len(released[above].persons ^ one.persons)
                    assert apart == 0 or apart >= K
                    above = PARENTS.get(above)
            if known is not None and known.persons != one.persons:
                assert len(known.persons ^ one.persons) >= K


def test_a_part_that_lacks_a_few_of_the_whole_is_not_shown_with_it() -> None:
    members = frozenset(range(30))

    shown = release_figures(
        behind(members, [frozenset(range(25)), members, frozenset(range(20)), frozenset(), frozenset(), frozenset()]),
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
