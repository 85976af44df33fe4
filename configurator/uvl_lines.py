"""Takes a UVL text apart into logical lines: without comments, joined while a bracket is open, with their rule ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from configurator.faults import FaultList

RULE_ID: Final = re.compile(r"([A-Z][A-Z_]{0,15}\d{1,8}[a-z]?)\b")
_PIECE: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*"|//[^\n]*|/\*|\*/|[{}()]|[^'"/*{}()]+|.""")


@dataclass(slots=True)
class Line:
    """A logical line: text without comments, and the comment that stood alone above it."""

    number: int
    indent: int
    text: str
    comment: str


def logical_lines(text: str, file: str, faults: FaultList) -> list[Line]:
    """Strip comments and join lines while a brace or parenthesis is open."""
    lines: list[Line] = []
    goes_on: list[str] = []
    comment, open_braces, in_block = "", 0, 0
    indented_by: dict[str, int] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        body, note, depth, in_block = _without_comments(raw, number, in_block)
        if not body.strip():
            comment = note if note and not RULE_ID.match(comment) else comment
            continue
        if open_braces > 0 and lines:
            goes_on.append(body.strip())
        else:
            _join(lines, goes_on)
            indent = len(body) - len(body.lstrip())
            for sign in body[:indent]:
                indented_by.setdefault(sign, number)
            lines.append(Line(number, indent, body.strip(), comment))
        comment = ""
        open_braces += depth
        if open_braces < 0:
            faults.add(file, number, "a bracket is closed that was never opened")
            open_braces = 0
    _join(lines, goes_on)
    if in_block:
        faults.add(file, in_block, "a comment `/*` is never closed")
    if open_braces > 0:
        faults.add(file, lines[-1].number, "a bracket is opened here and never closed")
    if {" ", "\t"} <= indented_by.keys():
        at = max(indented_by[" "], indented_by["\t"])
        faults.add(file, at, "mixes tabs and spaces for indentation; use one of them in the whole file")
    return lines


def _join(lines: list[Line], goes_on: list[str]) -> None:
    """Put what goes on over several lines behind the last one, all at once: a long list would take long bit by bit."""
    if goes_on:
        lines[-1].text = " ".join((lines[-1].text, *goes_on))
        goes_on.clear()


def _without_comments(raw: str, number: int, in_block: int) -> tuple[str, str, int, int]:
    """Return the line without comments, its `//` comment, its surplus of open brackets, and the open block's line."""
    if not in_block and "/" not in raw and "{" not in raw and "(" not in raw and "}" not in raw and ")" not in raw:
        return raw, "", 0, 0
    kept: list[str] = []
    note, depth = "", 0
    for piece in _PIECE.findall(raw):
        if in_block:
            in_block = 0 if piece == "*/" else in_block
        elif piece == "/*":
            in_block = number
        elif piece.startswith("//"):
            note = piece[2:].strip()
        else:
            depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(piece, 0)
            kept.append(piece)
    return "".join(kept), note, depth, in_block
