"""The committed schema is the one that is built, and what breaks its users is refused unless they were warned."""

from __future__ import annotations

import subprocess

import pytest
from graphql import build_schema

from graph.sdl import COMMITTED, breaking_changes, print_sdl

OLD = """
type Query { car(code: String): Car  plate: String @deprecated(reason: "use car") }
type Car { name: String!  colour: String }
enum Size { SMALL LARGE @deprecated(reason: "gone") }
input Wish { text: String }
"""


def test_the_committed_schema_is_what_the_code_says() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == print_sdl()


def test_a_type_says_all_that_is_said_of_it() -> None:
    schema = build_schema(print_sdl())

    conflict, reading = schema.type_map["LimitConflict"], schema.type_map["NearestPoolsInput"]

    assert "`ordersInAll`" in (conflict.description or "")
    assert "`storeId`" in (reading.description or "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  colour: String }", " }"),
        ("name: String!", "name: String"),
        ("enum Size { SMALL", "enum Size {"),
        ("input Wish { text: String }", "input Wish { text: String other: Int! }"),
        ("car(code: String)", "car(code: String, model: String!)"),
    ],
)
def test_a_change_that_breaks_users_is_named(old: str, new: str) -> None:
    assert len(breaking_changes(OLD, OLD.replace(old, new))) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('plate: String @deprecated(reason: "use car")', ""),
        (' LARGE @deprecated(reason: "gone")', ""),
        ("colour: String", "colour: String extra: Int"),
        ("input Wish { text: String }", "input Wish { text: String other: Int = 3 }"),
    ],
)
def test_a_change_that_users_were_warned_of_or_do_not_notice_is_fine(old: str, new: str) -> None:
    assert breaking_changes(OLD, OLD.replace(old, new)) == []


def test_nothing_has_been_broken_since_the_last_release() -> None:
    """The last release is the newest tag; before the first one there is nothing to break."""
    tags = subprocess.run(
        ["git", "tag", "--sort=-creatordate", "--list", "v*"], capture_output=True, text=True, check=False
    ).stdout.split()
    old = (
        subprocess.run(
            ["git", "show", f"{tags[0]}:graph/schema.graphql"], capture_output=True, text=True, check=False
        ).stdout
        if tags
        else ""
    )

    assert breaking_changes(old or print_sdl(), print_sdl()) == []
