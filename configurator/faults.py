"""A fault in a catalogue file: which file, which line, what is wrong, in words that let a person mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FAULTS_MAX: Final = 200
"""A reader stops collecting here: whoever has two hundred faults mends those first."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong in one file; `line` counts from 1, 0 means the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class FaultList:
    """Collects faults up to a ceiling, so one reading names all of them and not only the first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._seen: set[Fault] = set()

    def add(self, file: str, line: int, reason: str) -> None:
        """Note a fault once; past the ceiling nothing more is kept."""
        fault = Fault(file, line, reason)
        if fault not in self._seen and len(self._faults) < FAULTS_MAX:
            self._seen.add(fault)
            self._faults.append(fault)

    def __len__(self) -> int:
        return len(self._faults)

    def names(self, file: str) -> bool:
        """Say whether something is wrong in a file."""
        return any(fault.file == file for fault in self._faults)

    def sorted(self) -> tuple[Fault, ...]:
        """Return the faults by file and line."""
        return tuple(sorted(self._faults))
