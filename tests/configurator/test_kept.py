"""What was worked out from a value is found again by the value's identity, as long as there is room."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from configurator.kept import Kept, OncePerKey


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


def test_who_asks_for_one_key_waits_for_nobody_who_makes_another() -> None:
    once: OncePerKey[str] = OncePerKey(most=2)
    begun, done = threading.Event(), threading.Event()

    def slowly() -> str:
        begun.set()
        assert done.wait(10)
        return "slow"

    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(once.of, "a", slowly) for _ in range(2)]
        assert begun.wait(10)
        quick = pool.submit(once.of, "b", lambda: "quick").result(10)
        done.set()

        assert quick == "quick"
        assert [one.result(10) for one in slow] == ["slow", "slow"]


def test_what_could_not_be_made_is_tried_again_and_the_key_used_longest_ago_goes() -> None:
    once: OncePerKey[int] = OncePerKey(most=1)
    made: list[int] = []

    def make() -> int:
        made.append(1)
        if len(made) == 1:
            raise ValueError("not yet")
        return len(made)

    with pytest.raises(ValueError, match="not yet"):
        once.of("a", make)

    assert [once.of("a", make), once.of("a", make), once.of("b", make), once.of("a", make)] == [2, 2, 3, 4]
