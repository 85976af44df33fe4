"""Compiles the engine's kernels with numba, once for each machine: the machine code is kept on disk.

Every kernel names its types, so it is compiled (or read from disk) when its module is imported and never while a user
waits. numba keeps the code beside the source or, where that is read-only, in the user's cache folder, under the
source's time stamp and the processor's name; several processes may write at once, the last one stays. A kernel calls
only kernels of its own file, because numba looks at no other file's stamp. Without numba the same functions run
as plain Python: as exact, and slow.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

ANSWERING: Final = ("configurator.engine.kernels", "configurator.engine.passes")
"""The modules whose kernels answer questions."""
COMPILING: Final = ("configurator.engine.search_kernel",)
"""Those of our own compiler, which works in a process of its own."""
_LOG: Final = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

try:
    from numba import njit
except ImportError:  # numba is made for neither every system nor every Python
    COMPILED = False
else:
    COMPILED = True


def kernel(signature: str) -> Callable[[_Function], _Function]:
    """Compile a function for one signature, without the interpreter's lock; it may allocate no memory."""

    def compiled(function: _Function) -> _Function:
        if not COMPILED:
            return function
        try:
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
