"""What people watch: one ticker a process reads what is watched, at most four times a second, once for all followers.

A state is encoded once for everybody who wants it alike. A follower gets the newest state and never a queue of old
ones: the latest value wins.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from graph.identifiers import NO_ID, raw_id
from graph.services import FOLLOWERS_DEFAULT, Threads
from kernel.actor import Actor, system
from kernel.ids import BrandId
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
TICK_SECONDS: Final = 0.25
TROUBLE_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 15.0
FOLLOWERS_PER_OWNER_MAX: Final = 40
# A carrier or an office hides many guests behind one address.
FOLLOWERS_PER_ADDRESS_MAX: Final = 400
OFFERS_AT_ONCE: Final = 200
StateReader = Callable[[Work, list[str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A root field of Subscription: its id argument, what kinds of id that may be, and how states are read.

    `topic_id` turns actor and raw id into what the reader takes, for things that only their owner may watch. It is
    read each `every_seconds`, a quarter of one at the least: what takes days need not be looked at each moment.
    """

    argument: str
    kinds: tuple[str, ...]
    read: StateReader
    topic_id: Callable[[Actor, str], str] = lambda _actor, raw: raw
    every_seconds: float = TICK_SECONDS

    def raw(self, given: str) -> str:
        """Return the raw id of a thing of one of the kinds; another word gives one that nothing has."""
        return next((raw for kind in self.kinds if (raw := raw_id(given, kind)) != NO_ID), NO_ID)


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that is watched: its kind (a root field of Subscription), its brand and id, and the language."""

    kind: str
    brand_id: BrandId
    id: str
    locale: str


@dataclass(frozen=True, slots=True)
class View:
    """How a follower wants it: `key` is the same for followers who get the same bytes.

    `heartbeat` is what is sent where nothing changed for a while, so that the connection stays open.
    """

    key: tuple[str, ...]
    render: Callable[[Any], Awaitable[Any]]
    heartbeat: bytes | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who follows: an account, or of guests the address; each may follow so many things at once."""

    name: str
    followers_max: int = FOLLOWERS_PER_OWNER_MAX


def owner_of(actor: Actor, address: str) -> Owner:
    """Return who a stream is counted for."""
    if actor.account_id is not None:
        return Owner(actor.account_id)
    return Owner(f"guest at {address}", FOLLOWERS_PER_ADDRESS_MAX)


class TooManyFollowers(Exception):
    """This caller, or this whole process where `everybody` is True, follows enough already."""

    def __init__(self, *, everybody: bool) -> None:
        super().__init__()
        self.everybody = everybody


class Follower:
    """One stream: the newest bytes that it has not taken yet. `on_offer` is called when there are some."""

    __slots__ = ("_arrived", "_newest", "channel", "on_offer", "owner")

    def __init__(self, channel: Channel, owner: Owner, on_offer: Callable[[], None] | None) -> None:
        self.channel = channel
        self.owner = owner
        self.on_offer = on_offer
        self._newest: Any = None
        # Who is called needs no event of its own, and there are thousands of them.
        self._arrived = asyncio.Event() if on_offer is None else None

    def offer(self, message: Any) -> None:
        """Put the newest message where an older one may still lie."""
        self._newest = message
        if self._arrived is not None:
            self._arrived.set()
        if self.on_offer is not None:
            self.on_offer()

    def beat(self, message: Any) -> None:
        """Put a sign of life where nothing waits; a state that waits says more."""
        if self._newest is None:
            self.offer(message)

    def take(self) -> Any:
        """Return the newest message and forget it; None where there is none."""
        newest, self._newest = self._newest, None
        return newest

    async def next(self, timeout_seconds: float) -> Any:
        """Return the newest message when there is one; None when nothing came in time."""
        assert self._arrived is not None, "a follower that is called does not wait"
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._arrived.wait()
        except TimeoutError:
            return None
        self._arrived.clear()
        return self.take()


@dataclass(eq=False, slots=True)
class Channel:
    """Everybody who wants one thing in one way: the newest state, encoded, and who gets it."""

    topic: Topic
    view: View
    newest: Any = None
    spread_at: float = field(default_factory=time.monotonic)
    followers: set[Follower] = field(default_factory=set)

    async def spread(self, newest: Any) -> None:
        """Offer the newest state to all; others have their turn in between."""
        self.newest = newest
        await self._each(Follower.offer, newest)

    async def beat(self) -> None:
        """Let everybody hear that the connection is alive, where the view has words for it."""
        if self.view.heartbeat is not None:
            await self._each(Follower.beat, self.view.heartbeat)

    async def _each(self, act: Callable[[Follower, Any], None], message: Any) -> None:
        self.spread_at = time.monotonic()
        for number, follower in enumerate(list(self.followers), start=1):
            act(follower, message)
            if number % OFFERS_AT_ONCE == 0:
                await asyncio.sleep(0)


class Hub:
    """Everybody who watches something on this process."""

    def __init__(
        self,
        works: Works,
        threads: Threads,
        readers: Mapping[str, StateReader],
        *,
        paces: Mapping[str, float] | None = None,
        followers_max: int = FOLLOWERS_DEFAULT,
    ) -> None:
        self._works = works
        self._threads = threads
        self._readers = readers
        self._paces = paces or {}
        self._look_at: dict[str, float] = {}
        self._followers_max = followers_max
        self._channels: dict[Topic, dict[tuple[str, ...], Channel]] = {}
        self._states: dict[Topic, Any] = {}
        self._owners: Counter[str] = Counter()
        self._following = 0
        self._ticker: asyncio.Task[None] | None = None

    @property
    def following(self) -> int:
        """Return how many streams are open."""
        return self._following

    async def follow(
        self,
        topic: Topic,
        view: View,
        *,
        owner: Owner,
        on_offer: Callable[[], None] | None = None,
    ) -> Follower | None:
        """Start a stream whose first message is the state of now; None where there is no such thing.

        `on_offer` is called for each message, which `take` then returns; without it one waits for `next`. Refuses
        TooManyFollowers.
        """
        self._admit(owner)
        try:
            channel = await self._channel(topic, view)
        except BaseException:
            self._release(owner)
            raise
        if channel is None:
            self._release(owner)
            return None
        follower = Follower(channel, owner, on_offer)
        channel.followers.add(follower)
        follower.offer(channel.newest)
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick())
        return follower

    def _admit(self, owner: Owner) -> None:
        if self._following >= self._followers_max:
            raise TooManyFollowers(everybody=True)
        if self._owners[owner.name] >= owner.followers_max:
            raise TooManyFollowers(everybody=False)
        self._following += 1
        self._owners[owner.name] += 1

    def _release(self, owner: Owner) -> None:
        self._following -= 1
        self._owners[owner.name] -= 1
        if self._owners[owner.name] <= 0:
            del self._owners[owner.name]

    async def _channel(self, topic: Topic, view: View) -> Channel | None:
        """Return the channel of those who want it alike, made with the state of now for the first of them."""
        known = self._channels.get(topic, {}).get(view.key)
        if known is not None:
            return known
        state = self._states.get(topic)
        if state is None:
            state = (await self._read([topic])).get(topic)
        if state is None:
            return None
        newest = await view.render(state)
        while (current := self._states.setdefault(topic, state)) != state:
            # The ticker, or another first follower, has read a newer one in the meantime.
            state = current
            newest = await view.render(state)
        return self._channels.setdefault(topic, {}).setdefault(view.key, Channel(topic, view, newest))

    def leave(self, follower: Follower) -> None:
        """End a stream."""
        channel = follower.channel
        if follower not in channel.followers:
            return
        channel.followers.discard(follower)
        self._release(follower.owner)
        if channel.followers:
            return
        channels = self._channels.get(channel.topic, {})
        if channels.get(channel.view.key) is channel:
            del channels[channel.view.key]
        if not channels:
            self._channels.pop(channel.topic, None)
            self._states.pop(channel.topic, None)

    async def states(self, topic: Topic, *, owner: Owner) -> AsyncIterator[Any]:
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
        while self._channels:
            await asyncio.sleep(TICK_SECONDS)
            by_kind: dict[str, list[Topic]] = defaultdict(list)
            for topic in self._channels:
                by_kind[topic.kind].append(topic)
            all_well = [await self._look(topics) for kind, topics in by_kind.items() if self._is_due(kind)]
            if not all(all_well):
                await asyncio.sleep(TROUBLE_SECONDS)
            await self._beat()

    def _is_due(self, kind: str) -> bool:
        """Say whether things of a kind are to be read in this tick, and when the next time is."""
        now = time.monotonic()
        if now < self._look_at.get(kind, 0.0):
            return False
        # Half a tick early, so that a second is four ticks and not now and then five.
        self._look_at[kind] = now + self._paces.get(kind, TICK_SECONDS) - TICK_SECONDS / 2
        return True

    async def _look(self, topics: Sequence[Topic]) -> bool:
        """Read things of one kind and spread what changed; say whether all went well.

        A database that is away for a moment must not end every stream, and what cannot be shown holds up nothing else;
        it is tried again.
        """
        try:
            found = await self._read(topics)
        except Exception:
            log.exception("ticker_failed", kind=topics[0].kind)
            return False
        all_well = True
        for topic, state in found.items():
            before = self._states.get(topic)
            if topic not in self._channels or before == state:
                continue
            # First the state, then its spreading: whoever comes in between is shown this one.
            self._states[topic] = state
            try:
                await self._spread(topic, state)
            except Exception:
                log.exception("ticker_failed", kind=topic.kind)
                all_well = False
                if topic in self._states:
                    self._states[topic] = before
        return all_well

    async def _spread(self, topic: Topic, state: Any) -> None:
        """Encode a state once for each way it is wanted and offer it to those who follow."""
        for channel in list(self._channels.get(topic, {}).values()):
            await channel.spread(await channel.view.render(state))

    async def _beat(self) -> None:
        """Let those hear something who have heard nothing for a while."""
        late = time.monotonic() - HEARTBEAT_SECONDS
        quiet = [one for own in self._channels.values() for one in own.values() if one.spread_at <= late]
        for channel in quiet:
            await channel.beat()

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
