"""Nobody waits for numba: a child makes an image of the kernels, which says for what it is, and others only bind it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from configurator.engine import jit, machine_code, warming
from configurator.engine.machine_code import MAGIC, Image
from configurator.engine.shelf import Shelf
from configurator.engine.warming import begin_to_warm, image_of, is_warm, kernel_modules, warm

BIND: Final = """
import sys
from pathlib import Path
from configurator.engine import jit, warming
from configurator.engine.shelf import Shelf

print(warming.bind(Shelf(Path(sys.argv[1]))), jit.warm(compiler=True), "numba" in sys.modules)
from configurator.engine import kernels, passes, search_kernel
print(*(type(one).__name__ for one in (kernels.decide, passes.weigh, search_kernel.split)))
"""


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("warmed") / "circuits")
    assert not is_warm(shelf)
    assert warm(shelf)
    return shelf


def image_file(shelf: Shelf) -> Path:
    return shelf.folder / "kernels.image"


RESIDENT: Final = """
import sys
from pathlib import Path
from configurator.engine import warming
from configurator.engine.shelf import Shelf

def code_kb():
    kb, is_code = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line[0] in "0123456789abcdef":
            is_code = "libllvmlite" in line and " r-xp " in line
        elif is_code and line.startswith("Rss:"):
            kb += int(line.split()[1])
    return kb

import llvmlite.binding
before = code_kb()
warming.bind(Shelf(Path(sys.argv[1])))
print(before, code_kb())
"""


def bound_in_a_process(shelf: Shelf, script: str = BIND) -> list[str]:
    command = [sys.executable, "-c", script, str(shelf.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()


def test_the_modules_with_kernels_are_found_without_importing_them() -> None:
    assert set(kernel_modules()) == {*jit.ANSWERING, *jit.COMPILING}


def test_what_is_compiled_is_not_compiled_again(warmed: Shelf) -> None:
    assert is_warm(warmed)
    assert begin_to_warm(warmed) is None


def test_a_process_binds_the_image_and_never_imports_numba(warmed: Shelf) -> None:
    assert bound_in_a_process(warmed) == ["True", "True", "False", "CFunctionType", "CFunctionType", "function"]


@pytest.mark.skipif(not machine_code.MAPPED.exists(), reason="only Linux says what is mapped where")
def test_who_has_bound_the_image_keeps_no_memory_for_the_linker(warmed: Shelf) -> None:
    before, after = map(int, bound_in_a_process(warmed, RESIDENT))

    assert after < before / 10


def test_an_image_without_kernels_leaves_them_to_numba(warmed: Shelf, tmp_path: Path) -> None:
    found = image_of(warmed)
    assert found is not None
    shelf = Shelf(tmp_path / "circuits")
    image_file(shelf).write_bytes(Image(found.made_for, {}, b"").written())

    answers = bound_in_a_process(shelf)

    assert answers == ["True", "True", "True", "CPUDispatcher", "CPUDispatcher", "CPUDispatcher"]


def test_an_image_that_cannot_be_bound_is_found_out_by_a_process_of_its_own(warmed: Shelf, tmp_path: Path) -> None:
    found = image_of(warmed)
    assert found is not None
    broken = tmp_path / "broken"
    broken.write_bytes(Image(found.made_for, found.kernels, found.code[: len(found.code) // 2]).written())

    assert warming._can_be_bound(image_file(warmed))
    assert not warming._can_be_bound(broken)


def test_other_sources_versions_or_processors_are_compiled_anew(warmed: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_processor", lambda: "another one")

    assert not is_warm(warmed)


def with_checksum(rest: bytes) -> bytes:
    return MAGIC + hashlib.sha256(rest).digest() + rest


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[:1000] + bytes((whole[1000] ^ 1,)) + whole[1001:],
        lambda whole: b"another." + whole[8:],
        lambda whole: with_checksum(b"\xff{\n" + whole[40:]),
        lambda whole: with_checksum(b"[]\n"),
        lambda whole: with_checksum(b'{"for": "me", "kernels": {"decide": 3}}\n'),
        lambda whole: with_checksum(b'{"for": "me", "kernels": {}}\n'),
    ],
)
def test_an_image_that_is_damaged_or_for_another_machine_is_not_believed(
    warmed: Shelf, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    shelf = Shelf(tmp_path / "circuits")
    image_file(shelf).write_bytes(spoil(image_file(warmed).read_bytes()))

    assert not is_warm(shelf)
    assert not warming.bind(shelf)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_an_image_that_others_can_write_to_is_not_believed(warmed: Shelf, tmp_path: Path, mode: int) -> None:
    shelf = Shelf(tmp_path / "circuits")
    image_file(shelf).write_bytes(image_file(warmed).read_bytes())
    image_file(shelf).chmod(mode)

    assert not is_warm(shelf)


def test_a_link_to_an_image_is_not_followed(warmed: Shelf, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "circuits")
    image_file(shelf).symlink_to(image_file(warmed))

    assert not is_warm(shelf)


def test_without_numba_there_is_nothing_to_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "has_kernels", lambda: False)
    shelf = Shelf(tmp_path / "circuits")

    assert begin_to_warm(shelf) is None
    assert not warm(shelf)
