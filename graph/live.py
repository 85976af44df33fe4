"""What people watch: one ticker a process reads what is watched, at most four times a second, once for all followers.

A follower gets the newest state, already encoded, and never a queue of old ones: the latest value wins.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from graph.context import Threads
from kernel.actor import Actor, system
from kernel.ids import BrandId
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
TICK_SECONDS: Final = 0.25
FOLLOWERS_MAX: Final = 20_000
FOLLOWERS_PER_OWNER_MAX: Final = 40
StateReader = Callable[[Work, list[str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A root field of Subscription: its id argument, what kind of id that is, and how states are read.

    `topic_id` turns actor and raw id into what the reader takes, for things that only their owner may watch.
    """

    argument: str
    kind: str
    read: StateReader
    topic_id: Callable[[Actor, str], str] = lambda _actor, raw: raw


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that is watched: its kind (a root field of Subscription), its brand and id, and the language."""

    kind: str
    brand_id: BrandId
    id: str
    locale: str


@dataclass(frozen=True, slots=True)
class View:
    """How a follower wants it: `key` is the same for followers who get the same bytes."""

    key: tuple[str, ...]
    render: Callable[[Any], Any]


class TooManyFollowers(Exception):
    """This caller, or this process, follows enough already."""


@dataclass(eq=False, slots=True)
class Follower:
    """One stream: the newest bytes that it has not taken yet."""

    topic: Topic
    view: View
    owner: str
    _newest: bytes | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, message: bytes) -> None:
        """Put the newest message where an older one may still lie."""
        self._newest = message
        self._arrived.set()

    async def next(self, timeout_seconds: float) -> bytes | None:
        """Return the newest message when there is one; None when nothing came in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._arrived.wait()
        except TimeoutError:
            return None
        self._arrived.clear()
        newest, self._newest = self._newest, None
        return newest


class Hub:
    """Everybody who watches something on this process."""

    def __init__(self, works: Works, threads: Threads, readers: Mapping[str, StateReader]) -> None:
        self._works = works
        self._threads = threads
        self._readers = readers
        self._followers: dict[Topic, set[Follower]] = defaultdict(set)
        self._states: dict[Topic, Any] = {}
        self._owners: Counter[str] = Counter()
        self._ticker: asyncio.Task[None] | None = None

    @property
    def following(self) -> int:
        """Return how many streams are open."""
        return sum(self._owners.values())

    async def follow(self, topic: Topic, view: View, *, owner: str) -> Follower | None:
        """Start a stream with the state of now; None where there is no such thing. Refuses TooManyFollowers."""
        if self.following >= FOLLOWERS_MAX or self._owners[owner] >= FOLLOWERS_PER_OWNER_MAX:
            raise TooManyFollowers
        self._owners[owner] += 1
        follower = Follower(topic, view, owner)
        try:
            state = self._states.get(topic)
            if state is None:
                state = (await self._read([topic])).get(topic)
            if state is not None:
                follower.offer(await view.render(state))
        except BaseException:
            self._release(owner)
            raise
        if state is None:
            self._release(owner)
            return None
        self._states.setdefault(topic, state)
        self._followers[topic].add(follower)
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick())
        return follower

    def leave(self, follower: Follower) -> None:
        """End a stream."""
        followers = self._followers.get(follower.topic, set())
        if follower not in followers:
            return
        followers.discard(follower)
        self._release(follower.owner)
        if not followers:
            del self._followers[follower.topic]
            self._states.pop(follower.topic, None)

    def _release(self, owner: str) -> None:
        self._owners[owner] -= 1
        if self._owners[owner] <= 0:
            del self._owners[owner]

    async def states(self, topic: Topic, *, owner: str) -> AsyncIterator[Any]:
        """Yield the states of a thing, newest only, until the caller stops."""

        async def as_it_is(state: Any) -> Any:
            return state

        follower = await self.follow(topic, View(("state",), as_it_is), owner=owner)
        if follower is None:
            return
        try:
            while True:
                if (state := await follower.next(3600)) is not None:
                    yield state
        finally:
            self.leave(follower)

    async def _tick(self) -> None:
        while self._followers:
            await asyncio.sleep(TICK_SECONDS)
            try:
                fresh = await self._read(list(self._followers))
                for topic, state in fresh.items():
                    if topic in self._followers and self._states.get(topic) != state:
                        self._states[topic] = state
                        await self._spread(topic, state)
            except Exception:  # A database that is away for a moment must not end every stream.
                log.exception("ticker_failed")
                await asyncio.sleep(1)

    async def _spread(self, topic: Topic, state: Any) -> None:
        """Encode a state once for each view and offer it to its followers."""
        encoded: dict[tuple[str, ...], Any] = {}
        for follower in list(self._followers.get(topic, ())):
            key = follower.view.key
            if key not in encoded:
                encoded[key] = await follower.view.render(state)
            follower.offer(encoded[key])

    async def _read(self, topics: Sequence[Topic]) -> dict[Topic, Any]:
        return await self._threads.run(self._read_now, topics)

    def _read_now(self, topics: Sequence[Topic]) -> dict[Topic, Any]:
        groups: dict[tuple[str, BrandId, str], list[Topic]] = defaultdict(list)
        for topic in topics:
            groups[topic.kind, topic.brand_id, topic.locale].append(topic)
        found: dict[Topic, Any] = {}
        for (kind, brand_id, locale), members in groups.items():
            with self._works.read(system(brand_id).speaking(locale)) as work:
                states = self._readers[kind](work, [one.id for one in members])
            found.update({one: states[one.id] for one in members if one.id in states})
        return found
