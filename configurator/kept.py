"""What was worked out from a large value, kept with it: found again by the value's identity, not by comparing it.

Catalogues and tables of weights never change, and comparing two of them would cost more than the work that is saved.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")
Found = TypeVar("Found")
KEPT_MAX: Final = 64


class OncePerKey(Generic[Found]):
    """A bounded memory of what was made for keys: of those who ask for a key at once one makes it and the others wait.

    Who asks for another key waits for nobody.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[Found]] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """Return what is kept for a key, made now where there is nothing; what fails is tried again by the next."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
        if not slot.found:
            with slot.lock:
                if not slot.found:
                    slot.found = [make()]
        return slot.found[0]

    def known(self, key: Hashable) -> Found | None:
        """Return what is kept for a key, without waiting for whoever makes it; None where it is not there yet."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or not slot.found:
                return None
            self._slots.move_to_end(key)
            return slot.found[0]

    def clear(self) -> None:
        """Forget everything; what is being made goes to those who wait for it already."""
        with self._lock:
            self._slots.clear()


class _Slot(Generic[Found]):
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: list[Found] = []


class Kept(Generic[Value, Found]):
    """A bounded memory of what a function found for values; the one used longest ago goes first. Threads share it."""

    def __init__(self, find: Callable[[Value], Found], *, most: int = KEPT_MAX) -> None:
        self._find = find
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[int, tuple[Value, Found]] = OrderedDict()

    def of(self, value: Value) -> Found:
        """Return what the function finds for a value; the same value is worked on once as long as it is kept."""
        key = id(value)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known[1]
        found = self._find(value)
        with self._lock:
            self._known[key] = (value, found)  # the value stays, so that nobody else gets its identity
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
