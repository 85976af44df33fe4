"""Nobody waits for numba's compiler: a child compiles the kernels ahead, and a stamp says for what that holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from configurator.engine import jit, warming
from configurator.engine.shelf import Shelf
from configurator.engine.warming import begin_to_warm, is_warm, kernel_modules, warm


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("warmed") / "circuits")
    assert not is_warm(shelf)
    assert warm(shelf)
    return shelf


def stamp_of(shelf: Shelf) -> Path:
    return shelf.folder / "kernels.json"


def test_the_modules_with_kernels_are_found_without_importing_them() -> None:
    assert set(kernel_modules()) == {*jit.ANSWERING, *jit.COMPILING}


def test_what_is_compiled_is_not_compiled_again(warmed: Shelf) -> None:
    assert is_warm(warmed)
    assert begin_to_warm(warmed) is None


def test_other_sources_versions_or_processors_are_compiled_anew(warmed: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_processor", lambda: "another one")

    assert not is_warm(warmed)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stamp: {**stamp, "files": [*stamp["files"], "/nowhere/kernels.nbi"]},
        lambda stamp: {**stamp, "files": []},
        lambda stamp: {**stamp, "files": 3},
        lambda stamp: {"for": stamp["for"]},
        lambda stamp: [],
        lambda stamp: "warm, believe me",
    ],
)
def test_a_stamp_that_says_too_little_or_too_much_is_not_believed(
    warmed: Shelf, tmp_path: Path, spoil: Callable[[dict[str, object]], object]
) -> None:
    shelf = Shelf(tmp_path / "circuits")
    stamp = json.loads(stamp_of(warmed).read_text(encoding="utf-8"))
    stamp_of(shelf).write_text(json.dumps(spoil(stamp)), encoding="utf-8")

    assert not is_warm(shelf)


def test_a_stamp_that_is_no_json_is_not_believed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "circuits")
    stamp_of(shelf).write_bytes(b"\xff{")

    assert not is_warm(shelf)


def test_without_numba_there_is_nothing_to_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "has_kernels", lambda: False)
    shelf = Shelf(tmp_path / "circuits")

    assert begin_to_warm(shelf) is None
    assert not warm(shelf)
