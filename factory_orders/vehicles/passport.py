"""The car's passport: what happened to it from paint on, as links of one hash chain; newness follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from factory_orders.vehicles.model import Newness, descend

WORDS = {newness.word: newness for newness in Newness}


@dataclass(frozen=True, slots=True)
class PassportEntry:
    """One link as a reader sees it; `at` is the reporter's clock, `written_at` ours."""

    sequence: int
    kind: str
    at: datetime
    written_at: datetime
    newness: Newness
    facts: dict[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Passport:
    """A car's whole story; `verified` says that every link fits the one before it."""

    vin: str
    newness: Newness
    entries: tuple[PassportEntry, ...]
    verified: bool


def chain_of(vin: str) -> str:
    """Name a car's chain."""
    return f"vin:{vin}"


def newness_of(entries: Iterable[PassportEntry]) -> Newness:
    """Derive how new a car is from its story: the lowest rung it ever stood on."""
    newness = Newness.NEW
    for entry in entries:
        newness = descend(newness, entry.newness)
    return newness
