"""What was worked out from a value is found again by the value's identity, as long as there is room."""

from __future__ import annotations

from configurator.kept import Kept


class Counting:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, int]] = []

    def __call__(self, value: dict[str, int]) -> int:
        self.asked.append(value)
        return sum(value.values())


def test_the_same_value_is_worked_on_once() -> None:
    find = Counting()
    kept, value = Kept(find), {"a": 1}

    assert (kept.of(value), kept.of(value)) == (1, 1)
    assert len(find.asked) == 1


def test_an_equal_value_is_another_one() -> None:
    find = Counting()
    kept = Kept(find)

    kept.of({"a": 1})
    kept.of({"a": 1})

    assert len(find.asked) == 2


def test_the_one_used_longest_ago_goes_first() -> None:
    find = Counting()
    kept = Kept(find, most=2)
    one, two, three = {"a": 1}, {"a": 2}, {"a": 3}
    for value in (one, two, one, three):
        kept.of(value)

    kept.of(one)
    kept.of(two)

    assert find.asked == [one, two, three, two]


def test_a_kept_value_lends_its_identity_to_nobody() -> None:
    kept = Kept(Counting())

    found = [kept.of({"a": number}) for number in range(50)]

    assert found == list(range(50))
