"""The folder in which artefacts are kept: one file for each key, one maker at a time, a bounded number of bytes.

Any number of processes share it. A lock belongs to an open file of a process, so it ends with that one in any case.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from configurator.engine.artefact import PARTIAL, Artefact, Unsound, is_ours, read_artefact, write_artefact

_LOG: Final = logging.getLogger(__name__)
SUFFIX: Final = ".circuit"
LOCK: Final = ".lock"
MEGABYTES_DEFAULT: Final = 256
ABANDONED_SECONDS: Final = 3_600
"""A file that was written aside and is so old has no writer any more."""


class Shelf:
    """A folder of artefacts; what does not verify counts as absent.

    Where we cannot write to the folder, or others can, artefacts are kept for the life of the process only.
    """

    def __init__(self, folder: Path, *, megabytes_max: int = MEGABYTES_DEFAULT) -> None:
        if not _is_private(folder):
            folder = Path(tempfile.mkdtemp(prefix="muster-circuits-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.folder = folder
        self._bytes_max = megabytes_max << 20

    def path(self, key: bytes) -> Path:
        """Return where the artefact of a key is or would be."""
        return self.folder / f"{key.hex()}{SUFFIX}"

    def find(self, key: bytes) -> Artefact | None:
        """Return the artefact of a key, verified; None where there is none or it is not believed."""
        path = self.path(key)
        try:
            found = read_artefact(path, key)
        except FileNotFoundError:
            return None
        except (Unsound, OSError) as error:
            _LOG.warning("the compiled rules in %s are not used and will be made anew: %s", path.name, error)
            return None
        with suppress(OSError):
            os.utime(path)  # what was used last is thrown away last
        return found

    def put(self, artefact: Artefact) -> None:
        """Keep an artefact, and throw away the ones that were used longest ago where there are too many bytes."""
        path = self.path(artefact.key)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()  # only a foreign hand makes one; an empty one is no loss
        write_artefact(path, artefact)
        self.clean(kept=path)

    @contextmanager
    def making(self, name: str, *, waits: bool = True) -> Iterator[bool]:
        """Be the only one, of all processes, that makes something of this name; False where another one does."""
        descriptor = os.open(
            self.folder / f"{name}{LOCK}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)  # the file stays: one that was unlinked could be locked twice

    def clean(self, *, kept: Path | None = None) -> None:
        """Throw away what crashes left behind, and the artefacts used longest ago beyond the number of bytes."""
        files = []
        for path in self.folder.iterdir():
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if path.name.endswith(PARTIAL) and time.time() - found.st_mtime > ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
            elif path.name.endswith(SUFFIX):
                files.append((found.st_mtime, found.st_size, path))
        held = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if held <= self._bytes_max:
                break
            if path != kept:
                with suppress(OSError):
                    path.unlink(missing_ok=True)  # whoever has mapped it goes on with it
                held -= size


def _is_private(folder: Path) -> bool:
    """Make the folder where it is missing, and say whether we, and nobody else but root, can write to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_ours(folder.stat()) and os.access(folder, os.W_OK | os.X_OK):
            return True
        reason = "others may write to it, or we may not"
    except OSError as error:
        reason = str(error)
    _LOG.warning("compiled rules are not kept in %s: %s", folder, reason)
    return False
