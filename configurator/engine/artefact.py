"""The file of a compiled formula: written aside and renamed, mapped read-only, believed only where all of it verifies.

A head says the format's version, which formula it is for and the checksum of everything; then comes how it was made, as
JSON, then the circuit's block as the kernels walk it. A formula that no compiler managed has a file without a block, so
that nobody tries again in vain.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import stat
import struct
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from configurator.engine.choosing import EngineChoice, as_json, from_json
from configurator.engine.formula import Formula

if TYPE_CHECKING:
    from configurator.engine.circuit import Circuit

MAGIC: Final = b"MUSTERcc"
VERSION: Final = 1
ORDER: Final = 0x0102_0304
"""Written as the machine writes integers, so that one of the other order reads something else."""
HEAD: Final = struct.Struct("=8sIIQQ32s32s")
"""Magic, version, order, bytes of the JSON, bytes of the block, key, checksum."""
CHECKSUM_BYTES: Final = 32
ALIGNED: Final = 64
BYTES_MAX: Final = 1 << 29
PARTIAL: Final = ".partial"
LAID_OUT_BY: Final = ("circuit.py", "reduction.py", "signatures.py")
COMPILED_BY: Final = (
    *("decomposition.py", "search_kernel.py", "elimination.py", "branching.py", "counting.py"),
    *("formula.py", "nnf.py", "d4.py", "choosing.py"),
)
"""The sources that decide what a block means and which there is: what older ones made, or found too hard, is made anew.
"""


class Unsound(Exception):
    """A file that is not believed; the text says why."""


@dataclass(frozen=True)
class Blueprint:
    """What is to be compiled: a formula, and the variables after its features and guards that weights may name."""

    formula: Formula
    named: frozenset[int] = frozenset()

    @cached_property
    def key(self) -> bytes:
        """Return what the artefact is kept under: formula, named variables, layout and compilers."""
        named = ",".join(map(str, sorted(self.named)))
        return hashlib.sha256(f"{self.formula.content_hash} {named} {_layout()}".encode()).digest()


@dataclass(frozen=True)
class Artefact:
    """What a file holds: the choice, and the circuit where one fits."""

    key: bytes
    choice: EngineChoice
    circuit: Circuit | None


@cache
def _layout() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in (*LAID_OUT_BY, *COMPILED_BY))).hexdigest()


def write_artefact(path: Path, artefact: Artefact) -> None:
    """Write a file aside, bring it to the disk, and put it in place at once; a crash leaves the old one or none."""
    content = _bytes_of(artefact)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=PARTIAL, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _bytes_of(artefact: Artefact) -> bytes:
    said = json.dumps(as_json(artefact.choice)).encode()
    block = b"" if artefact.circuit is None else artefact.circuit.block.tobytes()
    begins = HEAD.pack(MAGIC, VERSION, ORDER, len(said), len(block), artefact.key, bytes(CHECKSUM_BYTES))
    padding = bytes(-(len(begins) + len(said)) % ALIGNED)
    whole = b"".join((begins, said, padding, block))
    checksum = _checksum(whole)
    return whole[: HEAD.size - CHECKSUM_BYTES] + checksum + whole[HEAD.size :]


def _checksum(whole: bytes | mmap.mmap) -> bytes:
    """Return the SHA-256 of a file as if its own checksum were zeros."""
    view = memoryview(whole)
    found = hashlib.sha256(view[: HEAD.size - CHECKSUM_BYTES])
    found.update(bytes(CHECKSUM_BYTES))
    found.update(view[HEAD.size :])
    return found.digest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_artefact(path: Path, key: bytes) -> Artefact:
    """Map a file and believe it; raises Unsound where anything about it is not as it should be, and OSError."""
    mapped = _mapped(path)
    magic, version, order, said_bytes, block_bytes, found_key, checksum = HEAD.unpack_from(mapped)
    if (magic, version, order) != (MAGIC, VERSION, ORDER):
        raise Unsound("of another kind, version or machine")
    if found_key != key:
        raise Unsound("of another formula")
    block_begins = HEAD.size + said_bytes + -(HEAD.size + said_bytes) % ALIGNED
    if len(mapped) != block_begins + block_bytes or block_bytes % 4:
        raise Unsound("of another length")
    if _checksum(mapped) != checksum:
        raise Unsound("damaged")
    try:
        choice = from_json(json.loads(mapped[HEAD.size : HEAD.size + said_bytes]))
    except (ValueError, KeyError, TypeError, IndexError):
        raise Unsound("says nothing of how it was made") from None
    return Artefact(key, choice, _circuit(mapped, block_begins) if block_bytes else None)


def _mapped(path: Path) -> mmap.mmap:
    """Map a plain file that nobody but its owner (us, or root) can write to."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not is_ours(found):
            raise Unsound("not a file of ours alone")
        if not HEAD.size <= found.st_size <= BYTES_MAX:
            raise Unsound("of an impossible length")
        return mmap.mmap(descriptor, found.st_size, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)


def is_ours(found: os.stat_result) -> bool:
    """Say whether a file or folder belongs to us or root, and others cannot write to it."""
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _circuit(mapped: mmap.mmap, begins: int) -> Circuit:
    import numpy as np

    from configurator.engine.circuit import Circuit
    from configurator.engine.soundness import is_sound

    block = np.frombuffer(mapped, np.int32, offset=begins)
    if not is_sound(block):
        raise Unsound("no circuit")
    return Circuit(block)
