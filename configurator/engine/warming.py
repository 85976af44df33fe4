"""Fills numba's cache of compiled kernels ahead, in a process of its own, so that nobody waits for its compiler.

A stamp beside the artefacts says for which sources, versions and processor that was done, and which files it left.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from configurator.engine.choosing import has_kernels
from configurator.engine.shelf import Shelf

NAME: Final = "kernels"
ENGINE: Final = Path(__file__).parent
MARK: Final = "\n@kernel("
NICENESS: Final = 10
PROCESSOR: Final = Path("/proc/cpuinfo")


def kernel_modules() -> tuple[str, ...]:
    """Return the names of the modules that hold kernels."""
    found = (path.stem for path in sorted(ENGINE.glob("*.py")) if MARK in path.read_text(encoding="utf-8"))
    return tuple(f"{__package__}.{name}" for name in found)


def is_warm(shelf: Shelf) -> bool:
    """Say whether numba will find every kernel compiled for these sources, these versions and this processor."""
    try:
        stamp = json.loads(_stamp(shelf).read_text(encoding="utf-8"))
        return bool(stamp["for"] == _fingerprint() and stamp["files"] and all(map(os.path.exists, stamp["files"])))
    except (OSError, ValueError, KeyError, TypeError):
        return False


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


def _stamp(shelf: Shelf) -> Path:
    return shelf.folder / f"{NAME}.json"


def _fingerprint() -> str:
    """Return what numba's own cache depends on: sources, versions, processor."""
    parts = [sys.version, version("numba"), version("llvmlite"), platform.machine(), _processor()]
    for name in kernel_modules():
        path = ENGINE / f"{name.rpartition('.')[2]}.py"
        found = path.stat()
        parts += [str(path), str(found.st_mtime), str(found.st_size)]
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
    """Import every kernel, which compiles it or finds it compiled, and write the stamp."""
    files: set[str] = set()
    for name in kernel_modules():
        module = importlib.import_module(name)
        for one in vars(module).values():
            cached = getattr(getattr(one, "stats", None), "cache_path", None)
            if cached:
                files |= {str(path) for path in Path(cached).glob(f"{name.rpartition('.')[2]}.*.nbi")}
    stamp = json.dumps({"for": _fingerprint(), "files": sorted(files)})
    aside = _stamp(shelf).with_suffix(f".{os.getpid()}.partial")
    aside.write_text(stamp, encoding="utf-8")
    aside.replace(_stamp(shelf))


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
