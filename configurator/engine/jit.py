"""Compiles the engine's kernels with numba, once for each machine: the machine code is kept on disk.

Every kernel names its types, so it is compiled (or read from disk) when its module is imported and never while a user
waits. numba keeps the code beside the source or, where that is read-only, in the user's cache folder, for what all the
kernels' sources say (`kernel.compiled_code`) and under the processor's name. Of several processes that want a kernel at
once one compiles it and the others read what it wrote: whoever compiles holds a lock on the kernel's source. A kernel
calls only kernels of its own file. Without numba the same functions run as plain Python: as exact, and slow. A process
that answers binds the kernels' image instead (`bind`), and never imports numba at all.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from kernel.compiled_code import kept_for

if TYPE_CHECKING:
    from configurator.engine.machine_code import Bound, Image

ANSWERING: Final = ("configurator.engine.kernels", "configurator.engine.passes")
"""The modules whose kernels answer questions."""
COMPILING: Final = ("configurator.engine.search_kernel",)
"""Those of our own compiler, which works in a process of its own."""
LAYING_OUT: Final = ("configurator.engine.circuit", "configurator.engine.workspace", "configurator.engine.reduction")
"""The modules whose numbers are in the kernels' machine code."""
_LOG: Final = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

COMPILED: Final = importlib.util.find_spec("numba") is not None
"""numba is made for neither every system nor every Python."""
_bound: Bound | None = None
_found_in: Path | None = None


def found_in() -> Path | None:
    """Return the file of the image whose kernels this process has, for children that may have them too."""
    return _found_in


def bind(image: Image, *, path: Path | None = None) -> None:
    """Let the kernels that are imported from now on be those of an image, as far as it has them."""
    global _bound, _found_in
    if _bound is None and image.kernels and not any(name in sys.modules for name in (*ANSWERING, *COMPILING)):
        from configurator.engine.machine_code import Bound

        _bound, _found_in = Bound(image), path


def sources() -> list[Path]:
    """Return the files that the kernels are made from."""
    modules = (*ANSWERING, *COMPILING, *LAYING_OUT, __name__)
    return [Path(__file__).with_name(f"{name.rpartition('.')[2]}.py") for name in modules]


@contextmanager
def _alone_with(source: str) -> Iterator[None]:
    """Be the only process that compiles kernels of a source; where that cannot be had, go on all the same."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # some file systems know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def kernel(signature: str) -> Callable[[_Function], _Function]:
    """Compile a function for one signature, without the interpreter's lock; it may allocate no memory."""

    def compiled(function: _Function) -> _Function:
        found = _bound.get(f"{function.__module__}.{function.__name__}") if _bound is not None else None
        if found is not None:
            return cast("_Function", found)
        if not COMPILED:
            return function
        from numba import njit

        try:
            with _alone_with(function.__code__.co_filename), kept_for(sources()):
                return cast("_Function", njit(signature, cache=True, nogil=True)(function))
        except RuntimeError as failure:  # numba found no folder that it may write to
            _LOG.warning("the engine's kernels are compiled anew in each process: %s", failure)
            return cast("_Function", njit(signature, nogil=True)(function))

    return compiled


def warm(*, compiler: bool = False) -> bool:
    """Read every kernel that answers questions from the disk, or compile it there first; say whether that is possible.

    What serves calls this before it lets anybody in, so that no user waits for numba; a second call does nothing.
    With `compiler` those of our own compiler too: for a set-up, so that the first compilation takes no longer.
    """
    for module in (*ANSWERING, *(COMPILING if compiler else ())):
        importlib.import_module(module)
    return COMPILED
