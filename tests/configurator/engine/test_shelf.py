"""The folder of compiled rules: bounded, private, one maker at a time, and never believed blindly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configurator.engine import shelf as shelves
from configurator.engine.artefact import Artefact
from configurator.engine.shelf import Shelf
from tests.configurator.engine.artefacts import made_here, small_blueprint

LOCKED = """
import sys, time
from pathlib import Path
from configurator.engine.shelf import Shelf

with Shelf(Path(sys.argv[1])).making("it"):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "circuits")


def artefact(number: int) -> Artefact:
    return made_here(small_blueprint((number % 5 + 1, -(number // 5 % 5 + 1))))


def test_what_was_put_is_found_and_nothing_else(shelf: Shelf) -> None:
    shelf.put(artefact(1))

    found = shelf.find(artefact(1).key)
    assert found is not None
    assert found.key == artefact(1).key
    assert shelf.find(artefact(2).key) is None


def test_what_does_not_verify_is_not_found_and_is_put_anew(shelf: Shelf) -> None:
    shelf.put(artefact(1))
    path = shelf.path(artefact(1).key)
    path.write_bytes(b"poison" * 1_000)

    assert shelf.find(artefact(1).key) is None
    shelf.put(artefact(1))

    assert shelf.find(artefact(1).key) is not None


@pytest.mark.parametrize("foreign", ["a folder", "a link", "a pipe"])
def test_what_a_foreign_hand_left_in_the_place_gives_way(shelf: Shelf, tmp_path: Path, foreign: str) -> None:
    path = shelf.path(artefact(1).key)
    match foreign:
        case "a folder":
            path.mkdir()
        case "a link":
            path.symlink_to(tmp_path / "elsewhere")
        case _:
            os.mkfifo(path)

    assert shelf.find(artefact(1).key) is None
    shelf.put(artefact(1))

    assert shelf.find(artefact(1).key) is not None
    assert not (tmp_path / "elsewhere").exists()


def test_the_folder_is_nobody_elses(shelf: Shelf) -> None:
    assert oct(shelf.folder.stat().st_mode & 0o777) == oct(0o700)


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "everybodys"
    folder.mkdir()
    folder.chmod(0o777)

    shelf = Shelf(folder)
    shelf.put(artefact(1))

    assert shelf.folder != folder
    assert shelf.find(artefact(1).key) is not None
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_replaced_by_one_for_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    shelf = Shelf(tmp_path / "file" / "circuits")
    shelf.put(artefact(1))

    assert shelf.find(artefact(1).key) is not None


def test_beyond_its_bytes_the_ones_used_longest_ago_are_thrown_away(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "circuits", megabytes_max=1)
    made = [artefact(number) for number in range(4)]
    for age, one in enumerate(made[:3]):
        shelf.put(one)
        with shelf.path(one.key).open("r+b") as file:
            file.truncate(400_000)
        os.utime(shelf.path(one.key), (1_000 + age, 1_000 + age))

    shelf.put(made[3])

    assert [shelf.path(one.key).exists() for one in made] == [False, True, True, True]


def test_a_question_makes_an_artefact_one_that_was_used_just_now(shelf: Shelf) -> None:
    shelf.put(artefact(1))
    os.utime(shelf.path(artefact(1).key), (1_000, 1_000))

    shelf.find(artefact(1).key)

    assert time.time() - shelf.path(artefact(1).key).stat().st_mtime < 60


def test_what_a_crash_left_is_thrown_away_after_an_hour(shelf: Shelf) -> None:
    fresh, old = shelf.folder / "one.partial", shelf.folder / "other.partial"
    for path in (fresh, old):
        path.write_bytes(b"half")
    long_ago = time.time() - shelves.ABANDONED_SECONDS - 1
    os.utime(old, (long_ago, long_ago))

    shelf.put(artefact(1))

    assert (fresh.exists(), old.exists()) == (True, False)


def test_one_process_makes_a_thing_and_its_end_by_force_lets_the_next_one(shelf: Shelf) -> None:
    with subprocess.Popen([sys.executable, "-c", LOCKED, shelf.folder], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"

        with shelf.making("it", waits=False) as mine:
            assert not mine
        with shelf.making("something else", waits=False) as mine:
            assert mine
        other.kill()
        other.wait()

        with shelf.making("it", waits=False) as mine:
            assert mine
