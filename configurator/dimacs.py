"""Reads rules as DIMACS CNF (`p cnf variables clauses`), with names from comments (`c 17 Hook`), faults with lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from configurator.catalogue import ALWAYS
from configurator.engine.formula import Clause
from configurator.faults import Fault, FaultList
from configurator.rules import CompiledRule, RuleBook

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
VARIABLES_MAX: Final = 1_000_000
CLAUSES_MAX: Final = 2_000_000
"""Industrial rule sets have some hundred thousand; each clause here is a value of its own."""
_HEADER: Final = re.compile(r"p\s+cnf\s+(\d{1,9})\s+(\d{1,9})\s*\Z")
_NAME: Final = re.compile(r"c\s+(\d{1,9})\$?\s+(\S.*)\Z")
_LITERAL: Final = re.compile(r"-?[0-9]{1,9}\Z")


def read_dimacs_file(path: Path) -> tuple[RuleBook | None, tuple[Fault, ...]]:
    """Read a file; the faults name it by its file name."""
    if not path.is_file():
        return None, (Fault(path.name, 0, "is no file that can be read"),)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            return None, (Fault(path.name, 0, f"is larger than {FILE_BYTES_MAX} bytes"),)
        return read_dimacs(path.read_text(encoding="utf-8", errors="replace"), file=path.name)
    except OSError as error:
        return None, (Fault(path.name, 0, f"cannot be read: {error.strerror}"),)


def read_dimacs(text: str, *, file: str = "rules.cnf") -> tuple[RuleBook | None, tuple[Fault, ...]]:
    """Read DIMACS text: every clause is a rule `C<number>` with its line; a variable without a name is its number."""
    reader = _Reader(file)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("%") or reader.has_enough:
            break
        reader.take(number, line.strip())
    return reader.finished()


class _Reader:
    """Takes one line after another."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._faults = FaultList()
        self._names: dict[int, tuple[str, int]] = {}
        self._header: tuple[int, int] | None = None
        self._header_line = 0
        self._rules: list[CompiledRule] = []
        self._open: list[int] = []
        self._open_line = 0

    @property
    def has_enough(self) -> bool:
        """Say whether reading on would only take memory."""
        return len(self._rules) > CLAUSES_MAX

    def take(self, number: int, line: str) -> None:
        if not line:
            return
        if line[0] == "c":
            if (named := _NAME.match(line)) is not None:
                self._names.setdefault(int(named[1]), (named[2], number))
        elif line[0] == "p":
            self._take_header(number, line)
        elif self._header is None:
            self._faults.add(self._file, number, "a line `p cnf <variables> <clauses>` must come first")
        else:
            self._take_literals(number, line)

    def _take_header(self, number: int, line: str) -> None:
        match = _HEADER.match(line)
        if match is None:
            self._faults.add(self._file, number, "the header is written `p cnf <variables> <clauses>`")
            self._header = self._header or (VARIABLES_MAX, -1)
        elif self._header is not None:
            self._faults.add(self._file, number, f"a second header; the first stands on line {self._header_line}")
        elif int(match[1]) > VARIABLES_MAX:
            self._faults.add(self._file, number, f"more than {VARIABLES_MAX} variables")
            self._header = (VARIABLES_MAX, -1)
        else:
            self._header, self._header_line = (int(match[1]), int(match[2])), number

    def _take_literals(self, number: int, line: str) -> None:
        assert self._header is not None
        for word in line.split():
            if _LITERAL.match(word) is None:
                self._fault_in_clause(number, f"'{word[:20]}' is no number")
                continue
            literal = int(word)
            if abs(literal) > self._header[0]:
                self._fault_in_clause(number, f"variable {abs(literal)} is beyond {self._header[0]}")
            elif literal:
                self._open_line = self._open_line or number
                self._open.append(literal)
            elif not self.has_enough:
                self._close(number)

    def _fault_in_clause(self, number: int, reason: str) -> None:
        self._faults.add(self._file, number, reason)
        self._open_line = self._open_line or number

    def _close(self, number: int) -> None:
        line = self._open_line or number
        clause = tuple(dict.fromkeys(self._open))
        if not clause and not self._open_line:
            self._faults.add(self._file, line, "an empty clause: nothing could ever be built")
        self._rules.append(CompiledRule(f"C{len(self._rules) + 1}", (clause,), ALWAYS, line))
        self._open, self._open_line = [], 0

    def finished(self) -> tuple[RuleBook | None, tuple[Fault, ...]]:
        if self._open and not self.has_enough:
            self._faults.add(self._file, self._open_line, "a clause does not end with 0")
        if self._header is None:
            if not self._faults:
                self._faults.add(self._file, 0, "has no header `p cnf <variables> <clauses>`")
            return None, self._faults.sorted()
        variables, clauses = self._header
        if self.has_enough:
            self._faults.add(self._file, self._header_line, f"more than {CLAUSES_MAX} clauses")
        elif clauses >= 0 and clauses != len(self._rules):
            reason = f"announces {clauses} clauses and has {len(self._rules)}"
            self._faults.add(self._file, self._header_line, reason)
        if self._faults or variables == 0:
            if variables == 0:
                self._faults.add(self._file, self._header_line, "announces no variables")
            return None, self._faults.sorted()
        return self._book(variables), self._faults.sorted()

    def _book(self, variables: int) -> RuleBook | None:
        names: dict[str, int] = {}
        for variable in range(1, variables + 1):
            name, line = self._names.get(variable, (str(variable), 0))
            if name in names:
                self._faults.add(self._file, line, f"the name '{name}' is that of variable {names[name]} already")
            names[name] = variable
        if self._faults:
            return None
        rules = tuple(rule for rule in self._rules if not _is_tautology(rule.clauses[0]))
        return RuleBook(tuple(names), names, (), rules, (), {}, variables)


def _is_tautology(clause: Clause) -> bool:
    literals = frozenset(clause)
    return any(-literal in literals for literal in literals)
