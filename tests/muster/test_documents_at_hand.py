"""Trusted documents: what a folder gives the server, and what stops its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.documents_at_hand import check_trusted_documents, trusted_documents
from muster.settings import SettingError, Settings, read_settings

BRAND = "query Brand { brand { code } }"


def settings(folder: Path | str) -> Settings:
    return read_settings({"MUSTER_DEMO": "1", "MUSTER_TRUSTED_DOCUMENTS": str(folder)})


def test_every_document_of_the_folder_and_of_those_in_it_is_trusted(tmp_path: Path) -> None:
    deeper = tmp_path / "pages"
    deeper.mkdir()
    (deeper / "brand.graphql").write_text(BRAND)
    (tmp_path / "name.graphql").write_text("{ brand { name } }")
    (tmp_path / "notes.txt").write_text("no document")

    assert trusted_documents(settings(tmp_path)) == ("{ brand { name } }", BRAND)
    check_trusted_documents(settings(tmp_path))


def test_without_the_setting_every_document_is_answered() -> None:
    assert trusted_documents(settings("")) == ()
    check_trusted_documents(settings(""))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "there is no .graphql file"),
        ("{ brand { colour } }", "Cannot query field 'colour'"),
        ("query {", "Syntax Error"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_folder_from_which_nothing_could_be_answered_stops_the_start(
    tmp_path: Path, text: str | bytes | None, says: str
) -> None:
    if text is not None:
        (tmp_path / "one.graphql").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(SettingError, match=says) as caught:
        check_trusted_documents(settings(tmp_path))

    assert "MUSTER_TRUSTED_DOCUMENTS" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"no folder {tmp_path / 'gone'}"):
        trusted_documents(settings(tmp_path / "gone"))
