"""What is believed for a while is read anew by one who asks, while the others go on with it."""

from __future__ import annotations

import time

import pytest

from kernel.belief import Belief


class Watch:
    """A monotonic clock that stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def test_in_the_second_half_one_is_sent_and_the_others_go_on(watch: Watch) -> None:
    known = Belief("first", watch.now)

    watch.now += 0.4
    young = [known.is_at_hand(1.0) for _ in range(3)]
    watch.now += 0.2
    older = [known.is_at_hand(1.0) for _ in range(3)]

    assert young == [True, True, True]
    assert older == [False, True, True]


def test_when_its_time_is_over_nobody_goes_on_although_nobody_has_read_it_anew(watch: Watch) -> None:
    known = Belief("first", watch.now)
    watch.now += 0.9
    known.is_at_hand(1.0)

    watch.now += 0.1

    assert not known.is_at_hand(1.0)


def test_who_can_read_it_anew_does_so_in_the_second_half_also_after_others(watch: Watch) -> None:
    known = Belief("first", watch.now)
    watch.now += 0.6
    known.is_at_hand(1.0)

    assert not known.is_young(1.0)
    assert known.is_young(2.0)


def test_what_was_never_read_is_believed_by_nobody(watch: Watch) -> None:
    known = Belief("nothing", float("-inf"))

    assert [known.is_at_hand(1.0), known.is_at_hand(1.0), known.is_young(1.0)] == [False, False, False]
