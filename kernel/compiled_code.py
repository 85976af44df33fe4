"""Where numba keeps the machine code of some sources, so that none is ever run that was made from others.

Machine code has the numbers and the functions of other files inside it (where a section of a block begins, say), while
numba asks only a function's own file whether that has changed. So code of one set of sources lies in a folder that is
named after all they say.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "compiled-"
DIGITS: Final = 16
FOLDER: Final = "NUMBA_CACHE_DIR"
"""numba's own variable for where to keep what it compiles; it counts here as well."""
IN_USE_SECONDS: Final = 2 * 86_400
"""A process of an older version may still be writing; its folder is left alone for so long."""
_naming = threading.Lock()


def digest_of(sources: Iterable[Path]) -> str:
    """Return a hash (hexadecimal) of what the sources say, in whatever order they are named; raises OSError."""
    whole = hashlib.sha256()
    for path in sorted(sources):
        content = path.read_bytes()
        whole.update(f"{path.name} {len(content)}\n".encode() + content)
    return whole.hexdigest()


@contextmanager
def kept_for(sources: Iterable[Path]) -> Iterator[None]:
    """Let the functions that are handed to numba meanwhile be kept for just these sources; to be used around `njit`.

    They lie beside the first source, where that may be written, else in the user's cache folder. Where neither is to be
    had numba looks for a place by itself. What lay there of other sources for days is removed.
    """
    import numba

    settings: Any = numba.config  # numba makes its settings' names when it is imported
    named = list(sources)
    with _naming:
        before = settings.CACHE_DIR
        place = _place(named, before)
        if place is not None:
            settings.CACHE_DIR = str(place)
        try:
            yield
        finally:
            settings.CACHE_DIR = before


def _place(sources: list[Path], asked_for: str) -> Path | None:
    name = PREFIX + digest_of(sources)[:DIGITS]
    folder = sources[0].resolve().parent
    own = hashlib.sha256(str(folder).encode()).hexdigest()[:DIGITS]
    homes = [Path(asked_for) / own] if asked_for else [folder / "__pycache__"]
    if not asked_for and (caches := _users_caches()) is not None:
        homes.append(caches / "muster" / own)
    for home in homes:
        if _is_ready(home / name):
            return home / name
    return None


def _users_caches() -> Path | None:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # somebody without a home
        return None


def _is_ready(place: Path) -> bool:
    """Make a place that can be written to; one that is new takes the room of those of other sources."""
    try:
        if not place.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            for other in place.parent.glob(f"{PREFIX}*"):
                with suppress(FileNotFoundError):  # somebody else was quicker
                    if other != place and time.time() - other.stat().st_mtime > IN_USE_SECONDS:
                        shutil.rmtree(other, ignore_errors=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False
