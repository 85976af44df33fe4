"""The kernels as one object of machine code, which a process binds without numba: far less memory, and at once.

A child that has numba makes it (`emitting`); whoever answers or compiles reads it (`Image.read`) and binds it (`Bound`)
with the linker that LLVM brings along. Each function takes numpy's arrays as they are and finds their numbers itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import mmap
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

MAGIC: Final = b"MUSTERkk"
BYTES_MAX: Final = 1 << 24
UNUSED: Final = ("NRT_MemInfo_call_dtor",)
"""What numba's counters of references call at zero; it owns none of our arrays, so none gets there."""
ARRAY: Final = "array"
RESULTS: Final = {"void": None, "boolean": ctypes.c_bool, "int64": ctypes.c_int64, "uint64": ctypes.c_uint64}
NUMBERS: Final = {"int64": ctypes.c_int64, "uint64": ctypes.c_uint64}
LINKER: Final = "libllvmlite"
MAPPED: Final = Path("/proc/self/maps")
Argument: TypeAlias = "str | int"
"""The name of a number's type, ARRAY, or how many arrays a tuple has."""


class NotThatImage(Exception):
    """A file that is not used; the text says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """Machine code with, by kernel ("module.name"), what each takes and what it returns; of none where it cannot be."""

    made_for: str
    kernels: Mapping[str, tuple[tuple[Argument, ...], str]]
    code: bytes

    def written(self) -> bytes:
        """Return the bytes of a file: magic, checksum, a line of JSON, machine code."""
        said = json.dumps({"for": self.made_for, "kernels": self.kernels}).encode()
        rest = said + b"\n" + self.code
        return MAGIC + hashlib.sha256(rest).digest() + rest

    @staticmethod
    def read(path: Path) -> Image:
        """Read a file that nobody but its owner (us, or root) can write to; raises NotThatImage, and OSError."""
        whole = _content(path)
        checksum, rest = whole[len(MAGIC) : len(MAGIC) + 32], whole[len(MAGIC) + 32 :]
        if whole[: len(MAGIC)] != MAGIC or hashlib.sha256(rest).digest() != checksum:
            raise NotThatImage("of another kind, or damaged")
        said, _, code = rest.partition(b"\n")
        try:
            found = json.loads(said)
            kernels = {str(name): (tuple(takes), str(gives)) for name, (takes, gives) in found["kernels"].items()}
            return Image(str(found["for"]), kernels, code)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NotThatImage("says nothing of what it holds") from None


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        is_private = found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISREG(found.st_mode) or not is_private or found.st_size > BYTES_MAX:
            raise NotThatImage("not a file of ours alone")
        return file.read()


# --- binding ---------------------------------------------------------------------------------------------------------


class Bound:
    """An image's kernels in this process; they let go of the interpreter's lock, as numba's do."""

    def __init__(self, image: Image) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        for name in UNUSED:
            llvm.add_symbol(name, ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value)
        machine = llvm.Target.from_default_triple().create_target_machine()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)  # the code lives as long as this
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(image.code))
        self._engine.finalize_object()
        self._kernels = {name: self._callable(name, *types) for name, types in image.kernels.items()}
        _give_back_code_of(LINKER)

    def get(self, name: str) -> Callable[..., Any] | None:
        """Return a kernel by "module.name"; None where the image has it not."""
        return self._kernels.get(name)

    def _callable(self, name: str, takes: Sequence[Argument], gives: str) -> Callable[..., Any]:
        types: list[type[ctypes._SimpleCData[Any]]] = []
        for one in takes:
            if isinstance(one, int):
                types += [ctypes.py_object] * one
            else:
                types.append(NUMBERS.get(one, ctypes.py_object))
        code = ctypes.CFUNCTYPE(RESULTS[gives], *types)(self._engine.get_function_address(name))
        if not any(isinstance(one, int) for one in takes):
            return code

        def with_tuples(*given: Any) -> Any:
            flat: list[Any] = []
            for one, value in zip(takes, given, strict=True):
                flat += value if isinstance(one, int) else [value]
            return code(*flat)

        return with_tuples


def _give_back_code_of(library: str) -> None:
    """Give back the memory in which a library's code stands; whoever calls it reads it from its file again.

    LLVM's is 60 MB, and nobody needs it once the kernels are bound. Only code, which nothing was written to, and only
    where Linux says what is mapped where.
    """
    try:
        lines = MAPPED.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    advise = ctypes.CDLL(None).madvise
    for place, rights, *_, file in (line.split(maxsplit=5) for line in lines if library in line):
        if rights == "r-xp" and Path(file).name.startswith(library):
            begin, end = (int(one, 16) for one in place.split("-"))
            advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED)
