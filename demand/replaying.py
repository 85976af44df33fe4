"""Reads a record's entries one after another into a replay: what fits, and as faults what does not or cannot be read.

It needs no database, so that whoever holds an export can do it (DOMAIN section 4.11); an audit does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

UNREADABLE: Final = (KeyError, TypeError, ValueError)


class Told(Protocol):
    """An entry of a chain."""

    @property
    def sequence(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def at(self) -> datetime: ...


class Fault(Protocol):
    """Notes what of the entry in hand does not fit; the sentence goes on after "entry 7"."""

    def __call__(self, what: str, /) -> None: ...


class Replayed(Protocol):
    """What a record says so far, and what of it does not fit."""

    faults: list[str]


AnyReplay = TypeVar("AnyReplay", bound=Replayed)


def read_entries(
    replay: AnyReplay, entries: Iterable[Told], tell: Callable[[AnyReplay, Told, Fault], None]
) -> AnyReplay:
    """Let `tell` read the entries in order into a replay, and return it; an entry that cannot be read is a fault.

    The hashes are checked elsewhere (`kernel.record.verify`).
    """
    for entry in entries:

        def fault(what: str, number: int = entry.sequence) -> None:
            replay.faults.append(f"entry {number} {what}")

        try:
            tell(replay, entry, fault)
        except UNREADABLE as error:
            fault(f"({entry.kind}) cannot be read: {type(error).__name__}")
    return replay
