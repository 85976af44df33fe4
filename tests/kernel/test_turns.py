"""Of many things to do one that fails keeps none behind it waiting, and is not passed over in silence."""

from __future__ import annotations

import pytest

from kernel.turns import act_on_each


def test_what_was_done_adds_up() -> None:
    assert act_on_each([1, 2, 3], lambda one: one) == 6
    assert act_on_each([], lambda one: one) == 0


def test_who_fails_keeps_none_behind_waiting_and_the_error_is_raised_once_all_had_their_turn() -> None:
    done: list[int] = []

    def act(one: int) -> int:
        if one == 1:
            raise LookupError("the first")
        done.append(one)
        return 1

    with pytest.raises(LookupError, match="the first"):
        act_on_each([1, 2, 3], act)

    assert done == [2, 3]
