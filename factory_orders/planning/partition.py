"""How many batches a plant's waiting orders make, and how large; the simple method: as few and as even as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
NONE: Final[tuple[int, ...]] = ()


def batch_sizes(waiting: int, *, smallest: int, largest: int) -> tuple[int, ...]:
    """Return sizes within the plant's limits that add up to `waiting`, or nothing where no such sizes exist.

    With k batches the sizes are even; some k works exactly when k·smallest ≤ waiting ≤ k·largest.
    """
    assert 1 <= smallest <= largest
    if waiting < 1:
        return NONE
    batches = -(-waiting // largest)
    if batches * smallest > waiting:
        return NONE
    size, larger = divmod(waiting, batches)
    return tuple(size + (index < larger) for index in range(batches))


def cut(items: Sequence[T], sizes: Sequence[int]) -> list[tuple[T, ...]]:
    """Cut a list into consecutive parts of these sizes."""
    assert sum(sizes) == len(items)
    parts, start = [], 0
    for size in sizes:
        parts.append(tuple(items[start : start + size]))
        start += size
    return parts
