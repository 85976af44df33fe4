"""Takes up the rules of any brand for a report: a catalogue folder, a bare UVL file, a DIMACS file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from configurator.catalogue_files import UVL, inspect_folder
from configurator.definitions import TooManyHelpers
from configurator.dimacs import read_dimacs_file
from configurator.faults import Fault
from configurator.report_subject import Subject, subject_of_catalogue, subject_of_clauses, subject_of_model
from configurator.uvl import read_uvl_file

CLAUSE_FILES: Final = frozenset((".dimacs", ".cnf"))


def is_readable_kind(path: Path) -> bool:
    """Say whether rules can stand there at all: in a folder, or in a file of a known kind."""
    return path.is_dir() or path.suffix == ".uvl" or path.suffix in CLAUSE_FILES


def take_up(path: Path) -> tuple[Subject | None, tuple[Fault, ...]]:
    """Read what stands at a path; None with the faults where it is not sound."""
    if path.is_dir():
        catalogue, faults = inspect_folder(path)
        return (None if catalogue is None or faults else subject_of_catalogue(catalogue, file=UVL)), faults
    if path.suffix in CLAUSE_FILES:
        book, faults = read_dimacs_file(path)
        return (None if book is None else subject_of_clauses(book, file=path.name)), faults
    if path.suffix == ".uvl":
        return _model_at(path)
    return None, (Fault(path.name, 0, "is neither a folder nor a .uvl, .dimacs or .cnf file"),)


def _model_at(path: Path) -> tuple[Subject | None, tuple[Fault, ...]]:
    reading = read_uvl_file(path)
    if reading.model is None or reading.faults:
        return None, reading.faults
    try:
        return subject_of_model(reading.model, file=path.name), ()
    except TooManyHelpers as trouble:
        return None, (Fault(path.name, 0, str(trouble)),)
