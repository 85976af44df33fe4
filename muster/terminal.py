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
# The headings under which `--help` lists the commands.
TO_TRY: Final = "To try it"
TO_RUN: Final = "To run it"
TO_LOOK_AFTER_IT: Final = "To look after it"
TO_PLAN: Final = "To say what can be built"
TO_WORK_ON_IT: Final = "To work on it"
# A line stays one line however narrow the screen is, so that `file:line` can be searched for and piped on.
out = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


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
