"""The door to the compiler: kernels keep their Python types, are cached on disk, and let other threads run.

Kernels call each other over several files, while numba asks only the caller's own file whether its cache is stale; so
all that is cached here goes when any of these files has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import types
from numba.core.options import DefaultOptions
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., object])
# Without it the small kernels stay calls, and the search takes three times as long; older releases do not know it.
INLINED: Final[dict[str, Any]] = {"forceinline": True} if hasattr(DefaultOptions, "forceinline") else {}


def _forget_stale() -> None:
    """Remove what was compiled from other sources than these."""
    folder = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    digest, stamp = hashlib.sha256(sources).hexdigest(), folder / "__pycache__" / "kernels.stamp"
    try:
        if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
            return
        stamp.parent.mkdir(exist_ok=True)
        for index in stamp.parent.glob("*.nbi"):
            index.unlink(missing_ok=True)
        stamp.write_text(digest, encoding="utf-8")
    except OSError:
        # An installation that nobody may write to does not change either.
        return


_forget_stale()


def kernel(function: Kernel) -> Kernel:
    """Compile a function on its first call and keep the result on disk, where a folder can be found for it."""
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy", **INLINED)(function)
    except RuntimeError:
        compiled = numba.njit(nogil=True, error_model="numpy", **INLINED)(function)
    return cast(Kernel, compiled)


# Numba asks for exactly these two arguments, and its types have no names of their own.
def _count_ones(_context: Any, _word: Any) -> Any:
    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), build


def _lowest_one(_context: Any, _word: Any) -> Any:
    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.int64), build


count_ones = cast(Callable[[int], int], intrinsic(_count_ones))
"""Return how many bits of a 64-bit word are set; one machine instruction, for kernels only."""
lowest_one = cast(Callable[[int], int], intrinsic(_lowest_one))
"""Return the place of the lowest bit that is set; undefined for zero; for kernels only."""
