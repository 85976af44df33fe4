"""A file of a compiled formula is believed only where all of it verifies; anything else is as if it were not there."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.engine import artefact as form
from configurator.engine import circuit as at
from configurator.engine.artefact import Artefact, Blueprint, Unsound, read_artefact, write_artefact
from configurator.engine.circuit import Circuit
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.formula import Formula
from configurator.engine.shelf import Shelf
from configurator.engine.soundness import is_sound
from tests.configurator.engine.artefacts import demo_blueprint, made_here, small_blueprint
from tests.configurator.engine.naive_compiler import formulas

PAGE = 4_096


@cache
def demo_artefact() -> Artefact:
    return made_here(demo_blueprint())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rules.circuit"


def circuit_of(found: Artefact) -> Circuit:
    assert found.circuit is not None
    return found.circuit


def with_checksum(content: bytes) -> bytes:
    """Return a file's bytes with the checksum that whoever forges it would write."""
    head = form.HEAD.size - form.CHECKSUM_BYTES
    return content[:head] + form._checksum(content) + content[form.HEAD.size :]


def with_number(found: Artefact, place: int, number: int) -> Artefact:
    block = circuit_of(found).block.copy()
    block[place] = number
    return replace(found, circuit=Circuit(block))


def test_what_was_written_is_read_back_mapped_and_read_only(path: Path) -> None:
    written = demo_artefact()

    write_artefact(path, written)
    found = read_artefact(path, written.key)

    assert (found.key, found.choice) == (written.key, written.choice)
    block = circuit_of(found).block
    assert np.array_equal(block, circuit_of(written).block)
    assert not block.flags.writeable
    assert not block.flags.owndata
    assert oct(path.stat().st_mode & 0o777) == oct(0o600)


def test_a_formula_that_no_compiler_managed_has_a_file_without_a_circuit(path: Path) -> None:
    written = replace(made_here(small_blueprint()), circuit=None)

    write_artefact(path, written)

    assert read_artefact(path, written.key) == written


def test_a_file_that_ends_at_any_page_is_not_believed(path: Path) -> None:
    written = demo_artefact()
    write_artefact(path, written)
    content = path.read_bytes()
    assert len(content) > 20 * PAGE

    for end in [*range(0, len(content), PAGE), *range(form.HEAD.size + 1), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(Unsound):
            read_artefact(path, written.key)


def test_a_longer_file_is_not_believed(path: Path) -> None:
    written = made_here(small_blueprint())
    write_artefact(path, written)
    path.write_bytes(path.read_bytes() + bytes(4))

    with pytest.raises(Unsound, match="length"):
        read_artefact(path, written.key)


@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("changed") / "rules.circuit"
    written = made_here(small_blueprint())
    write_artefact(path, written)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    with pytest.raises(Unsound):
        read_artefact(path, written.key)


def test_a_file_of_another_formula_is_not_believed(path: Path) -> None:
    write_artefact(path, made_here(small_blueprint()))

    with pytest.raises(Unsound, match="another formula"):
        read_artefact(path, small_blueprint((1, 3)).key)


@pytest.mark.parametrize("place", [0, 8, 12], ids=["magic", "version", "order"])
def test_a_file_of_another_version_is_not_believed_although_its_checksum_is_right(path: Path, place: int) -> None:
    written = made_here(small_blueprint())
    write_artefact(path, written)
    content = bytearray(path.read_bytes())
    content[place : place + 4] = struct.pack("=I", struct.unpack_from("=I", content, place)[0] + 1)
    path.write_bytes(with_checksum(bytes(content)))

    with pytest.raises(Unsound, match="version"):
        read_artefact(path, written.key)


def test_a_file_whose_words_are_no_choice_is_not_believed_although_its_checksum_is_right(path: Path) -> None:
    written = made_here(small_blueprint())
    write_artefact(path, written)
    path.write_bytes(with_checksum(path.read_bytes().replace(b'"circuit_fits"', b'"because I say"'[:14])))

    with pytest.raises(Unsound, match="how it was made"):
        read_artefact(path, written.key)


def test_the_layouts_sources_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = small_blueprint().key

    monkeypatch.setattr(form, "_layout", lambda: "another")

    assert small_blueprint().key != before


def test_what_weights_may_name_is_part_of_the_key() -> None:
    formula = Formula(1, 2, ((-1, 2), (1, -2)), ())

    assert Blueprint(formula, frozenset({2})).key != Blueprint(formula).key


# --- whose file it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_to_is_not_believed(path: Path, mode: int) -> None:
    written = made_here(small_blueprint())
    write_artefact(path, written)
    path.chmod(mode)

    with pytest.raises(Unsound, match="ours alone"):
        read_artefact(path, written.key)


def test_a_file_of_somebody_else_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = made_here(small_blueprint())
    write_artefact(path, written)
    owner = path.stat().st_uid
    if owner == 0:
        os.chown(path, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(Unsound, match="ours alone"):
        read_artefact(path, written.key)


def test_neither_a_link_nor_a_pipe_nor_a_folder_is_followed(path: Path, tmp_path: Path) -> None:
    written = made_here(small_blueprint())
    write_artefact(tmp_path / "real", written)
    path.symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic links"):
        read_artefact(path, written.key)
    path.unlink()

    os.mkfifo(path)
    with pytest.raises(Unsound, match="ours alone"):
        read_artefact(path, written.key)
    path.unlink()

    path.mkdir()
    with pytest.raises(Unsound, match="ours alone"):
        read_artefact(path, written.key)


# --- a forged circuit ------------------------------------------------------------------------------------------------


@given(formulas())
def test_every_circuit_that_we_make_is_sound(formula: Formula) -> None:
    assert is_sound(circuit_of(made_here(Blueprint(formula))).block)


def test_the_demo_brands_circuit_is_sound() -> None:
    assert is_sound(circuit_of(demo_artefact()).block)


@given(st.data())
def test_a_forged_number_is_seen_or_keeps_every_walk_inside(data: st.DataObject) -> None:
    block = circuit_of(demo_artefact()).block.copy()
    place = data.draw(st.integers(0, len(block) - 1))
    block[place] = data.draw(st.sampled_from((-(1 << 31), -4, -1, 0, 1, 7, 1 << 20, (1 << 31) - 1)))
    harmless = [at.CODE_OF, at.MEMBER, at.HOME_FREE]
    inside = any(block[at.SECTIONS] <= place and _inside(block, name, place) for name in harmless)

    sound = is_sound(block)

    assert inside or not sound or np.array_equal(block, circuit_of(demo_artefact()).block) or place < at.SECTIONS


def _inside(block: np.ndarray[tuple[int], np.dtype[np.int32]], name: int, place: int) -> bool:
    return bool(block[name] <= place < block[name + 1])


@pytest.mark.parametrize("number", [-1, 1 << 30])
@pytest.mark.parametrize(
    "section",
    [at.NODE_FIRST, at.OWNER, at.CHILD_FIRST, at.CHILD, at.PARENT, at.USER, at.CODE, at.HOME, at.HOME_FIRST],
)
def test_a_number_that_leads_outside_is_seen(path: Path, section: int, number: int) -> None:
    written = demo_artefact()
    write_artefact(path, with_number(written, int(circuit_of(written).block[section]), number))

    with pytest.raises(Unsound, match="no circuit"):
        read_artefact(path, written.key)


def test_a_circuit_that_leads_back_up_is_seen() -> None:
    found = circuit_of(demo_artefact())
    child = int(found.block[at.CHILD])

    assert not is_sound(with_number(demo_artefact(), child, 0).circuit.block)  # type: ignore[union-attr]


@pytest.mark.parametrize("length", [0, 1, at.END, at.END + 1])
def test_too_few_numbers_are_no_circuit(length: int) -> None:
    assert not is_sound(circuit_of(demo_artefact()).block[:length])


# --- crashes ---------------------------------------------------------------------------------------------------------

CRASH = """
import os, signal, sys
from pathlib import Path
from configurator.engine import artefact as form
from tests.configurator.engine.artefacts import made_here, small_blueprint

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before the rename":
    Path.replace = die
else:
    os.fsync = die
form.write_artefact(Path(sys.argv[1]), made_here(small_blueprint()))
"""


@pytest.mark.parametrize("moment", ["before the disk has it", "before the rename"])
def test_a_crash_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path, moment: str) -> None:
    shelf = Shelf(tmp_path / "circuits")
    key = small_blueprint().key
    old = made_here(small_blueprint())
    shelf.put(old)
    content = shelf.path(key).read_bytes()

    crashed = subprocess.run([sys.executable, "-c", CRASH, shelf.path(key), moment], check=False)

    assert crashed.returncode == -signal.SIGKILL
    assert shelf.path(key).read_bytes() == content
    found = shelf.find(key)
    assert found is not None
    assert CircuitBackend(circuit_of(found)).count([]) == 3 * 7
    assert len(list(shelf.folder.glob("*.partial"))) == 1
