"""Reads the guides: their fenced blocks, and the remarks (HTML comments) that tell what happens between two of them.

A block is run when its first line says so: ```` ```graphql run as=consumer ````, ```` ```console run ````. After a
GraphQL block the first JSON block holds the variables where it has any, the next one an answer, shortened by `…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

ROOT: Final = Path(__file__).resolve().parents[2]
GUIDES: Final = tuple(sorted((ROOT / "docs" / "guides").glob("*.md")))
DOCUMENTS: Final = tuple(sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]))
ELLIPSIS: Final = "…"
_PIECE: Final = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$|<!-- story: ([\w ]+) -->", re.MULTILINE | re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"<([\w.]+)>")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, where it begins, and the JSON blocks that belong to a GraphQL one."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int
    json: list[Any] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Say whether the guide promises that it runs as it stands."""
        return "run" in self.words

    def word(self, name: str, default: str = "") -> str:
        """Return what stands after `name=` in the first line."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), default)


@dataclass(frozen=True, slots=True)
class Remark:
    """What happens between two blocks."""

    what: str


def read_guide(path: Path) -> list[Block | Remark]:
    """Return blocks and remarks in their order; JSON blocks go with the GraphQL block before them."""
    pieces: list[Block | Remark] = []
    asked: Block | None = None
    text = path.read_text(encoding="utf-8")
    for found in _PIECE.finditer(text):
        language, words, inner, remark = found.groups()
        if remark is not None:
            pieces.append(Remark(remark))
            continue
        line = text.count("\n", 0, found.start()) + 1
        if language == "json":
            value = orjson.loads(inner)
            if asked is not None:
                asked.json.append(value)
            continue
        block = Block(language, tuple(words.split()), inner, line)
        asked = block if language == "graphql" else None
        pieces.append(block)
    return pieces


def blocks_of(path: Path, language: str) -> Iterator[Block]:
    """Yield the blocks of one language."""
    return (one for one in read_guide(path) if isinstance(one, Block) and one.language == language)


def filled(value: Any, answers: dict[str, Any]) -> Any:
    """Return variables with every `<path.to.answer>` replaced by what was answered there."""
    match value:
        case dict():
            return {name: filled(one, answers) for name, one in value.items()}
        case list():
            return [filled(one, answers) for one in value]
        case str() if found := _PLACEHOLDER.fullmatch(value):
            return _at(answers, found[1])
        case _:
            return value


def _at(answers: Any, path: str) -> Any:
    for step in path.split("."):
        answers = answers[int(step)] if isinstance(answers, list) else answers[step]
    return answers


def differences(told: Any, got: Any, path: str = "") -> list[str]:
    """Return where an answer that a guide shows has another shape than the real one; values may differ."""
    match told:
        case _ if told == ELLIPSIS or got is None:
            return []
        case dict() if isinstance(got, dict):
            missing = [f"{path}.{name} is not answered" for name in told if name not in got]
            inner = [
                one for name in told if name in got for one in differences(told[name], got[name], f"{path}.{name}")
            ]
            return [*missing, *inner]
        case list() if isinstance(got, list):
            shown = [one for one in told if one != ELLIPSIS and not str(one).startswith(ELLIPSIS)]
            return [line for one, real in zip(shown, got, strict=False) for line in differences(one, real, f"{path}[]")]
        case _ if type(told) is type(got) or {type(told), type(got)} <= {int, float}:
            wrong = path.endswith(("__typename", ".code")) and path.count(".") < 3 and told != got
            return [f"{path} is {got!r}, not {told!r}"] if wrong else []
        case _:
            return [f"{path} is {got!r}, not {told!r}"]
