"""The door to the compiler: kernels keep their Python types, are cached on disk, and let other threads run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def kernel(function: Kernel) -> Kernel:
    """Compile a function on its first call and keep the result beside its source."""
    return cast(Kernel, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


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
