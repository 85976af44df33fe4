"""Machine code is never run for other sources than it was made from, also where numba itself would take it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numba
import pytest

from kernel.compiled_code import digest_of, kept_for

ROOT: Final = Path(__file__).parents[2]
KERNEL: Final = """
import sys
from pathlib import Path
from numba import njit
from kernel.compiled_code import kept_for
import numbers_of_it

def first() -> int:
    return numbers_of_it.FIRST

here = Path(__file__).parent
with kept_for([here / "kernel_of_it.py", here / "numbers_of_it.py"]):
    compiled = njit("int64()", cache=True)(first)
print(compiled(), sum(compiled.stats.cache_hits.values()))
"""


def answered(folder: Path, **more: str) -> list[int]:
    """Run the kernel in a process of its own: what it answers, and how often code was found on the disk."""
    path = os.pathsep.join((str(ROOT), str(folder)))
    environment = {**os.environ, "NUMBA_CACHE_DIR": "", "PYTHONPATH": path, **more}
    command = [sys.executable, str(folder / "kernel_of_it.py")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment)
    return [int(word) for word in ran.stdout.split()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kernel_of_it.py").write_text(KERNEL, encoding="utf-8")
    (tmp_path / "numbers_of_it.py").write_text("FIRST = 17\n", encoding="utf-8")
    return tmp_path


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("compiled-*"))


def test_a_number_that_has_changed_in_another_file_is_seen(folder: Path) -> None:
    assert answered(folder) == [17, 0]
    assert answered(folder) == [17, 1]

    (folder / "numbers_of_it.py").write_text("FIRST = 18\n", encoding="utf-8")

    assert answered(folder) == [18, 0]
    assert answered(folder) == [18, 1]


def test_code_of_older_sources_is_removed_once_nobody_can_be_writing_it(folder: Path) -> None:
    answered(folder)
    (first,) = kept(folder)
    (folder / "numbers_of_it.py").write_text("FIRST = 18\n", encoding="utf-8")
    answered(folder)
    assert len(kept(folder)) == 2
    os.utime(first, (0, 0))

    (folder / "numbers_of_it.py").write_text("FIRST = 19\n", encoding="utf-8")
    answered(folder)

    assert len(kept(folder)) == 2
    assert first not in kept(folder)


def test_where_numba_is_told_to_keep_its_code_this_is_kept_as_well(folder: Path) -> None:
    assert answered(folder, NUMBA_CACHE_DIR=str(folder / "there")) == [17, 0]

    assert [path.parents[1] for path in kept(folder)] == [folder / "there"]


def test_where_nothing_may_be_written_beside_the_sources_the_users_folder_serves(folder: Path) -> None:
    (folder / "__pycache__").write_text("no folder", encoding="utf-8")
    caches = folder / "caches"

    assert answered(folder, XDG_CACHE_HOME=str(caches)) == [17, 0]
    assert answered(folder, XDG_CACHE_HOME=str(caches)) == [17, 1]

    assert [path.is_relative_to(caches / "muster") for path in kept(folder)] == [True]


def test_the_digest_is_of_what_the_sources_say_in_any_order(tmp_path: Path) -> None:
    one, other = tmp_path / "a.py", tmp_path / "b.py"
    one.write_text("x = 1", encoding="utf-8")
    other.write_text("y = 1", encoding="utf-8")
    first = digest_of([one, other])

    assert digest_of([other, one]) == first
    one.write_text("x = 1y = 1", encoding="utf-8")
    other.write_text("", encoding="utf-8")
    assert digest_of([one, other]) != first


def test_numbas_own_setting_is_as_before_afterwards(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("", encoding="utf-8")
    settings: Any = numba.config
    before = settings.CACHE_DIR

    with kept_for([source]):
        meanwhile = settings.CACHE_DIR

    assert Path(meanwhile).parent == tmp_path / "__pycache__"
    assert before == settings.CACHE_DIR
