"""Says whether what a benchmark was to reach was reached; what a run cannot judge is neither reached nor missed."""

from __future__ import annotations

from typing import Final

WORDS: Final = {True: "yes", False: "**no**", None: "not judged"}


def cells_of(to_reach: str, reached: bool | None) -> str:
    """Return the two last cells of a row: what was to be reached, and whether it was (None: this run cannot tell)."""
    return f"{to_reach} | {WORDS[reached]}"


def every(*judged: bool | None) -> bool | None:
    """Return False where something was missed, None where nothing was and something was not judged, else True."""
    if False in judged:
        return False
    return None if None in judged else True
