"""Answers that are the same for everybody, kept as bytes under what they depend on; a new version makes new keys.

What they depend on (a catalogue version, the registry) is asked of the database at most twice a second and process.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from configurator import queries
from configurator.errors import VersionNotInForce
from graph.services import Threads
from kernel import registry
from kernel.actor import Actor
from kernel.belief import Belief
from kernel.ids import BrandId
from kernel.work import Work, Works

ANSWERS_MAX: Final = 4_000
BYTES_MAX: Final = 16 * 1024 * 1024
STAMP_SECONDS: Final = 1.0
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's bytes and the tag by which a client asks whether it has changed."""

    body: bytes
    tag: str


class KeptAnswers:
    """A bounded store of answers and the words they are kept under; the one used longest ago goes first."""

    def __init__(self, *, bytes_max: int = BYTES_MAX) -> None:
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._bytes_max = bytes_max

    def find(self, key: Key) -> Answer | None:
        """Return what is kept under a key."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def keep(self, key: Key, body: bytes) -> Answer:
        """Keep an answer."""
        answer = Answer(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        old = self._answers.pop(key, None)
        self._bytes += _size(key, answer) - (_size(key, old) if old is not None else 0)
        self._answers[key] = answer
        while self._bytes > self._bytes_max or len(self._answers) > ANSWERS_MAX:
            self._bytes -= _size(*self._answers.popitem(last=False))
        return answer


def _size(key: Key, answer: Answer) -> int:
    return sum(map(len, key)) + len(answer.body)


def registry_stamp(work: Work) -> str:
    """Return a word that changes when a brand's name, regions, stores or plants do."""
    parts = (
        registry.own_brand(work),
        registry.list_regions(work),
        registry.list_stores(work),
        registry.list_plants(work),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def catalogue_stamp(work: Work) -> str:
    """Return a word that changes when another catalogue version comes into force, and with the day."""
    day = queries.local_day(work)
    try:
        version, _ = queries.version_in_force(work, day)
    except VersionNotInForce:
        return f"none:{day}"
    return f"{version.id}:{day}"


def schema_stamp(_work: Work) -> str:
    """Return a word that never changes: introspection is the same as long as the process lives."""
    return "schema"


STAMPS: Final[Mapping[str, Callable[[Work], str]]] = {
    "registry": registry_stamp,
    "catalogue": catalogue_stamp,
    "schema": schema_stamp,
}


class Stamps:
    """What answers depend on, remembered for a second."""

    def __init__(self, works: Works, threads: Threads) -> None:
        self._works = works
        self._threads = threads
        self._known: dict[tuple[str, str], Belief[str]] = {}

    async def stamp(self, kept_by: str, brand_id: BrandId) -> str:
        """Return the version of what answers of this kind depend on."""
        found = self._known.get((kept_by, brand_id))
        if found is not None and found.is_at_hand(STAMP_SECONDS):
            return found.value
        now = time.monotonic()
        word = await self._threads.run(self._read, kept_by, brand_id)
        self._known[kept_by, brand_id] = Belief(word, now)
        return word

    def forget(self) -> None:
        """Ask the database again at the next use."""
        self._known.clear()

    def _read(self, kept_by: str, brand_id: BrandId) -> str:
        with self._works.read(Actor(brand_id)) as work:
            return STAMPS[kept_by](work)
