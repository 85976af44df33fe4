"""The door to the compiler: kernels keep their Python types, are cached on disk, and let other threads run.

Kernels call each other over several files, so what is kept on disk is kept for all of these files and those beside the
kernel's own (`kernel.compiled_code`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import types
from numba.core.options import DefaultOptions
from numba.extending import intrinsic

from kernel.compiled_code import kept_for

Kernel = TypeVar("Kernel", bound=Callable[..., object])
# Without it the small kernels stay calls, and the search takes three times as long; older releases do not know it.
INLINED: Final[dict[str, Any]] = {"forceinline": True} if hasattr(DefaultOptions, "forceinline") else {}


@lru_cache
def _sources(folder: Path) -> tuple[Path, ...]:
    """Return the files that a kernel in a folder may be made from, those of its own folder first."""
    own, line = sorted(folder.glob("*.py")), sorted(Path(__file__).parent.glob("*.py"))
    return tuple(dict.fromkeys([*own, *line]))


def kernel(function: Kernel) -> Kernel:
    """Compile a function on its first call and keep the result on disk, where a folder can be found for it."""
    with kept_for(_sources(Path(function.__code__.co_filename).parent)):
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
