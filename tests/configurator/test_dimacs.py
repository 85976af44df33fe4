"""The DIMACS reader: what it reads, every fault with its line, and the public files where they are at hand."""

from __future__ import annotations

import pytest

from configurator.dimacs import read_dimacs
from tests.configurator.enumeration import cars_of

WHOLE = """\
c a small car
c 1 Car
c 2 Hook
p cnf 3 3
1 0
-2 1 0 -2
-3 0
"""


def test_names_come_from_comments_and_clauses_are_rules_with_their_line() -> None:
    book, faults = read_dimacs(WHOLE)

    assert faults == ()
    assert book is not None
    assert book.features == ("Car", "Hook", "3")
    assert [(rule.code, rule.clauses, rule.line) for rule in book.rules] == [
        ("C1", ((1,),), 5),
        ("C2", ((-2, 1),), 6),
        ("C3", ((-2, -3),), 6),
    ]
    assert sorted(map(sorted, cars_of(book))) == [["3", "Car"], ["Car"], ["Car", "Hook"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, "has no header `p cnf <variables> <clauses>`")),
        ("1 0\n", (1, "a line `p cnf <variables> <clauses>` must come first")),
        ("p dnf 1 1\n1 0\n", (1, "the header is written `p cnf <variables> <clauses>`")),
        ("p cnf 1 0\np cnf 1 0\n", (2, "a second header; the first stands on line 1")),
        ("p cnf 0 0\n", (1, "announces no variables")),
        ("p cnf 2000000 0\n", (1, "more than 1000000 variables")),
        ("p cnf 2 1\n1 x 0\n", (2, "'x' is no number")),
        ("p cnf 2 1\n1 -3 0\n", (2, "variable 3 is beyond 2")),
        ("p cnf 2 2\n1 0\n", (1, "announces 2 clauses and has 1")),
        ("p cnf 2 1\n1\n2\n", (2, "a clause does not end with 0")),
        ("p cnf 2 1\n0\n", (2, "an empty clause: nothing could ever be built")),
        ("c 1 A\nc 2 A\np cnf 2 0\n", (2, "the name 'A' is that of variable 1 already")),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, expected: tuple[int, str]) -> None:
    book, faults = read_dimacs(text)

    assert book is None
    assert expected in [(fault.line, fault.reason) for fault in faults]


def test_all_faults_are_named_and_not_only_the_first() -> None:
    _, faults = read_dimacs("p cnf 2 2\n9 0\ny 0\n")

    assert [fault.line for fault in faults] == [2, 3]
