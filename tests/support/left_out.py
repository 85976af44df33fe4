"""What this run could not test, by name and reason: shown loudly above the last line."""

from __future__ import annotations

LEFT_OUT: dict[str, str] = {}


def leave_out(name: str, reason: str) -> None:
    """Tell that something was left out; the same name twice is told once."""
    LEFT_OUT[name] = reason
