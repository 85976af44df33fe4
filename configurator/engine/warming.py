"""Compiles the kernels ahead, in a process of its own, so that nobody waits for numba, and nobody else imports it.

What comes of it is an image of machine code beside the artefacts, which says for which sources, versions and processor.
Where no image can be made (or a process of its own cannot bind it) it holds none, and numba's cache has to do.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from configurator.engine import jit
from configurator.engine.artefact import PARTIAL
from configurator.engine.choosing import has_kernels
from configurator.engine.machine_code import Image, NotThatImage
from configurator.engine.shelf import Shelf
from kernel.compiled_code import digest_of

NAME: Final = "kernels"
SUFFIX: Final = ".image"
ENGINE: Final = Path(__file__).parent
MAKERS: Final = ("emitting", "machine_code")
"""The sources that decide how an image is made and read."""
MARK: Final = "\n@kernel("
NICENESS: Final = 10
PROCESSOR: Final = Path("/proc/cpuinfo")
CHANGED: Final = (AssertionError, AttributeError, ImportError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""How it shows that a version of numba is built otherwise inside than those that are known."""
_LOG: Final = logging.getLogger(__name__)


def kernel_modules() -> tuple[str, ...]:
    """Return the names of the modules that hold kernels."""
    found = (path.stem for path in sorted(ENGINE.glob("*.py")) if MARK in path.read_text(encoding="utf-8"))
    return tuple(f"{__package__}.{name}" for name in found)


def image_of(shelf: Shelf) -> Image | None:
    """Return the image for these sources, these versions and this processor; None where there is none to be believed.

    One without kernels says that numba's cache is filled and no image can be bound here.
    """
    try:
        found = Image.read(_path(shelf))
    except (NotThatImage, OSError):
        return None
    return found if found.made_for == _fingerprint() else None


def is_warm(shelf: Shelf) -> bool:
    """Say whether the kernels are compiled for these sources, these versions and this processor."""
    return image_of(shelf) is not None


def bind(shelf: Shelf) -> bool:
    """Let this process answer with the kernels that were compiled ahead; False where there are none."""
    image = image_of(shelf)
    if image is not None:
        jit.bind(image, path=_path(shelf))
    return image is not None


def warm(shelf: Shelf) -> bool:
    """Compile the kernels where they are not, in a child; of several processes one does. False where it cannot be."""
    child = begin_to_warm(shelf)
    if child is not None:
        child.wait()
    return has_kernels() and is_warm(shelf)


def begin_to_warm(shelf: Shelf) -> subprocess.Popen[bytes] | None:
    """Start a child that compiles the kernels, or waits for one that does; None where there is nothing to compile."""
    if not has_kernels() or is_warm(shelf):
        return None
    path = os.pathsep.join(filter(None, (str(ENGINE.parents[1]), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", "configurator.engine.warming", str(shelf.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _path(shelf: Shelf) -> Path:
    return shelf.folder / f"{NAME}{SUFFIX}"


def _fingerprint() -> str:
    """Return what the machine code depends on: sources, versions, processor."""
    parts = [sys.version, version("numba"), version("llvmlite"), version("numpy"), platform.machine(), _processor()]
    parts.append(digest_of([*jit.sources(), *(ENGINE / f"{name}.py" for name in MAKERS)]))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _processor() -> str:
    try:
        lines = PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))


def _main(folder: str) -> int:
    from configurator.engine.child import end_with_parent

    os.nice(NICENESS)
    end_with_parent()
    shelf = Shelf(Path(folder))
    with shelf.making(NAME):
        if not is_warm(shelf):
            _compile(shelf)
    return 0


def _compile(shelf: Shelf) -> None:
    """Import every kernel, which compiles it or finds it compiled, and put them all into an image that is tried out."""
    modules = [importlib.import_module(name) for name in kernel_modules()]
    try:
        from configurator.engine.emitting import made

        image = made(modules, _fingerprint())
    except CHANGED:
        _LOG.exception("no image of the kernels can be made here; each process loads them by numba")
        image = Image(_fingerprint(), {}, b"")
    with tempfile.NamedTemporaryFile(prefix=f"{NAME}.", suffix=PARTIAL, dir=shelf.folder, delete=False) as file:
        aside = Path(file.name)
        aside.write_bytes(image.written())
        if image.kernels and not _can_be_bound(aside):
            _LOG.warning("the image of the kernels cannot be bound here; each process loads them by numba")
            aside.write_bytes(Image(image.made_for, {}, b"").written())
        aside.replace(_path(shelf))


def _can_be_bound(path: Path) -> bool:
    """Let a process of its own bind an image and answer with it: LLVM ends one in which it does not succeed."""
    command = [sys.executable, "-m", "configurator.engine.warming", "--try", str(path)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode == 0


def _try(path: str) -> int:
    """Bind an image, and ask one kernel something of which the answer is known."""
    import numpy as np

    jit.bind(Image.read(Path(path)))
    from configurator.engine import search_kernel

    keys = np.array([3, 30, 1, 10, 2, 20], dtype=np.uint64)
    search_kernel.sort_pairs(keys, 3)
    return int(keys.tolist() != [1, 10, 2, 20, 3, 30])


if __name__ == "__main__":
    sys.exit(_try(sys.argv[2]) if sys.argv[1] == "--try" else _main(sys.argv[1]))
