"""A follower gets the newest state, encoded once for everybody who wants it so, and never a queue of old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from graph.live import FOLLOWERS_PER_OWNER_MAX, Hub, Owner, TooManyFollowers, Topic, View
from graph.services import Threads
from kernel.ids import BrandId
from kernel.work import Work, Works
from tests.graph.client import Http
from tests.graph.conftest import Town

TOPIC = Topic("number", BrandId("b" * 32), "one", "en")


class Numbers:
    """Something that changes, and how often it was read and encoded."""

    def __init__(self) -> None:
        self.value = 1
        self.reads = 0
        self.encodings = 0

    def read(self, _work: Work, ids: list[str]) -> Mapping[str, Any]:
        """Return the number for the one id there is."""
        self.reads += 1
        return {one: self.value for one in ids if one == "one"}

    async def render(self, state: Any) -> bytes:
        """Encode it."""
        self.encodings += 1
        return str(state).encode()


def hub_of(works: Works, numbers: Numbers) -> Hub:
    return Hub(works, Threads(1), {"number": numbers.read})


def test_a_state_is_read_and_encoded_once_for_all_followers(town: Town) -> None:
    numbers = Numbers()

    async def follow_together() -> list[bytes | None]:
        hub = hub_of(town.works, numbers)
        view = View(("same",), numbers.render)
        followers = [await hub.follow(TOPIC, view, owner=Owner(f"owner {n}")) for n in range(20)]
        for one in followers:
            assert one is not None
            assert await one.next(1) == b"1"
        before = numbers.encodings
        numbers.value = 2
        newest = [await one.next(3) for one in followers if one is not None]
        assert numbers.encodings == before + 1
        for one in followers:
            assert one is not None
            hub.leave(one)
        assert hub.following == 0
        return newest

    assert asyncio.run(follow_together()) == [b"2"] * 20


def test_the_latest_value_wins(town: Town) -> None:
    numbers = Numbers()

    async def follow_slowly() -> bytes | None:
        hub = hub_of(town.works, numbers)
        follower = await hub.follow(TOPIC, View(("same",), numbers.render), owner=Owner("one"))
        assert follower is not None
        for value in (2, 3):
            numbers.value = value
            await asyncio.sleep(0.4)
        newest: bytes | None = await follower.next(1)
        assert await follower.next(0.05) is None
        hub.leave(follower)
        return newest

    assert asyncio.run(follow_slowly()) == b"3"


def test_what_takes_days_is_read_less_often_and_holds_up_nothing_else(town: Town) -> None:
    slow, fast = Numbers(), Numbers()

    async def follow_both() -> tuple[int, int]:
        hub = Hub(town.works, Threads(1), {"slow": slow.read, "number": fast.read}, paces={"slow": 1.0})
        followers = []
        for kind, numbers in (("slow", slow), ("number", fast)):
            topic = Topic(kind, TOPIC.brand_id, "one", "en")
            follower = await hub.follow(topic, View(("same",), numbers.render), owner=Owner(kind))
            assert follower is not None
            followers.append(follower)
            await follower.next(1)
        slow.value = fast.value = 2
        assert [await one.next(3) for one in followers] == [b"2", b"2"]
        before = slow.reads, fast.reads
        await asyncio.sleep(2.1)
        after = slow.reads, fast.reads
        for one in followers:
            hub.leave(one)
        return after[0] - before[0], after[1] - before[1]

    seldom, often = asyncio.run(follow_both())

    assert 1 <= seldom <= 3 < often <= 9


def test_one_follows_a_bounded_number_of_things(town: Town) -> None:
    numbers = Numbers()

    async def follow_too_much() -> None:
        hub = hub_of(town.works, numbers)
        view = View(("same",), numbers.render)
        for _ in range(FOLLOWERS_PER_OWNER_MAX):
            assert await hub.follow(TOPIC, view, owner=Owner("greedy")) is not None
        with pytest.raises(TooManyFollowers):
            await hub.follow(TOPIC, view, owner=Owner("greedy"))
        assert await hub.follow(TOPIC, view, owner=Owner("modest")) is not None

    asyncio.run(follow_too_much())


def test_what_is_not_there_cannot_be_followed(town: Town, http: Http) -> None:
    numbers = Numbers()
    nothing = Topic("number", BrandId("b" * 32), "nothing", "en")

    async def follow_nothing() -> int:
        hub = hub_of(town.works, numbers)
        assert await hub.follow(nothing, View(("same",), numbers.render), owner=Owner("one")) is None
        return hub.following

    assert asyncio.run(follow_nothing()) == 0
    assert http.get("/pools/made-up/events").status_code == 404


def test_a_thing_that_cannot_be_shown_holds_up_no_other_and_is_shown_once_it_can(town: Town) -> None:
    numbers, broken = Numbers(), Numbers()
    fails = [False]

    async def render_broken(state: Any) -> bytes:
        if fails[0]:
            raise RuntimeError("a bug of ours")
        return await broken.render(state)

    async def follow_both() -> tuple[bytes | None, bytes | None]:
        hub = Hub(town.works, Threads(1), {"broken": broken.read, "number": numbers.read})
        other = Topic("broken", TOPIC.brand_id, "one", "en")
        held_up = await hub.follow(other, View(("same",), render_broken), owner=Owner("one"))
        follower = await hub.follow(TOPIC, View(("same",), numbers.render), owner=Owner("two"))
        assert held_up is not None and follower is not None
        await held_up.next(1)
        await follower.next(1)
        fails[0] = True
        numbers.value = broken.value = 2
        newest = await follower.next(1)
        fails[0] = False
        late = await held_up.next(3)
        for one in (held_up, follower):
            hub.leave(one)
        return newest, late

    assert asyncio.run(follow_both()) == (b"2", b"2")
