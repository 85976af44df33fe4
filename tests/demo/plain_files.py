"""Reads the demo's files with nothing but the csv module and line counting, apart from the product's own reader."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEMO: Final = Path(__file__).parents[2] / "muster" / "demo"
QILAN: Final = DEMO / "qilan"
BOREALIS: Final = DEMO / "borealis"
_RULE_ID: Final = re.compile(r"// ([A-Z]+\d+)\Z")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Group:
    """The children of one feature and the words of the group: `mandatory`, `alternative` or `[low..high]`."""

    parent: str
    word: str
    members: list[str]

    @property
    def bounds(self) -> tuple[int, int]:
        """Return how many members may be chosen at least and at most."""
        if self.word == "mandatory":
            return len(self.members), len(self.members)
        if self.word == "alternative":
            return 1, 1
        low, high = self.word.strip("[]").split("..")
        return int(low), int(high)


def read_groups(uvl: Path) -> list[Group]:
    """Return the groups of the feature tree, by indentation."""
    tree = uvl.read_text(encoding="utf-8").split("\nfeatures\n")[1].split("\nconstraints\n")[0]
    groups: list[Group] = []
    open_lines: list[tuple[int, str | Group]] = []
    for line in filter(str.strip, tree.splitlines()):
        indent, word = len(line) - len(line.lstrip()), line.replace("{abstract}", "").strip()
        while open_lines and open_lines[-1][0] >= indent:
            open_lines.pop()
        above = open_lines[-1][1] if open_lines else ""
        if isinstance(above, Group):
            above.members.append(word)
            open_lines.append((indent, word))
        elif above == "":
            open_lines.append((indent, word))
        else:
            groups.append(Group(above, word, []))
            open_lines.append((indent, groups[-1]))
    return groups


def read_constraints(uvl: Path) -> dict[str, str]:
    """Return the constraints by the rule id in the comment above each."""
    constraints: dict[str, str] = {}
    rule = ""
    for line in filter(str.strip, uvl.read_text(encoding="utf-8").split("\nconstraints\n")[1].splitlines()):
        if not line.strip().startswith("//"):
            assert rule not in constraints
            constraints[rule] = line.strip()
        elif match := _RULE_ID.search(line):
            rule = match[1]
    return constraints
