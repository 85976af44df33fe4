"""What every command of the command line shares: exit codes, the two consoles, settings and progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from muster.settings import Settings, read_settings

REFUSED: Final = 1
BROKEN: Final = 2
out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def settings() -> Settings:
    """Read the settings of this process; raises SettingError."""
    return read_settings(os.environ)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show that something runs: a spinner where somebody looks, one line where nobody does."""
    if out.is_terminal:
        with out.status(text):
            yield
    else:
        out.print(text)
        yield
