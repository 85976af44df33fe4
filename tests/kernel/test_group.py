"""The door that gathers requests for one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future

import pytest

from kernel.errors import NotFound, Refusal, TooBusy
from kernel.group import OWNER_REQUESTS_MAX, Group, Pace


class Desk:
    """A decision that waits until it is let go, and keeps the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()

    def decide(self, requests: Sequence[int]) -> Sequence[int | Refusal]:
        self.groups.append(list(requests))
        self.entered.release()
        assert self.go.wait(10)
        if 13 in requests:
            raise RuntimeError("the commit failed")
        return [NotFound("pool") if request % 2 else request * 10 for request in requests]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def door(desk: Desk) -> Iterator[Group[int, int]]:
    group: Group[int, int] = Group(desk.decide, name="test door", group_max=4, queue_max=6)
    yield group
    desk.go.set()
    group.close()


def submit_behind(door: Group[int, int], desk: Desk, *requests: int) -> list[Future[int]]:
    """Submit a first request, wait until it is being decided, then queue the others behind it."""
    first = door.submit(0)
    assert desk.entered.acquire(timeout=10)
    return [first, *[door.submit(request) for request in requests]]


def test_what_comes_in_during_a_commit_is_decided_together_in_order(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 2, 4, 6, 8, 10)

    desk.go.set()

    assert [future.result(10) for future in futures] == [0, 20, 40, 60, 80, 100]
    assert desk.groups == [[0], [2, 4, 6, 8], [10]]


def test_a_refused_one_spoils_no_other(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 2, 3, 4)

    desk.go.set()

    assert futures[1].result(10) == 20
    assert futures[2].exception(10) == NotFound("pool")
    assert futures[3].result(10) == 40


def test_a_full_queue_says_so_and_keeps_what_it_has(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 2, 2, 2, 2, 2, 2)

    with pytest.raises(TooBusy):
        door.submit(2)
    desk.go.set()

    assert [future.result(10) for future in futures] == [0, 20, 20, 20, 20, 20, 20]


def test_a_failed_commit_fails_its_group_and_the_door_goes_on(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 13, 2)

    desk.go.set()

    assert [type(future.exception(10)) for future in futures] == [type(None), RuntimeError, RuntimeError]
    assert door.submit(4).result(10) == 40


def test_who_goes_away_while_waiting_is_not_decided_and_the_door_goes_on(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 2, 4)

    gone = futures[1].cancel()
    too_late = futures[0].cancel()
    desk.go.set()

    assert (gone, too_late) == (True, False)
    assert futures[2].result(10) == 40
    with pytest.raises(CancelledError):
        futures[1].result(10)
    assert desk.groups == [[0], [4]]


def test_a_door_that_closes_decides_what_waits_and_takes_nothing_new(door: Group[int, int], desk: Desk) -> None:
    futures = submit_behind(door, desk, 2)
    desk.go.set()

    door.close()

    assert [future.result(0) for future in futures] == [0, 20]
    with pytest.raises(TooBusy):
        door.submit(2)


def test_nobody_has_more_than_a_few_in_the_queue(desk: Desk) -> None:
    door: Group[int, int] = Group(
        desk.decide, name="test door", owner_of=lambda request: "greedy" if request < 100 else None
    )
    submit_behind(door, desk, *range(2, 2 + 2 * OWNER_REQUESTS_MAX, 2))

    with pytest.raises(TooBusy):
        door.submit(50)
    others = [door.submit(100), door.submit(102)]
    desk.go.set()

    assert [future.result(10) for future in others] == [1000, 1020]
    assert door.submit(50).result(10) == 500
    door.close()


def test_who_would_wait_longer_than_anybody_is_asked_to_is_sent_away_at_once(desk: Desk) -> None:
    door: Group[int, int] = Group(desk.decide, name="test door", patience_seconds=0.05)
    first = door.submit(0)
    assert desk.entered.acquire(timeout=10)
    time.sleep(0.1)

    with pytest.raises(TooBusy):
        door.submit(2)
    desk.go.set()

    assert first.result(10) == 0
    assert door.refused == 1
    assert door.submit(2).result(10) == 20
    door.close()


def test_who_gives_up_in_the_queue_is_not_decided_and_who_is_being_decided_cannot(
    door: Group[int, int], desk: Desk
) -> None:
    futures = submit_behind(door, desk, 2, 4)

    answers = [door.give_up(futures[0]), door.give_up(futures[1])]
    desk.go.set()

    assert answers == [None, TooBusy(2)]
    assert [futures[0].result(10), futures[2].result(10)] == [0, 40]
    assert desk.groups == [[0], [4]]


def test_those_sent_away_are_told_to_come_back_one_behind_the_other() -> None:
    pace = Pace(group_max=100)
    assert pace.send_away(0) == 2

    pace.note(100, 0.5)
    told = [pace.send_away(1_000) for _ in range(1_000)]

    assert pace.wait_seconds(1_000) == 5
    assert told == sorted(told)
    assert (told[0], told[-1]) == (6, 10)
    for _ in range(10):
        pace.note(100, 0.5)
    assert pace.send_away(0) == 1
