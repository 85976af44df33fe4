"""What every command of the command line shares: exit codes, the two consoles, settings and progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from muster.settings import Settings, read_settings

if TYPE_CHECKING:
    from rich.progress import TaskID

REFUSED: Final = 1
BROKEN: Final = 2
SECONDS_BETWEEN_LINES: Final = 2.0
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


class FileTrouble(Exception):
    """A file that a command was told to write or read cannot be; the text is one line."""


@contextmanager
def on_file(path: Path) -> Iterator[None]:
    """Tell what the system has against a file in one line: no folder, no permission, no room. Raises FileTrouble."""
    try:
        yield
    except FileNotFoundError as error:
        if not path.parent.is_dir():  # The file that failed may be one beside it, which nobody wrote.
            raise FileTrouble(f"{path.parent}: there is no such folder; make it, or correct the path") from None
        raise FileTrouble(f"{error.filename or path}: {error.strerror}") from None
    except FileExistsError:
        raise
    except OSError as error:
        raise FileTrouble(f"{error.filename or path}: {error.strerror or type(error).__name__}") from None


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show that something runs: a spinner where somebody looks, one line where nobody does."""
    if out.is_terminal:
        with out.status(text):
            yield
    else:
        out.print(text)
        yield


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far the stages of something are: bars where somebody looks, else a line every two seconds beside the
    output, so that whoever waits sees that it goes on."""
    from rich.progress import Progress

    if not errors.is_terminal:
        yield _LinesNowAndThen()
        return
    with Progress(console=errors, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield told


class _LinesNowAndThen:
    """Writes how far a stage is, but not before two seconds, nor more often, and never of nothing."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if total and now - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = now
            errors.print(f"… {stage}, {done:,} of {total:,} done", markup=False)
